//! What the layer costs inside axum, without a network: a request through the router, in CPU time.
//!
//! `cargo run --release -p hipflask-benches --bin layer [-- ROUNDS]`. A layer that does nothing shows
//! what `Router::layer` itself costs; the handlers that send the same headers show what a session
//! costs beyond its headers.
#![expect(clippy::print_stdout, reason = "the table is what it is for")]

use std::{env, error::Error};

use axum::{
    Router,
    body::Body,
    extract::FromRequestParts,
    http::{HeaderValue, Request, header, request::Parts},
    response::IntoResponse,
    routing::get,
};
use hipflask::{SecretKey, SessionLayer};
use hipflask_benches::{
    handler::{self, read, write},
    measure::{Runner, calibrate, median, thread_nanos},
};
use tower::{Service, layer::util::Identity};

struct Case {
    name: &'static str,
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

fn main() -> Result<(), Box<dyn Error>> {
    let n_rounds = env::args().nth(1).map_or(Ok(21), |rounds| rounds.parse())?;
    let key = SecretKey::random()?;
    let cookie = cookie(&key)?;
    let plain = Router::new()
        .route("/", get(|| async { "hello" }))
        .route("/read", get(read_headers))
        .route("/write", get(write_headers));
    let session = Router::new()
        .route("/", get(|| async { "hello" }))
        .route("/read", get(read))
        .route("/write", get(write))
        .layer(SessionLayer::new(key)?);
    let idle = plain.clone().layer(Identity::new());
    let case = |name, app: &Router, path| Case {
        name,
        app: app.clone().with_state(()),
        path,
        cookie: cookie.clone(),
    };
    let mut cases = [
        case("bare axum", &plain, "/"),
        case("a layer that does nothing", &idle, "/"),
        case("hipflask, untouched", &session, "/"),
        case("a read's headers, layer that does nothing", &idle, "/read"),
        case("hipflask, read", &session, "/read"),
        case("a write's headers, layer that does nothing", &idle, "/write"),
        case("hipflask, write", &session, "/write"),
    ];
    let n_calls = cases.iter_mut().map(|case| calibrate(case)).collect::<Result<Vec<_>, _>>()?;
    let mut samples = vec![Vec::new(); cases.len()];
    for _ in 0..n_rounds {
        for (at, case) in cases.iter_mut().enumerate() {
            samples[at].push(case.run(n_calls[at])?);
        }
    }
    println!("| request through the router | ns |\n|---|--:|");
    for (case, samples) in cases.iter().zip(&mut samples) {
        println!("| {} | {:.0} |", case.name, median(samples));
    }
    Ok(())
}

fn cookie(key: &SecretKey) -> Result<HeaderValue, Box<dyn Error>> {
    let interface = hipflask::SessionConfig::new(key.clone()).build()?;
    let mut session = hipflask_core::session::Session::new();
    session.insert("count", 17)?;
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH)?;
    let value = interface.sign(&session, hipflask::UnixTime::since_epoch(now))?.unwrap_or_default();
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

async fn read_headers(_: Nothing) -> impl IntoResponse {
    ([(header::VARY, "Cookie")], std::hint::black_box(17).to_string())
}

async fn write_headers(_: Nothing) -> impl IntoResponse {
    (handler::write_headers(), std::hint::black_box(17).to_string())
}
