//! Reads `Cookie` and writes `Set-Cookie`, as Werkzeug 3.1.9 does.
//!
//! The outermost stage of the data flow, on both ends: header bytes in, header text out. Never
//! sees a key, a signature or a session; a cookie's value is opaque here.
//!
//! - `header` reads request headers: [`find`], [`find_in`], [`find_joined`], [`pairs`].
//! - `set_cookie` writes response headers: [`write()`], [`write_deletion`], [`oversize`].
//! - `domain`, `name` and `path` say what each may be, and how it is written.
//! - `attributes` prepares what does not change from cookie to cookie: [`Attributes`].
//! - `check` refuses attributes that do not go together: [`Attributes::check`].
//! - [`vary`] and [`cache_control`] keep shared caches from mixing up visitors.
//!
//! Byte for byte what the original writes and reads: `tests/it/cookie.rs` is the proof, and lists
//! the few differences.

mod attributes;
pub mod cache_control;
mod check;
mod domain;
mod header;
mod list;
mod name;
mod path;
mod set_cookie;
pub mod vary;

use std::time::Duration;

pub use attributes::{Attributes, ParseSameSiteError, SameSite};
pub use check::AttributeError;
pub use domain::{DomainError, check_domain};
pub use header::{find, find_in, find_joined, pairs};
pub use name::{NameError, check_name};
pub use path::{PathError, check_path};
pub use set_cookie::{SetCookieError, oversize, write, write_deletion};

/// The longest that browsers keep a cookie, whatever it says: 400 days ([RFC 6265bis][bis], section 5.5).
///
/// [bis]: https://datatracker.ietf.org/doc/html/draft-ietf-httpbis-rfc6265bis-22#section-5.5
pub const LONGEST_LIFE: Duration = Duration::from_secs(400 * 86_400);

/// What to do with a response header that may be there already.
///
/// ```
/// use hipflask_core::cookie::{HeaderEdit, vary};
///
/// assert_eq!(vary::add_cookie([]), HeaderEdit::Add("Cookie"));
/// ```
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum HeaderEdit {
    /// There is no such header: add it with this value.
    Add(&'static str),
    /// Put one line with this value in the place of all lines.
    ///
    /// Bytes, because what another part of the program wrote there may be any bytes.
    Replace(Vec<u8>),
    /// The header says what is needed already.
    Unchanged,
}

#[cfg(test)]
#[track_caller]
fn check_edit<'a>(decide: fn(Vec<&'a [u8]>) -> HeaderEdit, lines: &[&'a str], expected: &str) {
    let expected = match expected {
        "unchanged" => HeaderEdit::Unchanged,
        text => HeaderEdit::Replace(text.as_bytes().to_vec()),
    };
    assert_eq!(decide(lines.iter().map(|line| line.as_bytes()).collect()), expected, "{lines:?}");
}
