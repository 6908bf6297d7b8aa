//! One counter, and eight clients that count on it at the same time, through the whole layer.

use std::time::Duration;

use axum::{Router, body::Body, routing::get};
use hipflask::{Result, SecretKey, Session, SessionConfig, SessionLayer, store::AnyStore};
use http::{Request, StatusCode, header};
use tower::ServiceExt;

const N_CLIENTS: usize = 8;

async fn hit(session: Session) -> Result<String> {
    let count = session.update("count", |count: Option<u64>| count.unwrap_or(0) + 1).await?;
    Ok(count.to_string())
}

async fn start(session: Session) -> Result<()> {
    session.insert("count", 0)
}

async fn count(session: Session) -> Result<String> {
    Ok(session.get::<u64>("count")?.unwrap_or(0).to_string())
}

async fn send(app: &Router, path: &str, cookie: &str) -> http::Response<Body> {
    let request = Request::get(path).header(header::COOKIE, cookie).body(Body::empty());
    app.clone().oneshot(request.unwrap()).await.unwrap()
}

async fn count_together(store: AnyStore, n_hits: usize) -> String {
    // SQLite lets a writer wait, on a busy machine longer than the deadline that is the default.
    let config = SessionConfig::new(SecretKey::random().unwrap());
    let config = config.with_store_deadline(Duration::from_secs(20));
    let sessions = SessionLayer::signed(&config).unwrap().with_store(store);
    let app = Router::new()
        .route("/start", get(start))
        .route("/hit", get(hit))
        .route("/count", get(count))
        .layer(sessions);
    let started = send(&app, "/start", "").await;
    let cookie = started.headers()[header::SET_COOKIE].to_str().unwrap().to_owned();
    let cookie = cookie.split(';').next().unwrap().to_owned();
    let clients = (0..N_CLIENTS).map(|_| {
        let (app, cookie) = (app.clone(), cookie.clone());
        tokio::spawn(async move {
            for _ in 0..n_hits {
                assert_eq!(send(&app, "/hit", &cookie).await.status(), StatusCode::OK);
            }
        })
    });
    for client in clients.collect::<Vec<_>>() {
        client.await.unwrap();
    }
    let body = send(&app, "/count", &cookie).await.into_body();
    String::from_utf8(axum::body::to_bytes(body, 64).await.unwrap().to_vec()).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn every_update_counts_in_memory() {
    let store = AnyStore::new(hipflask::store::MemoryStore::new());
    assert_eq!(count_together(store, 1000).await, "8000");
}

#[cfg(feature = "redis")]
#[tokio::test(flavor = "multi_thread")]
async fn every_update_counts_in_redis() {
    let server = hipflask_servers::redis::start(hipflask_servers::free_port().unwrap(), &[]);
    let server = server.unwrap();
    let address = format!("redis://127.0.0.1:{}", server.port());
    let store = hipflask::store::connect(&address).await.unwrap();
    assert_eq!(count_together(store, 1000).await, "8000");
}

#[cfg(feature = "sqlite")]
#[tokio::test(flavor = "multi_thread")]
async fn every_update_counts_in_sqlite() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("sessions.sqlite3");
    let address = format!("sqlite:{}?create=true", path.display());
    let store = hipflask::store::connect(&address).await.unwrap();
    assert_eq!(count_together(store, 100).await, "800");
}
