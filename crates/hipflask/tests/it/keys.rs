//! Keys in a file: changed while the app runs, and broken while it runs.

use std::{fs, path::Path, time::Duration};

use hipflask::{
    ConfigError, Reason, SecretKey, SessionConfig, SessionInterface,
    core::interface::{CookieSessions, SaveAction},
    store::MemoryStore,
};
use hipflask_core::session::Session as Core;

use crate::privacy::Log;

const OLD: &str = "71d55a3b0c7a2f93e9d1b4c86605f8ae";
const NEW: &str = "9f3c6a52be0d47c1886d1f7a0cb35e24";
/// A second, after which somebody looks again, and a little.
const PAUSE: Duration = Duration::from_millis(1050);

fn watching(path: &Path) -> SessionConfig {
    SessionConfig::new(SecretKey::watch(path).unwrap())
}

/// Returns the cookie that an app with only this key sends.
fn cookie_of(key: &str) -> String {
    let mut session = Core::new();
    session.insert("user", "ada").unwrap();
    let now = SessionInterface::signed(&SessionConfig::new(SecretKey::new(key))).unwrap().now();
    let cookies = CookieSessions::new(SecretKey::new(key).ring());
    format!("session={}", cookies.sign(&session, now).unwrap().unwrap())
}

async fn reason(sessions: &SessionInterface, cookie: &str) -> Reason {
    sessions.request([cookie.as_bytes()]).session().await.unwrap().reason()
}

/// Writes to a session, and returns the cookie that is sent.
async fn written(sessions: &SessionInterface) -> String {
    let request = sessions.request([]);
    request.session().await.unwrap().insert("user", "eve").unwrap();
    let SaveAction::Set(header) = request.finish().await.unwrap().unwrap().action else {
        panic!("no cookie")
    };
    header.split(';').next().unwrap().to_owned()
}

#[tokio::test]
async fn key_changes_in_three_steps_and_loses_no_session() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("keys");
    fs::write(&path, format!("{OLD}\n")).unwrap();
    let sessions = SessionInterface::signed(&watching(&path)).unwrap();
    let (old, new) = (cookie_of(OLD), cookie_of(NEW));
    assert_eq!(reason(&sessions, &old).await, Reason::Verified);
    assert_eq!(reason(&sessions, &new).await, Reason::BadSignature);
    // A session that is open when the keys change is saved by the keys that it was opened with.
    let under_way = sessions.request([old.as_bytes()]);
    under_way.session().await.unwrap().insert("user", "bob").unwrap();

    fs::write(&path, format!("{OLD}\n{NEW}\n")).unwrap();
    tokio::time::sleep(PAUSE).await;
    assert_eq!(reason(&sessions, &new).await, Reason::VerifiedByFallbackKey);
    assert_eq!(reason(&sessions, &old).await, Reason::Verified);
    let SaveAction::Set(line) = under_way.finish().await.unwrap().unwrap().action else {
        panic!("no cookie")
    };
    assert_eq!(reason(&sessions, line.split(';').next().unwrap()).await, Reason::Verified);
    assert_eq!(reason(&sessions, &written(&sessions).await).await, Reason::Verified);

    fs::write(&path, format!("{NEW}\n{OLD}\n")).unwrap();
    tokio::time::sleep(PAUSE).await;
    assert_eq!(reason(&sessions, &old).await, Reason::VerifiedByFallbackKey);
    let written = written(&sessions).await;

    fs::write(&path, format!("{NEW}\n")).unwrap();
    tokio::time::sleep(PAUSE).await;
    assert_eq!(reason(&sessions, &old).await, Reason::BadSignature);
    assert_eq!(reason(&sessions, &written).await, Reason::Verified);
}

#[tokio::test]
async fn signed_ids_of_a_store_follow_the_file() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("a"), OLD).unwrap();
    let config = watching(folder.path()).with_signed_ids(true);
    let sessions = SessionInterface::stored(&config, MemoryStore::new()).unwrap();
    let cookie = written(&sessions).await;
    fs::rename(folder.path().join("a"), folder.path().join("b")).unwrap();
    fs::write(folder.path().join("a"), NEW).unwrap();
    tokio::time::sleep(PAUSE).await;
    assert_eq!(reason(&sessions, &cookie).await, Reason::VerifiedByFallbackKey);
    fs::remove_file(folder.path().join("b")).unwrap();
    tokio::time::sleep(PAUSE).await;
    assert_eq!(reason(&sessions, &cookie).await, Reason::BadSignature);
}

#[tokio::test]
async fn revocable_cookies_follow_the_file_and_a_log_out_still_ends_them() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("keys");
    fs::write(&path, format!("{OLD}\n")).unwrap();
    let file = path.to_str().unwrap();
    let vars = [("F_SECRET_KEY_FILE", file), ("F_SESSION_REVOCATIONS", "memory:")];
    let config = SessionConfig::from_vars("F", vars).unwrap().with_revocation_delay(Duration::ZERO);
    let sessions = SessionInterface::connect(&config, "cookie:").await.unwrap();
    let (stays, ends) = (written(&sessions).await, cookie_of(OLD));
    assert_eq!(reason(&sessions, &stays).await, Reason::Verified);

    fs::write(&path, format!("{NEW}\n{OLD}\n")).unwrap();
    tokio::time::sleep(PAUSE).await;
    for cookie in [&stays, &ends] {
        assert_eq!(reason(&sessions, cookie).await, Reason::VerifiedByFallbackKey);
    }
    // A log-out is of one session, whichever key has signed its copies.
    let request = sessions.request([ends.as_bytes()]);
    request.session().await.unwrap().destroy().unwrap();
    request.finish().await.unwrap();
    assert_eq!(reason(&sessions, &ends).await, Reason::Revoked);
    assert_eq!(reason(&sessions, &stays).await, Reason::VerifiedByFallbackKey);
    let again = written(&sessions).await;

    fs::write(&path, format!("{NEW}\n")).unwrap();
    tokio::time::sleep(PAUSE).await;
    assert_eq!(reason(&sessions, &stays).await, Reason::BadSignature);
    assert_eq!(reason(&sessions, &again).await, Reason::Verified);
}

#[tokio::test]
async fn broken_file_keeps_the_keys_and_is_told_once() {
    let log = Log::default();
    let subscriber = tracing_subscriber::fmt().with_writer(log.clone()).with_ansi(false).finish();
    // With one subscriber alone, tracing asks the one of the thread that comes first: another test's, none.
    let _second =
        tracing::Dispatch::new(tracing_subscriber::fmt().with_writer(std::io::sink).finish());
    let _guard = tracing::subscriber::set_default(subscriber);
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("keys");
    fs::write(&path, OLD).unwrap();
    let sessions = SessionInterface::signed(&watching(&path)).unwrap();
    let old = cookie_of(OLD);
    fs::write(&path, format!("SECRET_KEY={NEW}\n")).unwrap();
    for _ in 0..2 {
        tokio::time::sleep(PAUSE).await;
        assert_eq!(reason(&sessions, &old).await, Reason::Verified);
    }
    fs::write(&path, OLD).unwrap();
    tokio::time::sleep(PAUSE).await;
    assert_eq!(reason(&sessions, &old).await, Reason::Verified);
    let told = log.text();
    assert_eq!(told.matches("the keys stay what they were").count(), 1, "{told}");
    assert_eq!(told.matches("the keys were read again").count(), 1, "{told}");
    assert!(told.contains("`NAME=` before a key"), "{told}");
    assert!(![OLD, NEW].iter().any(|key| told.contains(key)), "{told}");
}

#[test]
fn file_is_named_by_a_setting_and_stands_alone() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("keys");
    let file = path.to_str().unwrap();
    fs::write(&path, format!("{NEW}\n{OLD}\n")).unwrap();
    let config = SessionConfig::from_vars("F", [("F_SECRET_KEY_FILE", file)]).unwrap();
    assert_eq!(config.secret_key().ring().fallbacks().len(), 1);
    #[cfg(feature = "toml")]
    SessionConfig::from_toml(&format!("SECRET_KEY_FILE = '{file}'")).unwrap().build().unwrap();
    let both = [("F_SECRET_KEY_FILE", file), ("F_SECRET_KEY", NEW)];
    assert_eq!(
        SessionConfig::from_vars("F", both).unwrap_err().to_string(),
        "F_SECRET_KEY_FILE expects to have all keys: unset SECRET_KEY and SECRET_KEY_FALLBACKS, or this"
    );
    let missing = SessionConfig::from_vars("F", [("F_SECRET_KEY_FILE", "no/such/file")]);
    assert!(matches!(missing, Err(ConfigError::Unreadable { .. })));
}

#[cfg(feature = "metrics")]
#[test]
fn counter_tells_which_key_confirms() {
    use metrics_util::debugging::{DebugValue, DebuggingRecorder};
    let recorder = DebuggingRecorder::new();
    let snapshotter = recorder.snapshotter();
    metrics::with_local_recorder(&recorder, || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
        runtime.block_on(async {
            let key = SecretKey::new(NEW).with_fallback(OLD);
            let sessions = SessionInterface::signed(&SessionConfig::new(key)).unwrap();
            for cookie in [
                cookie_of(NEW),
                cookie_of(OLD),
                cookie_of(OLD),
                cookie_of("5e81b47c0fd2639a88aa01"),
            ] {
                reason(&sessions, &cookie).await;
            }
        });
    });
    let mut counted: Vec<_> = snapshotter
        .snapshot()
        .into_vec()
        .into_iter()
        .filter(|(key, ..)| key.key().name() == "hipflask_sessions_verified_total")
        .map(|(key, _, _, value)| {
            let labels: Vec<_> = key.key().labels().map(|label| label.value().to_owned()).collect();
            (labels.join(" "), value)
        })
        .collect();
    counted.sort_by(|one, other| one.0.cmp(&other.0));
    let expected = [("0 sha1", 1), ("1 sha1", 2)];
    assert_eq!(counted, expected.map(|(key, n)| (key.to_owned(), DebugValue::Counter(n))));
}
