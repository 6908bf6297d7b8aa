//! Flask's session system for axum and tower.

pub mod config;

