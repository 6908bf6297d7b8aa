//! A site with a clock that the tests turn, its sessions in signed cookies or in a store.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use axum::{Router, body::Body, routing::get};
use hipflask::{
    Result, Session, SessionConfig, SessionLayer, UnixTime,
    csrf::CsrfLayer,
    store::{MemoryStore, Store},
};
use http::{Request, Response, StatusCode};
use tower::ServiceExt;

use crate::app::{self, text};

pub(super) struct Site {
    pub(super) app: Router,
    pub(super) store: MemoryStore,
    seconds: Arc<Mutex<u64>>,
}

/// A route for each thing that a visitor may do.
fn routes() -> Router {
    Router::new()
        .route("/", get(async || "a page"))
        .route("/who", get(who).post(who))
        .route("/visit", get(async |session: Session| session.insert("cart", "tea")))
        .route("/log_in", get(log_in))
        .route("/more_rights", get(async |session: Session| session.renew()))
        .route("/stay", get(async |session: Session| session.set_permanent(true)))
        .route("/log_out", get(async |session: Session| session.destroy()))
        .route_layer(CsrfLayer::new())
}

async fn log_in(session: Session) -> Result<()> {
    session.renew()?;
    session.insert("user", "ada")
}

async fn who(session: Session) -> Result<String> {
    let user = session.get::<String>("user")?.unwrap_or("nobody".into());
    Ok(format!("{user} {}", session.reason().code()))
}

impl Site {
    pub(super) fn signed(config: &SessionConfig) -> Self {
        Self::build(config, false)
    }

    pub(super) fn stored(config: &SessionConfig) -> Self {
        Self::build(config, true)
    }

    fn build(config: &SessionConfig, stored: bool) -> Self {
        let seconds = Arc::new(Mutex::new(1_763_692_800));
        let (layers, stores) = (Arc::clone(&seconds), Arc::clone(&seconds));
        let store =
            MemoryStore::new().with_clock(move || Duration::from_secs(*stores.lock().unwrap()));
        let layer = match stored {
            true => SessionLayer::stored(config, store.clone()),
            false => SessionLayer::signed(config),
        };
        let clock = move || UnixTime::from_secs(*layers.lock().unwrap());
        Self { app: routes().layer(layer.unwrap().with_clock(clock)), store, seconds }
    }

    pub(super) fn pass(&self, seconds: u64) {
        *self.seconds.lock().unwrap() += seconds;
    }

    pub(super) async fn get(&self, path: &str, cookie: &str) -> Response<Body> {
        app::get(&self.app, path, &[cookie]).await
    }

    /// Returns the cookie that a visit leaves in the browser.
    pub(super) async fn cookie(&self, path: &str, cookie: &str) -> String {
        app::sent_back(&self.get(path, cookie).await)
    }

    /// Returns who a cookie stands for, and why.
    pub(super) async fn who(&self, cookie: &str) -> String {
        text(self.get("/who", cookie).await).await
    }

    pub(super) async fn send(&self, request: Request<Body>) -> Response<Body> {
        let response = self.app.clone().oneshot(request).await.unwrap();
        assert_ne!(response.status(), StatusCode::INTERNAL_SERVER_ERROR);
        response
    }

    /// Returns the keys of all records, and what they hold.
    pub(super) async fn dump(&self) -> Vec<(String, Vec<u8>)> {
        let page = self.store.scan("", None, 1000).await.unwrap();
        let entries = page.entries.into_iter();
        entries.map(|entry| (entry.key.as_str().to_owned(), entry.record.payload)).collect()
    }
}
