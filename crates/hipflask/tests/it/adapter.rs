//! The way in for adapters of other frameworks than tower.

use futures_util::FutureExt;
use hipflask::{
    Error, Reason, SecretKey, Session, SessionConfig, SessionInterface,
    core::{interface::SaveAction, stored::SessionId},
    store::MemoryStore,
};
use http::{HeaderMap, HeaderValue};

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

fn signed(config: &SessionConfig) -> SessionInterface {
    SessionInterface::signed(config).unwrap()
}

fn config() -> SessionConfig {
    SessionConfig::new(SecretKey::new("9f3c6a52be0d47c1886d1f7a0cb35e24"))
}

fn header_lines<'a>(headers: &'a HeaderMap, name: &str) -> Vec<&'a str> {
    headers.get_all(name).iter().map(|line| line.to_str().unwrap()).collect()
}

/// Headers that a handler, or another layer, has set.
fn headers(lines: &[(&'static str, &'static str)]) -> HeaderMap {
    let mut headers = HeaderMap::new();
    for (name, value) in lines {
        headers.append(*name, HeaderValue::from_static(value));
    }
    headers
}

#[tokio::test]
async fn headers_get_what_was_decided() {
    let sessions = sessions();
    let request = sessions.request([]);
    request.session().await.unwrap().insert("user", 1).unwrap();
    let mut sent = headers(&[
        ("set-cookie", "theme=dark"),
        ("set-cookie", "session=by-hand"),
        ("cache-control", "public, max-age=60"),
        ("x-other", "stays"),
    ]);
    request.finish_into(&mut sent).await.unwrap();
    let cookies = header_lines(&sent, "set-cookie");
    assert_eq!((cookies.len(), cookies[0]), (2, "theme=dark"));
    assert!(cookies[1].starts_with("session=") && !cookies[1].contains("by-hand"));
    assert_eq!(header_lines(&sent, "vary"), ["Cookie"]);
    assert!(header_lines(&sent, "cache-control")[0].contains("private"));
    assert_eq!(sent["x-other"], "stays");
}

#[tokio::test]
async fn headers_of_a_failure_are_those_of_other_layers() {
    let sessions = signed(&config());
    let request = sessions.request([]);
    request.session().await.unwrap().insert("large", incompressible()).unwrap();
    let mut sent = headers(&[("set-cookie", "theme=dark"), ("content-type", "text/html")]);
    let failure = request.finish_into(&mut sent).await.unwrap_err();
    assert_eq!(failure.status(), 500);
    assert_eq!(header_lines(&sent, "set-cookie"), ["theme=dark"]);
    assert_eq!(header_lines(&sent, "vary"), ["Cookie"]);
    assert!(!sent.contains_key("content-type"));
}

#[tokio::test]
async fn untouched_session_is_refreshed_when_asked() {
    let sessions = signed(&config().with_refresh_untouched(true));
    let cookie = sent_back(
        &visit(&sessions, "", |it| {
            it.set_permanent(true).unwrap();
            it.insert("user", 1).unwrap();
        })
        .await,
    );
    let saved = sessions.request([cookie.as_bytes()]).finish().await.unwrap().unwrap();
    assert!(matches!(saved.action, SaveAction::Set(_)));
}

#[tokio::test]
async fn request_that_is_dropped_is_not_saved_and_says_so_to_its_tasks() {
    let sessions = sessions();
    let request = sessions.request([]);
    let session = request.session().await.unwrap();
    drop(request);
    assert!(session.insert("user", 1).is_err_and(|error| error.is_response_started()));
}

#[tokio::test]
async fn saving_goes_on_when_nobody_waits_for_it() {
    let sessions = sessions();
    let cookie = sent_back(&visit(&sessions, "", |it| it.insert("user", 1).unwrap()).await);
    let request = sessions.request([cookie.as_bytes()]);
    let session = request.session().await.unwrap();
    session.destroy().unwrap();
    // The session is still held, so that saving does not end at once.
    let mut finishing = Box::pin(request.finish());
    assert!((&mut finishing).now_or_never().is_none());
    drop(finishing);
    while session.insert("late", 1).is_ok() {
        tokio::task::yield_now().await;
    }
    tokio::task::yield_now().await;
    visit(&sessions, &cookie, |session| assert_eq!(session.reason(), Reason::UnknownId)).await;
}

#[tokio::test]
async fn request_within_another_shares_its_session_keeps_its_own_or_is_refused() {
    let sessions = signed(&config());
    let outer = sessions.request([]);
    let outer_session = outer.session().await.unwrap();
    assert!(sessions.request_within(Some(&outer), []).unwrap().is_none());

    let admin = signed(&config().with_cookie_name("admin"));
    let inner = admin.request_within(Some(&outer), []).unwrap().unwrap();
    inner.session().await.unwrap().insert("inner", 1).unwrap();
    assert!(outer_session.is_empty());
    // The outermost one counts, too.
    assert!(sessions.request_within(Some(&inner), []).unwrap().is_none());

    let other = signed(&config().with_path("/other"));
    let error: Error = other.request_within(Some(&inner), []).unwrap_err();
    assert_eq!((error.status().as_u16(), error.body_text()), (500, "Internal Server Error".into()));
    assert!(error.to_string().contains("two session layers have the cookie name \"session\""));
}

/// A text that is too large for a cookie also when it is compressed.
fn incompressible() -> String {
    (1..1000_u64).map(|n| n.wrapping_mul(0x9E37_79B9_7F4A_7C15).to_string()).collect()
}

#[cfg(feature = "filesystem")]
#[tokio::test]
async fn connect_keeps_sessions_where_the_address_says() {
    let folder = tempfile::tempdir().unwrap();
    let file = format!("file:{}", folder.path().join("new").display());
    let config = SessionConfig::new(SecretKey::random().unwrap());
    for (address, reason) in
        [("cookie:", Reason::Verified), ("memory:", Reason::Found), (&file, Reason::Found)]
    {
        let sessions = SessionInterface::connect(&config, address).await.unwrap();
        let cookie = sent_back(&visit(&sessions, "", |it| it.insert("user", 1).unwrap()).await);
        visit(&sessions, &cookie, |it| assert_eq!(it.reason(), reason, "{address}")).await;
    }
}

#[tokio::test]
async fn connect_says_what_is_wrong_with_the_address_or_the_configuration() {
    let key = SecretKey::random().unwrap();
    let vars = [("FLASK_SESSION_TYPE", "redis")];
    let stored = SessionConfig::new(key.clone()).with_vars("FLASK", vars).unwrap();
    let weak = SessionConfig::new(SecretKey::new("dev"));
    for (config, address, expected) in [
        (stored, "cookie:", "SESSION_TYPE asks for a store"),
        (weak.clone(), "cookie:", "the secret key is publicly known"),
        (weak, "memory:", "the secret key is publicly known"),
        (SessionConfig::new(key), "redsi://localhost", "no session store has an address"),
    ] {
        let error = SessionInterface::connect(&config, address).await.unwrap_err();
        assert!(error.to_string().starts_with(expected), "{error}");
        assert_eq!(format!("{error:?}"), error.to_string());
    }
}
