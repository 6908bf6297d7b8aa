//! Requests through axum's router, without a network: with sessions, and with only what they send.

use std::{error::Error, sync::Arc, time::SystemTime};

use axum::{
    Router,
    body::Body,
    extract::FromRequestParts,
    http::{HeaderMap, HeaderValue, Request, StatusCode, header, request::Parts},
    response::IntoResponse,
    routing::get,
};
use hipflask::{
    SecretKey, SessionConfig, SessionLayer, UnixTime, config::CookieSessions, shadow::ShadowLayer,
};
use tower::{Service, layer::util::Identity};

use crate::{
    handler::{self, read, write},
    measure::{Runner, thread_nanos},
};

/// One app and the path that it is asked for.
#[derive(Debug)]
pub struct Case {
    /// The name in the table.
    pub name: &'static str,
    app: Router,
    path: &'static str,
    cookie: HeaderValue,
}

impl Runner for Case {
    fn run(&mut self, n_calls: u32) -> std::io::Result<f64> {
        let runtime = tokio::runtime::Builder::new_current_thread().build()?;
        let start = thread_nanos();
        runtime.block_on(async {
            for _ in 0..n_calls {
                let request = Request::get(self.path).header(header::COOKIE, self.cookie.clone());
                let Ok(request) = request.body(Body::empty()) else { continue };
                let Ok(response) = self.app.call(request).await;
                std::hint::black_box(response);
            }
        });
        let nanos = thread_nanos() - start;
        Ok(nanos as f64 / f64::from(n_calls))
    }
}

/// Returns what is compared.
///
/// A layer that does nothing shows what `Router::layer` itself costs, and the
/// handlers that send the same headers what a session costs beyond its headers. Those that open and save
/// the cookie themselves, in one place and without a layer, show the least that it can cost.
///
/// # Errors
///
/// When the system has no random bytes.
pub fn cases() -> Result<[Case; 11], Box<dyn Error>> {
    let key = SecretKey::random()?;
    let cookie = cookie(&key)?;
    let sessions = SessionConfig::new(key.clone()).build()?;
    let plain = Router::new()
        .route("/", get(|| async { "hello" }))
        .route("/read", get(read_headers))
        .route("/write", get(write_headers));
    let layer = SessionLayer::new(key)?;
    let session = Router::new()
        .route("/", get(|| async { "hello" }))
        .route("/read", get(read))
        .route("/write", get(write))
        .layer(layer.clone());
    let watched = session.clone().layer(ShadowLayer::new(&layer).with_cost(1.0));
    let idle = plain.clone().layer(Identity::new());
    let by_hand = Router::new()
        .route("/read", get(async |ByHand(opened): ByHand<false>| opened))
        .route("/write", get(async |ByHand(opened): ByHand<true>| opened))
        .layer(Identity::new())
        .with_state(Arc::new(sessions));
    let case = |name, app: &Router, path| Case {
        name,
        app: app.clone().with_state(()),
        path,
        cookie: cookie.clone(),
    };
    Ok([
        case("bare axum", &plain, "/"),
        case("a layer that does nothing", &idle, "/"),
        case("hipflask, untouched", &session, "/"),
        case("a read's headers, layer that does nothing", &idle, "/read"),
        case("opened by hand, read", &by_hand, "/read"),
        case("hipflask, read", &session, "/read"),
        case("hipflask, read, looked at in shadow mode", &watched, "/read"),
        case("a write's headers, layer that does nothing", &idle, "/write"),
        case("opened and saved by hand, write", &by_hand, "/write"),
        case("hipflask, write", &session, "/write"),
        case("hipflask, write, looked at in shadow mode", &watched, "/write"),
    ])
}

fn cookie(key: &SecretKey) -> Result<HeaderValue, Box<dyn Error>> {
    let interface = SessionConfig::new(key.clone()).build()?;
    let mut session = hipflask_core::session::Session::new();
    session.insert("count", 17)?;
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH)?;
    let value = interface.sign(&session, UnixTime::since_epoch(now))?.unwrap_or_default();
    Ok(HeaderValue::try_from(format!("session={value}"))?)
}

/// An extractor that does nothing, since asking for one is what a session costs at least.
struct Nothing;

impl<S: Sync> FromRequestParts<S> for Nothing {
    type Rejection = std::convert::Infallible;

    async fn from_request_parts(_: &mut Parts, _: &S) -> Result<Self, Self::Rejection> {
        Ok(Self)
    }
}

/// The headers and the body of an answer with a session, which it opens, and saves if it `WRITES`.
struct ByHand<const WRITES: bool>((HeaderMap, String));

impl<const WRITES: bool> FromRequestParts<Arc<CookieSessions>> for ByHand<WRITES> {
    type Rejection = StatusCode;

    async fn from_request_parts(
        parts: &mut Parts,
        sessions: &Arc<CookieSessions>,
    ) -> Result<Self, StatusCode> {
        let failed = |_| StatusCode::INTERNAL_SERVER_ERROR;
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        let now = UnixTime::since_epoch(now);
        let line = parts.headers.get(header::COOKIE).map_or(&[][..], HeaderValue::as_bytes);
        let cookie = hipflask_core::cookie::find(line, "session");
        let mut session = sessions.open(cookie.as_deref(), now).session;
        let mut count = session.get::<u64>("count").ok().flatten().unwrap_or(0);
        let mut headers = HeaderMap::new();
        headers.insert(header::VARY, HeaderValue::from_static("Cookie"));
        if WRITES {
            count += 1;
            session.insert("count", count).map_err(|_| StatusCode::INTERNAL_SERVER_ERROR)?;
            let saved =
                sessions.save(&session, now).map_err(|_| StatusCode::INTERNAL_SERVER_ERROR)?;
            let cookie = saved.action.header().unwrap_or_default();
            headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("private"));
            headers.insert(header::SET_COOKIE, HeaderValue::try_from(cookie).map_err(failed)?);
        }
        Ok(Self((headers, count.to_string())))
    }
}

async fn read_headers(_: Nothing) -> impl IntoResponse {
    ([(header::VARY, "Cookie")], std::hint::black_box(17).to_string())
}

async fn write_headers(_: Nothing) -> impl IntoResponse {
    (handler::write_headers(), std::hint::black_box(17).to_string())
}
