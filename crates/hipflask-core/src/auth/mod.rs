//! Log-in: whose a session is, in Flask-Login's keys, and who comes back by a remember cookie.
//!
//! On top of the session; knows nothing of HTTP and of who the users are. A user that Flask-Login has
//! logged in is logged in here, and the other way round.
//!
//! - `log_in` changes the session: [`Session::log_in`], [`Session::log_out`], [`Session::is_fresh`].
//! - `identifier` notices a session that has moved to another browser: [`identifier()`], [`Protection`].
//! - `remember` reads and writes Flask-Login's remember cookie: [`RememberSigner`], [`RememberCookie`].
//! - `series` is a remember cookie of our own, whose theft shows: [`Series`], [`SeriesToken`].
//! - `user` says whose a session is: [`user_of`].
//! - `next` says where a log-in may send the visitor back to: [`is_local`].
//!
//! [`Session::log_in`]: crate::session::Session::log_in
//! [`Session::log_out`]: crate::session::Session::log_out
//! [`Session::is_fresh`]: crate::session::Session::is_fresh

mod identifier;
mod log_in;
mod next;
mod remember;
mod series;
mod user;

pub use identifier::{Protection, identifier};
pub use log_in::{FRESH, IDENTIFIER, LogIn, REMEMBER, REMEMBER_SECONDS, USER_ID, id_text};
pub use next::is_local;
pub use remember::{Remember, RememberCookie, RememberKeyError, RememberSigner};
pub use series::{Returned, Series, SeriesToken};
pub(crate) use user::text;
pub use user::user_of;

use std::fmt::Write;

/// Writes bytes as lower-case hexadecimal digits.
pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(2 * bytes.len()), |mut text, byte| {
        // Writing to a string cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}
