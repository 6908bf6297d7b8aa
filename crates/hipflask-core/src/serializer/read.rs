//! Builds values from JSON, tagged or plain.

use super::{
    ReadError,
    cursor::{Cursor, StringToken},
    tag,
};
use crate::value::{Dict, Int, Text, TextBuilder, Value};

/// Reads a whole text of tagged JSON.
pub(crate) fn read(text: &str, max_depth: usize) -> Result<Value, ReadError> {
    whole(text, max_depth, tag::untag)
}

/// Reads a whole text of plain JSON, in which a tag is a dict like any other.
pub(crate) fn read_untagged(text: &str, max_depth: usize) -> Result<Value, ReadError> {
    whole(text, max_depth, |dict| Some(Value::Dict(dict)))
}

fn whole(
    text: &str,
    max_depth: usize,
    convert: fn(Dict) -> Option<Value>,
) -> Result<Value, ReadError> {
    let mut reader = Reader { cursor: Cursor::new(text), depth_left: max_depth, convert };
    reader.cursor.skip_blanks();
    let value = reader.value()?;
    reader.cursor.skip_blanks();
    if reader.cursor.at < text.len() {
        return reader.cursor.syntax();
    }
    Ok(value)
}

/// Reads the value that the scanner found in `text`, which holds nothing else.
pub(crate) fn read_at(text: &str) -> Result<Value, ReadError> {
    read(text, super::Limits::MAX_DEPTH)
}

struct Reader<'a> {
    cursor: Cursor<'a>,
    depth_left: usize,
    /// What becomes of a dict once it is complete.
    convert: fn(Dict) -> Option<Value>,
}

impl Reader<'_> {
    fn value(&mut self) -> Result<Value, ReadError> {
        let word = |reader: &mut Self, word, value| reader.cursor.word(word).map(|()| value);
        match self.cursor.peek() {
            Some(b'"') => {
                let token = self.cursor.string()?;
                Ok(Value::Str(self.text(token)?))
            }
            Some(b'{') => self.object(),
            Some(b'[') => self.array(),
            Some(b't') => word(self, "true", Value::Bool(true)),
            Some(b'f') => word(self, "false", Value::Bool(false)),
            Some(b'n') => word(self, "null", Value::Null),
            Some(b'N') => word(self, "NaN", Value::Float(f64::NAN)),
            Some(b'I') => word(self, "Infinity", Value::Float(f64::INFINITY)),
            _ => self.number(),
        }
    }

    fn number(&mut self) -> Result<Value, ReadError> {
        let token = self.cursor.number()?;
        let text = &self.cursor.text()[token.start..token.end];
        let value = if token.float {
            // Rust's parser rounds as Python's does, overflows to infinity, and knows `Infinity`.
            text.parse().ok().map(Value::Float)
        } else {
            Int::parse(text).map(Value::Int)
        };
        value.map_or_else(|| self.cursor.syntax(), Ok)
    }

    fn text(&self, token: StringToken) -> Result<Text, ReadError> {
        let inside = &self.cursor.text()[token.start..token.end];
        if !token.escaped {
            return Ok(inside.into());
        }
        let mut builder = TextBuilder::default();
        let mut cursor = Cursor::new(inside);
        while let Some(byte) = cursor.peek() {
            if byte == b'\\' {
                builder.push(cursor.escape()?.0);
            } else {
                let rest = &inside[cursor.at..];
                let len = rest.find('\\').unwrap_or(rest.len());
                builder.push_str(&rest[..len]);
                cursor.at += len;
            }
        }
        Ok(builder.finish())
    }

    fn descend(&mut self) -> Result<(), ReadError> {
        self.cursor.at += 1;
        self.depth_left = self.depth_left.checked_sub(1).ok_or(ReadError::TooDeep)?;
        self.cursor.skip_blanks();
        Ok(())
    }

    /// Steps over a comma and reports whether another item follows.
    fn next_item(&mut self, close: u8) -> Result<bool, ReadError> {
        self.cursor.skip_blanks();
        match self.cursor.peek() {
            Some(b',') => {
                self.cursor.at += 1;
                self.cursor.skip_blanks();
                Ok(true)
            }
            Some(byte) if byte == close => {
                self.cursor.at += 1;
                self.depth_left += 1;
                Ok(false)
            }
            _ => self.cursor.syntax(),
        }
    }

    fn array(&mut self) -> Result<Value, ReadError> {
        self.descend()?;
        let mut items = Vec::new();
        if self.cursor.peek() == Some(b']') {
            self.cursor.at += 1;
            self.depth_left += 1;
            return Ok(Value::List(items));
        }
        loop {
            items.push(self.value()?);
            if !self.next_item(b']')? {
                return Ok(Value::List(items));
            }
        }
    }

    fn object(&mut self) -> Result<Value, ReadError> {
        self.descend()?;
        let mut dict = Dict::new();
        if self.cursor.peek() == Some(b'}') {
            self.cursor.at += 1;
            self.depth_left += 1;
            return Ok(Value::Dict(dict));
        }
        loop {
            let token = self.cursor.string()?;
            let key = self.text(token)?;
            self.cursor.skip_blanks();
            self.cursor.expect(b':')?;
            self.cursor.skip_blanks();
            let value = self.value()?;
            // A key that comes twice keeps its first place and its last value, as in Python.
            dict.insert(key, value);
            if !self.next_item(b'}')? {
                return (self.convert)(dict).ok_or(ReadError::BadTag);
            }
        }
    }
}
