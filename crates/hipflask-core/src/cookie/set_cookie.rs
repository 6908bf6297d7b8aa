//! Writes the `Set-Cookie` response header: `session=eyJ…; HttpOnly; Path=/`.
//!
//! Last stage of the data flow. Takes a finished value and moments in time; knows neither the
//! clock nor what the value means.
//! Byte for byte what [`werkzeug.http.dump_cookie`][py] 3.1.9 writes.
//!
//! [py]: https://werkzeug.palletsprojects.com/en/stable/http/#werkzeug.http.dump_cookie

use super::Attributes;
use crate::http_date::push_http_date;

/// Returns the header text that sets the cookie `name` to `value`.
///
/// `expires` is in Unix seconds, `max_age` in seconds. A `value` that cannot stand on its own is
/// put between quotes and escaped; `name` is written as it is, see [`check_name`].
///
/// # Errors
///
/// [`SetCookieError::ExpiresOutOfRange`] when `expires` lies outside the years 1 to 9999.
///
/// ```
/// use hipflask_core::cookie::{self, Attributes};
///
/// let header = cookie::write("session", "eyJ", &Attributes::new(), Some(1_766_371_200), None)?;
/// assert_eq!(header, "session=eyJ; Expires=Mon, 22 Dec 2025 02:40:00 GMT; HttpOnly; Path=/");
/// # Ok::<(), cookie::SetCookieError>(())
/// ```
///
/// [`check_name`]: super::check_name
#[doc(alias = "dump_cookie")]
pub fn write(
    name: &str,
    value: &str,
    attributes: &Attributes,
    expires: Option<i64>,
    max_age: Option<i64>,
) -> Result<String, SetCookieError> {
    let mut header = String::with_capacity(capacity(name, value, attributes));
    header.extend([name, "="]);
    push_value(&mut header, value);
    header.push_str(attributes.before_dates());
    if let Some(expires) = expires {
        header.push_str("; Expires=");
        push_http_date(&mut header, expires).ok_or(SetCookieError::ExpiresOutOfRange)?;
    }
    if let Some(max_age) = max_age {
        header.extend(["; Max-Age=", &max_age.to_string()]);
    }
    header.push_str(attributes.after_dates());
    Ok(header)
}

/// Returns the header text that makes the browser forget the cookie `name`.
///
/// `attributes` must be those that it was set with: a cookie of another domain or path is another
/// cookie.
///
/// ```
/// use hipflask_core::cookie::{self, Attributes};
///
/// assert_eq!(
///     cookie::write_deletion("session", &Attributes::new()),
///     "session=; Expires=Thu, 01 Jan 1970 00:00:00 GMT; Max-Age=0; HttpOnly; Path=/"
/// );
/// ```
#[doc(alias = "delete_cookie")]
pub fn write_deletion(name: &str, attributes: &Attributes) -> String {
    const PAST: &str = "; Expires=Thu, 01 Jan 1970 00:00:00 GMT; Max-Age=0";
    [name, "=", attributes.before_dates(), PAST, attributes.after_dates()].concat()
}

/// Why a `Set-Cookie` header cannot be written.
///
/// ```
/// use hipflask_core::cookie::{self, Attributes, SetCookieError};
///
/// let header = cookie::write("session", "eyJ", &Attributes::new(), Some(i64::MAX), None);
/// assert_eq!(header, Err(SetCookieError::ExpiresOutOfRange));
/// ```
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum SetCookieError {
    /// The expiry has no date with a year of four digits.
    #[error("expected an expiry between the years 1 and 9999: shorten PERMANENT_SESSION_LIFETIME")]
    ExpiresOutOfRange,
}

/// Returns how many bytes browsers count of `header`, which [`write()`] made, if more than `limit`.
///
/// They count name and value together, without the `=` and without the attributes: what RFC 6265bis
/// asks for in [its section on storage][bis], and what Chromium does. A limit of 0 means none, as for
/// Flask's `MAX_COOKIE_SIZE`.
///
/// DIFFERENCE: Flask counts the whole header.
///
/// ```
/// use hipflask_core::cookie;
///
/// assert_eq!(cookie::oversize("session=eyJ; Path=/", 10), None);
/// assert_eq!(cookie::oversize("session=eyJ; Path=/", 9), Some(10));
/// ```
///
/// [bis]: https://datatracker.ietf.org/doc/html/draft-ietf-httpbis-rfc6265bis#section-5.7
#[doc(alias = "MAX_COOKIE_SIZE")]
pub fn oversize(header: &str, limit: usize) -> Option<usize> {
    if limit == 0 || header.len() <= limit {
        return None;
    }
    // Where a semicolon is part of the value, it is written as an escape.
    let size = header.find(';').unwrap_or(header.len()) - "=".len();
    (size > limit).then_some(size)
}

fn capacity(name: &str, value: &str, attributes: &Attributes) -> usize {
    // Room for `=`, `; Expires=` with its date, and `; Max-Age=` with ten digits.
    const DATES: usize = 1 + 39 + 20;
    let fixed = attributes.before_dates().len() + attributes.after_dates().len();
    name.len() + value.len() + fixed + DATES
}

fn push_value(out: &mut String, value: &str) {
    // Without an early exit the compiler uses vector instructions; almost no value needs quotes.
    if value.bytes().fold(0, |any, byte| any | u8::from(needs_quotes(byte))) == 0 {
        out.push_str(value);
        return;
    }
    out.push('"');
    for byte in value.bytes() {
        match byte {
            b'"' | b'\\' => out.extend(['\\', char::from(byte)]),
            // Werkzeug's pattern ends at 0x19, so the control characters 0x1A to 0x1F stay as
            // they are; the header then is one that most servers refuse to send.
            0x00..=0x19 | b',' | b';' | 0x7f.. => {
                let digit = |shift: u8| char::from(b'0' + ((byte >> shift) & 7));
                out.extend(['\\', digit(6), digit(3), digit(0)]);
            }
            _ => out.push(char::from(byte)),
        }
    }
    out.push('"');
}

fn needs_quotes(byte: u8) -> bool {
    let is_graphic = byte.wrapping_sub(b'!') <= b'~' - b'!';
    !is_graphic | (byte == b'"') | (byte == b',') | (byte == b';') | (byte == b'\\')
}
