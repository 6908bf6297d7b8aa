//! Several tasks that use one request's session at once, and requests that leave their task.

use std::{convert::Infallible, sync::Arc, time::Duration};

use axum::{
    Router,
    body::Body,
    extract::{FromRequestParts, Request, State},
    middleware::{Next, from_fn},
    response::{IntoResponse, Response},
    routing::get,
};
use hipflask::{
    Error, Result, Session, SessionConfig, SessionLayer,
    store::{MemoryStore, Store},
};
use http::StatusCode;
use tokio::{
    sync::{Mutex, Notify},
    task::JoinHandle,
};
use tower::{Layer, Service, ServiceExt, buffer::BufferLayer, service_fn};

use crate::{
    app::{self, cookie, sent_back, text},
    watched::Watched,
};

type Task = Arc<Mutex<Option<JoinHandle<Result<u64>>>>>;

fn one_more(count: Option<u64>) -> u64 {
    count.unwrap_or(0) + 1
}

async fn count_beside(session: Session, State(task): State<Task>) -> Result<()> {
    *task.lock().await = Some(tokio::spawn(session.update("hits", one_more)));
    session.insert("page", 1)
}

async fn count_in_a_task(session: Session, State(task): State<Task>) -> Result<()> {
    let other = session.clone();
    *task.lock().await = Some(tokio::spawn(async move { other.update("hits", one_more).await }));
    session.insert("page", 1)
}

async fn other(session: Session) -> Result<()> {
    session.insert("other", 1)
}

async fn all(session: Session) -> Result<String> {
    let mut keys: Vec<_> = session.keys().iter().map(|key| key.to_string_lossy()).collect();
    keys.sort();
    Ok(format!("{} {:?}", keys.join(" "), session.get::<u64>("hits")?.unwrap_or(0)))
}

fn site(task: &Task) -> Router {
    site_over(task, MemoryStore::new())
}

fn site_over(task: &Task, store: impl Store) -> Router {
    // On a busy machine a thread can stand still for longer than the deadline that is the default.
    let config = app::config().with_store_deadline(Duration::from_secs(60));
    let store = SessionLayer::stored(&config, store).unwrap();
    Router::new()
        .route("/count_beside", get(count_beside))
        .route("/count_in_a_task", get(count_in_a_task))
        .route("/other", get(other))
        .route("/all", get(all))
        .with_state(Arc::clone(task))
        .layer(store)
}

/// `must_count` if the update has its place before the handler ends; else it may come too late, which
/// the task is told then.
async fn check_update_beside_the_end(path: &str, must_count: bool) {
    let task = Task::default();
    let app = site(&task);
    for _ in 0..60 {
        let jar = sent_back(&app::get(&app, "/other", &[]).await);
        let cookies = [jar.as_str()];
        let (one, two) =
            tokio::join!(app::get(&app, path, &cookies), app::get(&app, "/other", &cookies));
        assert_eq!((one.status(), two.status()), (StatusCode::OK, StatusCode::OK));
        let updated = task.lock().await.take().unwrap().await.unwrap();
        let content = text(app::get(&app, "/all", &[&jar]).await).await;
        match updated {
            Ok(hits) => {
                assert_eq!(hits, 1);
                assert_eq!(content, "_permanent hits other page 1");
            }
            Err(error) => {
                assert!(!must_count && error.is_response_started(), "{error}");
                assert_eq!(content, "_permanent other page 0");
            }
        }
    }
}

#[tokio::test]
async fn update_in_a_task_beside_the_end_is_saved() {
    check_update_beside_the_end("/count_beside", true).await;
    check_update_beside_the_end("/count_in_a_task", true).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn update_in_a_thread_beside_the_end_is_saved() {
    check_update_beside_the_end("/count_beside", true).await;
    check_update_beside_the_end("/count_in_a_task", false).await;
}

#[tokio::test]
async fn the_end_comes_after_an_update_whose_store_is_slow() {
    let (task, store) = (Task::default(), Watched::default());
    let app = site_over(&task, store.clone());
    for path in ["/count_beside", "/count_in_a_task"] {
        let jar = sent_back(&app::get(&app, "/other", &[]).await);
        let _before = store.asked();
        store.set_slow(true);
        assert_eq!(app::get(&app, path, &[&jar]).await.status(), StatusCode::OK);
        store.set_slow(false);
        assert_eq!(task.lock().await.take().unwrap().await.unwrap().unwrap(), 1);
        // Both at once would conflict, and one would be written again.
        assert_eq!(store.asked(), ["load", "replace", "replace"], "{path}");
    }
}

#[tokio::test]
async fn update_after_the_end_is_an_error_that_the_task_sees() {
    let (task, go) = (Task::default(), Arc::new(Notify::new()));
    let handler = {
        let (task, go) = (Arc::clone(&task), Arc::clone(&go));
        async move |session: Session| {
            session.insert("page", 1).unwrap();
            *task.lock().await = Some(tokio::spawn(async move {
                go.notified().await;
                session.update("hits", one_more).await
            }));
        }
    };
    for store in [false, true] {
        let layer = SessionLayer::signed(&app::config()).unwrap();
        let layer = if store { layer.with_store(MemoryStore::new()) } else { layer };
        let app = Router::new().route("/", get(handler.clone())).layer(layer);
        assert_eq!(app::get(&app, "/", &[]).await.status(), 200);
        go.notify_one();
        let error = task.lock().await.take().unwrap().await.unwrap().unwrap_err();
        assert!(error.is_response_started(), "{error}");
    }
}

#[tokio::test(start_paused = true)]
async fn update_that_never_ends_does_not_hold_the_response_for_ever() {
    async fn stuck(session: Session) -> Result<&'static str> {
        session.insert("page", 1)?;
        // It is kept where nobody drives it.
        Box::leak(Box::new(session.update("hits", one_more)));
        Ok("done")
    }
    let layer = SessionLayer::signed(&app::config()).unwrap();
    let app = Router::new().route("/", get(stuck)).layer(layer.with_store(MemoryStore::new()));
    let response = tokio::time::timeout(Duration::from_secs(60), app::get(&app, "/", &[])).await;
    assert!(sent_back(&response.unwrap()).starts_with("session="));
}

async fn visit(session: Session) -> Result<String> {
    let count = session.get::<u64>("count")?.unwrap_or(0) + 1;
    session.insert("count", count)?;
    Ok(count.to_string())
}

#[track_caller]
fn check_counted(response: &Response) {
    assert_eq!(response.status(), StatusCode::OK);
    assert!(sent_back(response).starts_with("session=ey"));
}

#[tokio::test]
async fn session_is_found_behind_a_buffer() {
    let inner = Router::new().route("/", get(visit));
    let mut service = app::layer(&app::config()).layer(BufferLayer::new(8).layer(inner));
    let request = Request::get("/").body(Body::empty()).unwrap();
    check_counted(&service.ready().await.unwrap().call(request).await.unwrap());
}

#[tokio::test]
async fn session_is_found_in_a_spawned_task_that_got_the_request() {
    let spawning = service_fn(|request: Request| async move {
        let handled = tokio::spawn(async move {
            let (mut parts, _) = request.into_parts();
            let session = Session::from_request_parts(&mut parts, &()).await.unwrap();
            visit(session).await.into_response()
        });
        Ok::<_, Infallible>(handled.await.unwrap())
    });
    let request = Request::get("/").body(Body::empty()).unwrap();
    check_counted(&app::layer(&app::config()).layer(spawning).oneshot(request).await.unwrap());
}

#[tokio::test]
async fn session_is_found_in_middleware_outside_of_the_handler() {
    async fn note(session: Session, mut request: Request, next: Next) -> Response {
        // Whoever takes the header away does not change whose session it is.
        request.headers_mut().remove(http::header::COOKIE);
        session.insert("seen", true).unwrap();
        next.run(request).await
    }
    let app = Router::new().route("/", get(visit));
    let app = app.layer(from_fn(note)).layer(app::layer(&app::config()));
    let response = app::get(&app, "/", &[&cookie(r#"{"count":1}"#)]).await;
    assert_eq!(sent_back(&response), cookie(r#"{"count":2,"seen":true}"#));
}

#[tokio::test]
async fn handler_that_calls_another_app_leaves_each_its_own_session() {
    let key = hipflask::SecretKey::new("0c6b1f1e9d2a4b7f8e5d3c2b1a098765");
    let inside = Router::new().route("/", get(visit)).layer(app::layer(&SessionConfig::new(key)));
    let calling = async move |session: Session| -> Result<String, Error> {
        session.insert("outside", 1)?;
        let response = app::get(&inside, "/", &[]).await;
        check_counted(&response);
        Ok(text(response).await)
    };
    let app = Router::new().route("/", get(calling)).layer(app::layer(&app::config()));
    let response = app::get(&app, "/", &[]).await;
    assert_eq!(sent_back(&response), cookie(r#"{"outside":1}"#));
    assert_eq!(text(response).await, "1");
}

#[tokio::test]
async fn two_layers_of_one_cookie_and_other_settings_are_refused() {
    let key = hipflask::SecretKey::new("0c6b1f1e9d2a4b7f8e5d3c2b1a098765");
    let others = [
        SessionConfig::new(key),
        app::config().with_path("/inner"),
        app::config().with_secure(true),
    ];
    for other in others {
        let inner = Router::new().route("/", get(visit)).layer(app::layer(&other));
        let app = Router::new().nest("/inner", inner).layer(app::layer(&app::config()));
        assert_eq!(app::get(&app, "/inner", &[]).await.status(), 500);
    }
    // Equal settings are one session, also if they were built twice.
    let inner = Router::new().route("/", get(visit)).layer(app::layer(&app::config()));
    let app = Router::new().nest("/inner", inner).layer(app::layer(&app::config()));
    check_counted(&app::get(&app, "/inner", &[]).await);
    // A store and a cookie are two.
    let stored = SessionLayer::signed(&app::config()).unwrap().with_store(MemoryStore::new());
    let inner = Router::new().route("/", get(visit)).layer(stored);
    let app = Router::new().nest("/inner", inner).layer(app::layer(&app::config()));
    assert_eq!(app::get(&app, "/inner", &[]).await.status(), 500);
}
