//! Flask's session system for axum and tower: the same cookies, the same words, and a reason for
//! every failure.
//!
//! [`SessionLayer`] gives every request behind it a session, [`Session`] is the extractor that
//! handlers ask for, [`SessionConfig`] has Flask's names and defaults. The guide is the README; what
//! differs from Flask is in COMPATIBILITY.md, and DESIGN.md argues each default.

pub mod config;
mod error;
#[cfg(feature = "axum")]
mod extract;
#[cfg_attr(not(feature = "axum"), allow(dead_code, reason = "only extractors ask for sessions"))]
mod interface;
#[cfg_attr(not(feature = "axum"), allow(dead_code, reason = "only extractors ask for sessions"))]
pub mod layer;
#[cfg_attr(not(feature = "axum"), allow(dead_code, reason = "only extractors ask for sessions"))]
mod line;
#[cfg_attr(not(feature = "axum"), allow(dead_code, reason = "only extractors ask for sessions"))]
mod pending;
#[cfg(feature = "axum")]
pub mod rejection;
#[cfg_attr(not(feature = "axum"), allow(dead_code, reason = "only extractors ask for sessions"))]
mod report;
#[cfg_attr(not(feature = "axum"), allow(dead_code, reason = "only extractors ask for sessions"))]
mod request;
#[cfg_attr(not(feature = "axum"), allow(dead_code, reason = "only extractors ask for sessions"))]
mod respond;
mod save_error;
#[cfg_attr(not(feature = "axum"), allow(dead_code, reason = "only extractors ask for sessions"))]
mod session;
pub mod store;
mod sync;
#[cfg(feature = "templates")]
pub mod templates;

pub use config::{ConfigError, SecretKey, SessionConfig};
pub use error::{Error, Result};
#[cfg(feature = "axum")]
pub use extract::Sessions;
/// The core, for those who need its parts: cookies as text, signing, tagged JSON.
pub use hipflask_core as core;
pub use hipflask_core::{UnixTime, flash::Flash, interface::CookieFacts, reason::Reason, value};
pub use interface::SessionInterface;
pub use layer::SessionLayer;
pub use pending::PendingRequest;
pub use request::RequestSession;
pub use save_error::SaveError;
pub use session::Session;

#[cfg(doctest)]
#[doc = include_str!("../../../README.md")]
struct Readme;
