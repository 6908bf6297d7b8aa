//! The client for tests, as those who write tests use it.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::SeqCst},
    },
    time::Duration,
};

use axum::{
    Form, Router,
    body::Body,
    extract::Path,
    routing::{get, post},
};
use hipflask::{Session, SessionConfig, SessionLayer, UnixTime, testing::TestClient};
use http::{
    HeaderMap, Request,
    header::{COOKIE, SET_COOKIE, USER_AGENT},
};

use crate::{app, watched::Watched};

async fn count(session: Session) -> hipflask::Result<String> {
    let count = session.get::<u64>("count")?.unwrap_or(0) + 1;
    session.insert("count", count)?;
    Ok(count.to_string())
}

async fn echo(headers: HeaderMap) -> String {
    let cookies = headers.get(COOKIE).map(|line| line.to_str().unwrap());
    format!("{}{}", cookies.unwrap_or_default(), headers[USER_AGENT].to_str().unwrap())
}

async fn form(Form(form): Form<Vec<(String, String)>>) -> String {
    format!("{form:?}")
}

fn client(layer: &SessionLayer) -> TestClient<Router> {
    let app = Router::new()
        .route("/count", get(count))
        .route("/form", post(form))
        .route("/set/{*cookie}", get(async |Path(line): Path<String>| [(SET_COOKIE, line)]))
        .route("/echo", get(echo))
        .route("/a/echo", get(echo))
        .route("/ab/echo", get(echo))
        .layer(layer.clone());
    TestClient::new(app, layer).with_header(USER_AGENT, "")
}

fn layers(config: &SessionConfig) -> [SessionLayer; 2] {
    let signed = SessionLayer::signed(config).unwrap();
    [signed.clone(), signed.with_store(Watched::default())]
}

#[tokio::test]
async fn session_transaction_reads_and_changes_what_handlers_have() {
    for layer in layers(&app::config()) {
        let mut client = client(&layer);
        client.session_transaction(|session| session.insert("count", 41)).await.unwrap();
        assert_eq!(client.get("/count").await.body(), "42");
        let read = client.session_transaction(|session| session.get::<u64>("count")).await;
        assert_eq!(read.unwrap(), Some(42));

        let failed = client.session_transaction(|session| {
            session.insert("count", 1)?;
            session.push("count", 2)
        });
        assert!(failed.await.unwrap_err().is_value());
        assert_eq!(client.get("/count").await.body(), "43", "a change that failed was saved");

        let mut other = client.clone();
        client.session_transaction(Session::destroy).await.unwrap();
        assert_eq!(client.cookie("session"), None);
        assert_eq!(client.get("/count").await.body(), "1");
        other.remove_cookie("session");
        assert_eq!(other.get("/count").await.body(), "1");
    }
}

#[tokio::test]
async fn session_transaction_keeps_the_path_of_the_cookie() {
    let layer = SessionLayer::signed(&app::config().with_path("/a")).unwrap();
    let mut client = client(&layer);
    for expected in [None, Some(1)] {
        let read = client.session_transaction(|session| {
            let before = session.get::<u64>("count")?;
            session.insert("count", 1)?;
            Ok(before)
        });
        assert_eq!(read.await.unwrap(), expected);
    }
    assert!(client.get("/a/echo").await.body().starts_with("session="));
    assert_eq!(client.get("/echo").await.body(), "");
}

#[tokio::test]
async fn session_transaction_tells_what_cannot_be_saved() {
    let mut client = client(&app::layer(&app::config()));
    let large = client.session_transaction(|session| session.insert("large", app::noise(9000)));
    let error = large.await.unwrap_err();
    assert_eq!(error.status(), 500);
    assert!(error.to_string().contains("4096"), "{error}");
}

#[tokio::test]
async fn cookies_are_kept_as_browsers_keep_them() {
    let mut client = client(&app::layer(&app::config()));
    for line in [
        "a=1;Path=/",
        "b=2",                                          // for /set
        "c=3; path=/a; HttpOnly; Secure; SameSite=Lax", // for /a, not for /ab
        "d=4; Path=/; Max-Age=60; Expires=Thu, 01 Jan 1970 00:00:00 GMT",
        "e=5; Path=/; Expires=Fri, 21 Nov 2025 02:41:00 GMT", // a minute from now
        "f=6; Path=/; Expires=soon",
        "g=7; Path=/; Max-Age=0",
        "h=8; Path=/; Expires=Thu, 01 Jan 1970 00:00:00 GMT",
        "no cookie",
    ] {
        client.get(&format!("/set/{}", line.replace(' ', "%20"))).await;
    }
    client.get(&format!("/set/i={}", "x".repeat(4096))).await;
    client.set_cookie("j", "10");
    assert_eq!(client.get("/echo").await.body(), "a=1; d=4; e=5; f=6; j=10");
    assert_eq!(client.get("/a/echo").await.body(), "c=3; a=1; d=4; e=5; f=6; j=10");
    assert_eq!(client.get("/ab/echo?/a/").await.body(), "a=1; d=4; e=5; f=6; j=10");
    assert_eq!((client.cookie("b"), client.cookie("g")), (Some("2"), None));
    client.get("/set/a=one;Path=%2F").await;
    client.get("/set/f=;Path=%2F;Max-Age=-1").await;
    assert_eq!(client.get("/echo").await.body(), "a=one; d=4; e=5; j=10");
    client.restart();
    assert_eq!(client.get("/echo").await.body(), "d=4; e=5");
}

#[tokio::test]
async fn cookies_expire_by_the_clock_of_the_layer() {
    let now = Arc::new(AtomicU64::new(app::NOW.as_secs()));
    let config = app::config().with_lifetime(Duration::from_secs(60));
    for layer in layers(&config) {
        let clock = Arc::clone(&now);
        let mut client = client(&layer.with_clock(move || UnixTime::from_secs(clock.load(SeqCst))));
        client.session_transaction(|session| session.set_permanent(true)).await.unwrap();
        client.restart();
        assert_eq!(client.get("/count").await.body(), "1");
        now.fetch_add(59, SeqCst);
        assert_eq!(client.get("/count").await.body(), "2");
        now.fetch_add(60, SeqCst);
        assert_eq!(client.cookie("session"), None);
        assert_eq!(client.get("/echo").await.body(), "", "the browser has sent an expired cookie");
        assert_eq!(client.get("/count").await.body(), "1");
    }
}

#[tokio::test]
async fn requests_are_what_a_browser_sends() {
    let mut client = client(&app::layer(&app::config())).with_header(USER_AGENT, "tests/1.0");
    let sent = client.post_form("/form", &[("näme", "a b&c=d%+"), ("näme", "")]).await;
    assert_eq!(sent.body(), r#"[("näme", "a b&c=d%+"), ("näme", "")]"#);
    assert_eq!(client.get("/echo").await.body(), "tests/1.0");
    let request = Request::get("/echo").header(USER_AGENT, "own").header(COOKIE, "own=1");
    client.set_cookie("jar", "2");
    let own = client.send(request.body(Body::empty()).unwrap()).await;
    assert_eq!(own.body(), "own=1own");
    assert_eq!(client.get("/nowhere").await.status(), 404);
}

#[tokio::test]
async fn client_shows_no_cookie() {
    let mut client = client(&app::layer(&app::config()));
    client.set_cookie("session", "hunter2");
    assert_eq!(format!("{client:?}"), r#"TestClient("session")"#);
}
