//! Whether a request comes from the site itself: the browser's headers, and Flask-WTF's tokens.
//!
//! Beside the session, which holds a token's other half; never sees a body. [`Headers::judge`] gives the
//! verdicts of tower-http's `csrf`, which are Go's; [`CsrfTokens`] are those of [`flask_wtf.csrf`][py],
//! byte for byte: `tests/it/csrf.rs` is the proof.
//!
//! [py]: https://flask-wtf.readthedocs.io/en/1.2.x/csrf/

mod error;
mod headers;
mod referrer;
mod tokens;

pub use error::CsrfError;
pub use headers::{Headers, Verdict, is_origin};
pub use referrer::is_same_origin;
pub use tokens::{CsrfTokens, FIELD, SECRET_ENTROPY, TIME_LIMIT, new_secret};
