//! The integration tests of the facade, as one binary.
#![cfg(feature = "axum")]
#![expect(clippy::unwrap_used, reason = "clippy exempts tests, but not the functions they share")]

mod adapter;
mod app;
#[cfg(feature = "memory")]
mod compliance;
#[cfg(all(feature = "conformance", feature = "memory"))]
mod conformance;
mod csrf;
#[cfg(all(feature = "dbsc", feature = "memory", feature = "testing"))]
mod dbsc;
#[cfg(all(feature = "encryption", feature = "memory"))]
mod encryption;
mod errors;
#[cfg(all(feature = "conformance", feature = "memory"))]
mod faulty;
#[cfg(feature = "filesystem")]
mod filesystem;
mod guide;
#[cfg(feature = "memory")]
mod keys;
mod layer;
#[path = "../../src/line.rs"]
mod line;
mod lines;
#[cfg(feature = "memory")]
mod live_connections;
#[cfg(feature = "memory")]
mod live_http;
mod log_in;
#[cfg(feature = "testing")]
#[rustfmt::skip] // as the page has it
mod log_in_page;
#[cfg(feature = "testing")]
mod login_flow;
mod nested;
mod pages;
#[cfg(feature = "password")]
mod passwords;
mod privacy;
mod reasons;
mod revoking;
mod settings;
#[cfg(feature = "memory")]
mod shadow;
#[cfg(all(feature = "memory", feature = "metrics"))]
mod spans;
mod stored;
mod sync;
mod tasks;
#[cfg(feature = "templates")]
mod templates;
#[cfg(feature = "testing")]
mod testing;
mod watched;
mod wire;
