//! Strings as Python has them: Unicode text in which a surrogate may stand alone.

use std::{borrow::Borrow, cmp::Ordering, fmt, hash};

use super::Value;

/// A string that may hold lone surrogates, which UTF-8 cannot express.
///
/// Nearly every string is plain UTF-8 and then [`as_str`](Self::as_str) returns it. The order is
/// that of the code points, which is Python's.
///
/// ```
/// use hipflask_core::value::Text;
///
/// let text = Text::from("tea");
/// assert_eq!(text.as_str(), Some("tea"));
///
/// let lone = Text::from_code_points([0x61, 0xd800]);
/// assert_eq!(lone.as_str(), None);
/// assert_eq!(lone.to_string_lossy(), "a\u{fffd}");
/// ```
#[derive(Clone, Eq)]
pub struct Text(Repr);

/// `Wtf8` is used only where a surrogate stands alone. Its bytes are those of UTF-8, generalized
/// to surrogates: <https://wtf-8.codeberg.page>.
#[derive(Clone, Eq, PartialEq)]
enum Repr {
    Utf8(String),
    Wtf8(Vec<u8>),
    /// A key of a dict that is no string in Python, and the text that stands for it here.
    Key(Box<(String, Value)>),
}

impl Text {
    /// Builds a string from code points; two surrogates that form a pair become one character.
    ///
    /// What is above `U+10FFFF` is not a code point and becomes `U+FFFD`.
    pub fn from_code_points(code_points: impl IntoIterator<Item = u32>) -> Self {
        let mut builder = TextBuilder::default();
        code_points.into_iter().for_each(|code_point| builder.push(code_point));
        builder.finish()
    }

    /// Builds the text that stands for a dict's key which is no string in Python, so that what is
    /// read as such a key is written as one again. It compares as its text.
    ///
    /// ```
    /// use hipflask_core::value::{Text, Value};
    ///
    /// let text = Text::of_key("7", Value::from(7));
    /// assert_eq!(text, Text::from("7"));
    /// assert_eq!(text.stands_for(), Some(&Value::from(7)));
    /// ```
    pub fn of_key(text: impl Into<String>, key: Value) -> Self {
        Self(Repr::Key(Box::new((text.into(), key))))
    }

    /// Returns the key that the text stands for, if it is no string in Python.
    pub fn stands_for(&self) -> Option<&Value> {
        match &self.0 {
            Repr::Key(key) => Some(&key.1),
            _ => None,
        }
    }

    /// Returns the string, or `None` if a lone surrogate is in it.
    pub fn as_str(&self) -> Option<&str> {
        match &self.0 {
            Repr::Key(key) => Some(&key.0),
            Repr::Utf8(text) => Some(text),
            Repr::Wtf8(_) => None,
        }
    }

    /// Returns the string, or `None` if a lone surrogate is in it.
    pub fn into_string(self) -> Option<String> {
        match self.0 {
            Repr::Key(key) => Some(key.0),
            Repr::Utf8(text) => Some(text),
            Repr::Wtf8(_) => None,
        }
    }

    /// Returns the string with `U+FFFD` in place of each lone surrogate.
    pub fn to_string_lossy(&self) -> String {
        self.code_points().map(|point| char::from_u32(point).unwrap_or('\u{fffd}')).collect()
    }

    /// Returns the code points, lone surrogates included.
    pub fn code_points(&self) -> impl Iterator<Item = u32> + '_ {
        code_points(self.as_bytes())
    }

    /// Returns the bytes: UTF-8, generalized to lone surrogates.
    pub fn as_bytes(&self) -> &[u8] {
        match &self.0 {
            Repr::Key(key) => key.0.as_bytes(),
            Repr::Utf8(text) => text.as_bytes(),
            Repr::Wtf8(bytes) => bytes,
        }
    }

    /// Reports whether the string is empty.
    pub fn is_empty(&self) -> bool {
        self.as_bytes().is_empty()
    }
}

impl Default for Text {
    fn default() -> Self {
        Self(Repr::Utf8(String::new()))
    }
}

impl From<&str> for Text {
    fn from(text: &str) -> Self {
        Self(Repr::Utf8(text.into()))
    }
}

impl From<String> for Text {
    fn from(text: String) -> Self {
        Self(Repr::Utf8(text))
    }
}

impl fmt::Debug for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.as_str() {
            Some(text) => text.fmt(f),
            None => self.to_string_lossy().fmt(f),
        }
    }
}

impl PartialEq for Text {
    fn eq(&self, other: &Self) -> bool {
        self.as_bytes() == other.as_bytes()
    }
}

impl PartialEq<str> for Text {
    fn eq(&self, other: &str) -> bool {
        self.as_bytes() == other.as_bytes()
    }
}

impl PartialOrd for Text {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Text {
    fn cmp(&self, other: &Self) -> Ordering {
        self.as_bytes().cmp(other.as_bytes())
    }
}

impl hash::Hash for Text {
    fn hash<H: hash::Hasher>(&self, state: &mut H) {
        self.as_bytes().hash(state);
    }
}

impl Borrow<[u8]> for Text {
    fn borrow(&self) -> &[u8] {
        self.as_bytes()
    }
}

/// Decodes UTF-8 that is generalized to lone surrogates.
pub(crate) fn code_points(mut rest: &[u8]) -> impl Iterator<Item = u32> + '_ {
    std::iter::from_fn(move || {
        let (&first, tail) = rest.split_first()?;
        let (n_more, lead) = match first {
            0..0xc0 => (0, first),
            0xc0..0xe0 => (1, first & 0x1f),
            0xe0..0xf0 => (2, first & 0x0f),
            _ => (3, first & 0x07),
        };
        let (more, tail) = tail.split_at(n_more.min(tail.len()));
        rest = tail;
        Some(more.iter().fold(u32::from(lead), |point, byte| point << 6 | u32::from(byte & 0x3f)))
    })
}

/// Collects UTF-8 and code points, and joins surrogate pairs on the way.
#[derive(Debug, Default)]
pub(crate) struct TextBuilder {
    bytes: Vec<u8>,
    high: Option<u32>,
    lone: bool,
}

impl TextBuilder {
    pub(crate) fn push_str(&mut self, text: &str) {
        if !text.is_empty() {
            self.flush();
            self.bytes.extend_from_slice(text.as_bytes());
        }
    }

    pub(crate) fn push(&mut self, code_point: u32) {
        match (self.high.take(), code_point) {
            (Some(high), 0xdc00..0xe000) => {
                self.encode(0x10000 + ((high - 0xd800) << 10) + (code_point - 0xdc00));
            }
            (high, _) => {
                self.high = high;
                self.flush();
                match code_point {
                    0xd800..0xdc00 => self.high = Some(code_point),
                    _ => self.encode(code_point),
                }
            }
        }
    }

    pub(crate) fn finish(mut self) -> Text {
        self.flush();
        if self.lone {
            return Text(Repr::Wtf8(self.bytes));
        }
        match String::from_utf8(self.bytes) {
            Ok(text) => Text(Repr::Utf8(text)),
            Err(error) => Text(Repr::Wtf8(error.into_bytes())),
        }
    }

    fn flush(&mut self) {
        if let Some(high) = self.high.take() {
            self.encode(high);
        }
    }

    fn encode(&mut self, code_point: u32) {
        match char::from_u32(code_point) {
            Some(char) => self.bytes.extend_from_slice(char.encode_utf8(&mut [0; 4]).as_bytes()),
            None if code_point > 0x10_ffff => self.encode(0xfffd),
            None => {
                self.lone = true;
                let tail = |shift: u32| 0x80 | (code_point >> shift & 0x3f) as u8;
                self.bytes.extend([0xe0 | (code_point >> 12) as u8, tail(6), tail(0)]);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(code_points: &[u32], expected: &[u32]) {
        let text = Text::from_code_points(code_points.iter().copied());
        assert_eq!(text.code_points().collect::<Vec<_>>(), expected);
    }

    #[test]
    fn code_points_survive_and_pairs_join() {
        check(&[0x61, 0xe9, 0x20ac, 0x1f600], &[0x61, 0xe9, 0x20ac, 0x1f600]);
        check(&[0xd83d, 0xde00], &[0x1f600]);
        check(&[0xde00, 0xd83d], &[0xde00, 0xd83d]);
        check(&[0xd800, 0xd83d, 0xde00], &[0xd800, 0x1f600]);
        check(&[0xd83d, 0x41], &[0xd83d, 0x41]);
    }

    #[test]
    fn order_is_that_of_code_points() {
        let ascending =
            [0xd800, 0xe000, 0xffff, 0x10000].map(|point| Text::from_code_points([point]));
        assert!(ascending.is_sorted());
    }
}
