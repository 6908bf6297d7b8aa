//! Shadow mode beside another layer.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use axum::{
    Extension, Router,
    http::{HeaderMap, header::SET_COOKIE},
    routing::get,
};
use hipflask::{
    SecretKey, Session, SessionConfig, SessionLayer,
    shadow::{ShadowLayer, TheirSession},
    store::MemoryStore,
};
use serde_json::json;

use crate::app::{self, cookie};

async fn visit(session: Session) -> hipflask::Result<String> {
    let n = session.get::<u64>("n")?.unwrap_or(0) + 1;
    session.insert("n", n)?;
    session.set_permanent(true)?;
    Ok(n.to_string())
}

async fn leave(session: Session) -> hipflask::Result<()> {
    session.clear()
}

fn beside(other: SessionLayer, sessions: &SessionLayer) -> (Router, ShadowLayer) {
    let shadow = ShadowLayer::new(sessions);
    let app = Router::new().route("/visit", get(visit)).route("/leave", get(leave));
    (app.layer(other).layer(shadow.clone()), shadow)
}

#[tokio::test]
async fn the_same_layer_differs_in_nothing() {
    let sessions = app::layer(&app::config());
    let (app, shadow) = beside(sessions.clone(), &sessions);
    for path in ["/visit", "/leave", "/nowhere"] {
        app::get(&app, path, &[&cookie(r#"{"n":1}"#)]).await;
    }
    let report = shadow.report();
    assert_eq!((report.requests, report.looked_at), (3, 3));
    assert!(report.differences.is_empty(), "{report}");
    assert_eq!(report.reasons["verified"], 3);
}

/// Returns the only difference, with its row and its example.
fn only(shadow: &ShadowLayer) -> (&'static str, Option<&'static str>, String) {
    let report = shadow.report();
    assert_eq!(report.differences.len(), 1, "{report}");
    let (code, counted) = report.differences.iter().next().unwrap();
    let [example] = &counted.examples[..] else { panic!("{report}") };
    (code, counted.row, example.clone())
}

#[tokio::test]
async fn requests_pass_when_looking_takes_too_much() {
    let sessions = app::layer(&app::config());
    for (cost, expected) in [(0.0, 200), (f64::NAN, 200), (1.0, 300)] {
        let shadow = ShadowLayer::new(&sessions).with_cost(cost);
        let app = Router::new().route("/visit", get(visit)).layer(sessions.clone());
        let app = app.layer(shadow.clone());
        for _ in 0..300 {
            app::get(&app, "/visit", &[&cookie(r#"{"n":1}"#)]).await;
        }
        let report = shadow.report();
        assert_eq!((report.requests, report.looked_at), (300, expected));
    }
}

#[tokio::test]
async fn a_session_that_another_key_has_signed_would_be_lost() {
    let other = SessionConfig::new(SecretKey::new("5b1f0d9c7e3a48268c40be9d17f6a2e3"));
    let (app, shadow) = beside(app::layer(&other), &app::layer(&app::config()));
    app::get(&app, "/visit", &[]).await;
    let (code, row, example) = only(&shadow);
    assert_eq!((code, row), ("verdict", None));
    assert!(example.contains("here bad_signature"), "{example}");
    assert_eq!(shadow.report().unexplained(), 1);
}

#[tokio::test]
async fn other_attributes_are_named() {
    let other = app::config().with_secure(true).with_path("/shop");
    let (app, shadow) = beside(app::layer(&other), &app::layer(&app::config()));
    app::get(&app, "/visit", &[]).await;
    assert_eq!(
        only(&shadow),
        ("set_cookie", None, "the cookie is sent with another path, secure".to_owned())
    );
}

#[tokio::test]
async fn the_life_of_a_cookie_may_be_counted_from_another_second() {
    let at = |secs| SessionLayer::signed(&app::config()).unwrap().with_clock(move || secs);
    let earlier = hipflask::UnixTime::from_secs(app::NOW.as_secs() - 3);
    let (app, shadow) = beside(at(earlier), &at(app::NOW));
    app::get(&app, "/visit", &[]).await;
    assert!(shadow.report().differences.is_empty(), "{}", shadow.report());

    let longer = app::config().with_lifetime(std::time::Duration::from_secs(60));
    let (app, shadow) = beside(app::layer(&longer), &at(app::NOW));
    app::get(&app, "/visit", &[]).await;
    assert_eq!(only(&shadow).2, "the cookie is sent with another expires");
}

async fn flasks_deletion() -> HeaderMap {
    let line = "session=; Expires=Thu, 01 Jan 1970 00:00:00 GMT; Max-Age=0; Path=/";
    HeaderMap::from_iter([(SET_COOKIE, line.parse().unwrap())])
}

#[tokio::test]
async fn a_deliberate_difference_has_its_row() {
    let shadow = ShadowLayer::new(&app::layer(&app::config()));
    let app = Router::new().route("/", get(flasks_deletion)).layer(shadow.clone());
    app::get(&app, "/", &[&cookie(r#"{"n":1}"#)]).await;
    let (code, row, example) = only(&shadow);
    assert_eq!(
        (code, example.as_str()),
        ("deleted_cookie", "the cookie is deleted with another httponly")
    );
    let page = include_str!("../../../../COMPATIBILITY.md");
    assert!(page.contains(&format!("| {} |", row.unwrap())));
    assert_eq!(shadow.report().unexplained(), 0);
}

#[tokio::test]
async fn what_the_other_side_has_read_is_compared() {
    for (theirs, expected) in [
        (TheirSession::of(&json!({"n": 7})), None),
        (TheirSession::of(&json!({"n": 8})), Some("content")),
        (TheirSession::of(&7), None),
        (TheirSession::none(), Some("verdict")),
    ] {
        let shadow = ShadowLayer::new(&app::layer(&app::config()));
        let page = get(async move || Extension(theirs));
        let app = Router::new().route("/", page).layer(shadow.clone());
        app::get(&app, "/", &[&cookie(r#"{"n":7}"#)]).await;
        let report = shadow.report();
        assert_eq!(report.differences.keys().copied().next(), expected, "{report}");
    }
}

#[tokio::test]
async fn a_store_is_read_and_never_written() {
    let store = MemoryStore::new();
    let stored = || SessionLayer::stored(&app::config(), store.clone()).unwrap();
    let (app, shadow) = beside(stored(), &stored());
    let response = app::get(&app, "/visit", &[]).await;
    let mine = app::sent_back(&response);
    for path in ["/visit", "/leave", "/visit"] {
        app::get(&app, path, &[&mine, "session=spoilt"]).await;
    }
    let report = shadow.report();
    assert!(report.differences.is_empty(), "{report}");
    assert_eq!(report.reasons["found"], 2);

    let empty = MemoryStore::new();
    let shadow = ShadowLayer::new(&SessionLayer::stored(&app::config(), empty.clone()).unwrap());
    let app = Router::new().route("/visit", get(visit)).layer(stored()).layer(shadow.clone());
    app::get(&app, "/visit", &[]).await;
    assert!(only(&shadow).2.contains("here unknown_id"), "{}", shadow.report());
    assert!(empty.is_empty());
}

#[tokio::test]
async fn a_look_does_not_extend_a_life() {
    let day = Arc::new(AtomicU64::new(0));
    let clock = day.clone();
    let store = MemoryStore::new()
        .with_clock(move || Duration::from_secs(86_400 * clock.load(Ordering::Relaxed)));
    let sessions = SessionLayer::stored(&app::config(), store).unwrap();
    let app = Router::new().route("/visit", get(visit)).layer(sessions.clone());
    let mine = app::sent_back(&app::get(&app, "/visit", &[]).await);
    let shadow = ShadowLayer::new(&sessions);
    let others = Router::new().route("/", get(async || "")).layer(shadow.clone());
    for (now, expected) in [(30, "found"), (32, "unknown_id")] {
        day.store(now, Ordering::Relaxed);
        app::get(&others, "/", &[&mine]).await;
        assert_eq!(shadow.report().reasons.get(expected), Some(&1), "{}", shadow.report());
    }
}

#[tokio::test]
async fn a_share_of_the_requests_is_looked_at() {
    let shadow = ShadowLayer::new(&app::layer(&app::config())).with_share(0.25);
    let app = Router::new().route("/", get(flasks_deletion)).layer(shadow.clone());
    for _ in 0..8 {
        app::get(&app, "/", &[]).await;
    }
    let report = shadow.report();
    assert_eq!((report.requests, report.looked_at), (8, 2));
}

#[tokio::test]
async fn a_report_tells_nothing_of_a_session() {
    let (app, shadow) =
        beside(app::layer(&app::config().with_secure(true)), &app::layer(&app::config()));
    let mine = cookie(r#"{"n":1,"email":"ada@example.org"}"#);
    let response = app::get(&app, "/visit", &[&mine]).await;
    let sent = app::sent_back(&response);
    let report = shadow.report();
    let all = format!("{report}{report:?}{}", serde_json::to_string(&report).unwrap());
    for secret in
        ["ada@example.org", mine.split('.').next().unwrap(), sent.split('.').next().unwrap()]
    {
        assert!(!all.contains(secret), "{all}");
    }
}
