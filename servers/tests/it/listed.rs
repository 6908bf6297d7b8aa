//! The list of a user's sessions, through the whole of the library, on every real store: log-ins at the
//! same time, log-out, the end of one, of all others and of all, and a limit.

use hipflask::{OnUserLimit, SecretKey, Session, SessionConfig, SessionInterface, store::AnyStore};
use http::{HeaderMap, header};
use tokio::task::JoinSet;

const FIREFOX: &str = "Mozilla/5.0 (X11; Linux x86_64; rv:143.0) Gecko/20100101 Firefox/143.0";

/// Serves a request, and returns the cookie that the browser then has.
async fn serve(
    sessions: &SessionInterface,
    cookie: Option<&str>,
    handler: impl AsyncFnOnce(&Session),
) -> Option<String> {
    let request = sessions.request(cookie.map(str::as_bytes)).with_user_agent(FIREFOX.as_bytes());
    let session = request.session().await.unwrap();
    handler(&session).await;
    drop(session);
    let mut headers = HeaderMap::new();
    request.finish_into(&mut headers).await.unwrap();
    let sent = headers.get(header::SET_COOKIE)?.to_str().unwrap();
    let pair = sent.split(';').next().unwrap();
    (!pair.ends_with('=')).then(|| pair.to_owned())
}

async fn log_in(sessions: &SessionInterface) -> String {
    serve(sessions, None, async |it| it.insert("_user_id", "7").unwrap()).await.unwrap()
}

async fn is_in(sessions: &SessionInterface, cookie: &str) -> bool {
    let mut is_in = false;
    serve(sessions, Some(cookie), async |it| is_in = it.contains("_user_id")).await;
    is_in
}

async fn handle_of(sessions: &SessionInterface, cookie: &str) -> String {
    let mut handle = None;
    serve(sessions, Some(cookie), async |it| handle = it.handle()).await;
    handle.unwrap()
}

async fn count(sessions: &SessionInterface) -> usize {
    sessions.sessions_of("7").await.unwrap().len()
}

/// Goes through the life of a list.
///
/// # Panics
///
/// If a session is forgotten, or lives that was ended.
pub(crate) async fn sessions_of_a_user(store: AnyStore) {
    // A database lets a writer wait, on a busy machine longer than the deadline that is the default.
    let config = SessionConfig::new(SecretKey::random().unwrap());
    let config = config.with_store_deadline(std::time::Duration::from_secs(30));
    let of = |config: SessionConfig| SessionInterface::stored(&config, store.clone()).unwrap();
    let sessions = of(config.clone().with_user_index(true));

    let mut log_ins = JoinSet::new();
    for _ in 0..8 {
        let sessions = sessions.clone();
        log_ins.spawn(async move { log_in(&sessions).await });
    }
    let cookies = log_ins.join_all().await;
    let listed = sessions.sessions_of("7").await.unwrap();
    assert_eq!(listed.len(), 8, "a log-in was forgotten");
    assert!(listed.iter().all(|it| it.device() == Some("Firefox on Linux")), "{listed:?}");
    assert!(listed.iter().all(|it| it.last_seen().is_some()), "{listed:?}");

    serve(&sessions, Some(&cookies[0]), async |it| it.destroy().unwrap()).await;
    assert_eq!(count(&sessions).await, 7, "after a log-out");
    let handle = handle_of(&sessions, &cookies[1]).await;
    assert!(!sessions.revoke_session_of("8", &handle).await.unwrap(), "another user's");
    assert!(sessions.revoke_session_of("7", &handle).await.unwrap());
    assert!(!sessions.revoke_session_of("7", &handle).await.unwrap(), "it has ended already");
    assert!(!is_in(&sessions, &cookies[1]).await);
    let renewed =
        serve(&sessions, Some(&cookies[2]), async |it| it.renew().unwrap()).await.unwrap();
    assert_eq!(count(&sessions).await, 6, "a new id is no new session");

    serve(&sessions, Some(&renewed), async |it| it.revoke_others().await.unwrap()).await;
    assert_eq!(count(&sessions).await, 1);
    assert!(is_in(&sessions, &renewed).await && !is_in(&sessions, &cookies[3]).await);

    sessions.revoke_user("7").await.unwrap();
    assert_eq!(count(&sessions).await, 0);
    assert!(!is_in(&sessions, &renewed).await);
    let next = log_in(&sessions).await;
    assert!(is_in(&sessions, &next).await, "a log-in after the end of all");
    assert_eq!(count(&sessions).await, 1);

    let limited = of(config.clone().with_user_limit(2));
    let second = log_in(&limited).await;
    let third = log_in(&limited).await;
    assert_eq!(count(&limited).await, 2);
    let mut n_in = 0;
    for cookie in [&next, &second, &third] {
        n_in += usize::from(is_in(&limited, cookie).await);
    }
    assert_eq!(n_in, 2, "one of them has ended");
    assert!(is_in(&limited, &third).await, "the newest stays");
    let refusing = of(config.with_user_limit(2).with_on_user_limit(OnUserLimit::Refuse));
    let request = refusing.request([]);
    request.session().await.unwrap().insert("_user_id", "7").unwrap();
    let error = request.finish().await.unwrap_err();
    assert_eq!(error.status(), http::StatusCode::FORBIDDEN, "{error}");
    sessions.revoke_user("7").await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn users_sessions_are_listed_in_memory() {
    sessions_of_a_user(AnyStore::new(hipflask::store::MemoryStore::new())).await;
}

#[cfg(feature = "sqlite")]
#[tokio::test(flavor = "multi_thread")]
async fn users_sessions_are_listed_in_sqlite() {
    let folder = tempfile::tempdir().unwrap();
    let address = format!("sqlite:{}?create=true", folder.path().join("s.sqlite3").display());
    let store = hipflask::store::connect(&address).await.unwrap();
    hipflask::store::Store::prepare(&store).await.unwrap();
    sessions_of_a_user(store).await;
}

#[cfg(feature = "filesystem")]
#[tokio::test(flavor = "multi_thread")]
async fn users_sessions_are_listed_in_files() {
    let folder = tempfile::tempdir().unwrap();
    let store = hipflask::store::FileStore::new(folder.path()).unwrap();
    sessions_of_a_user(AnyStore::new(store)).await;
}

async fn at(address: &str) {
    let store = hipflask::store::connect(address).await.unwrap();
    hipflask::store::Store::prepare(&store).await.unwrap();
    sessions_of_a_user(store).await;
}

#[cfg(feature = "redis")]
#[tokio::test(flavor = "multi_thread")]
async fn users_sessions_are_listed_in_redis() {
    let port = hipflask_servers::free_port().unwrap();
    let _server = hipflask_servers::redis::start(port, &[]).unwrap();
    at(&format!("redis://127.0.0.1:{port}")).await;
}

#[cfg(feature = "memcached")]
#[tokio::test(flavor = "multi_thread")]
async fn users_sessions_are_listed_in_memcached() {
    let port = hipflask_servers::free_port().unwrap();
    let _server = hipflask_servers::memcached::start(port, &[]).unwrap();
    at(&format!("memcached://127.0.0.1:{port}")).await;
}

#[cfg(feature = "mongodb")]
#[tokio::test(flavor = "multi_thread")]
async fn users_sessions_are_listed_in_mongodb() {
    let port = hipflask_servers::free_port().unwrap();
    let _server = hipflask_servers::mongodb::start(port, None).unwrap();
    at(&format!("mongodb://127.0.0.1:{port}/")).await;
}

#[cfg(feature = "dynamodb")]
#[tokio::test(flavor = "multi_thread")]
async fn users_sessions_are_listed_in_dynamodb() {
    for rig in crate::dynamodb::both().await {
        sessions_of_a_user(AnyStore::new(rig.store)).await;
    }
}

#[cfg(feature = "postgres")]
#[tokio::test(flavor = "multi_thread")]
async fn users_sessions_are_listed_in_postgresql() {
    let server = hipflask_servers::Postgres::start().unwrap();
    at(&server.address()).await;
}

#[cfg(feature = "mysql")]
#[tokio::test(flavor = "multi_thread")]
async fn users_sessions_are_listed_in_mariadb() {
    let server = hipflask_servers::MariaDb::start().unwrap();
    at(&server.address()).await;
}
