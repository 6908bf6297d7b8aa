//! `SESSION_ENCRYPTION` of records: what lies in the store, and how a site changes to it.

use axum::{
    Router,
    routing::{get, post},
};
use hipflask::{
    SecretKey, Session, SessionConfig, SessionLayer,
    config::IdStorage,
    core::UnixTime,
    store::{MemoryStore, Store},
};

use crate::app::{self, KEY, NOW, sent_back, text};

const OTHER: &str = "71d55a3b0c7a2f93e9d1b4c86605f8ae";
const UNTIL: UnixTime = UnixTime::from_secs(NOW.as_secs() + 60);

fn app(config: &SessionConfig, store: &MemoryStore, now: UnixTime) -> (Router, SessionLayer) {
    let layer = SessionLayer::stored(config, store.clone()).unwrap().with_clock(move || now);
    let log_in = async |session: Session| {
        session.renew()?;
        session.insert("user_id", "ada-lovelace")
    };
    let who = async |session: Session| {
        let user: Option<String> = session.get("user_id")?;
        let reason = session.reason().code();
        Ok::<_, hipflask::Error>(format!("{} {reason}", user.unwrap_or_default()))
    };
    let router = Router::new()
        .route("/in", get(log_in))
        .route("/who", get(who))
        .route("/out", post(async |session: Session| session.destroy()))
        .route("/add", get(async |session: Session| session.insert("more", 1)))
        .layer(layer.clone());
    (router, layer)
}

async fn who(app: &Router, cookie: &str) -> String {
    text(app::get(app, "/who", &[cookie]).await).await
}

async fn dump(store: &MemoryStore) -> Vec<Vec<u8>> {
    let entries = store.scan("", None, 100).await.unwrap().entries.into_iter();
    entries.map(|entry| entry.record.payload).filter(|payload| payload != b"\xc0").collect()
}

fn is_readable(record: &[u8]) -> bool {
    record.windows(3).any(|window| window == b"ada")
}

#[tokio::test]
async fn dump_of_the_store_tells_nothing_of_encrypted_sessions() {
    for id_storage in [IdStorage::Plain, IdStorage::Hashed] {
        let store = MemoryStore::new();
        let config = app::config().with_id_storage(id_storage);
        let (plain, _) = app(&config, &MemoryStore::new(), NOW);
        let (app, layer) = app(&config.with_encryption(true), &store, NOW);
        let cookie = sent_back(&app::get(&app, "/in", &[]).await);
        assert_eq!(who(&app, &cookie).await, "ada-lovelace found");
        assert_eq!(who(&plain, &cookie).await, " unknown_id", "the test has two stores");
        let records = dump(&store).await;
        assert!(records.len() == 1 && !is_readable(&records[0]));
        // A new id, and a second session: who has the keys finds both.
        app::get(&app, "/in", &[&cookie]).await;
        app::get(&app, "/in", &[]).await;
        assert_eq!(layer.interface().sessions_of("ada-lovelace").await.unwrap().len(), 2);
        assert!(dump(&store).await.iter().all(|record| !is_readable(record)));
        layer.interface().revoke_user("ada-lovelace").await.unwrap();
        assert!(layer.interface().sessions_of("ada-lovelace").await.unwrap().is_empty());
    }
}

#[tokio::test]
async fn encryption_is_switched_on_and_off_without_a_log_out() {
    let store = MemoryStore::new();
    let encrypting = app::config().with_encryption(true).with_plain_accepted_until(UNTIL);
    let (plain, _) = app(&app::config(), &store, NOW);
    let (encrypted, _) = app(&encrypting, &store, NOW);
    let (late, _) = app(&encrypting, &store, UNTIL);
    let cookie = sent_back(&app::get(&plain, "/in", &[]).await);
    assert!(is_readable(&dump(&store).await[0]));
    assert_eq!(who(&encrypted, &cookie).await, "ada-lovelace found");
    assert_eq!(who(&late, &cookie).await, " corrupt_record");
    app::get(&encrypted, "/add", &[&cookie]).await;
    assert!(!is_readable(&dump(&store).await[0]));
    // Services that have it off already, or still, read what is there.
    for app in [&late, &encrypted, &plain] {
        assert_eq!(who(app, &cookie).await, "ada-lovelace found");
    }
    let (resigning, _) = app(&app::config().with_resign(true), &store, NOW);
    assert_eq!(who(&resigning, &cookie).await, "ada-lovelace found");
    assert!(is_readable(&dump(&store).await[0]));
}

#[tokio::test]
async fn records_follow_the_key_ring() {
    let store = MemoryStore::new();
    let config = |key: SecretKey| SessionConfig::new(key).with_encryption(true);
    let (old, _) = app(&config(SecretKey::new(OTHER)), &store, NOW);
    let (both, _) = app(&config(SecretKey::new(KEY).with_fallback(OTHER)), &store, NOW);
    let (new, _) = app(&config(SecretKey::new(KEY)), &store, NOW);
    let cookie = sent_back(&app::get(&old, "/in", &[]).await);
    assert_eq!(who(&new, &cookie).await, " corrupt_record");
    // Whose record it is lies there still, and the visitor of the wrong service got an id of their own.
    app::get(&new, "/add", &[&cookie]).await;
    assert_eq!(who(&both, &cookie).await, "ada-lovelace found");
    app::get(&both, "/add", &[&cookie]).await;
    assert_eq!(who(&new, &cookie).await, "ada-lovelace found");
}
