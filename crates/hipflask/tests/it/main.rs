//! The integration tests of the facade, as one binary.
#![cfg(feature = "axum")]

mod app;
mod layer;
mod nested;
mod privacy;
#[cfg(feature = "templates")]
mod templates;
mod wire;
