//! Writes JSON as Python does: tagged for Flask's sessions, plain for itsdangerous' tokens.

use super::{
    MAX_INT_DIGITS, WriteError, float,
    style::{JsonStyle, Style},
    tag,
};
use crate::{
    encoding, http_date,
    value::{Dict, Int, Text, Value, code_points},
};

/// Collects JSON text.
#[derive(Debug, Default)]
pub(crate) struct Writer {
    out: Vec<u8>,
    depth: usize,
    style: Style,
}

/// Returns the number that a key is in Python.
fn number(key: &Text) -> Option<f64> {
    match key.stands_for()? {
        Value::Bool(flag) => Some(f64::from(u8::from(*flag))),
        Value::Int(int) => int.to_string().parse().ok(),
        Value::Float(float) => Some(*float),
        _ => None,
    }
}

impl Writer {
    /// The session and 489 levels of arrays and objects below it: what Flask on CPython 3.13 writes
    /// at most, and what it reads on CPython 3.10 and 3.11.
    pub(crate) const MAX_DEPTH: usize = 490;

    pub(crate) fn new(style: Style) -> Self {
        Self { style, ..Self::default() }
    }

    /// Writes a session into room for `bytes`.
    pub(crate) fn with_capacity(bytes: usize, style: JsonStyle) -> Self {
        Self { out: Vec::with_capacity(bytes), ..Self::new(Style::Tagged(style)) }
    }

    /// Whether text that is known to be canonical is what would be written.
    pub(crate) fn is_canonical(&self) -> bool {
        self.style == Style::default()
    }

    pub(crate) fn into_bytes(self) -> Vec<u8> {
        self.out
    }

    pub(super) fn into_string(self) -> String {
        // All that is written is UTF-8.
        String::from_utf8(self.out).unwrap_or_default()
    }

    /// Appends text that is known to be canonical.
    pub(crate) fn raw(&mut self, json: &str) {
        self.out.extend_from_slice(json.as_bytes());
    }

    pub(crate) fn value(&mut self, value: &Value) -> Result<(), WriteError> {
        match value {
            Value::Null => self.raw("null"),
            Value::Bool(true) => self.raw("true"),
            Value::Bool(false) => self.raw("false"),
            Value::Int(int) => self.int(int)?,
            Value::Float(number) if self.style == Style::Record => {
                float::write_standard(*number, &mut self.out);
            }
            Value::Float(number) => float::write(*number, &mut self.out),
            Value::Str(text) => self.string(text.as_bytes())?,
            Value::List(items) => self.items(items)?,
            Value::Dict(dict) => self.dict(dict)?,
            _ if !matches!(self.style, Style::Tagged(_)) => self.untagged(value)?,
            Value::Tuple(items) => self.tagged(tag::TUPLE, |writer| writer.items(items))?,
            Value::Bytes(bytes) => {
                self.tagged_text(tag::BYTES, &encoding::encode_standard(bytes))?
            }
            Value::Markup(text) => {
                self.tagged(tag::MARKUP, |writer| writer.string(text.as_bytes()))?;
            }
            Value::Uuid(uuid) => self.tagged_text(tag::UUID, &uuid.simple().to_string())?,
            Value::DateTime(time) => {
                // A `DateTime` lies within the years that have a date.
                let date = http_date::http_date(time.unix_seconds()).unwrap_or_default();
                self.tagged_text(tag::DATETIME, &date)?;
            }
        }
        Ok(())
    }

    /// Writes what is like a kind of JSON's to Python, where tags do not keep it apart.
    fn untagged(&mut self, value: &Value) -> Result<(), WriteError> {
        let text = match (value, self.style) {
            (Value::Tuple(items), _) => return self.items(items),
            (Value::Markup(text), _) => return self.string(text.as_bytes()),
            (Value::Bytes(bytes), Style::Record) => encoding::encode_standard(bytes),
            (Value::Uuid(uuid), Style::Record) => uuid.to_string(),
            (Value::DateTime(time), Style::Record) => time.to_string(),
            _ => return Err(WriteError::NotJson),
        };
        self.string(text.as_bytes())
    }

    fn int(&mut self, int: &Int) -> Result<(), WriteError> {
        if int.n_digits() > MAX_INT_DIGITS {
            return Err(WriteError::IntTooLong);
        }
        match int.as_i64() {
            Some(small) => push_decimal(small, &mut self.out),
            None => self.raw(&int.to_string()),
        }
        Ok(())
    }

    fn descend(&mut self, open: u8) -> Result<(), WriteError> {
        self.depth += 1;
        if self.depth > Self::MAX_DEPTH {
            return Err(WriteError::TooDeep);
        }
        self.out.push(open);
        Ok(())
    }

    fn ascend(&mut self, close: u8) {
        self.depth -= 1;
        self.out.push(close);
    }

    fn items(&mut self, items: &[Value]) -> Result<(), WriteError> {
        self.descend(b'[')?;
        for (at, item) in items.iter().enumerate() {
            if at > 0 {
                self.separator(b',');
            }
            self.value(item)?;
        }
        self.ascend(b']');
        Ok(())
    }

    #[inline]
    fn separator(&mut self, separator: u8) {
        self.out.push(separator);
        if self.style == Style::Spaced {
            self.out.push(b' ');
        }
    }

    pub(crate) fn dict(&mut self, dict: &Dict) -> Result<(), WriteError> {
        if matches!(self.style, Style::Tagged(_))
            && let Some((key, value)) = dict.single().filter(|(key, _)| tag::is_tag(key.as_bytes()))
        {
            return self.escaped(key.as_bytes(), value);
        }
        if !matches!(self.style, Style::Tagged(JsonStyle { sort_keys: true, .. })) {
            let entries = dict.iter().map(|(key, value)| (key.as_bytes(), value));
            return self.object(entries, |writer, value| writer.value(value));
        }
        let mut entries: Vec<_> = dict.iter().map(|(key, value)| (key.as_bytes(), value)).collect();
        let numbers = || dict.iter().map(|(key, _)| number(key)).collect::<Option<Vec<_>>>();
        if let Some(numbers) = numbers() {
            // Python sorts keys before they become texts.
            let mut numbered: Vec<_> = numbers.into_iter().zip(entries).collect();
            numbered.sort_by(|(left, _), (right, _)| left.total_cmp(right));
            let entries = numbered.into_iter().map(|(_, entry)| entry);
            return self.object(entries, |writer, value| writer.value(value));
        }
        if !entries.is_sorted_by_key(|(key, _)| *key) {
            entries.sort_unstable_by_key(|(key, _)| *key);
        }
        self.object(entries, |writer, value| writer.value(value))
    }

    /// Writes a dict whose only key looks like a tag, so that it is not taken for one.
    pub(crate) fn escaped(&mut self, key: &[u8], value: &Value) -> Result<(), WriteError> {
        let key = [key, b"__"].concat();
        self.tagged(tag::DICT, |writer| {
            writer.object([(&key[..], value)], |writer, value| writer.value(value))
        })
    }

    /// Writes an object whose entries are in order; keys are the bytes of a [`Text`].
    pub(crate) fn object<'k, V>(
        &mut self,
        entries: impl IntoIterator<Item = (&'k [u8], V)>,
        write: impl Fn(&mut Self, V) -> Result<(), WriteError>,
    ) -> Result<(), WriteError> {
        self.descend(b'{')?;
        for (at, (key, value)) in entries.into_iter().enumerate() {
            if at > 0 {
                self.separator(b',');
            }
            self.string(key)?;
            self.separator(b':');
            write(self, value)?;
        }
        self.ascend(b'}');
        Ok(())
    }

    /// Writes a string with its quotes, given as the bytes of a [`Text`].
    #[inline]
    fn string(&mut self, text: &[u8]) -> Result<(), WriteError> {
        let is_plain = |byte: &u8| (0x20..0x7f).contains(byte) && !matches!(byte, b'"' | b'\\');
        self.out.push(b'"');
        if text.iter().all(is_plain) {
            self.out.extend_from_slice(text);
        } else {
            self.escapes(text)?;
        }
        self.out.push(b'"');
        Ok(())
    }

    #[cold]
    fn escapes(&mut self, text: &[u8]) -> Result<(), WriteError> {
        let is_ascii = matches!(
            self.style,
            Style::Spaced | Style::Tagged(JsonStyle { ensure_ascii: true, .. })
        );
        if !is_ascii {
            let text = str::from_utf8(text).map_err(|_| WriteError::LoneSurrogate)?;
            text.chars().for_each(|char| escape_compact(char, &mut self.out));
        } else {
            code_points(text).for_each(|point| escape(point, &mut self.out));
        }
        Ok(())
    }

    fn tagged_text(&mut self, tag: &str, ascii: &str) -> Result<(), WriteError> {
        self.tagged(tag, |writer| {
            writer.out.push(b'"');
            writer.raw(ascii);
            writer.out.push(b'"');
            Ok(())
        })
    }

    fn tagged(
        &mut self,
        tag: &str,
        write: impl FnOnce(&mut Self) -> Result<(), WriteError>,
    ) -> Result<(), WriteError> {
        self.descend(b'{')?;
        self.out.push(b'"');
        self.raw(tag);
        self.raw("\":");
        write(self)?;
        self.ascend(b'}');
        Ok(())
    }
}

fn escape(code_point: u32, out: &mut Vec<u8>) {
    let short = match code_point {
        0x08 => b'b',
        0x09 => b't',
        0x0a => b'n',
        0x0c => b'f',
        0x0d => b'r',
        0x22 => b'"',
        0x5c => b'\\',
        0x20..0x7f => return out.push(code_point as u8),
        0x10000.. => {
            let offset = code_point - 0x10000;
            unit(0xd800 + (offset >> 10), out);
            return unit(0xdc00 + (offset & 0x3ff), out);
        }
        _ => return unit(code_point, out),
    };
    out.extend([b'\\', short]);
}

/// Leaves all but quotes, backslashes and control characters as it is.
fn escape_compact(char: char, out: &mut Vec<u8>) {
    match char {
        '\0'..' ' | '"' | '\\' => escape(char.into(), out),
        _ => out.extend_from_slice(char.encode_utf8(&mut [0; 4]).as_bytes()),
    }
}

fn unit(unit: u32, out: &mut Vec<u8>) {
    out.extend_from_slice(b"\\u");
    out.extend(
        (0..4).rev().map(|nibble| b"0123456789abcdef"[(unit >> (4 * nibble) & 0xf) as usize]),
    );
}

fn push_decimal(int: i64, out: &mut Vec<u8>) {
    let (mut rest, mut digits, mut start) = (int.unsigned_abs(), [0; 20], 20);
    while rest > 0 || start == 20 {
        start -= 1;
        digits[start] = b'0' + (rest % 10) as u8;
        rest /= 10;
    }
    if int < 0 {
        out.push(b'-');
    }
    out.extend_from_slice(&digits[start..]);
}
