//! Reading extends a record's life where that can be done, and fails nowhere else.

use std::time::{Duration, Instant};

use hipflask::store::{RedisStore, Store, Touch};
use hipflask_servers::{
    Server, free_port,
    redis::{ask, start},
};

use super::{HOUR, key, server, store_at};

/// Due at once.
const DUE: Option<Touch> = Some(Touch { ttl: HOUR, when_below: HOUR });

async fn store_with_a_record(server: &Server) -> RedisStore {
    let store = store_at(server, "").await;
    store.create(&key("session:S"), b"0", HOUR / 2).await.unwrap();
    store
}

/// Reads the record several times, for the first one teaches the server the script.
async fn reads(store: &RedisStore, is_touched: bool) {
    for _ in 0..3 {
        let record = store.load(&key("session:S"), DUE).await.unwrap().unwrap();
        assert_eq!((record.payload.as_slice(), record.touched), (&b"0"[..], is_touched));
    }
}

#[tokio::test]
async fn a_replica_is_read() {
    let master = server();
    let port = master.port().to_string();
    let replica = start(free_port().unwrap(), &["--replicaof", "127.0.0.1", &port]).unwrap();
    let _store = store_with_a_record(&master).await;
    // `WAIT` knows the writes of its own connection alone.
    let has_it = || ask(replica.port(), &["EXISTS", "session:S"]).is_ok_and(|it| it.trim() == "1");
    let end = Instant::now() + Duration::from_secs(60);
    while !has_it() {
        assert!(Instant::now() < end, "the replica has nothing after a minute");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    reads(&store_at(&replica, "").await, false).await;
    reads(&store_at(&replica, "?protocol=2").await, false).await;
}

#[tokio::test]
async fn a_server_that_misses_its_replicas_is_read() {
    let server = server();
    let store = store_with_a_record(&server).await;
    ask(server.port(), &["CONFIG", "SET", "min-replicas-to-write", "1"]).unwrap();
    reads(&store, false).await;
    ask(server.port(), &["CONFIG", "SET", "min-replicas-to-write", "0"]).unwrap();
    assert!(store.load(&key("session:S"), DUE).await.unwrap().unwrap().touched);
}

#[tokio::test]
async fn a_user_who_may_not_touch_reads() {
    let server = server();
    let _store = store_with_a_record(&server).await;
    let user = ["ACL", "SETUSER", "app", "on", ">secret", "~*", "+@all", "-pexpire"];
    ask(server.port(), &user).unwrap();
    let address = format!("redis://app:secret@127.0.0.1:{}", server.port());
    reads(&RedisStore::connect(&address).await.unwrap(), false).await;
}

#[tokio::test]
async fn a_server_that_cannot_save_its_data_is_read() {
    let options = ["--enable-protected-configs", "yes"];
    let server = start(free_port().unwrap(), &options).unwrap();
    let store = store_with_a_record(&server).await;
    let folder = tempfile::tempdir().unwrap();
    ask(server.port(), &["CONFIG", "SET", "dir", folder.path().to_str().unwrap()]).unwrap();
    drop(folder);
    ask(server.port(), &["CONFIG", "SET", "save", "3600 1"]).unwrap();
    ask(server.port(), &["BGSAVE"]).unwrap();
    let facts = || ask(server.port(), &["INFO", "persistence"]).unwrap();
    while !facts().contains("rdb_last_bgsave_status:err") {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    reads(&store, false).await;
    let error = store.create(&key("session:N"), b"0", HOUR).await.unwrap_err();
    assert!(error.to_string().contains("cannot save its data"), "{error}");
}

#[tokio::test]
async fn a_record_without_an_end_gets_one() {
    let server = server();
    let (store, other) = (store_with_a_record(&server).await, store_at(&server, "").await);
    let persist = || ask(server.port(), &["PERSIST", "session:S"]).unwrap();
    let ttl = || ask(server.port(), &["TTL", "session:S"]).unwrap().trim().parse::<i64>().unwrap();
    let early = Some(Touch { ttl: HOUR, when_below: HOUR / 4 });
    for store in [&other, &RedisStore::connect(&address(&server)).await.unwrap()] {
        persist();
        assert_eq!(ttl(), -1);
        assert!(store.load(&key("session:S"), early).await.unwrap().unwrap().touched);
        assert!((3590..=3600).contains(&ttl()), "{}", ttl());
    }
    // Also where it was remembered to live for long: with the touch that is due then.
    persist();
    assert!(!store.load(&key("session:S"), early).await.unwrap().unwrap().touched);
    assert!(store.load(&key("session:S"), DUE).await.unwrap().unwrap().touched);
    assert!((3590..=3600).contains(&ttl()), "{}", ttl());
}

fn address(server: &Server) -> String {
    format!("redis://127.0.0.1:{}?protocol=2", server.port())
}
