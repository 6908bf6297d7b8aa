//! Device-bound sessions (DBSC): a copy of the session's cookie is of no use on another device.
//!
//! A middleware inside of the session's, for the draft of the W3C of February 2026. A browser that can makes a key
//! at log-in, which never leaves the device, and shows a short-lived cookie with each request. It gets the next one
//! when it proves that it has the key. Other browsers go on without.
//!
//! - `layer` is what the app adds, [`DbscLayer`]; `settings` is what that was told; `extract` tells handlers how a
//!   session stands: [`DeviceBinding`].
//! - `service` looks at each request before its handler, and offers a key to who has logged in; `endpoint` answers
//!   what the browser itself asks.
//! - `bond` is what the session keeps, and decides; `tokens` are the short-lived cookie and the challenges; `proof`
//!   reads what the key has signed; `format` reads and writes headers and JSON. They see no request.

mod bond;
mod endpoint;
mod error;
mod extract;
mod format;
mod layer;
mod proof;
mod service;
mod settings;
mod tokens;

pub use bond::DeviceBinding;
pub use error::DbscError;
pub use extract::NoDbscLayer;
pub use layer::DbscLayer;
pub use service::DbscService;
