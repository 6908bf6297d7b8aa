//! What errors say: in a handler, in a guard, and as a chain of causes.

use std::{error::Error, io};

use axum::{
    Router,
    extract::FromRequestParts,
    http::{Request, StatusCode, header::CACHE_CONTROL},
    response::{IntoResponse, Response},
    routing::get,
};
use hipflask::{
    SaveError, SecretKey, Session, SessionConfig,
    rejection::SessionRejection,
    store::{ConnectError, StoreError},
    value::Value,
};
use serde::Deserialize;

use crate::app;

const STORED: &str = r#"{"count":"many","user":{"name":"ada"}}"#;

#[derive(Debug, Deserialize)]
#[expect(dead_code, reason = "it is never made")]
struct Content {
    count: u8,
    user: Value,
}

#[derive(Debug, Deserialize)]
#[expect(dead_code, reason = "it is never made")]
struct Absent {
    nobody: u8,
}

/// Runs a handler that has to fail, and returns the text of its error.
async fn text_of<F, R>(handler: fn(Session) -> F) -> String
where
    F: Future<Output = hipflask::Result<R>> + Send + 'static,
    R: 'static,
{
    let handler = move |session: Session| async move {
        handler(session).await.map_or_else(|error| error.to_string(), |_| "no error".into())
    };
    let layer = app::layer(&app::config());
    let app = Router::new().route("/", get(handler)).layer(layer);
    app::text(app::get(&app, "/", &[&app::cookie(STORED)]).await).await
}

#[tokio::test]
async fn handler_errors_name_the_key() {
    let of_get = text_of(|session| async move { session.get::<String>("user") }).await;
    assert_eq!(of_get, r#"session["user"] is a dict, expected a string"#);
    let of_update = |session: Session| async move {
        session.update("count", |count: Option<u64>| count.unwrap_or(0) + 1).await
    };
    assert_eq!(text_of(of_update).await, r#"session["count"] is a string, expected u64"#);
    let of_extract = text_of(|session| async move { session.extract::<Content>() }).await;
    assert_eq!(of_extract, r#"session["count"] is a string, expected u8"#);
    let of_absent = text_of(|session| async move { session.extract::<Absent>() }).await;
    assert_eq!(of_absent, "missing field `nobody`");
    let of_insert = |session: Session| async move { session.insert("pairs", unwritable_map()) };
    let text = text_of(of_insert).await;
    assert!(text.starts_with(r#"session["pairs"]: "#), "{text}");
    let long = |session: Session| async move {
        session.set("k\n".repeat(50), true)?;
        session.get::<String>(&"k\n".repeat(50))
    };
    let shown = r"k\n".repeat(20);
    let expected = format!(r#"session["{shown}"] is a truth value, expected a string"#);
    assert_eq!(text_of(long).await, expected);
}

fn unwritable_map() -> std::collections::BTreeMap<(u8, u8), u8> {
    [((1, 2), 3)].into()
}

#[tokio::test]
async fn missing_layer_is_told_to_who_forgot_it() {
    let app = Router::new().route("/", get(|_: Session| async {}));
    let response = app::get(&app, "/", &[]).await;
    assert_eq!(response.status(), StatusCode::INTERNAL_SERVER_ERROR);
    assert_eq!(response.headers()[CACHE_CONTROL], "no-store");
    let expected = "no SessionLayer is around this route: call .layer(sessions) after the routes and \
                    the middleware that use it";
    assert_eq!(app::text(response).await, expected);
    let rejection = rejection().await;
    assert_eq!(
        (rejection.status(), rejection.body_text()),
        (StatusCode::INTERNAL_SERVER_ERROR, expected.into())
    );
    let error = hipflask::Error::from(rejection);
    assert_eq!((error.to_string(), error.body_text()), (expected.into(), expected.into()));
}

async fn rejection() -> SessionRejection {
    let (mut parts, ()) = Request::new(()).into_parts();
    Session::from_request_parts(&mut parts, &()).await.unwrap_err()
}

#[tokio::test]
async fn guards_pass_errors_on() {
    async fn with_response(session: Option<&Session>) -> Result<(), Response> {
        if let Some(session) = session {
            session.get::<u8>("count")?;
        }
        let (mut parts, ()) = Request::new(()).into_parts();
        Session::from_request_parts(&mut parts, &()).await?;
        Ok(())
    }
    async fn with_error() -> hipflask::Result<()> {
        let (mut parts, ()) = Request::new(()).into_parts();
        Session::from_request_parts(&mut parts, &()).await?;
        Ok(())
    }
    assert_eq!(with_response(None).await.unwrap_err().status(), StatusCode::INTERNAL_SERVER_ERROR);
    assert_eq!(with_error().await.unwrap_err().into_response().status(), 500);
    let handler = |session: Session| async move { with_response(Some(&session)).await };
    let layer = app::layer(&app::config());
    let app = Router::new().route("/", get(handler)).layer(layer);
    let response = app::get(&app, "/", &[&app::cookie(STORED)]).await;
    assert_eq!(app::text(response).await, "Internal Server Error");
}

/// Texts of an error and its causes; none may repeat another.
#[track_caller]
fn check_chain(error: &(dyn Error + 'static), expected: &[&str]) {
    let (mut chain, mut cause) = (vec![error.to_string()], error.source());
    while let Some(next) = cause {
        chain.push(next.to_string());
        cause = next.source();
    }
    assert_eq!(chain, expected);
}

#[tokio::test]
async fn causes_are_told_once() {
    let cause = || io::Error::other(StoreError::Unsupported("swim"));
    let swim = "this session store cannot swim";
    check_chain(
        &StoreError::unavailable(cause()),
        &[&format!("the session store is unavailable: {swim}")],
    );
    check_chain(&StoreError::refused(cause()), &[&format!("the session store refused: {swim}")]);
    check_chain(
        &ConnectError::from(StoreError::refused(cause())),
        &[&format!("cannot connect to the session store: the session store refused: {swim}")],
    );
    let weak = SessionConfig::new(SecretKey::new("")).build().unwrap_err();
    check_chain(&weak, &["the secret key is empty: make one with `hipflask secret`"]);
    assert_eq!(format!("{weak:?}"), weak.to_string());
    let layer = app::layer(&app::config());
    let deep = |session: Session| async move {
        let deep = (0..600).fold(Value::Null, |value, _| Value::List(vec![value]));
        session.set("deep", deep)
    };
    let app = Router::new().route("/", get(deep)).layer(layer);
    let response = app::get(&app, "/", &[]).await;
    let failure = response.extensions().get::<SaveError>().unwrap();
    check_chain(failure, &[&failure.to_string()]);
    assert!(failure.to_string().contains("nested"), "{failure}");
}
