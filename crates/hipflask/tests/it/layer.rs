//! One layer: when a cookie is sent, which headers say so, and what a late change meets.

use std::{
    panic::AssertUnwindSafe,
    sync::{Arc, Mutex},
};

use axum::{
    Router,
    body::Body,
    response::{IntoResponse, Response},
    routing::get,
};
use futures_util::FutureExt;
use hipflask::{Reason, SaveError, Session};
use http::{HeaderName, StatusCode, header};

use crate::app::{self, cookie, sent_back, set_cookies, text, varies};

async fn count(session: Session) -> hipflask::Result<String> {
    let count = session.get::<u64>("count")?.unwrap_or(0) + 1;
    session.insert("count", count)?;
    Ok(count.to_string())
}

fn app(config: &hipflask::SessionConfig) -> Router {
    Router::new()
        .route("/", get(|| async { "untouched" }))
        .route("/count", get(count))
        .route("/read", get(|session: Session| async move { session.len().to_string() }))
        .route("/reason", get(|session: Session| async move { session.reason().code() }))
        .route("/clear", get(|session: Session| async move { session.clear() }))
        .route("/fail", get(fail))
        .route("/large", get(large))
        .route("/own", get(own_cookie))
        .route("/public", get(public))
        .route("/permanent", get(|session: Session| async move { session.set_permanent(true) }))
        .layer(app::layer(config))
}

async fn fail(session: Session) -> hipflask::Result<StatusCode> {
    session.insert("tried", true)?;
    Ok(StatusCode::INTERNAL_SERVER_ERROR)
}

async fn large(session: Session) -> hipflask::Result<()> {
    session.insert("noise", app::noise(6000))?;
    session.insert("small", 1)
}

async fn own_cookie(session: Session) -> hipflask::Result<Response> {
    session.insert("x", 1)?;
    let own = [(header::SET_COOKIE, "session=mine; Path=/")];
    let other = [(HeaderName::from_static("set-cookie"), "theme=dark")];
    let mut response = (own, "own").into_response();
    response.headers_mut().append(header::SET_COOKIE, other[0].1.parse().unwrap());
    Ok(response)
}

async fn public(session: Session) -> hipflask::Result<Response> {
    session.insert("x", 1)?;
    let headers = [(header::CACHE_CONTROL, "public, max-age=60"), (header::VARY, "Accept")];
    Ok((headers, "public").into_response())
}

#[tokio::test]
async fn session_is_carried_by_the_cookie() {
    let app = app(&app::config());
    let first = app::get(&app, "/count", &[]).await;
    let jar = sent_back(&first);
    assert!(varies(&first));
    assert_eq!(jar, cookie(r#"{"count":1}"#));
    assert_eq!(text(first).await, "1");
    let second = app::get(&app, "/count", &["theme=dark", &jar]).await;
    assert_eq!(set_cookies(&second)[0], format!("{}; HttpOnly; Path=/", cookie(r#"{"count":2}"#)));
    assert_eq!(text(second).await, "2");
}

#[tokio::test]
async fn untouched_session_leaves_no_trace() {
    let app = app(&app::config());
    for path in ["/", "/nowhere"] {
        let response = app::get(&app, path, &[&cookie(r#"{"_permanent":true}"#)]).await;
        assert!(set_cookies(&response).is_empty() && !varies(&response), "{path}");
        assert!(!response.headers().contains_key(header::CACHE_CONTROL));
    }
}

#[tokio::test]
async fn reading_varies_and_sends_nothing() {
    let response = app::get(&app(&app::config()), "/read", &[&cookie(r#"{"a":1,"b":2}"#)]).await;
    assert!(varies(&response) && set_cookies(&response).is_empty());
    assert_eq!(text(response).await, "2");
}

#[tokio::test]
async fn permanent_session_is_refreshed_when_asked_for() {
    let app = app(&app::config());
    let jar = cookie(r#"{"_permanent":true}"#);
    let response = app::get(&app, "/read", &[&jar]).await;
    let sent = format!("{jar}; Expires=Mon, 22 Dec 2025 02:40:00 GMT; HttpOnly; Path=/");
    assert_eq!(set_cookies(&response), [sent]);
}

#[tokio::test]
async fn permanent_session_is_refreshed_untouched_on_request() {
    let app = app(&app::config().with_refresh_untouched(true));
    for path in ["/", "/nowhere"] {
        let response = app::get(&app, path, &[&cookie(r#"{"_permanent":true}"#)]).await;
        assert_eq!(set_cookies(&response).len(), 1, "{path}");
        assert!(varies(&response));
    }
    let read = app::get(&app, "/read", &[&cookie(r#"{"a":1}"#)]).await;
    assert!(varies(&read) && set_cookies(&read).is_empty());
    let response = app::get(&app, "/", &[&cookie(r#"{"a":1}"#)]).await;
    assert!(set_cookies(&response).is_empty() && !varies(&response));
}

#[tokio::test]
async fn cleared_session_deletes_the_cookie() {
    let response = app::get(&app(&app::config()), "/clear", &[&cookie(r#"{"a":1}"#)]).await;
    let deleted = "session=; Expires=Thu, 01 Jan 1970 00:00:00 GMT; Max-Age=0; HttpOnly; Path=/";
    assert_eq!(set_cookies(&response), [deleted]);
    assert!(varies(&response));
}

#[tokio::test]
async fn error_response_saves_the_session() {
    let response = app::get(&app(&app::config()), "/fail", &[]).await;
    assert_eq!(response.status(), StatusCode::INTERNAL_SERVER_ERROR);
    assert_eq!(sent_back(&response), cookie(r#"{"tried":true}"#));
}

#[tokio::test]
async fn too_large_session_is_an_error_that_names_the_largest_key() {
    let response = app::get(&app(&app::config()), "/large", &[]).await;
    assert_eq!(response.status(), StatusCode::INTERNAL_SERVER_ERROR);
    assert!(set_cookies(&response).is_empty());
    assert!(varies(&response));
    let failure = response.extensions().get::<SaveError>().unwrap().to_string();
    assert!(failure.contains(r#""noise" (6007 bytes), "small" (6 bytes)"#), "{failure}");
}

#[tokio::test]
async fn response_never_sets_one_cookie_twice() {
    let response = app::get(&app(&app::config()), "/own", &[]).await;
    let session = format!("{}; HttpOnly; Path=/", cookie(r#"{"x":1}"#));
    assert_eq!(set_cookies(&response), ["theme=dark", &session]);
}

#[tokio::test]
async fn response_with_the_cookie_is_private() {
    let response = app::get(&app(&app::config()), "/public", &[]).await;
    assert_eq!(app::lines(response.headers(), header::CACHE_CONTROL), ["max-age=60, private"]);
    assert_eq!(app::lines(response.headers(), header::VARY), ["Accept, Cookie"]);
    let plain = app::get(&app(&app::config()), "/count", &[]).await;
    assert_eq!(app::lines(plain.headers(), header::CACHE_CONTROL), ["private"]);
}

#[tokio::test]
async fn refused_cookie_gives_an_empty_session_and_its_reason() {
    #[track_caller]
    fn reason(code: &str) -> String {
        code.to_owned()
    }
    let app = app(&app::config());
    let good = cookie(r#"{"a":1}"#);
    for (jar, expected) in [
        (good.clone(), reason("verified")),
        (String::new(), reason("no_cookie")),
        (good.replace("session=e", "session=f"), reason("bad_signature")),
        ("session=nonsense".into(), reason("malformed")),
        ("session=\u{e9}.\u{e9}.\u{e9}".into(), reason("bad_signature")),
    ] {
        let jar = jar.as_bytes();
        let request = http::Request::get("/reason").header(header::COOKIE, jar);
        let request = request.body(Body::empty()).unwrap();
        let response = tower::ServiceExt::oneshot(app.clone(), request).await.unwrap();
        assert!(set_cookies(&response).is_empty(), "a refused cookie is not deleted");
        assert_eq!(text(response).await, expected);
    }
}

#[tokio::test]
async fn fallback_key_opens_and_the_current_key_signs() {
    let key = hipflask::SecretKey::new("0c5a7d9e3f1b4826a0d7c9e5b3f18642").with_fallback(app::KEY);
    let app = app(&hipflask::SessionConfig::new(key));
    let response = app::get(&app, "/reason", &[&cookie(r#"{"a":1}"#)]).await;
    assert_eq!(text(response).await, "verified_by_fallback_key");
    let response = app::get(&app, "/count", &[&cookie(r#"{"count":1}"#)]).await;
    assert_ne!(sent_back(&response), cookie(r#"{"count":2}"#));
    assert_eq!(text(response).await, "2");
}

#[tokio::test]
async fn change_after_the_head_has_left_is_an_error() {
    let kept = Arc::new(Mutex::new(None));
    let keep = Arc::clone(&kept);
    let stream = move |session: Session| {
        let keep = Arc::clone(&keep);
        async move {
            let late = session.clone();
            *keep.lock().unwrap() = Some(session);
            Body::from_stream(futures_util::stream::once(async move {
                let error = late.insert("late", true).unwrap_err();
                assert!(error.is_response_started());
                Ok::<_, std::convert::Infallible>(format!("{error}, {}", late.len()))
            }))
        }
    };
    let app = Router::new().route("/", get(stream)).layer(app::layer(&app::config()));
    let response = app::get(&app, "/", &[&cookie(r#"{"a":1}"#)]).await;
    assert!(set_cookies(&response).is_empty());
    assert!(
        text(response).await.ends_with("after the response has started, so change it before, 1")
    );
    let session = kept.lock().unwrap().take().unwrap();
    assert!(session.flash("message", "late").unwrap_err().is_response_started());
    assert_eq!(session.get::<u8>("a").unwrap(), Some(1));
    assert_eq!(session.reason(), Reason::Verified);
}

#[tokio::test]
async fn handler_without_a_layer_is_told_so() {
    let app = Router::new().route("/count", get(count));
    let response = app::get(&app, "/count", &[]).await;
    assert_eq!(response.status(), StatusCode::INTERNAL_SERVER_ERROR);
}

#[tokio::test]
async fn panic_in_a_handler_leaves_no_slot_behind() {
    let panics = Router::new()
        .route(
            "/",
            get(|_: Session| async {
                if true {
                    panic!("on purpose")
                }
            }),
        )
        .layer(app::layer(&app::config()));
    let request = AssertUnwindSafe(app::get(&panics, "/", &[])).catch_unwind();
    assert!(request.await.is_err());
    let app = Router::new().route("/count", get(count));
    let response = app::get(&app, "/count", &[]).await;
    assert_eq!(response.status(), StatusCode::INTERNAL_SERVER_ERROR, "no layer is around here");
}

#[tokio::test]
async fn request_that_ends_without_a_response_closes_its_session() {
    let kept = Arc::new(Mutex::new(None));
    let keep = Arc::clone(&kept);
    let waits = move |session: Session| {
        *keep.lock().unwrap() = Some(session);
        std::future::pending::<&str>()
    };
    let app = Router::new().route("/", get(waits)).layer(app::layer(&app::config()));
    let jar = cookie(r#"{"a":1}"#);
    let jar = [jar.as_str()];
    let request = app::get(&app, "/", &jar);
    assert!(tokio::time::timeout(std::time::Duration::from_millis(20), request).await.is_err());
    let session = kept.lock().unwrap().take().unwrap();
    assert!(session.insert("late", 1).unwrap_err().is_response_started());
    assert!(session.set_modified(true).unwrap_err().is_response_started());
}

#[tokio::test]
async fn foreign_code_may_use_the_session_that_it_is_stored_in() {
    struct Total(Session);

    impl serde::Serialize for Total {
        fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
            serializer.serialize_u64(self.0.len() as u64)
        }
    }

    async fn handler(session: Session) -> hipflask::Result<String> {
        session.insert("total", Total(session.clone()))?;
        session.modify("total", |total| {
            *total = (total.as_i64().unwrap_or(0) + session.len() as i64).into()
        })?;
        Ok(session.get::<u64>("total")?.unwrap_or(0).to_string())
    }

    let app = Router::new().route("/", get(handler)).layer(app::layer(&app::config()));
    assert_eq!(text(app::get(&app, "/", &[&cookie(r#"{"a":1}"#)]).await).await, "3");
}
