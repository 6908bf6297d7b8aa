//! The way in for adapters of other frameworks than tower.

use hipflask::{
    Reason, SecretKey, Session, SessionConfig, SessionInterface,
    core::{interface::SaveAction, stored::SessionId},
    store::MemoryStore,
};

fn sessions() -> SessionInterface {
    let key = SecretKey::new("9f3c6a52be0d47c1886d1f7a0cb35e24");
    SessionInterface::stored(&SessionConfig::new(key), MemoryStore::new()).unwrap()
}

/// Does something with the session of a request and returns what becomes of its cookie.
async fn visit(
    sessions: &SessionInterface,
    cookie: &str,
    work: impl FnOnce(&Session),
) -> SaveAction {
    let request = sessions.request([cookie.as_bytes()]);
    work(&request.session().await.unwrap());
    request.finish().await.unwrap().unwrap().action
}

fn sent_back(action: &SaveAction) -> String {
    let SaveAction::Set(header) = action else { panic!("no cookie") };
    header.split(';').next().unwrap().to_owned()
}

#[tokio::test]
async fn session_is_found_again_and_untouched_requests_have_nothing_to_send() {
    let sessions = sessions();
    let cookie = sent_back(&visit(&sessions, "", |it| it.insert("user", 1).unwrap()).await);
    let cookies = format!("a=b; {cookie}");
    let seen = visit(&sessions, &cookies, |session| {
        assert_eq!(session.reason(), Reason::Found);
        assert_eq!(session.get::<u32>("user").unwrap(), Some(1));
    });
    assert!(matches!(seen.await, SaveAction::Keep));
    assert!(sessions.request([cookie.as_bytes()]).finish().await.unwrap().is_none());
}

#[tokio::test]
async fn revoke_ends_a_session_also_for_a_request_under_way() {
    let sessions = sessions();
    let cookie = sent_back(&visit(&sessions, "", |it| it.insert("user", 1).unwrap()).await);
    let under_way = sessions.request([cookie.as_bytes()]);
    let session = under_way.session().await.unwrap();
    let id = SessionId::parse(cookie.strip_prefix("session=").unwrap().as_bytes()).unwrap();

    assert!(sessions.revoke(&id).await.unwrap());
    assert!(!sessions.revoke(&id).await.unwrap());

    session.insert("seen", true).unwrap();
    drop(session);
    let saved = under_way.finish().await.unwrap().unwrap();
    assert!(matches!(saved.action, SaveAction::Delete(_)));
    let reason = sessions.request([cookie.as_bytes()]).session().await.unwrap().reason();
    assert_eq!(reason, Reason::UnknownId);
}

#[tokio::test]
async fn signed_cookie_cannot_be_revoked_and_says_so() {
    let key = SecretKey::new("9f3c6a52be0d47c1886d1f7a0cb35e24");
    let sessions = SessionInterface::signed(&SessionConfig::new(key)).unwrap();
    let id = SessionId::from_entropy(&[1; 32]);
    let error = sessions.revoke(&id).await.unwrap_err();
    assert!(error.to_string().contains("lies in its cookie"), "{error}");
}

#[tokio::test]
async fn sessions_move_from_signed_cookies_into_the_store_when_asked() {
    let key = SecretKey::new("9f3c6a52be0d47c1886d1f7a0cb35e24");
    let config = SessionConfig::new(key);
    let signed = SessionInterface::signed(&config).unwrap();
    let old = sent_back(&visit(&signed, "", |it| it.insert("user", 1).unwrap()).await);

    let forgetful = SessionInterface::stored(&config, MemoryStore::new()).unwrap();
    visit(&forgetful, &old, |session| assert_eq!(session.reason(), Reason::MalformedId)).await;

    let config = config.with_cookie_migration(true);
    let moving = SessionInterface::stored(&config, MemoryStore::new()).unwrap();
    let moved = visit(&moving, &old, |session| {
        assert_eq!(session.reason(), Reason::Verified);
        assert_eq!(session.get::<u32>("user").unwrap(), Some(1));
    });
    let new = sent_back(&moved.await);
    assert_eq!(new.len(), "session=".len() + 43);
    visit(&moving, &new, |session| {
        assert_eq!(session.get::<u32>("user").unwrap(), Some(1));
    })
    .await;
    // What another key has signed is no session here, either.
    let tampered = format!("{}x", old);
    visit(&moving, &tampered, |session| assert!(session.is_new())).await;
}
