//! Adds `Cookie` to `Vary`, so that caches keep the answers for different visitors apart.
//!
//! On the way out, once a session was accessed. Decides only: the layer changes the response.
//! One line reads and comes out as in Flask, whose [`HeaderSet`][py] quotes what is not a token.
//!
//! [py]: https://werkzeug.palletsprojects.com/en/stable/datastructures/#werkzeug.datastructures.HeaderSet

use std::borrow::Cow;

use super::name::is_token_byte;
use super::{HeaderEdit, list};

/// Returns what to do with the `Vary` lines of a response that depends on its cookie.
///
/// DIFFERENCE: Flask reads the first line only and drops the others when it adds `Cookie`; here
/// the items of all lines are kept.
///
/// ```
/// use hipflask_core::cookie::{HeaderEdit, vary};
///
/// let edit = vary::add_cookie([&b"Accept"[..], b"Origin"]);
/// assert_eq!(edit, HeaderEdit::Replace(b"Accept, Origin, Cookie".to_vec()));
/// assert_eq!(vary::add_cookie([&b"accept, cookie"[..]]), HeaderEdit::Unchanged);
/// ```
pub fn add_cookie<'a>(lines: impl IntoIterator<Item = &'a [u8]>) -> HeaderEdit {
    let mut lines = lines.into_iter().peekable();
    if lines.peek().is_none() {
        return HeaderEdit::Add("Cookie");
    }
    let mut value = Vec::new();
    for item in lines.flat_map(list::items).map(unquote) {
        if item.eq_ignore_ascii_case(b"cookie") {
            return HeaderEdit::Unchanged;
        }
        push_item(&mut value, &item);
        value.extend_from_slice(b", ");
    }
    value.extend_from_slice(b"Cookie");
    HeaderEdit::Replace(value)
}

fn unquote(item: &[u8]) -> Cow<'_, [u8]> {
    let [b'"', inside @ .., b'"'] = item else { return Cow::Borrowed(item) };
    let mut bytes = Vec::with_capacity(inside.len());
    let mut rest = inside;
    while let [b'\\', byte @ (b'"' | b'\\'), tail @ ..] | [byte, tail @ ..] = rest {
        bytes.push(*byte);
        rest = tail;
    }
    Cow::Owned(bytes)
}

fn push_item(value: &mut Vec<u8>, item: &[u8]) {
    if item.iter().copied().all(is_token_byte) {
        value.extend_from_slice(item);
        return;
    }
    value.push(b'"');
    for byte in item {
        if matches!(byte, b'"' | b'\\') {
            value.push(b'\\');
        }
        value.push(*byte);
    }
    value.push(b'"');
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(lines: &[&str], expected: &str) {
        crate::cookie::check_edit(add_cookie, lines, expected);
    }

    #[test]
    fn add_cookie_agrees_with_flask_on_one_line() {
        check(&["Accept"], "Accept, Cookie");
        check(&["cookie"], "unchanged");
        check(&["COOKIE"], "unchanged");
        check(&["\"Cookie\""], "unchanged");
        check(&["Accept, Cookie"], "unchanged");
        check(&["*"], "*, Cookie");
        check(&["Accept,Accept"], "Accept, Accept, Cookie");
        check(&[""], "Cookie");
        check(&[" ,"], "Cookie");
        check(&["Accept, "], "Accept, Cookie");
        check(&["\"quoted, x\""], "\"quoted, x\", Cookie");
        check(&["a b"], "\"a b\", Cookie");
        check(&["Accept;q=1"], "\"Accept;q=1\", Cookie");
        check(&["Accept-Encoding, Accept-Language"], "Accept-Encoding, Accept-Language, Cookie");
    }

    #[test]
    fn add_cookie_keeps_the_items_of_every_line() {
        check(&["Accept", "Origin"], "Accept, Origin, Cookie");
        check(&["Cookie", "Origin"], "unchanged");
        check(&["Origin", "cookie"], "unchanged");
    }

    #[test]
    fn add_cookie_passes_foreign_bytes_on() {
        let edit = add_cookie([&b"\xff"[..]]);
        assert_eq!(edit, HeaderEdit::Replace(b"\"\xff\", Cookie".to_vec()));
    }
}
