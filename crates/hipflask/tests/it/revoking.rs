//! Ending sessions: log-out that is final for signed cookies, all sessions of a user, all but one.

use std::{sync::Arc, time::Duration};

use axum::{
    Extension, Router,
    routing::{get, post},
};
use hipflask::{
    Result, Session, SessionConfig, SessionInterface, SessionLayer, UnixTime, config::ConfigError,
    store::MemoryStore,
};
use http::{Request, StatusCode};
use tokio::sync::Notify;
use tower::ServiceExt;

use crate::{
    app::{self, NOW, cookie, sent_back, set_cookies, text},
    watched::Watched,
};

type Gate = Arc<Notify>;

async fn who(session: Session) -> String {
    let name = session.value("user_id").or(session.value("_user_id"));
    format!("{} {}", name.map_or("nobody".into(), |name| name.to_string()), session.reason().code())
}

/// Reads its session, and answers when it may.
async fn slow(session: Session, Extension(gate): Extension<Gate>) -> String {
    let text = who(session).await;
    gate.notify_one();
    gate.notified().await;
    text
}

async fn log_in(session: Session) -> Result<()> {
    session.renew()?;
    session.insert("_user_id", "7")?;
    session.set_permanent(true)
}

fn router(layer: &SessionLayer, gate: &Gate) -> Router {
    Router::new()
        .route("/who", get(who))
        .route("/slow", get(slow))
        .route("/in", post(log_in))
        .route("/out", post(async |session: Session| session.destroy()))
        .route("/others", post(async |session: Session| session.revoke_others().await))
        .layer(Extension(Arc::clone(gate)))
        .layer(layer.clone())
}

async fn send(app: &Router, path: &str, cookie: &str) -> http::Response<axum::body::Body> {
    let request = Request::post(path).header("cookie", cookie).body(axum::body::Body::empty());
    app.clone().oneshot(request.unwrap()).await.unwrap()
}

async fn who_is(app: &Router, cookie: &str) -> String {
    text(app::get(app, "/who", &[cookie]).await).await
}

fn config() -> SessionConfig {
    app::config().with_revocation_delay(Duration::ZERO)
}

/// Each request is a second later than the one before, as a person's are.
fn revocable(config: &SessionConfig, store: Watched) -> SessionLayer {
    let layer = SessionLayer::revocable(config, store).unwrap();
    let seconds = std::sync::atomic::AtomicU64::new(NOW.as_secs() * 1000);
    layer.with_clock(move || {
        let millis = seconds.fetch_add(250, std::sync::atomic::Ordering::Relaxed);
        UnixTime::since_epoch(Duration::from_millis(millis))
    })
}

#[tokio::test]
async fn cookie_from_before_log_out_is_refused() {
    let (gate, theirs) = (Gate::default(), cookie(r#"{"user_id":7}"#));
    let app = router(&revocable(&config(), Watched::default()), &gate);
    // Flask has written it.
    assert_eq!(who_is(&app, &theirs).await, "7 verified");
    let response = send(&app, "/out", &theirs).await;
    assert_eq!(response.status(), StatusCode::OK);
    assert!(set_cookies(&response)[0].starts_with("session=; Expires="));
    assert_eq!(who_is(&app, &theirs).await, "nobody revoked");
    // Without revocations it is still good, as in Flask.
    let plain = router(&app::layer(&app::config()), &gate);
    assert_eq!(who_is(&plain, &theirs).await, "7 verified");
}

#[tokio::test]
async fn response_under_way_does_not_bring_a_session_back() {
    let gate = Gate::default();
    for is_revocable in [true, false] {
        let layer = match is_revocable {
            true => revocable(&config(), Watched::default()),
            false => app::layer(&app::config()),
        };
        let app = router(&layer, &gate);
        let mine = cookie(r#"{"_permanent":true,"user_id":7}"#);
        let (slow, first) = (app.clone(), mine.clone());
        let under_way = tokio::spawn(async move { app::get(&slow, "/slow", &[&first]).await });
        gate.notified().await;
        send(&app, "/out", &mine).await;
        gate.notify_one();
        let late = under_way.await.unwrap();
        let late = set_cookies(&late)[0].split(';').next().unwrap().to_owned();
        let expected = if is_revocable { "nobody no_cookie" } else { "7 verified" };
        assert_eq!(who_is(&app, &late).await, expected);
    }
}

#[tokio::test]
async fn all_sessions_of_a_user_end_but_the_next() {
    let gate = Gate::default();
    let layer = revocable(&config(), Watched::default());
    let app = router(&layer, &gate);
    let [one, other] = [send(&app, "/in", "").await, send(&app, "/in", "").await];
    let [one, other] = [sent_back(&one), sent_back(&other)];
    let stranger = cookie(r#"{"_user_id":"8"}"#);
    layer.interface().revoke_user("7").await.unwrap();
    let next = sent_back(&send(&app, "/in", "").await);
    assert_eq!(who_is(&app, &one).await, "nobody revoked");
    assert_eq!(who_is(&app, &other).await, "nobody revoked");
    assert_eq!(who_is(&app, &stranger).await, "8 verified");
    assert_eq!(who_is(&app, &next).await, "7 verified");
}

#[tokio::test]
async fn all_others_end_and_this_one_stays() {
    let gate = Gate::default();
    let signed = revocable(&config(), Watched::default());
    let stored = SessionLayer::stored(&app::config(), MemoryStore::new()).unwrap();
    for layer in [signed, stored] {
        let app = router(&layer, &gate);
        let [one, other] = [send(&app, "/in", "").await, send(&app, "/in", "").await];
        let [one, other] = [sent_back(&one), sent_back(&other)];
        let response = send(&app, "/others", &one).await;
        assert_eq!(response.status(), StatusCode::OK);
        assert!(who_is(&app, &one).await.starts_with("7 "), "{layer:?}");
        let other = who_is(&app, &other).await;
        assert!(other.starts_with("nobody"), "{layer:?}: {other}");
        for line in set_cookies(&response) {
            let mine = line.split(';').next().unwrap();
            assert!(
                who_is(&app, mine).await.starts_with("7 "),
                "the new cookie of the same session"
            );
        }
    }
}

#[tokio::test]
async fn sessions_of_a_user_are_listed_and_ended_in_a_store() {
    let gate = Gate::default();
    let layer = SessionLayer::stored(&app::config(), MemoryStore::new()).unwrap();
    let app = router(&layer, &gate);
    let one = sent_back(&send(&app, "/in", "").await);
    send(&app, "/in", "").await;
    let sessions = layer.interface().sessions_of("7").await.unwrap();
    assert_eq!(sessions.len(), 2);
    assert!(sessions.iter().all(|it| it.expires_in().is_some() && it.len() > 0));
    assert!(layer.interface().sessions_of("8").await.unwrap().is_empty());
    layer.interface().revoke_user("7").await.unwrap();
    assert!(layer.interface().sessions_of("7").await.unwrap().is_empty());
    assert_eq!(who_is(&app, &one).await, "nobody unknown_id");
}

/// What a log-in, a use and a look at the list ask the store, where sessions are listed and where not.
#[tokio::test]
async fn listing_costs_three_questions_a_log_in_and_one_or_two_in_five_minutes() {
    for (lists, log_in, first_use, list) in [
        (false, vec!["create"], vec!["load"], vec!["scan"]),
        (
            true,
            vec!["load", "create", "create", "load"],
            vec!["load", "load"],
            vec!["load", "load"],
        ),
    ] {
        let (gate, store) = (Gate::default(), Watched::default());
        let config = app::config().with_user_index(lists);
        let layer = SessionLayer::stored(&config, store.clone()).unwrap();
        let app = router(&layer, &gate);
        let mine = sent_back(&send(&app, "/in", "").await);
        assert_eq!(store.asked(), log_in);
        assert_eq!(who_is(&app, &mine).await, "7 found");
        assert_eq!(store.asked(), first_use);
        assert_eq!(who_is(&app, &mine).await, "7 found");
        assert_eq!(store.asked(), ["load"]);
        let sessions = layer.interface().sessions_of("7").await.unwrap();
        assert_eq!(store.asked(), list);
        assert_eq!(sessions[0].last_seen().is_some(), lists);
        app::get(&app, "/nowhere", &[&mine]).await;
        assert!(store.asked().is_empty(), "who does not ask for the session costs nothing");
    }
}

#[test]
fn limit_is_from_1_to_1000_and_turns_the_list_on() {
    for most in [0, 1001] {
        let config = app::config().with_user_limit(most);
        let error = SessionLayer::stored(&config, MemoryStore::new()).unwrap_err();
        assert!(error.to_string().contains("SESSION_USER_LIMIT"), "{error}");
    }
    let lists = |config: hipflask::SessionConfig| {
        config.build_stored().unwrap().settings().listing.is_some()
    };
    assert!(lists(app::config().with_user_limit(1).with_user_index(false)));
    assert!(lists(app::config().with_user_index(true)) && !lists(app::config()));
}

#[tokio::test]
async fn store_is_asked_once_within_the_delay_and_always_before_signing() {
    let (gate, store) = (Gate::default(), Watched::default());
    let config = app::config().with_revocation_delay(Duration::from_secs(60));
    let app = router(&revocable(&config, store.clone()), &gate);
    let mine = cookie(r#"{"_user_id":"7"}"#);
    assert_eq!(who_is(&app, &mine).await, "7 verified");
    assert_eq!(store.asked(), ["load", "load"], "of the user, and of the session");
    assert_eq!(who_is(&app, &mine).await, "7 verified");
    assert!(store.asked().is_empty());
    let mine = cookie(r#"{"_permanent":true,"_user_id":"7"}"#);
    who_is(&app, &mine).await;
    assert_eq!(store.asked(), ["load", "load", "load"], "the session, then both");
    app::get(&app, "/nowhere", &[&mine]).await;
    assert!(store.asked().is_empty(), "who does not ask for the session costs nothing");
}

#[tokio::test]
async fn store_that_is_down_lets_nobody_in() {
    let (gate, store) = (Gate::default(), Watched::default());
    let app = router(&revocable(&config(), store.clone()), &gate);
    store.set_down(true);
    let response = app::get(&app, "/who", &[&cookie(r#"{"user_id":7}"#)]).await;
    assert_eq!(response.status(), StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(app::get(&app, "/who", &[]).await.status(), StatusCode::OK);
}

#[tokio::test]
async fn what_cannot_be_revoked_says_so() {
    let plain = SessionInterface::signed(&app::config()).unwrap();
    let error = plain.revoke_user("7").await.unwrap_err();
    assert!(error.to_string().contains("SESSION_REVOCATIONS"), "{error}");
    let config = app::config().with_revocations("redis://user:password@localhost");
    let error = SessionInterface::signed(&config).unwrap_err();
    assert!(matches!(error, ConfigError::NoRevocations));
    assert!(!format!("{config:?} {error}").contains("password"));
    let config = app::config().with_user_keys([""]);
    let error = SessionLayer::revocable(&config, MemoryStore::new()).unwrap_err();
    assert!(error.to_string().contains("SESSION_USER_KEYS"), "{error}");
}

#[tokio::test]
async fn address_in_the_configuration_is_connected_to() {
    let config = config().with_revocations("memory:");
    let layer = SessionLayer::connect(&config, "cookie:").await.unwrap().with_clock(|| NOW);
    let app = router(&layer, &Gate::default());
    let mine = cookie(r#"{"user_id":7}"#);
    send(&app, "/out", &mine).await;
    assert_eq!(who_is(&app, &mine).await, "nobody revoked");
}
