//! The table as a whole, and what the client logs about it.

use std::{
    io::Write,
    sync::{Arc, Mutex},
    time::Duration,
};

use aws_sdk_dynamodb::types::TimeToLiveStatus;
use hipflask::store::{Record, RecordKey, Store};
use hipflask_servers::DynamoDb;
use tokio::time::{Instant, sleep};

use super::{HOUR, both, expiration, key, put, rig, since_epoch};

#[tokio::test]
async fn prepare_can_be_repeated_and_switches_removal_on() {
    for rig in both().await {
        rig.store.create(&key("a"), b"one", HOUR).await.unwrap();
        rig.store.prepare().await.unwrap();
        assert!(rig.store.load(&key("a"), None).await.unwrap().is_some());
        let describe = rig.client.describe_time_to_live().table_name("Sessions");
        let removal = describe.send().await.unwrap().time_to_live_description.unwrap();
        assert_eq!(removal.time_to_live_status, Some(TimeToLiveStatus::Enabled));
        assert_eq!(removal.attribute_name.as_deref(), Some("expiration"));
    }
}

#[tokio::test]
#[ignore = "the server looks for expired items once a minute"]
async fn expired_items_are_removed_by_the_server() {
    let rig = rig(DynamoDb::extenddb().unwrap()).await;
    rig.store.create(&key("dying"), b"one", Duration::from_secs(1)).await.unwrap();
    rig.store.create(&key("living"), b"one", HOUR).await.unwrap();
    let start = Instant::now();
    while expiration(&rig, &key("dying")).await.is_some() {
        assert!(start.elapsed() < Duration::from_secs(90), "the item was not removed");
        sleep(Duration::from_millis(500)).await;
    }
    assert!(rig.store.load(&key("living"), None).await.unwrap().is_some());
}

#[tokio::test]
async fn scan_and_purge_walk_the_table() {
    for rig in both().await {
        let store = &rig.store;
        let past = (since_epoch().as_secs() - 1).to_string();
        for n in 0..7 {
            store.create(&key(&format!("live-{n}")), b"one", HOUR).await.unwrap();
            store.create(&RecordKey::new(format!("other:{n}")), b"one", HOUR).await.unwrap();
            put(&rig, &key(&format!("dead-{n}")), Some(b"one"), Some(past.clone())).await;
        }
        let (mut keys, mut cursor, mut pages) = (Vec::new(), None, 0);
        loop {
            let page = store.scan("session:", cursor.as_deref(), 4).await.unwrap();
            keys.extend(page.entries.into_iter().map(|entry| entry.key));
            pages += 1;
            cursor = page.next;
            if cursor.is_none() {
                break;
            }
        }
        keys.sort();
        let expected: Vec<_> = (0..7).map(|n| key(&format!("live-{n}"))).collect();
        assert!(keys == expected && pages >= 5, "{} keys, {pages} pages", keys.len());
        assert_eq!(store.purge(3).await.unwrap(), 3);
        assert_eq!(store.purge(100).await.unwrap(), 4);
        assert_eq!(store.purge(100).await.unwrap(), 0);
        assert_eq!(store.scan("session:", None, 100).await.unwrap().entries.len(), 7);
    }
}

#[tokio::test]
async fn log_of_the_client_shows_no_key_and_no_value() {
    #[derive(Clone, Default)]
    struct Log(Arc<Mutex<Vec<u8>>>);
    impl Write for Log {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }
        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }
    let rig = rig(DynamoDb::dynoxide().unwrap()).await;
    let log = Log::default();
    let writer = log.clone();
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(tracing_subscriber::filter::LevelFilter::TRACE)
        .with_writer(move || writer.clone())
        .finish();
    let _guard = tracing_subscriber::util::SubscriberInitExt::set_default(subscriber);
    let shows = || {
        let text = String::from_utf8_lossy(&log.0.lock().unwrap()).into_owned();
        text.contains("session:kkkk") || text.contains("dmFsdWU") || text.contains("118, 97, 108")
    };
    let secret = key("kkkk");
    rig.store.create(&secret, b"value", HOUR).await.unwrap();
    let current = rig.store.load(&secret, None).await.unwrap().unwrap();
    rig.store.replace(&secret, &Record::new(b"other"), b"value", HOUR).await.unwrap();
    rig.store.replace(&secret, &current, b"value", HOUR).await.unwrap();
    rig.store.scan("session:", None, 9).await.unwrap();
    rig.store.delete(&secret).await.unwrap();
    assert!(!shows());
    // The client's own log does show it, so the check can fail.
    put(&rig, &secret, Some(b"value"), None).await;
    expiration(&rig, &secret).await;
    assert!(shows());
}
