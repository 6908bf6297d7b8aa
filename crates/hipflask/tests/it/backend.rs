//! The way in for adapters of other frameworks than tower.

use std::time::Duration;

use hipflask::{
    Reason, SecretKey, SessionConfig,
    backend::Backend,
    core::{interface::SaveAction, server_side::Found},
    store::MemoryStore,
};

const NOW: Duration = Duration::from_secs(1_763_692_800);

fn backend() -> Backend {
    let key = SecretKey::new("9f3c6a52be0d47c1886d1f7a0cb35e24");
    Backend::new(&SessionConfig::new(key), MemoryStore::new()).unwrap()
}

async fn save(backend: &Backend, found: Found) -> SaveAction {
    let Found { session, reason, held, .. } = found;
    backend.save(&session, reason, held, None, NOW).await.unwrap().action
}

/// Saves a new session and returns the value of its cookie.
async fn started(backend: &Backend) -> Vec<u8> {
    let mut found = backend.load(None, NOW).await.unwrap();
    found.session.insert("user", 1).unwrap();
    let SaveAction::Set(header) = save(backend, found).await else { panic!("no cookie") };
    let value = header.strip_prefix("session=").and_then(|rest| rest.split(';').next());
    value.unwrap().as_bytes().to_vec()
}

#[tokio::test]
async fn save_makes_the_id_of_given_entropy() {
    let backend = backend();
    let mut found = backend.load(None, NOW).await.unwrap();
    found.session.insert("user", 1).unwrap();
    let entropy = Some(vec![255; 32]);
    let saved = backend.save(&found.session, found.reason, None, entropy, NOW).await.unwrap();
    let SaveAction::Set(header) = saved.action else { panic!("no cookie") };
    assert!(header.starts_with(&format!("session={}8;", "_".repeat(42))), "{header}");
}

#[tokio::test]
async fn revoke_ends_a_session_also_for_a_request_under_way() {
    let backend = backend();
    let cookie = started(&backend).await;
    let mut under_way = backend.load(Some(&cookie), NOW).await.unwrap();
    assert_eq!(under_way.reason, Reason::Found);
    let id = under_way.held.as_ref().unwrap().id().clone();

    assert!(backend.revoke(&id).await.unwrap());
    assert!(!backend.revoke(&id).await.unwrap());

    under_way.session.insert("seen", true).unwrap();
    assert!(matches!(save(&backend, under_way).await, SaveAction::Delete(_)));
    assert_eq!(backend.load(Some(&cookie), NOW).await.unwrap().reason, Reason::UnknownId);
}
