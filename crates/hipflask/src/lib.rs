//! Flask's session system for axum and tower.

pub mod config;

pub use config::{ConfigError, SecretKey, SessionConfig};
