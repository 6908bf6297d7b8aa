//! The tokens of JSON as Python's `json` accepts them: strings, numbers, literals, blanks.
//!
//! Shared by the scanner, which keeps positions, and the reader, which builds values.

use super::{MAX_INT_DIGITS, ReadError};

/// A place in the text. Token methods expect to stand on the token's first byte.
#[derive(Clone, Debug)]
pub(super) struct Cursor<'a> {
    text: &'a str,
    pub(super) at: usize,
}

/// A string's inside, between the quotes.
#[derive(Clone, Copy, Debug)]
pub(super) struct StringToken {
    pub(super) start: usize,
    pub(super) end: usize,
    /// There is a backslash in it.
    pub(super) escaped: bool,
    /// It is what our own writer would write.
    pub(super) canonical: bool,
}

/// A number, or one of the words that Python reads as a float.
#[derive(Clone, Copy, Debug)]
pub(super) struct NumberToken {
    pub(super) start: usize,
    pub(super) end: usize,
    pub(super) float: bool,
    /// It is certainly what our own writer would write.
    pub(super) canonical: bool,
}

impl<'a> Cursor<'a> {
    pub(super) const fn new(text: &'a str) -> Self {
        Self { text, at: 0 }
    }

    pub(super) const fn text(&self) -> &'a str {
        self.text
    }

    /// Returns what is between the quotes of a string.
    pub(super) fn inside(&self, token: StringToken) -> &'a str {
        &self.text[token.start..token.end]
    }

    #[inline]
    pub(super) fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    pub(super) const fn syntax<T>(&self) -> Result<T, ReadError> {
        Err(ReadError::Syntax { at: self.at })
    }

    /// Skips blanks and reports whether there were any.
    #[inline]
    pub(super) fn skip_blanks(&mut self) -> bool {
        let start = self.at;
        if self.peek().is_some_and(|byte| byte > b' ') {
            return false; // as nearly always: Flask writes none
        }
        while let Some(b' ' | b'\t' | b'\n' | b'\r') = self.peek() {
            self.at += 1;
        }
        self.at > start
    }

    #[inline]
    pub(super) fn expect(&mut self, byte: u8) -> Result<(), ReadError> {
        if self.peek() != Some(byte) {
            return self.syntax();
        }
        self.at += 1;
        Ok(())
    }

    /// Steps over a comma, or over what closes, and reports whether another item follows.
    #[inline]
    pub(super) fn next_item(&mut self, close: u8) -> Result<bool, ReadError> {
        self.skip_blanks();
        match self.peek() {
            Some(b',') => {
                self.at += 1;
                self.skip_blanks();
                Ok(true)
            }
            Some(byte) if byte == close => {
                self.at += 1;
                Ok(false)
            }
            _ => self.syntax(),
        }
    }

    pub(super) fn word(&mut self, word: &str) -> Result<(), ReadError> {
        if !self.text.as_bytes()[self.at..].starts_with(word.as_bytes()) {
            return self.syntax();
        }
        self.at += word.len();
        Ok(())
    }

    #[inline]
    pub(super) fn string(&mut self) -> Result<StringToken, ReadError> {
        self.expect(b'"')?;
        let start = self.at;
        let (mut escaped, mut canonical) = (false, true);
        let bytes = self.text.as_bytes();
        loop {
            self.at += plain_prefix(&bytes[self.at..]);
            match self.peek() {
                Some(b'"') => {
                    let token = StringToken { start, end: self.at, escaped, canonical };
                    self.at += 1;
                    return Ok(token);
                }
                Some(b'\\') => {
                    escaped = true;
                    canonical &= self.escape()?.1;
                }
                Some(0x7f..) => {
                    canonical = false;
                    self.at += 1;
                }
                _ => return self.syntax(),
            }
        }
    }

    /// Reads one escape: its code unit, and whether our own writer would write it so.
    pub(super) fn escape(&mut self) -> Result<(u32, bool), ReadError> {
        let bytes = &self.text.as_bytes()[self.at..];
        let simple = |unit: u8, canonical| Ok((u32::from(unit), canonical, 2));
        let (unit, canonical, len) = match bytes.get(1) {
            Some(byte @ (b'"' | b'\\')) => simple(*byte, true),
            Some(b'/') => simple(b'/', false),
            Some(b'b') => simple(0x08, true),
            Some(b'f') => simple(0x0c, true),
            Some(b'n') => simple(b'\n', true),
            Some(b'r') => simple(b'\r', true),
            Some(b't') => simple(b'\t', true),
            Some(b'u') => {
                let Some(unit) = bytes.get(2..6).and_then(hex) else { return self.syntax() };
                let lower = !bytes[2..6].iter().any(u8::is_ascii_uppercase);
                let needed = unit >= 0x7f || (unit < 0x20 && !matches!(unit, 8..=10 | 12 | 13));
                Ok((unit, lower && needed, 6))
            }
            _ => self.syntax(),
        }?;
        self.at += len;
        Ok((unit, canonical))
    }

    #[inline]
    pub(super) fn number(&mut self) -> Result<NumberToken, ReadError> {
        let start = self.at;
        if self.peek() == Some(b'-') {
            self.at += 1;
        }
        match self.peek() {
            Some(b'I') => {
                self.word("Infinity")?;
                return Ok(NumberToken { start, end: self.at, float: true, canonical: true });
            }
            Some(b'0') => self.at += 1,
            Some(b'1'..=b'9') => self.skip_digits(),
            _ => return self.syntax(),
        }
        let int_end = self.at;
        let fraction = self.fraction();
        let exponent = self.exponent();
        let float = fraction || exponent;
        let text = &self.text.as_bytes()[start..self.at];
        if !float && int_end - start > MAX_INT_DIGITS + usize::from(text[0] == b'-') {
            return Err(ReadError::IntTooLong);
        }
        let canonical = if float { !exponent && is_short_float(text) } else { text != b"-0" };
        Ok(NumberToken { start, end: self.at, float, canonical })
    }

    fn skip_digits(&mut self) {
        while let Some(b'0'..=b'9') = self.peek() {
            self.at += 1;
        }
    }

    /// Takes `.5`; a point without digits is left, as Python leaves it, and fails later.
    #[inline]
    fn fraction(&mut self) -> bool {
        let rest = &self.text.as_bytes()[self.at..];
        if !matches!(rest, [b'.', b'0'..=b'9', ..]) {
            return false;
        }
        self.at += 1;
        self.skip_digits();
        true
    }

    #[inline]
    fn exponent(&mut self) -> bool {
        let rest = &self.text.as_bytes()[self.at..];
        let skip = match rest {
            [b'e' | b'E', b'+' | b'-', b'0'..=b'9', ..] => 2,
            [b'e' | b'E', b'0'..=b'9', ..] => 1,
            _ => return false,
        };
        self.at += skip;
        self.skip_digits();
        true
    }
}

/// Returns how many bytes need no second look: printable ASCII but `"` and `\\`.
#[inline]
fn plain_prefix(bytes: &[u8]) -> usize {
    const ONES: u64 = u64::from_le_bytes([1; 8]);
    let zeros = |word: u64| word.wrapping_sub(ONES) & !word;
    let (eights, rest) = bytes.as_chunks::<8>();
    for (at, eight) in eights.iter().enumerate() {
        // Eight bytes at once: the lowest top bit that is set belongs to the first other byte.
        let word = u64::from_le_bytes(*eight);
        let quote = zeros(word ^ (ONES * u64::from(b'"')));
        let backslash = zeros(word ^ (ONES * u64::from(b'\\')));
        let delete = zeros(word ^ (ONES * 0x7f));
        let control = word.wrapping_sub(ONES * 0x20) & !word;
        let other = (quote | backslash | delete | control | word) & (ONES << 7);
        if other != 0 {
            return at * 8 + other.trailing_zeros() as usize / 8;
        }
    }
    let is_plain = |byte: &u8| (0x20..0x7f).contains(byte) && !matches!(byte, b'"' | b'\\');
    let tail = rest.iter().position(|byte| !is_plain(byte)).unwrap_or(rest.len());
    eights.len() * 8 + tail
}

fn hex(digits: &[u8]) -> Option<u32> {
    digits.iter().try_fold(0, |unit, digit| Some(unit << 4 | (*digit as char).to_digit(16)?))
}

/// Reports whether a decimal fraction is certainly the shortest text of its float.
///
/// Fifteen significant digits survive the way to a double and back, so no shorter text exists
/// unless a zero at the end could go. Tiny numbers, which Python writes with an exponent, need a
/// zero before the point and are left to the writer.
fn is_short_float(text: &[u8]) -> bool {
    let digits = text.strip_prefix(b"-").unwrap_or(text);
    digits.len() <= 16 && digits[0] != b'0' && (!digits.ends_with(b"0") || digits.ends_with(b".0"))
}
