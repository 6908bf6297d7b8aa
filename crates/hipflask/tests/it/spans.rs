//! Spans and what is measured with them, as a subscriber and a recorder see them.

use std::time::Duration;

use axum::{Router, routing::get};
use hipflask::{
    Session, SessionLayer,
    config::ConflictPolicy,
    store::{MemoryStore, Store},
};
use metrics_util::debugging::{DebugValue, DebuggingRecorder};
use tracing_subscriber::fmt::format::FmtSpan;

use crate::{app, privacy::Log, watched::Watched};

async fn count(session: Session) -> hipflask::Result<String> {
    let n = session.get::<u64>("n")?.unwrap_or_default() + 1;
    session.insert("n", n)?;
    Ok(n.to_string())
}

/// Sets what another request has set meanwhile.
async fn lose(store: MemoryStore, session: Session) -> hipflask::Result<()> {
    session.insert("n", 7)?;
    let page = store.scan("session:", None, 10).await.unwrap();
    let [entry] = &page.entries[..] else { panic!("there is one session") };
    let theirs = b"\x81\xa1n\x63";
    store.replace(&entry.key, &entry.record, theirs, Duration::from_secs(60)).await.unwrap();
    Ok(())
}

/// Returns how often each thing was counted, and what was logged as each span ended.
fn observed<F: Future<Output = ()>>(what: impl FnOnce() -> F) -> (Vec<(String, u64)>, String) {
    let log = Log::default();
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(tracing::Level::DEBUG)
        .with_span_events(FmtSpan::CLOSE)
        .with_ansi(false)
        .with_writer(log.clone())
        .finish();
    let recorder = DebuggingRecorder::new();
    let snapshotter = recorder.snapshotter();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    metrics::with_local_recorder(&recorder, || {
        tracing::subscriber::with_default(subscriber, || {
            // Other threads may have switched the spans off.
            tracing::callsite::rebuild_interest_cache();
            runtime.block_on(what());
        });
    });
    let counted = snapshotter.snapshot().into_vec().into_iter().map(|(key, _, _, value)| {
        let labels: Vec<_> = key.key().labels().map(|it| it.value().to_owned()).collect();
        let n = match value {
            DebugValue::Counter(n) => n,
            DebugValue::Histogram(values) => values.len() as u64,
            DebugValue::Gauge(_) => panic!("there is none"),
        };
        (format!("{} {}", key.key().name(), labels.join(" ")), n)
    });
    let closed =
        log.text().lines().filter(|line| line.contains(" close ")).collect::<Vec<_>>().join("\n");
    (counted.collect(), closed)
}

fn check(observed: (Vec<(String, u64)>, String), counts: &[(&str, u64)], spans: &[&str]) {
    let (counted, closed) = observed;
    for (name, n) in counts {
        assert!(counted.contains(&((*name).to_owned(), *n)), "{name} {n} is not in {counted:?}");
    }
    for span in spans {
        assert!(closed.contains(span), "{span} is not in\n{closed}");
    }
}

#[test]
fn stored_session_is_measured_from_the_first_write_to_an_outage() {
    let observed = observed(|| async {
        let store = Watched::default();
        let layer = SessionLayer::stored(&app::config(), store.clone()).unwrap();
        let app = Router::new().route("/", get(count)).layer(layer);
        let cookie = app::sent_back(&app::get(&app, "/", &[]).await);
        app::get(&app, "/", &[&cookie]).await;
        store.set_down(true);
        app::get(&app, "/", &[&cookie]).await;
    });
    check(
        observed,
        &[
            ("hipflask_sessions_opened_total no_cookie", 1),
            ("hipflask_sessions_opened_total found", 1),
            ("hipflask_sessions_saved_total written", 2),
            ("hipflask_store_operations_total other create created", 1),
            ("hipflask_store_operations_total other load found", 1),
            ("hipflask_store_operations_total other replace replaced", 1),
            ("hipflask_store_operations_total other load unavailable", 3), // asked again
            ("hipflask_store_operation_seconds other create", 1),
            ("hipflask_store_failed_total load", 1),
        ],
        &[
            r#"session.open{hipflask.reason="no_cookie"}: hipflask: close"#,
            r#"session.save:store{otel.name="create" otel.kind="client" db.system.name="other" db.operation.name="create" hipflask.outcome="created" hipflask.record.size="#,
            r#"session.open:store{otel.name="load" otel.kind="client""#,
            r#"session.open{hipflask.reason="found" hipflask.cookie.size=43}: hipflask: close"#,
            r#"error.type="unavailable" otel.status_code="ERROR"}: hipflask: close"#,
            r#"session.open{error.type="store_unavailable" otel.status_code="ERROR"}: hipflask: close"#,
        ],
    );
}

#[test]
fn signed_session_has_no_store() {
    let observed = observed(|| async {
        let app = Router::new().route("/", get(count)).route("/untouched", get(async || "hello"));
        let app = app.layer(app::layer(&app::config()));
        app::get(&app, "/untouched", &["session=nonsense"]).await;
        app::get(&app, "/", &["session=nonsense"]).await;
    });
    let (counted, closed) = &observed;
    assert!(!counted.iter().any(|(name, _)| name.contains("store")), "{counted:?}");
    assert_eq!(closed.lines().count(), 2, "nothing is told of an untouched request: {closed}");
    check(
        observed,
        &[
            ("hipflask_sessions_opened_total malformed", 1),
            ("hipflask_sessions_saved_total written", 1),
        ],
        &[
            r#"session.open{hipflask.reason="malformed" hipflask.cookie.size=8}: hipflask: close"#,
            r#"session.save{hipflask.cookie.size="#,
        ],
    );
}

#[test]
fn lost_race_is_a_conflict() {
    let observed = observed(|| async {
        let store = MemoryStore::new();
        let config = app::config().with_conflict_policy(ConflictPolicy::Error);
        let layer = SessionLayer::stored(&config, store.clone()).unwrap();
        let app = Router::new()
            .route("/", get(count))
            .route("/lose", get(move |session: Session| lose(store, session)))
            .layer(layer);
        let cookie = app::sent_back(&app::get(&app, "/", &[]).await);
        let lost = app::get(&app, "/lose", &[&cookie]).await;
        assert_eq!(lost.status(), 409);
    });
    check(
        observed,
        &[
            ("hipflask_sessions_saved_total conflict", 1),
            ("hipflask_store_operations_total memory replace conflict", 1),
        ],
        &[
            r#"session.save{hipflask.outcome="conflict" error.type="conflict" otel.status_code="ERROR"}"#,
        ],
    );
}
