//! A session that has moved to another browser: noticed by Flask-Login's identifier.
//!
//! Address and browser of the log-in, as a hash under `_id`. A hint, and no proof: who has stolen a
//! cookie may well send the same `User-Agent`, and honest visitors change their address.

use sha2::{Digest, Sha512};

use super::{
    hex,
    log_in::{FRESH, IDENTIFIER, REMEMBER, REMEMBER_SECONDS, USER_ID},
};
use crate::session::{AUTHENTICATED, Session, SessionError};

/// What becomes of a log-in whose browser or address is no longer the one that logged in.
///
/// ```
/// use hipflask_core::{UnixTime, auth::{LogIn, Protection, identifier}, session::Session};
///
/// let now = UnixTime::from_secs(1_763_692_800);
/// let here = identifier(None, Some(b"10.0.0.1"), Some(b"Firefox"));
/// let there = identifier(None, Some(b"10.0.0.2"), Some(b"Firefox"));
///
/// let mut session = Session::new();
/// session.log_in("7", &LogIn::new().with_identifier(here), now)?;
/// Protection::Basic.check(&mut session, &there)?;
/// assert!(session.user_id().is_some() && !session.is_fresh(None, now));
/// # Ok::<(), hipflask_core::session::SessionError>(())
/// ```
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
#[doc(alias = "SESSION_PROTECTION")]
pub enum Protection {
    /// It goes on, but is no longer fresh.
    Basic,
    /// It is over, unless the session is permanent: then as `Basic`.
    Strong,
}

impl Protection {
    /// Looks at a session for the first time in a request.
    ///
    /// DIFFERENCE: Flask-Login marks sessions in which nobody is logged in as not fresh, too, which
    /// makes a write of a read.
    ///
    /// # Errors
    ///
    /// As [`Session::set`].
    pub fn check(self, session: &mut Session, identifier: &str) -> Result<(), SessionError> {
        let noted = session.value(IDENTIFIER);
        if session.user_id().is_none() || noted.is_some_and(|it| it.as_str() == Some(identifier)) {
            return Ok(());
        }
        if self == Self::Basic || session.is_permanent() {
            if session.value(FRESH).and_then(|it| it.as_bool()) != Some(false) {
                session.set(FRESH, false)?;
            }
            return Ok(());
        }
        for key in [USER_ID, FRESH, IDENTIFIER, AUTHENTICATED, REMEMBER_SECONDS, "next"] {
            session.remove(key)?;
        }
        session.set(REMEMBER, "clear")
    }
}

/// Returns Flask-Login's session identifier: a hash of the visitor's address and browser.
///
/// `forwarded_for` and `user_agent` are the bytes of these headers; `remote` is the peer's address,
/// which counts where there is no `X-Forwarded-For`.
///
/// ```
/// use hipflask_core::auth::identifier;
///
/// let here = identifier(None, Some(b"127.0.0.1"), Some(b"Mozilla/5.0"));
/// assert_eq!(here.len(), 128);
/// assert_ne!(here, identifier(None, Some(b"127.0.0.1"), None));
/// ```
#[doc(alias = "_create_identifier")]
pub fn identifier(
    forwarded_for: Option<&[u8]>,
    remote: Option<&[u8]>,
    user_agent: Option<&[u8]>,
) -> String {
    let address = forwarded_for.or(remote).map(|address| {
        let first = address.split(|byte| *byte == b',').next().unwrap_or_default();
        strip(first)
    });
    hex(&Sha512::digest(format!("{}|{}", repr(address), repr(user_agent))))
}

/// Does what Python's `bytes.strip()` does.
fn strip(bytes: &[u8]) -> &[u8] {
    let is_kept = |byte: &u8| !matches!(byte, b' ' | b'\t'..=b'\r');
    let start = bytes.iter().position(is_kept).unwrap_or(bytes.len());
    let end = bytes.iter().rposition(is_kept).map_or(start, |last| last + 1);
    &bytes[start..end]
}

/// Returns what Python prints of a header's bytes, which Werkzeug has read as Latin-1 and Flask-Login
/// has written as UTF-8.
fn repr(header: Option<&[u8]>) -> String {
    let Some(header) = header else { return "None".to_owned() };
    let quote = if header.contains(&b'\'') && !header.contains(&b'"') { '"' } else { '\'' };
    let mut text = String::from("b") + quote.encode_utf8(&mut [0; 4]);
    for byte in header.iter().map(|byte| char::from(*byte)).collect::<String>().bytes() {
        match char::from(byte) {
            '\\' => text.push_str("\\\\"),
            '\t' => text.push_str("\\t"),
            '\n' => text.push_str("\\n"),
            '\r' => text.push_str("\\r"),
            same if same == quote => text.extend(['\\', same]),
            same @ ' '..='~' => text.push(same),
            other => text.push_str(&format!("\\x{:02x}", u32::from(other))),
        }
    }
    text.push(quote);
    text
}
