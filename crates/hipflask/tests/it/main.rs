//! The integration tests of the facade, as one binary.
#![cfg(feature = "axum")]
#![expect(clippy::unwrap_used, reason = "clippy exempts tests, but not the functions they share")]

mod app;
mod backend;
#[cfg(all(feature = "conformance", feature = "memory"))]
mod conformance;
mod errors;
#[cfg(all(feature = "conformance", feature = "memory"))]
mod faulty;
#[cfg(feature = "filesystem")]
mod filesystem;
mod layer;
mod nested;
mod privacy;
mod reasons;
mod settings;
mod stored;
#[cfg(feature = "templates")]
mod templates;
mod watched;
mod wire;
