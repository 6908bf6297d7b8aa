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
    let mut reader = Reader { cursor: Cursor::new(text), max_depth, convert };
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

/// Reads the value that starts where the cursor stands, and moves the cursor behind it.
pub(super) fn read_next(cursor: &mut Cursor<'_>) -> Result<Value, ReadError> {
    let max_depth = super::Limits::MAX_DEPTH;
    let mut reader = Reader { cursor: cursor.clone(), max_depth, convert: tag::untag };
    let value = reader.value()?;
    cursor.at = reader.cursor.at;
    Ok(value)
}

struct Reader<'a> {
    cursor: Cursor<'a>,
    max_depth: usize,
    /// What becomes of a dict once it is complete.
    convert: fn(Dict) -> Option<Value>,
}

/// An array or object that is not complete; an object with the key whose value comes next.
enum Open {
    List(Vec<Value>),
    Dict(Dict, Text),
}

impl Reader<'_> {
    /// Reads a value without recursion, so that depth costs heap and never the stack.
    fn value(&mut self) -> Result<Value, ReadError> {
        let mut open = Vec::new();
        loop {
            let mut complete = self.start(&mut open)?;
            while let Some(value) = complete {
                let Some(parent) = open.last_mut() else { return Ok(value) };
                let is_last = self.put(parent, value)?;
                complete = if is_last { self.close(open.pop())? } else { None };
            }
        }
    }

    /// Reads what is complete at once; an array or object that is not goes on `open`.
    fn start(&mut self, open: &mut Vec<Open>) -> Result<Option<Value>, ReadError> {
        let close = match self.cursor.peek() {
            Some(b'[') => b']',
            Some(b'{') => b'}',
            _ => return self.scalar().map(Some),
        };
        if open.len() >= self.max_depth {
            return Err(ReadError::TooDeep);
        }
        self.cursor.at += 1;
        self.cursor.skip_blanks();
        let is_empty = self.cursor.peek() == Some(close);
        self.cursor.at += usize::from(is_empty);
        open.push(match close {
            b']' => Open::List(Vec::new()),
            _ if is_empty => Open::Dict(Dict::new(), Text::default()),
            _ => Open::Dict(Dict::new(), self.key()?),
        });
        if is_empty { self.close(open.pop()) } else { Ok(None) }
    }

    /// Puts a value into what it is part of and reports whether it was the last one there.
    #[inline]
    fn put(&mut self, parent: &mut Open, value: Value) -> Result<bool, ReadError> {
        match parent {
            Open::List(items) => {
                items.push(value);
                Ok(!self.cursor.next_item(b']')?)
            }
            Open::Dict(dict, key) => {
                // A key that comes twice keeps its first place and its last value, as in Python.
                dict.insert(std::mem::take(key), value);
                let is_last = !self.cursor.next_item(b'}')?;
                if !is_last {
                    *key = self.key()?;
                }
                Ok(is_last)
            }
        }
    }

    fn close(&self, complete: Option<Open>) -> Result<Option<Value>, ReadError> {
        match complete {
            Some(Open::Dict(dict, _)) => (self.convert)(dict).map(Some).ok_or(ReadError::BadTag),
            Some(Open::List(items)) => Ok(Some(Value::List(items))),
            None => Ok(None),
        }
    }

    #[inline]
    fn scalar(&mut self) -> Result<Value, ReadError> {
        let word = |reader: &mut Self, word, value| reader.cursor.word(word).map(|()| value);
        match self.cursor.peek() {
            Some(b'"') => {
                let token = self.cursor.string()?;
                text(&self.cursor, token).map(Value::Str)
            }
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

    #[inline]
    fn key(&mut self) -> Result<Text, ReadError> {
        let token = self.cursor.string()?;
        let key = text(&self.cursor, token)?;
        self.cursor.skip_blanks();
        self.cursor.expect(b':')?;
        self.cursor.skip_blanks();
        Ok(key)
    }
}

/// Returns the string of a token, its escapes resolved.
pub(super) fn text(cursor: &Cursor<'_>, token: StringToken) -> Result<Text, ReadError> {
    let inside = cursor.inside(token);
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
