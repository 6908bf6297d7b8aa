//! Watching a session after its request, on every real store: what another node ends is noticed here.

use std::time::Duration;

use hipflask::{
    Reason, SecretKey, Session, SessionConfig, SessionInterface, SessionWatch,
    store::{AnyStore, Store, connect},
};
use http::{HeaderMap, header};
use tokio::time::timeout;

/// Much longer than the delay: the machine may be busy.
const PATIENCE: Duration = Duration::from_secs(60);

/// Serves a request, and returns what it has taken of its session, and the cookie that the browser has.
async fn serve<T>(
    sessions: &SessionInterface,
    cookie: &str,
    handler: impl AsyncFnOnce(&Session) -> T,
) -> (T, String) {
    let request = sessions.request([cookie.as_bytes()]);
    let session = request.session().await.unwrap();
    let taken = handler(&session).await;
    drop(session);
    let mut headers = HeaderMap::new();
    request.finish_into(&mut headers).await.unwrap();
    let sent = headers.get(header::SET_COOKIE).map(|line| line.to_str().unwrap());
    let pair = sent.map_or(cookie, |line| line.split(';').next().unwrap());
    (taken, pair.to_owned())
}

async fn log_in(sessions: &SessionInterface) -> (SessionWatch, String) {
    serve(sessions, "", async |session| {
        session.log_in("7").unwrap();
        session.watch()
    })
    .await
}

async fn end_of(watch: &SessionWatch) -> Reason {
    timeout(PATIENCE, watch.ended()).await.expect("it goes on")
}

/// Two nodes over one store: one ends sessions that are watched on the other.
///
/// # Panics
///
/// If that is not noticed, or a session ends that goes on.
async fn two_nodes(store: AnyStore) {
    let config = SessionConfig::new(SecretKey::random().unwrap())
        .with_store_deadline(Duration::from_secs(30))
        .with_revocation_delay(Duration::from_millis(100))
        .with_user_index(true); // files and Memcached cannot be read through
    let stored = || SessionInterface::stored(&config, store.clone()).unwrap();
    let (here, elsewhere) = (stored(), stored());

    let (watch, cookie) = log_in(&here).await;
    let stranger = serve(&here, "", async |session| {
        session.log_in("8").unwrap();
        session.watch()
    });
    let stranger = stranger.await.0;
    serve(&elsewhere, &cookie, async |session| session.log_out().unwrap()).await;
    assert_eq!(end_of(&watch).await, Reason::UnknownId);

    let (watch, cookie) = log_in(&here).await;
    let (renewed, _) = serve(&elsewhere, &cookie, async |session| {
        session.renew().unwrap();
        session.watch()
    })
    .await;
    assert_eq!(end_of(&watch).await, Reason::Renewed);

    let (watch, cookie) = log_in(&here).await;
    serve(&elsewhere, &cookie, async |session| session.insert("_user_id", "9").unwrap()).await;
    assert_eq!(end_of(&watch).await, Reason::UserChanged);

    let (watch, _) = log_in(&here).await;
    here.revoke_user("7").await.unwrap();
    for watch in [watch, renewed] {
        // Who looks before the record is gone finds that the list refuses it.
        let end = end_of(&watch).await;
        assert!(matches!(end, Reason::UnknownId | Reason::Revoked), "{end:?}");
    }

    // Signed cookies, whose marks are in the store.
    let signed = || SessionInterface::revocable(&config, store.clone()).unwrap();
    let (here, elsewhere) = (signed(), signed());
    let (watch, cookie) = log_in(&here).await;
    serve(&elsewhere, &cookie, async |session| session.log_out().unwrap()).await;
    assert_eq!(end_of(&watch).await, Reason::Revoked);
    let (watch, _) = log_in(&here).await;
    elsewhere.revoke_user("7").await.unwrap();
    assert_eq!(end_of(&watch).await, Reason::Revoked);

    tokio::time::sleep(Duration::from_millis(300)).await; // it was looked at since
    let goes_on = timeout(Duration::ZERO, stranger.ended()).await;
    assert!(goes_on.is_err(), "another user's session has ended: {goes_on:?}");
}

async fn at(address: &str) {
    let store = connect(address).await.unwrap();
    store.prepare().await.unwrap();
    two_nodes(store).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn end_on_another_node_is_noticed_in_memory() {
    two_nodes(AnyStore::new(hipflask::store::MemoryStore::new())).await;
}

#[cfg(feature = "sqlite")]
#[tokio::test(flavor = "multi_thread")]
async fn end_on_another_node_is_noticed_in_sqlite() {
    let folder = tempfile::tempdir().unwrap();
    at(&format!("sqlite:{}?create=true", folder.path().join("s.sqlite3").display())).await;
}

#[cfg(feature = "filesystem")]
#[tokio::test(flavor = "multi_thread")]
async fn end_on_another_node_is_noticed_in_files() {
    let folder = tempfile::tempdir().unwrap();
    two_nodes(AnyStore::new(hipflask::store::FileStore::new(folder.path()).unwrap())).await;
}

#[cfg(feature = "redis")]
#[tokio::test(flavor = "multi_thread")]
async fn end_on_another_node_is_noticed_in_redis() {
    let port = hipflask_servers::free_port().unwrap();
    let _server = hipflask_servers::redis::start(port, &[]).unwrap();
    at(&format!("redis://127.0.0.1:{port}")).await;
}

#[cfg(feature = "memcached")]
#[tokio::test(flavor = "multi_thread")]
async fn end_on_another_node_is_noticed_in_memcached() {
    let port = hipflask_servers::free_port().unwrap();
    let _server = hipflask_servers::memcached::start(port, &[]).unwrap();
    at(&format!("memcached://127.0.0.1:{port}")).await;
}

#[cfg(feature = "mongodb")]
#[tokio::test(flavor = "multi_thread")]
async fn end_on_another_node_is_noticed_in_mongodb() {
    let port = hipflask_servers::free_port().unwrap();
    let _server = hipflask_servers::mongodb::start(port, None).unwrap();
    at(&format!("mongodb://127.0.0.1:{port}/")).await;
}

#[cfg(feature = "dynamodb")]
#[tokio::test(flavor = "multi_thread")]
async fn end_on_another_node_is_noticed_in_dynamodb() {
    for rig in crate::dynamodb::both().await {
        two_nodes(AnyStore::new(rig.store)).await;
    }
}

#[cfg(feature = "postgres")]
#[tokio::test(flavor = "multi_thread")]
async fn end_on_another_node_is_noticed_in_postgresql() {
    let server = hipflask_servers::Postgres::start().unwrap();
    at(&server.address()).await;
}

#[cfg(feature = "mysql")]
#[tokio::test(flavor = "multi_thread")]
async fn end_on_another_node_is_noticed_in_mariadb() {
    let server = hipflask_servers::MariaDb::start().unwrap();
    at(&server.address()).await;
}
