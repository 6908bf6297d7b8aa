//! Reads the `Cookie` request header: `session=eyJ…; theme=dark` → the value of `session`.
//!
//! First stage of the data flow. Knows bytes only; what a value means is for the stages behind.
//! Follows the scanner of [`werkzeug.sansio.http.parse_cookie`][py] 3.1.9, verdict by verdict: the
//! header is Latin-1 text, a pair that does not parse is skipped up to the next `;`, quoted values
//! lose their quotes and escapes. Values come back as the UTF-8 form of that text.
//!
//! [py]: https://werkzeug.palletsprojects.com/en/stable/http/

use std::borrow::Cow;

/// Returns the value of the first cookie called `name`.
///
/// Borrows from `header` unless the value holds an escape or a byte above `0x7F`. A `name` that is
/// not ASCII is compared with the Latin-1 text of the header, as Flask does.
///
/// ```
/// use hipflask_core::cookie::find;
///
/// let header = b"theme=dark; session=eyJ.aR_.VYs; session=other";
/// assert_eq!(find(header, "session").as_deref(), Some(&b"eyJ.aR_.VYs"[..]));
/// assert_eq!(find(header, "Session"), None);
/// ```
#[doc(alias = "parse_cookie")]
pub fn find<'a>(header: &'a [u8], name: &str) -> Option<Cow<'a, [u8]>> {
    Scanner { rest: header }.find(|pair| pair.is_called(name)).map(|pair| pair.value.decode())
}

/// Returns the value of the first cookie called `name` in several header lines.
///
/// DIFFERENCE: the servers that run Flask join repeated `Cookie` lines with a comma, so that the
/// last value of one line swallows the next line. Here each line is read on its own, as [RFC 9113,
/// section 8.2.3][rfc] asks for.
///
/// [rfc]: https://www.rfc-editor.org/rfc/rfc9113#section-8.2.3
///
/// ```
/// use hipflask_core::cookie::find_in;
///
/// let lines = [&b"theme=dark"[..], b"session=eyJ"];
/// assert_eq!(find_in(lines, "session").as_deref(), Some(&b"eyJ"[..]));
/// ```
pub fn find_in<'a>(lines: impl IntoIterator<Item = &'a [u8]>, name: &str) -> Option<Cow<'a, [u8]>> {
    lines.into_iter().find_map(|line| find(line, name))
}

/// Returns every cookie of `header` in order, repeated names included, as UTF-8.
///
/// ```
/// use hipflask_core::cookie::pairs;
///
/// let n_cookies = pairs(b"a=1; broken value; b=\"x\\054y\"").count();
/// assert_eq!(n_cookies, 2);
/// ```
pub fn pairs(header: &[u8]) -> impl Iterator<Item = (Cow<'_, [u8]>, Cow<'_, [u8]>)> {
    Scanner { rest: header }.map(|pair| (latin1_as_utf8(pair.name), pair.value.decode()))
}

struct Scanner<'a> {
    rest: &'a [u8],
}

struct RawPair<'a> {
    name: &'a [u8],
    value: RawValue<'a>,
}

enum RawValue<'a> {
    Plain(&'a [u8]),
    /// What stands between the quotes, escapes included.
    Quoted(&'a [u8]),
}

impl<'a> Iterator for Scanner<'a> {
    type Item = RawPair<'a>;

    fn next(&mut self) -> Option<RawPair<'a>> {
        loop {
            if let Some((pair, rest)) = split_pair(self.rest) {
                self.rest = rest;
                return Some(pair);
            }
            // Reading resumes behind the next semicolon, even one between quotes.
            let n_skipped = self.rest.iter().position(|byte| *byte == b';')? + 1;
            self.rest = &self.rest[n_skipped..];
        }
    }
}

impl RawPair<'_> {
    fn is_called(&self, name: &str) -> bool {
        if name.is_ascii() {
            return self.name == name.as_bytes();
        }
        self.name.iter().map(|byte| char::from(*byte)).eq(name.chars())
    }
}

impl<'a> RawValue<'a> {
    fn decode(self) -> Cow<'a, [u8]> {
        match self {
            Self::Plain(text) => latin1_as_utf8(text),
            Self::Quoted(text) => unquote(text),
        }
    }
}

/// Splits `name=value`, with blanks around each part, and the semicolon behind it off `text`.
fn split_pair(text: &[u8]) -> Option<(RawPair<'_>, &[u8])> {
    let (name, rest) = split_run(skip_blanks(text), |byte| (byte == b'=') | ends_value(byte));
    if name.is_empty() {
        return None;
    }
    let (value, rest) = match skip_blanks(rest) {
        [b'=', rest @ ..] => split_value(skip_blanks(rest))?,
        rest => (RawValue::Plain(b""), rest),
    };
    match skip_blanks(rest) {
        [] => Some((RawPair { name, value }, b"")),
        [b';', rest @ ..] => Some((RawPair { name, value }, rest)),
        _ => None,
    }
}

fn split_value(text: &[u8]) -> Option<(RawValue<'_>, &[u8])> {
    if let [b'"', text @ ..] = text {
        let (inside, rest) = split_quoted(text)?;
        return Some((RawValue::Quoted(inside), rest));
    }
    let (value, rest) = split_run(text, ends_value);
    Some((RawValue::Plain(value), rest))
}

/// Splits at the closing quote, which is left out. A backslash hides any byte but a line feed.
fn split_quoted(text: &[u8]) -> Option<(&[u8], &[u8])> {
    let mut at = 0;
    loop {
        match text.get(at..)? {
            [b'"', rest @ ..] => return Some((&text[..at], rest)),
            [b'\\', b'\n', ..] | [b'\\'] | [] => return None,
            [b'\\', ..] => at += 2,
            _ => at += 1,
        }
    }
}

fn split_run(text: &[u8], is_end: impl Fn(u8) -> bool) -> (&[u8], &[u8]) {
    // Whole chunks first: without an early exit inside a chunk the compiler uses vector
    // instructions, and most of a request's cookie bytes are one long session value.
    const CHUNK: usize = 32;
    let has_end =
        |chunk: &&[u8]| chunk.iter().fold(0, |any, byte| any | u8::from(is_end(*byte))) != 0;
    let checked = CHUNK * text.chunks_exact(CHUNK).take_while(|chunk| !has_end(chunk)).count();
    let n_more = text[checked..].iter().position(|byte| is_end(*byte));
    text.split_at(n_more.map_or(text.len(), |n_more| checked + n_more))
}

fn ends_value(byte: u8) -> bool {
    (byte == b' ') | (byte == b'\t') | (byte == b'"') | (byte == b';')
}

fn skip_blanks(mut text: &[u8]) -> &[u8] {
    while let [b' ' | b'\t', rest @ ..] = text {
        text = rest;
    }
    text
}

fn latin1_as_utf8(text: &[u8]) -> Cow<'_, [u8]> {
    if text.is_ascii() {
        return Cow::Borrowed(text);
    }
    let text: String = text.iter().map(|byte| char::from(*byte)).collect();
    Cow::Owned(text.into_bytes())
}

/// Resolves `\054` and `\"`, on the UTF-8 form of the text, as Werkzeug does.
fn unquote(text: &[u8]) -> Cow<'_, [u8]> {
    let utf8 = latin1_as_utf8(text);
    if !utf8.contains(&b'\\') {
        return utf8;
    }
    let mut bytes = Vec::with_capacity(utf8.len());
    let mut rest = &utf8[..];
    loop {
        rest = match rest {
            [b'\\', a @ b'0'..=b'3', b @ b'0'..=b'7', c @ b'0'..=b'7', rest @ ..] => {
                bytes.push((a - b'0') << 6 | (b - b'0') << 3 | (c - b'0'));
                rest
            }
            [b'\\', byte, rest @ ..] | [byte, rest @ ..] => {
                bytes.push(*byte);
                rest
            }
            [] => break,
        };
    }
    // An escape can name any byte, so the text may no longer be UTF-8.
    match String::from_utf8(bytes) {
        Ok(text) => Cow::Owned(text.into_bytes()),
        Err(error) => Cow::Owned(String::from_utf8_lossy(error.as_bytes()).into_owned().into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(header: &[u8], name: &str, expected: Option<&str>) {
        let found = find(header, name);
        assert_eq!(found.as_deref(), expected.map(str::as_bytes), "{header:?}");
    }

    #[test]
    fn find_returns_the_first_pair_of_exactly_this_name() {
        check(b"session=a; session=b", "session", Some("a"));
        check(b"xsession=a; Session=b;session=c", "session", Some("c"));
        check(b"session", "session", Some(""));
        check(b"a=1,session=2", "session", None);
        check(b"", "session", None);
        check(b"=v", "", None);
    }

    #[test]
    fn find_drops_a_pair_that_does_not_parse() {
        check(b"session=a b; session=c", "session", Some("c"));
        check(b"session=\"a; session=c", "session", Some("c"));
        check(b"x=\"; session=c", "session", Some("c"));
    }

    #[test]
    fn find_borrows_what_needs_no_change() {
        assert!(matches!(find(b"session=abc", "session"), Some(Cow::Borrowed(b"abc"))));
        assert!(matches!(find(b"session=\"a b\"", "session"), Some(Cow::Borrowed(b"a b"))));
        assert!(matches!(find(b"session=\xe9", "session"), Some(Cow::Owned(_))));
    }

    #[test]
    fn find_compares_a_foreign_name_as_latin_1() {
        check(b"\xe9=v", "\u{e9}", Some("v"));
        // Flask sends the name as UTF-8 and does not recognise it when it comes back.
        check("\u{e9}=v".as_bytes(), "\u{e9}", None);
        check("\u{e9}=v".as_bytes(), "\u{c3}\u{a9}", Some("v"));
    }

    #[test]
    fn find_reads_values_of_every_length_around_a_chunk() {
        for length in 0..100 {
            let value = "v".repeat(length);
            check(format!("a=1; s={value} ; b=2").as_bytes(), "s", Some(&value));
            check(format!("a={value}; s=2").as_bytes(), "s", Some("2"));
        }
    }
}
