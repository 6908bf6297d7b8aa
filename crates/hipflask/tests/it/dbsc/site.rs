//! A site whose sessions are bound to devices, with a clock that the tests turn.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use axum::{
    Router,
    routing::{any, get},
};
use hipflask::{
    Result, SecretKey, Session, SessionConfig, SessionLayer, UnixTime,
    dbsc::{DbscLayer, DeviceBinding},
    store::MemoryStore,
};

use super::browser::Browser;
use crate::app::KEY;

#[derive(Clone, Default)]
pub(super) struct Clock(Arc<Mutex<u64>>);

impl Clock {
    pub(super) fn pass(&self, seconds: u64) {
        *self.0.lock().unwrap() += seconds;
    }

    pub(super) fn now(&self) -> UnixTime {
        UnixTime::from_secs(1_763_692_800 + *self.0.lock().unwrap())
    }
}

#[derive(Clone)]
pub(super) struct Site {
    pub(super) app: Router,
    pub(super) sessions: SessionLayer,
    pub(super) clock: Clock,
}

impl Site {
    /// Sessions lie in signed cookies.
    pub(super) fn signed() -> Self {
        Self::build(&config(SecretKey::new(KEY)), None, &Clock::default(), DbscLayer::new())
    }

    /// Sessions lie in a store.
    pub(super) fn stored() -> Self {
        let (clock, config) = (Clock::default(), config(SecretKey::new(KEY)));
        Self::build(&config, Some(store(&clock)), &clock, DbscLayer::new())
    }

    pub(super) fn build(
        config: &SessionConfig,
        store: Option<MemoryStore>,
        clock: &Clock,
        layer: DbscLayer,
    ) -> Self {
        let sessions = match store {
            Some(store) => SessionLayer::stored(config, store),
            None => SessionLayer::signed(config),
        };
        let own = clock.clone();
        let sessions = sessions.unwrap().with_clock(move || own.now());
        let app = routes().layer(layer).layer(sessions.clone());
        Self { app, sessions, clock: clock.clone() }
    }

    pub(super) fn browser(&self) -> Browser {
        Browser::new(&self.app, &self.sessions)
    }
}

pub(super) fn config(key: SecretKey) -> SessionConfig {
    SessionConfig::new(key)
}

pub(super) fn store(clock: &Clock) -> MemoryStore {
    let clock = clock.clone();
    MemoryStore::new().with_clock(move || Duration::from_secs(clock.now().as_secs()))
}

pub(super) fn routes() -> Router {
    Router::new()
        .route("/me", get(me))
        .route("/page", get(async || "a page"))
        .route("/log-in", any(async |session: Session| session.log_in(7)))
        .route("/log-in-by-hand", any(by_hand))
        .route("/log-out", any(async |session: Session| session.log_out()))
        .route("/cart", any(async |session: Session| session.push("cart", "tea")))
}

async fn by_hand(session: Session) -> Result<()> {
    session.clear()?;
    session.insert("user_id", 8)
}

/// Says who somebody is, and whether the server believes it.
async fn me(session: Session, device: DeviceBinding) -> String {
    let by_hand = || session.value("user_id").and_then(|id| id.as_i64()).map(|id| id.to_string());
    let user = session.user_id().or_else(by_hand).unwrap_or("nobody".into());
    let reason = session.reason();
    let reason = if reason.is_verified() { "" } else { reason.code() };
    format!("{user} {device:?} {reason}").trim_end().to_owned()
}
