//! A key that holds something else than a session, as it does when an app uses one name twice.

use hipflask::store::{Deleted, Store, Touch};
use hipflask_servers::redis::ask;

use super::{HOUR, key, server, store_at};
use crate::unreadable::{ID, becomes_a_new_session};

#[tokio::test]
async fn it_is_a_broken_record_for_a_store() {
    let server = server();
    for options in ["", "?protocol=2"] {
        let store = store_at(&server, options).await;
        ask(server.port(), &["RPUSH", "session:list", "1"]).unwrap();
        for touch in [None, Some(Touch { ttl: HOUR, when_below: HOUR })] {
            for _ in 0..2 {
                let record = store.load(&key("session:list"), touch).await.unwrap().unwrap();
                assert!(record.payload.is_empty() && !record.touched);
            }
        }
        assert_eq!(store.delete(&key("session:list")).await.unwrap(), Deleted::Deleted);
        assert_eq!(store.load(&key("session:list"), None).await.unwrap(), None);
    }
}

#[tokio::test]
async fn it_leads_to_a_new_session() {
    let server = server();
    let store = store_at(&server, "").await;
    for command in [["HSET", "a", "1"], ["SADD", "a", "b"]] {
        let name = format!("session:{ID}");
        ask(server.port(), &[&[command[0], &*name], &command[1..]].concat()).unwrap();
        becomes_a_new_session(store.clone()).await;
    }
}
