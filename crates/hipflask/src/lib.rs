//! Flask's session system for axum and tower.

pub mod config;
mod error;
#[cfg(feature = "axum")]
mod extract;
mod layer;
mod report;
mod session;
#[cfg(feature = "templates")]
pub mod templates;

pub use config::{ConfigError, SecretKey, SessionConfig};
pub use error::{Error, Result};
#[cfg(feature = "axum")]
pub use extract::{NoSessionLayer, Sessions};
pub use hipflask_core::{
    flash::Flash,
    interface::{CookieFacts, SaveError},
    reason::Reason,
    value,
};
pub use layer::{SaveFailure, SessionFuture, SessionLayer, SessionService};
pub use session::Session;
