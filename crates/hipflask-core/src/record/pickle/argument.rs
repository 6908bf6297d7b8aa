//! Takes the arguments of an opcode out of a pickle: numbers, lines, and bytes of a known length.

use super::long;
use crate::{
    record::{DecodeError, Format},
    serializer::MAX_INT_DIGITS,
    value::{Int, Text, code_points},
};

/// The part of a pickle that has not been read.
pub(super) struct Input<'a> {
    rest: &'a [u8],
    length: usize,
}

impl<'a> Input<'a> {
    pub(super) const fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes, length: bytes.len() }
    }

    pub(super) const fn corrupt(&self) -> DecodeError {
        DecodeError::Corrupt { format: Format::Pickle, at: self.length - self.rest.len() }
    }

    pub(super) fn take(&mut self, length: u64) -> Result<&'a [u8], DecodeError> {
        let split = usize::try_from(length).ok().and_then(|at| self.rest.split_at_checked(at));
        let (taken, rest) = split.ok_or_else(|| self.corrupt())?;
        self.rest = rest;
        Ok(taken)
    }

    /// Checks that a frame of this length is there; where it ends does not matter.
    pub(super) fn frame(&self, length: u64) -> Result<(), DecodeError> {
        let is_there = usize::try_from(length).is_ok_and(|length| length <= self.rest.len());
        if is_there { Ok(()) } else { Err(self.corrupt()) }
    }

    /// Takes a number of little-endian bytes.
    pub(super) fn unsigned(&mut self, n_bytes: u64) -> Result<u64, DecodeError> {
        let bytes = self.take(n_bytes)?.iter().rev();
        Ok(bytes.fold(0, |number, byte| number << 8 | u64::from(*byte)))
    }

    pub(super) fn byte(&mut self) -> Result<u8, DecodeError> {
        Ok(self.unsigned(1)? as u8)
    }

    /// Takes bytes behind their length.
    pub(super) fn sized(&mut self, n_bytes: u64) -> Result<&'a [u8], DecodeError> {
        let length = self.unsigned(n_bytes)?;
        self.take(length)
    }

    pub(super) fn long(&mut self, n_bytes: u64) -> Result<Int, DecodeError> {
        let bytes = self.sized(n_bytes)?;
        let int = long::from_bytes(bytes).filter(|int| int.n_digits() <= MAX_INT_DIGITS);
        int.ok_or_else(|| self.corrupt())
    }

    pub(super) fn float(&mut self) -> Result<f64, DecodeError> {
        Ok(f64::from_bits(self.unsigned(8)?.swap_bytes()))
    }

    /// Takes UTF-8 in which surrogates may stand, as Python writes it.
    pub(super) fn text(&mut self, n_bytes: u64) -> Result<Text, DecodeError> {
        let bytes = self.sized(n_bytes)?;
        if let Ok(text) = str::from_utf8(bytes) {
            return Ok(text.into());
        }
        let text = Text::from_code_points(code_points(bytes));
        // Bytes that are not well-formed are not those of the text that they make.
        if text.as_bytes() == bytes { Ok(text) } else { Err(self.corrupt()) }
    }

    /// Takes a string of Python 2, of which Python 3 reads only ASCII.
    pub(super) fn ascii(&mut self, n_bytes: u64) -> Result<Text, DecodeError> {
        let bytes = self.sized(n_bytes)?;
        self.checked_ascii(bytes)
    }

    fn checked_ascii(&self, bytes: &[u8]) -> Result<Text, DecodeError> {
        let text = str::from_utf8(bytes).ok().filter(|text| text.is_ascii());
        text.map(Text::from).ok_or_else(|| self.corrupt())
    }

    pub(super) fn line(&mut self) -> Result<&'a [u8], DecodeError> {
        let end = self.rest.iter().position(|byte| *byte == b'\n').ok_or_else(|| self.corrupt())?;
        let line = self.take(end as u64)?;
        self.take(1)?;
        Ok(line)
    }

    pub(super) fn text_line(&mut self) -> Result<&'a str, DecodeError> {
        let line = self.line()?;
        str::from_utf8(line).map_err(|_| self.corrupt())
    }

    /// Reads an integer in decimal digits.
    pub(super) fn int(&self, line: &[u8]) -> Result<Int, DecodeError> {
        let int = str::from_utf8(line).ok().and_then(Int::parse);
        int.filter(|int| int.n_digits() <= MAX_INT_DIGITS).ok_or_else(|| self.corrupt())
    }

    pub(super) fn float_line(&mut self) -> Result<f64, DecodeError> {
        self.text_line()?.parse().map_err(|_| self.corrupt())
    }

    /// Takes a string in quotes, with the escapes that `repr` writes.
    pub(super) fn quoted_line(&mut self) -> Result<Text, DecodeError> {
        let ([b'\'', inside @ .., b'\''] | [b'"', inside @ .., b'"']) = self.line()? else {
            return Err(self.corrupt());
        };
        let mut out = Vec::new();
        let mut rest = inside.iter();
        while let Some(&byte) = rest.next() {
            if byte != b'\\' {
                out.push(byte);
                continue;
            }
            match rest.next() {
                Some(quoted @ (b'\\' | b'\'' | b'"')) => out.push(*quoted),
                Some(b'n') => out.push(b'\n'),
                Some(b'r') => out.push(b'\r'),
                Some(b't') => out.push(b'\t'),
                Some(b'x') => {
                    let code = rest.as_slice().get(..2).and_then(hex);
                    out.push(
                        code.and_then(|code| u8::try_from(code).ok())
                            .ok_or_else(|| self.corrupt())?,
                    );
                    rest.nth(1);
                }
                _ => return Err(self.corrupt()),
            }
        }
        self.checked_ascii(&out)
    }

    /// Takes a string in Latin-1, in which `\u` and `\U` stand for all other characters.
    pub(super) fn raw_unicode_line(&mut self) -> Result<Text, DecodeError> {
        let mut rest = self.line()?.iter();
        let mut points = Vec::new();
        while let Some(&byte) = rest.next() {
            points.push(u32::from(byte));
            if byte != b'\\' {
                continue;
            }
            let n_digits = match rest.next() {
                Some(b'u') => 4,
                Some(b'U') => 8,
                other => {
                    points.extend(other.map(|byte| u32::from(*byte)));
                    continue;
                }
            };
            points.pop();
            let point = rest.as_slice().get(..n_digits).and_then(hex);
            points.push(point.filter(|it| *it < 0x11_0000).ok_or_else(|| self.corrupt())?);
            rest.nth(n_digits - 1);
        }
        Ok(Text::from_code_points(points))
    }
}

fn hex(digits: &[u8]) -> Option<u32> {
    digits.iter().try_fold(0, |code, digit| Some(code << 4 | char::from(*digit).to_digit(16)?))
}
