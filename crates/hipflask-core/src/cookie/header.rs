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
    let mut pairs = Scanner::<b';'>::new(header);
    pairs.find(|pair| pair.is_called(name)).map(|pair| pair.value.decode())
}

/// Returns the value of the first cookie called `name` in what may be several header lines that a
/// server has joined with commas, as WSGI hands them over.
///
/// For values that hold no comma themselves, as those of sessions. A comma outside of quotes ends a
/// line, since [RFC 6265][rfc] allows none in a value. Where one may yet be part of a value, its
/// text does not count: what stands at the start or behind a semicolon goes before what stands
/// behind a comma, and of several different ones behind commas none is taken.
///
/// DIFFERENCE: Flask loses the cookies on both sides of such a comma.
///
/// [rfc]: https://www.rfc-editor.org/rfc/rfc6265#section-4.1.1
///
/// ```
/// use hipflask_core::cookie::find_joined;
///
/// assert_eq!(find_joined(b"theme=dark,session=eyJ", "session").as_deref(), Some(&b"eyJ"[..]));
/// assert_eq!(find_joined(b"note=\"a,session=b\"", "session"), None);
/// ```
pub fn find_joined<'a>(header: &'a [u8], name: &str) -> Option<Cow<'a, [u8]>> {
    if !header.contains(&b',') {
        return find(header, name);
    }
    let mut joined = None;
    let mut differ = false;
    for pair in Scanner::<b','>::new(header).filter(|pair| pair.is_called(name)) {
        let (is_joined, value) = (pair.is_joined, pair.value.decode());
        if !is_joined {
            return Some(value);
        }
        differ |= joined.as_ref().is_some_and(|first| *first != value);
        joined = joined.or(Some(value));
    }
    joined.filter(|_| !differ)
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
    Scanner::<b';'>::new(header).map(|pair| (latin1_as_utf8(pair.name), pair.value.decode()))
}

/// Reads pairs that end at a semicolon, or at `END`.
struct Scanner<'a, const END: u8> {
    rest: &'a [u8],
    is_joined: bool,
}

struct RawPair<'a> {
    /// Whether it stands behind a comma that ended the last one.
    is_joined: bool,
    name: &'a [u8],
    value: RawValue<'a>,
}

enum RawValue<'a> {
    Plain(&'a [u8]),
    /// What stands between the quotes, escapes included.
    Quoted(&'a [u8]),
}

impl<'a, const END: u8> Scanner<'a, END> {
    const fn new(header: &'a [u8]) -> Self {
        Self { rest: header, is_joined: false }
    }

    /// Goes on behind the next end of a pair, even one between quotes if it is a semicolon.
    fn skip(&mut self) -> Option<()> {
        let mut end = self.rest.iter().position(|byte| is_end::<END>(*byte))?;
        if self.rest[..end].contains(&b'"') {
            end = self.rest.iter().position(|byte| *byte == b';')?;
        }
        self.is_joined = self.rest[end] == b',';
        self.rest = &self.rest[end + 1..];
        Some(())
    }
}

impl<'a, const END: u8> Iterator for Scanner<'a, END> {
    type Item = RawPair<'a>;

    fn next(&mut self) -> Option<RawPair<'a>> {
        loop {
            if let Some((name, value, rest)) = split_pair::<END>(self.rest) {
                let pair = RawPair { is_joined: self.is_joined, name, value };
                self.is_joined = rest.first() == Some(&b',');
                self.rest = rest.get(1..).unwrap_or_default();
                return Some(pair);
            }
            self.skip()?;
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

/// Splits `name=value`, with blanks around each part, off `text`; the rest begins with its end.
fn split_pair<const END: u8>(text: &[u8]) -> Option<(&[u8], RawValue<'_>, &[u8])> {
    let is_name_end = |byte| (byte == b'=') | ends_value::<END>(byte);
    let (name, rest) = split_run(skip_blanks(text), is_name_end);
    if name.is_empty() {
        return None;
    }
    let (value, rest) = match skip_blanks(rest) {
        [b'=', rest @ ..] => split_value::<END>(skip_blanks(rest))?,
        rest => (RawValue::Plain(b""), rest),
    };
    let rest = skip_blanks(rest);
    rest.first().is_none_or(|byte| is_end::<END>(*byte)).then_some((name, value, rest))
}

fn split_value<const END: u8>(text: &[u8]) -> Option<(RawValue<'_>, &[u8])> {
    if let [b'"', text @ ..] = text {
        let (inside, rest) = split_quoted(text)?;
        return Some((RawValue::Quoted(inside), rest));
    }
    let (value, rest) = split_run(text, ends_value::<END>);
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

fn ends_value<const END: u8>(byte: u8) -> bool {
    (byte == b' ') | (byte == b'\t') | (byte == b'"') | is_end::<END>(byte)
}

const fn is_end<const END: u8>(byte: u8) -> bool {
    (byte == b';') | (byte == END)
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

    #[track_caller]
    fn check_joined(header: &str, expected: Option<&str>) {
        let found = find_joined(header.as_bytes(), "session");
        assert_eq!(found.as_deref(), expected.map(str::as_bytes), "{header}");
    }

    #[test]
    fn find_joined_takes_the_cookie_out_of_lines_that_a_server_has_joined() {
        for joint in [",", ", "] {
            let check = |lines: &[&str], expected| check_joined(&lines.join(joint), expected);
            check(&["theme=dark", "session=a"], Some("a"));
            check(&["session=a", "theme=dark"], Some("a"));
            check(&["theme=dark; session=a; x=1", "y=2; z=3"], Some("a"));
            check(&["theme=dark", "y=2; session=a", "z=3"], Some("a"));
            check(&["theme=\"a,b\"", "session=a"], Some("a"));
            check(&["theme=a b", "session=a"], Some("a"));
            check(&["theme", "session=a"], Some("a"));
            check(&["session=a", "session=b"], Some("a"));
            check(&["theme=dark", "session=a", "session=a"], Some("a"));
            check(&["theme=dark", "xsession=a"], None);
        }
    }

    #[test]
    fn find_joined_takes_nothing_that_may_be_part_of_another_value() {
        // What Flask reads as the session's cookie goes first.
        check_joined("theme=x,session=evil; session=good", Some("good"));
        check_joined("theme=x, session=evil; session=good", Some("good"));
        check_joined("session=good; theme=x,session=evil", Some("good"));
        check_joined("theme=x,session=evil,session=good", None);
        check_joined("theme=\"x,session=evil\"", None);
        check_joined("theme=\"x\\\",session=evil\"", None);
        check_joined("theme=\"x, session=evil; y=1\"; session=good", Some("good"));
        check_joined("theme=\"x,session=evil", None);
        check_joined("theme={\"x\":1,session=evil}", None);
        check_joined("theme=\"x\",session=evil\"", None);
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
