//! Refuses requests that another site has started: a tower middleware for axum, inside of the session's.
//!
//! Asks the core what the browser's headers say, and for a token where they say nothing. A request that
//! changes nothing passes through one check, and its session is not opened.

mod error;
mod form;
mod future;
mod layer;
mod service;
mod settings;

pub use error::OriginError;
pub use future::CsrfFuture;
pub use hipflask_core::csrf::CsrfError;
pub use layer::CsrfLayer;
pub use service::CsrfService;
