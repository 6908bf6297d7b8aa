//! Scrapes everything that is logged, counted and printed for keys, cookies and values.

use std::{
    io,
    sync::{Arc, Mutex},
    time::Duration,
};

use axum::{Router, body::Body, routing::get};
use hipflask::{
    Session, SessionLayer,
    csrf::CsrfLayer,
    store::{RecordKey, Store},
};
use http::{Request, StatusCode};
use tower::ServiceExt;
use tracing_subscriber::fmt::MakeWriter;

use crate::{
    app::{self, cookie},
    watched::Watched,
};

#[derive(Clone, Default)]
pub(crate) struct Log(Arc<Mutex<Vec<u8>>>);

impl Log {
    pub(crate) fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
    }
}

impl io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Log {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}

const VALUE: &str = "hunter2-the-value";

async fn touch(session: Session) -> hipflask::Result<String> {
    session.insert("password", VALUE)?;
    let wrong = session.get::<u8>("password").unwrap_err();
    session.insert("large", VALUE.repeat(9_000).chars().rev().collect::<String>())?;
    Ok(format!("{session:?} {wrong} {wrong:?}"))
}

async fn noise(session: Session) -> hipflask::Result<String> {
    session.insert("noise", app::noise(9000))?;
    session.insert("password", VALUE)?;
    Ok(format!("{session:?}"))
}

#[tokio::test]
async fn log_holds_reasons_and_no_secret() {
    let log = Log::default();
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(tracing::Level::TRACE)
        .with_ansi(false)
        .with_writer(log.clone())
        .finish();
    // For the whole process: other threads would otherwise switch the events off.
    tracing::subscriber::set_global_default(subscriber).unwrap();
    let config = app::config().with_vars("F", [("F_SESSION_REDIS", "hunter2-the-value")]).unwrap();
    let config = config.with_idle_timeout(Duration::from_secs(60));
    let layer = app::layer(&config);
    let mut printed = format!("{config:?} {layer:?} {:?}", config.secret_key());
    let app = Router::new().route("/", get(touch)).route("/noise", get(noise)).layer(layer);
    let good = cookie(&format!(r#"{{"password":"{VALUE}"}}"#));
    let tampered = good.replace("session=e", "session=f");
    for jar in [&good, &tampered, "session=nonsense", "session=a.b.c"] {
        for path in ["/", "/noise"] {
            let response = app::get(&app, path, &[jar]).await;
            printed += &format!("{:?}", response.extensions().get::<hipflask::SaveError>());
            printed += &app::text(response).await;
        }
    }
    refused_forms(&good).await;
    let ids = stored_sessions(&mut printed).await;
    let logged = String::from_utf8(log.0.lock().unwrap().clone()).unwrap();
    for reason in ["found", "unknown_id", "malformed_id", "corrupt_record", "store_unavailable"] {
        assert!(logged.contains(&format!("reason=\"{reason}\"")), "{reason} is not in {logged}");
    }
    for reason in ["csrf_cross_site", "csrf_token_invalid", "csrf_session_token_missing"] {
        assert!(logged.contains(&format!("reason=\"{reason}\"")), "{reason} is not in {logged}");
    }
    for id in ids {
        assert!(!logged.contains(&id), "a session id was logged");
        assert!(!printed.contains(&id), "a session id was printed");
    }
    for reason in ["verified", "bad_signature", "malformed", "too_large", "csrf_token_missing"] {
        assert!(logged.contains(&format!("reason=\"{reason}\"")), "{reason} is not in {logged}");
    }
    assert!(logged.contains(r#""noise" ("#), "the largest key is named: {logged}");
    let fingerprint = config.secret_key().ring().current().fingerprint();
    for store in ["signed cookie", "Watched"] {
        let signed = store != "Watched";
        let line = format!(
            "INFO hipflask: sessions are ready cookie=\"session\" store=\"{store}\" \
             signed_ids={signed} keys=\"{fingerprint}\" lifetime=2678400 same_site=\"unset\" \
             secure=false"
        );
        assert!(logged.contains(&line), "{line} is not in {logged}");
    }
    let unused = "WARN hipflask: the setting F_SESSION_REDIS is not used: connect in code, with the \
                  address of the store: hipflask::store::connect";
    assert_eq!(logged.matches(unused).count(), 1, "{logged}");
    let needing = "WARN hipflask: the setting SESSION_IDLE_TIMEOUT has no effect: sessions lie in signed \
                   cookies";
    assert_eq!(logged.matches(needing).count(), 1, "{logged}");
    let ended = "WARN hipflask: the setting SESSION_REVOCATIONS has no effect: sessions lie in a store, \
                 where they are ended";
    assert_eq!(logged.matches(ended).count(), 1, "{logged}");
    assert!(logged.contains(&fingerprint), "the key is told by its fingerprint: {logged}");
    let value = good.trim_start_matches("session=");
    for part in value.split('.').chain([app::KEY, VALUE, "nonsense", &value[..20]]) {
        assert!(!logged.contains(part), "{part} was logged");
        assert!(!printed.contains(part), "{part} was printed");
    }
}

/// Sends forms whose token is a value that must not be logged.
async fn refused_forms(good: &str) {
    let with_secret = cookie(&format!(r#"{{"csrf_token":"{VALUE}"}}"#));
    let app = Router::new().route("/", get(touch).post(touch)).route_layer(CsrfLayer::new());
    let app = app.layer(app::layer(&app::config()));
    for (cookie, site, token) in
        [(good, "", VALUE), (&with_secret, "", VALUE), (good, "cross-site", VALUE), (good, "", "")]
    {
        let request = Request::post("/").header("cookie", cookie).header("sec-fetch-site", site);
        let request = request.header("x-csrftoken", token).body(Body::empty()).unwrap();
        let response = app.clone().oneshot(request).await.unwrap();
        assert_eq!(response.status(), StatusCode::BAD_REQUEST);
    }
}

/// Lets sessions in a store go well and wrong, and returns their ids.
async fn stored_sessions(printed: &mut String) -> Vec<String> {
    let store = Watched::default();
    let config = app::config().with_revocations(format!("redis://:{VALUE}@localhost"));
    let layer = SessionLayer::stored(&config, store.clone()).unwrap().with_clock(|| app::NOW);
    *printed += &format!("{layer:?}");
    let app = Router::new().route("/", get(touch)).layer(layer);
    let cookie = app::sent_back(&app::get(&app, "/", &[]).await);
    let id = cookie.trim_start_matches("session=").to_owned();
    let unknown = "u".repeat(43);
    let malformed = format!("{}!", "m".repeat(43));
    for id in [&id, &unknown, &malformed] {
        let response = app::get(&app, "/", &[&format!("session={id}")]).await;
        *printed += &app::text(response).await;
    }
    let key = RecordKey::new(format!("session:{id}"));
    let current = store.store.load(&key, None).await.unwrap().unwrap();
    *printed += &format!("{key:?} {current:?}");
    let (garbage, ttl) = (VALUE.as_bytes(), Duration::from_secs(60));
    store.store.replace(&key, &current, garbage, ttl).await.unwrap();
    app::get(&app, "/", &[&cookie]).await;
    store.set_down(true);
    let refused = app::get(&app, "/", &[&cookie]).await;
    *printed += &app::text(refused).await;
    let failed = app::get(&app, "/", &[]).await;
    *printed += &format!("{:?}", failed.extensions().get::<hipflask::SaveError>());
    vec![id, unknown, malformed]
}

#[cfg(feature = "metrics")]
#[test]
fn counter_tells_reasons() {
    use metrics_util::debugging::{DebugValue, DebuggingRecorder};
    let recorder = DebuggingRecorder::new();
    let snapshotter = recorder.snapshotter();
    metrics::with_local_recorder(&recorder, || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
        runtime.block_on(async {
            let app = Router::new().route("/noise", get(noise)).layer(app::layer(&app::config()));
            app::get(&app, "/noise", &["session=nonsense"]).await;
            let store = Watched::default();
            store.set_down(true);
            let layer = app::layer(&app::config()).with_store(store);
            let app = Router::new().route("/noise", get(noise)).layer(layer);
            app::get(&app, "/noise", &[&format!("session={}", "u".repeat(43))]).await;
        });
    });
    let counted: Vec<String> = snapshotter
        .snapshot()
        .into_vec()
        .into_iter()
        .filter(|(.., value)| *value == DebugValue::Counter(1))
        .map(|(key, ..)| {
            let labels: Vec<_> = key.key().labels().map(|label| label.value().to_owned()).collect();
            format!("{} {}", key.key().name(), labels.join(","))
        })
        .collect();
    for expected in [
        "hipflask_sessions_opened_total malformed",
        "hipflask_sessions_save_failed_total too_large",
        "hipflask_store_failed_total load",
    ] {
        assert!(counted.contains(&expected.to_owned()), "{expected} is not in {counted:?}");
    }
}
