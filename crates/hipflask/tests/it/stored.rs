//! Sessions in a store, through the layer: what reaches the store, what the browser is told, and
//! what becomes of requests that overlap.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use axum::{Router, extract::State, routing::get};
use hipflask::{
    Reason, Result, SaveError, Session, SessionConfig, SessionLayer,
    config::{ConflictPolicy, OnOutage},
    store::{Record, RecordKey, Store},
};
use http::StatusCode;
use tokio::sync::Notify;

use crate::{
    app::{self, sent_back, set_cookies, text, varies},
    watched::Watched,
};

/// Lets a request wait between reading and writing until the test says so.
#[derive(Clone, Default)]
struct Gate {
    waiting: Arc<Notify>,
    open: Arc<Notify>,
}

impl Gate {
    async fn pass(&self) {
        self.waiting.notify_one();
        self.open.notified().await;
    }
}

async fn set(session: Session) -> Result<()> {
    session.insert("a", 1)
}

async fn set_slowly(session: Session, State(gate): State<Gate>) -> Result<()> {
    gate.pass().await;
    session.insert("slow", 1)
}

async fn read_slowly(session: Session, State(gate): State<Gate>) -> Result<()> {
    session.get::<i32>("a")?;
    gate.pass().await;
    Ok(())
}

async fn other(session: Session) -> Result<()> {
    session.insert("other", 1)
}

async fn other_slowly(session: Session, State(gate): State<Gate>) -> Result<()> {
    gate.pass().await;
    session.insert("other", 2)
}

async fn flash(session: Session) -> Result<()> {
    session.flash("message", "hi")
}

async fn flash_slowly(session: Session, State(gate): State<Gate>) -> Result<()> {
    gate.pass().await;
    session.flash("message", "hi")
}

async fn all(session: Session) -> Result<String> {
    let content: serde_json::Map<_, _> = session.extract()?;
    let sorted: BTreeMap<_, _> = content.into_iter().collect();
    Ok(format!("{} {}", session.reason().code(), serde_json::to_string(&sorted).unwrap()))
}

async fn renew(session: Session) -> Result<()> {
    session.renew()?;
    session.insert("user", 7)
}

async fn log_out(session: Session) -> Result<()> {
    session.destroy()
}

async fn log_out_and_flash(session: Session) -> Result<()> {
    session.destroy()?;
    session.flash("message", "bye")
}

async fn pop(session: Session) -> Result<()> {
    session.remove("a").map(drop)
}

async fn update(session: Session) -> Result<String> {
    let count = session.update("count", |count: Option<u64>| count.unwrap_or(0) + 1).await?;
    Ok(count.to_string())
}

async fn update_twice(session: Session) -> Result<String> {
    session.insert("count", 5)?;
    let count = session.update("count", |count: Option<u64>| count.unwrap_or(0) + 1).await?;
    session.destroy()?;
    let next = session.update("count", |count: Option<u64>| count.unwrap_or(0) + 1).await?;
    Ok(format!("{count} {next}"))
}

struct Site {
    app: Router,
    store: Watched,
    gate: Gate,
}

fn site(config: &SessionConfig) -> Site {
    let (store, gate) = (Watched::default(), Gate::default());
    let layer = SessionLayer::signed(config).unwrap().with_clock(|| app::NOW);
    let app = Router::new()
        .route("/set", get(set))
        .route("/set_slowly", get(set_slowly))
        .route("/read_slowly", get(read_slowly))
        .route("/other", get(other))
        .route("/other_slowly", get(other_slowly))
        .route("/flash", get(flash))
        .route("/flash_slowly", get(flash_slowly))
        .route("/all", get(all))
        .route("/renew", get(renew))
        .route("/log_out", get(log_out))
        .route("/log_out_and_flash", get(log_out_and_flash))
        .route("/pop", get(pop))
        .route("/update", get(update))
        .route("/update_twice", get(update_twice))
        .route("/none", get(async || "none"))
        .with_state(gate.clone())
        .layer(layer.with_store(store.clone()));
    Site { app, store, gate }
}

impl Site {
    /// Starts a session that holds `a` and returns its cookie.
    async fn start(&self) -> String {
        let cookie = sent_back(&app::get(&self.app, "/set", &[]).await);
        self.store.asked();
        cookie
    }

    async fn all(&self, cookie: &str) -> String {
        text(app::get(&self.app, "/all", &[cookie]).await).await
    }

    /// Sends a slow request, and another one while it waits; returns the slow one's response.
    async fn overlap(
        &self,
        cookie: &str,
        slow: &str,
        meanwhile: &str,
    ) -> http::Response<axum::body::Body> {
        let cookies = [cookie];
        let slow = app::get(&self.app, slow, &cookies);
        let other = async {
            self.gate.waiting.notified().await;
            app::get(&self.app, meanwhile, &[cookie]).await;
            self.gate.open.notify_one();
        };
        tokio::join!(slow, other).0
    }
}

fn id(cookie: &str) -> &str {
    cookie.strip_prefix("session=").unwrap()
}

#[tokio::test]
async fn first_write_makes_the_record_that_flask_session_would() {
    let site = site(&app::config());
    let response = app::get(&site.app, "/set", &[]).await;
    assert_eq!(site.store.asked(), ["create"]);
    let cookie = sent_back(&response);
    assert_eq!(id(&cookie).len(), 43);
    let expected = format!("{cookie}; Expires=Mon, 22 Dec 2025 02:40:00 GMT; HttpOnly; Path=/");
    assert_eq!(set_cookies(&response), [expected]);
    assert!(varies(&response));
    let key = RecordKey::new(format!("session:{}", id(&cookie)));
    let record = site.store.store.load(&key, None).await.unwrap();
    assert_eq!(record, Some(Record::new(b"\x82\xaa_permanent\xc3\xa1a\x01")));
    assert_eq!(site.all(&cookie).await, r#"found {"_permanent":true,"a":1}"#);
}

#[tokio::test]
async fn request_costs_the_store_no_more_than_it_must() {
    let site = site(&app::config());
    let cookie = site.start().await;
    for (path, cookie, expected) in [
        ("/none", Some(&*cookie), &[][..]),
        ("/all", None, &[]),
        ("/all", Some("session=../../passwd"), &[]),
        ("/all", Some(&cookie), &["load"]),
        ("/set", Some(&cookie), &["load"]), // the same value
        ("/flash", Some(&cookie), &["load", "replace"]),
        ("/update", Some(&cookie), &["load", "replace"]),
        ("/renew", Some(&cookie), &["load", "renew"]),
    ] {
        app::get(&site.app, path, cookie.as_slice()).await;
        assert_eq!(site.store.asked(), expected, "{path}");
    }
    let cookie = site.start().await;
    app::get(&site.app, "/log_out", &[&cookie]).await;
    assert_eq!(site.store.asked(), ["load", "delete"]);
}

#[tokio::test]
async fn overlapping_writes_both_survive() {
    let site = site(&app::config());
    let cookie = site.start().await;
    for (slow, meanwhile) in [("/set_slowly", "/flash"), ("/flash_slowly", "/flash")] {
        let response = site.overlap(&cookie, slow, meanwhile).await;
        assert_eq!(response.status(), StatusCode::OK);
        assert_eq!(site.store.asked(), ["load", "load", "replace", "replace", "replace"]);
    }
    assert_eq!(
        site.all(&cookie).await,
        r#"found {"_flashes":[["message","hi"],["message","hi"],["message","hi"]],"_permanent":true,"a":1,"slow":1}"#
    );
}

#[tokio::test]
async fn log_out_is_final_for_requests_under_way() {
    let site = site(&app::config());
    for slow in ["/set_slowly", "/read_slowly"] {
        let cookie = site.start().await;
        let response = site.overlap(&cookie, slow, "/log_out").await;
        assert_eq!(response.status(), StatusCode::OK);
        let deleted =
            "session=; Expires=Thu, 01 Jan 1970 00:00:00 GMT; Max-Age=0; HttpOnly; Path=/";
        let wrote = slow == "/set_slowly";
        assert_eq!(set_cookies(&response), if wrote { vec![deleted] } else { vec![] });
        assert_eq!(site.all(&cookie).await, r#"unknown_id {"_permanent":true}"#);
    }
}

#[tokio::test]
async fn renewed_session_keeps_its_cookie_from_requests_under_way() {
    let site = site(&app::config());
    let cookie = site.start().await;
    let response = site.overlap(&cookie, "/set_slowly", "/renew").await;
    assert_eq!(response.status(), StatusCode::OK);
    assert!(set_cookies(&response).is_empty());
    assert_eq!(site.all(&cookie).await, r#"renewed {"_permanent":true}"#);
    // A latecomer with the old cookie must not take the new one away either.
    assert!(set_cookies(&app::get(&site.app, "/flash", &[&cookie]).await).is_empty());
    // But whoever logs in again gets a session.
    let again = sent_back(&app::get(&site.app, "/renew", &[&cookie]).await);
    assert_eq!(site.all(&again).await, r#"found {"_permanent":true,"user":7}"#);
}

#[tokio::test]
async fn renewed_session_has_another_id_and_the_same_content() {
    let site = site(&app::config());
    let old = site.start().await;
    let new = sent_back(&app::get(&site.app, "/renew", &[&old]).await);
    assert_ne!(old, new);
    assert_eq!(site.all(&new).await, r#"found {"_permanent":true,"a":1,"user":7}"#);
}

#[tokio::test]
async fn what_is_set_after_the_end_is_a_new_session() {
    let site = site(&app::config());
    let old = site.start().await;
    let new = sent_back(&app::get(&site.app, "/log_out_and_flash", &[&old]).await);
    assert_eq!(site.store.asked(), ["load", "delete", "create"]);
    assert_ne!(old, new);
    assert_eq!(site.all(&old).await, r#"unknown_id {"_permanent":true}"#);
    let content = r#"found {"_flashes":[["message","bye"]],"_permanent":true}"#;
    assert_eq!(site.all(&new).await, content);
}

#[tokio::test]
async fn emptied_session_still_takes_what_is_under_way() {
    let site = site(&app::config());
    let cookie = site.start().await;
    site.overlap(&cookie, "/set_slowly", "/pop").await;
    assert_eq!(site.all(&cookie).await, r#"found {"_permanent":true,"slow":1}"#);
}

#[tokio::test]
async fn unknown_id_is_never_adopted() {
    let site = site(&app::config());
    let planted = format!("session={}", "p".repeat(43));
    let given = sent_back(&app::get(&site.app, "/set", &[&planted]).await);
    assert_ne!(given, planted);
    assert_eq!(site.all(&planted).await, r#"unknown_id {"_permanent":true}"#);
}

#[tokio::test(flavor = "multi_thread")]
async fn updates_of_many_clients_are_all_counted() {
    let site = site(&app::config());
    let cookie = site.start().await;
    let clients = (0..8).map(|_| {
        let (app, cookie) = (site.app.clone(), cookie.clone());
        tokio::spawn(async move {
            for _ in 0..50 {
                let response = app::get(&app, "/update", &[&cookie]).await;
                assert_eq!(response.status(), StatusCode::OK);
            }
        })
    });
    for client in clients.collect::<Vec<_>>() {
        client.await.unwrap();
    }
    assert!(site.all(&cookie).await.contains(r#""count":400"#));
}

#[tokio::test]
async fn updates_go_on_from_what_the_request_has_changed() {
    let site = site(&app::config());
    let cookie = site.start().await;
    let response = app::get(&site.app, "/update_twice", &[&cookie]).await;
    let renewed = sent_back(&response);
    assert_eq!(text(response).await, "6 1");
    assert_ne!(renewed, cookie);
    assert_eq!(site.all(&renewed).await, r#"found {"_permanent":true,"count":1}"#);
}

#[tokio::test]
async fn same_key_goes_to_the_policy() {
    for (policy, status, expected) in [
        (ConflictPolicy::LastWriter, 200, 2),
        (ConflictPolicy::FirstWriter, 200, 1),
        (ConflictPolicy::Error, 409, 1),
    ] {
        let site = site(&app::config().with_conflict_policy(policy));
        let cookie = site.start().await;
        let response = site.overlap(&cookie, "/other_slowly", "/other").await;
        assert_eq!(response.status().as_u16(), status);
        assert!(site.all(&cookie).await.contains(&format!("\"other\":{expected}")));
    }
}

#[tokio::test]
async fn outage_is_refused_or_anonymous() {
    let site = site(&app::config());
    let cookie = site.start().await;
    site.store.set_down(true);
    assert_eq!(app::get(&site.app, "/none", &[&cookie]).await.status(), StatusCode::OK);
    assert_eq!(app::get(&site.app, "/all", &[]).await.status(), StatusCode::OK);
    site.store.asked();
    let refused = app::get(&site.app, "/all", &[&cookie]).await;
    assert_eq!(refused.status(), StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(site.store.asked(), ["load", "load", "load"]); // tried twice
    let failed = app::get(&site.app, "/set", &[]).await;
    assert_eq!(failed.status(), StatusCode::SERVICE_UNAVAILABLE);
    assert!(set_cookies(&failed).is_empty());
    assert!(failed.extensions().get::<SaveError>().is_some());
    site.store.set_down(false);
    assert_eq!(site.all(&cookie).await, r#"found {"_permanent":true,"a":1}"#);
}

#[tokio::test]
async fn outage_can_open_an_empty_session_that_cannot_be_changed() {
    let site = site(&app::config().with_on_outage(OnOutage::Anonymous));
    let cookie = site.start().await;
    site.store.set_down(true);
    assert_eq!(site.all(&cookie).await, r#"store_unavailable {"_permanent":true}"#);
    let failed = app::get(&site.app, "/flash", &[&cookie]).await;
    assert_eq!(failed.status(), StatusCode::SERVICE_UNAVAILABLE);
}

#[tokio::test]
async fn store_that_hangs_meets_the_deadline() {
    let site = site(&app::config().with_store_deadline(Duration::from_millis(20)));
    let cookie = site.start().await;
    site.store.set_hung(true);
    let refused = app::get(&site.app, "/all", &[&cookie]).await;
    assert_eq!(refused.status(), StatusCode::SERVICE_UNAVAILABLE);
}

#[tokio::test]
async fn corrupt_record_is_a_new_session_with_a_reason() {
    let site = site(&app::config());
    let cookie = site.start().await;
    let key = RecordKey::new(format!("session:{}", id(&cookie)));
    let store = &site.store.store;
    let current = store.load(&key, None).await.unwrap().unwrap();
    store.replace(&key, &current, b"garbage", Duration::from_secs(60)).await.unwrap();
    let expected = format!("{} {{\"_permanent\":true}}", Reason::CorruptRecord.code());
    assert_eq!(site.all(&cookie).await, expected);
    let new = sent_back(&app::get(&site.app, "/set", &[&cookie]).await);
    assert_ne!(new, cookie);
}
