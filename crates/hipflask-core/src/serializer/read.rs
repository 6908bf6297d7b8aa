//! Builds values from JSON, tagged or plain: the core's own, or those of another language.

use super::{
    ReadError,
    build::{Build, Values},
    cursor::{Cursor, StringToken},
};
use crate::value::{Int, Text, TextBuilder, Value};

/// Reads a whole text of tagged JSON.
pub(crate) fn read(text: &str, max_depth: usize) -> Result<Value, ReadError> {
    whole(text, max_depth, &mut Values::tagged())
}

/// Reads a whole text of plain JSON, in which a tag is a dict like any other.
pub(crate) fn read_untagged(text: &str, max_depth: usize) -> Result<Value, ReadError> {
    whole(text, max_depth, &mut Values::plain())
}

/// Reads the value that the scanner found in `text`, which holds nothing else, and no tag.
pub(crate) fn build_at<B: Build>(text: &str, build: &mut B) -> Result<B::Built, B::Error> {
    whole(text, super::Limits::MAX_DEPTH, build)
}

fn whole<B: Build>(text: &str, max_depth: usize, build: &mut B) -> Result<B::Built, B::Error> {
    let mut reader = Reader { cursor: Cursor::new(text), max_depth, build };
    reader.cursor.skip_blanks();
    let value = reader.value()?;
    reader.cursor.skip_blanks();
    if reader.cursor.at < text.len() {
        return Ok(reader.cursor.syntax()?);
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
    let build = &mut Values::tagged();
    let mut reader = Reader { cursor: cursor.clone(), max_depth, build };
    let value = reader.value()?;
    cursor.at = reader.cursor.at;
    Ok(value)
}

struct Reader<'a, 'b, B> {
    cursor: Cursor<'a>,
    max_depth: usize,
    build: &'b mut B,
}

/// An array or object that is not complete; an object with the key whose value comes next.
enum Open<B: Build> {
    List(B::List),
    Dict(B::Dict, Option<B::Key>),
}

impl<B: Build> Reader<'_, '_, B> {
    /// Reads a value without recursion, so that depth costs heap and never the stack.
    fn value(&mut self) -> Result<B::Built, B::Error> {
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
    fn start(&mut self, open: &mut Vec<Open<B>>) -> Result<Option<B::Built>, B::Error> {
        let close = match self.cursor.peek() {
            Some(b'[') => b']',
            Some(b'{') => b'}',
            _ => return self.scalar().map(Some),
        };
        if open.len() >= self.max_depth {
            return Err(ReadError::TooDeep.into());
        }
        self.cursor.at += 1;
        self.cursor.skip_blanks();
        let is_empty = self.cursor.peek() == Some(close);
        self.cursor.at += usize::from(is_empty);
        open.push(match close {
            b']' => Open::List(self.build.list()),
            _ => {
                let dict = self.build.dict();
                let key = if is_empty { None } else { Some(self.key(&dict)?) };
                Open::Dict(dict, key)
            }
        });
        if is_empty { self.close(open.pop()) } else { Ok(None) }
    }

    /// Puts a value into what it is part of and reports whether it was the last one there.
    #[inline]
    fn put(&mut self, parent: &mut Open<B>, value: B::Built) -> Result<bool, B::Error> {
        match parent {
            Open::List(items) => {
                self.build.push(items, value)?;
                Ok(!self.cursor.next_item(b']')?)
            }
            Open::Dict(dict, key) => {
                if let Some(key) = key.take() {
                    self.build.insert(dict, key, value)?;
                }
                let is_last = !self.cursor.next_item(b'}')?;
                if !is_last {
                    *key = Some(self.key(dict)?);
                }
                Ok(is_last)
            }
        }
    }

    fn close(&mut self, complete: Option<Open<B>>) -> Result<Option<B::Built>, B::Error> {
        match complete {
            Some(Open::Dict(dict, _)) => self.build.close_dict(dict).map(Some),
            Some(Open::List(items)) => self.build.close_list(items).map(Some),
            None => Ok(None),
        }
    }

    #[inline]
    fn scalar(&mut self) -> Result<B::Built, B::Error> {
        let (word, value) = match self.cursor.peek() {
            Some(b'"') => {
                let token = self.cursor.string()?;
                if !token.escaped {
                    return self.build.text(self.cursor.inside(token));
                }
                let text = text(&self.cursor, token)?;
                return self.build.scalar(Value::Str(text));
            }
            Some(b't') => ("true", Value::Bool(true)),
            Some(b'f') => ("false", Value::Bool(false)),
            Some(b'n') => ("null", Value::Null),
            Some(b'N') => ("NaN", Value::Float(f64::NAN)),
            Some(b'I') => ("Infinity", Value::Float(f64::INFINITY)),
            _ => {
                let number = self.number()?;
                return self.build.scalar(number);
            }
        };
        self.cursor.word(word)?;
        self.build.scalar(value)
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
    fn key(&mut self, dict: &B::Dict) -> Result<B::Key, B::Error> {
        let token = self.cursor.string()?;
        let key = if token.escaped {
            let text = text(&self.cursor, token)?;
            self.build.escaped_key(text)?
        } else {
            self.build.key(dict, self.cursor.inside(token))?
        };
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
