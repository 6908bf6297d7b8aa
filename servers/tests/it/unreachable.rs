//! What was never asked is told apart from what may have been done: every store, its server gone.
#![expect(clippy::unwrap_used, reason = "clippy exempts tests, but not the functions they share")]

use std::time::Duration;

use hipflask::store::{AnyStore, RecordKey, Store, connect};

const HOUR: Duration = Duration::from_secs(3600);

/// Checks a store whose server is gone.
async fn check(store: AnyStore) {
    let key = RecordKey::new("session:S");
    // This one may be lost on the way.
    store.load(&key, None).await.unwrap_err();
    let error = store.create(&key, b"one", HOUR).await.unwrap_err();
    assert!(error.is_unreachable(), "{error}");
    assert!(error.to_string().starts_with("the session store cannot be reached: "), "{error}");
}

#[cfg(feature = "redis")]
#[tokio::test]
async fn redis_that_is_gone_was_not_asked() {
    let server = hipflask_servers::redis::start(hipflask_servers::free_port().unwrap(), &[]);
    let server = server.unwrap();
    let address = format!("redis://127.0.0.1:{}", server.port());
    let store = connect(&address).await.unwrap();
    drop(server);
    check(store).await;
    // Who cannot connect is told once where.
    let error = connect(&address).await.unwrap_err().to_string();
    assert_eq!(error.matches("127.0.0.1").count(), 1, "{error}");
}

#[cfg(feature = "memcached")]
#[tokio::test]
async fn memcached_that_is_gone_was_not_asked() {
    let server = hipflask_servers::memcached::start(hipflask_servers::free_port().unwrap(), &[]);
    let server = server.unwrap();
    let store = connect(&format!("memcached://127.0.0.1:{}", server.port())).await.unwrap();
    drop(server);
    check(store).await;
}

#[cfg(feature = "mongodb")]
#[tokio::test(flavor = "multi_thread")]
async fn mongodb_that_is_gone_was_not_asked() {
    let port = hipflask_servers::free_port().unwrap();
    let server = hipflask_servers::mongodb::start(port, None).unwrap();
    let address = format!("mongodb://127.0.0.1:{port}/?serverSelectionTimeoutMS=500");
    let store = connect(&address).await.unwrap();
    drop(server);
    check(store).await;
}

#[cfg(feature = "dynamodb")]
#[tokio::test]
async fn dynamodb_that_is_gone_was_not_asked() {
    let port = hipflask_servers::free_port().unwrap();
    let keys = "access_key_id=someone&secret_access_key=secret";
    let endpoint = format!("http://127.0.0.1:{port}");
    check(
        connect(&format!("dynamodb://us-east-1/Sessions?endpoint={endpoint}&{keys}"))
            .await
            .unwrap(),
    )
    .await;
}

#[cfg(all(feature = "mysql", feature = "postgres"))]
#[tokio::test(flavor = "multi_thread")]
async fn databases_that_are_gone_were_not_asked() {
    let (postgres, mariadb) =
        (hipflask_servers::Postgres::start().unwrap(), hipflask_servers::MariaDb::start().unwrap());
    let mut stores = Vec::new();
    for address in [postgres.address(), mariadb.address()] {
        stores.push(connect(&format!("{address}?create=true")).await.unwrap());
    }
    drop((postgres, mariadb));
    for store in stores {
        check(store).await;
    }
}
