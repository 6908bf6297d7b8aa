//! Checks a payload and notes where its top-level keys and values lie, without building values.
//!
//! Opening a session costs one pass over the text; a value is built when a handler asks for it.

use std::ops::Range;

use super::{ReadError, Writer, cursor::Cursor};

/// What lies where in a payload that is a JSON object.
#[derive(Debug, Default)]
pub(crate) struct Index {
    pub(crate) entries: Vec<RawEntry>,
}

/// One top-level key and its value, as positions in the text.
#[derive(Clone, Debug)]
pub(crate) struct RawEntry {
    /// The key, without quotes; it holds no escapes.
    pub(crate) key: Range<u32>,
    pub(crate) value: Range<u32>,
    /// The value's text is what our own writer would write for it.
    pub(crate) canonical: bool,
    /// The value may hold tags, so that reading it can fail.
    pub(crate) tagged: bool,
}

/// Scans a payload whose keys are strictly ascending, as Flask writes them.
///
/// Returns `None` for what needs the reader: other orders, keys with escapes, an object that may be
/// a tag itself, anything that is not an object, and a text whose positions exceed 32 bits.
pub(crate) fn scan(text: &str, max_depth: usize) -> Result<Option<Index>, ReadError> {
    if u32::try_from(text.len()).is_err() {
        return Ok(None);
    }
    let mut scanner =
        Scanner { cursor: Cursor::new(text), depth: 0, max_depth, canonical: true, tagged: false };
    let index = scanner.top()?;
    scanner.cursor.skip_blanks();
    if scanner.cursor.at < text.len() {
        return scanner.cursor.syntax();
    }
    let Some(index) = index else { return Ok(None) };
    match &index.entries[..] {
        [only] if text.as_bytes().get(only.key.start as usize) == Some(&b' ') => Ok(None),
        _ => Ok(Some(index)),
    }
}

struct Scanner<'a> {
    cursor: Cursor<'a>,
    depth: usize,
    max_depth: usize,
    canonical: bool,
    tagged: bool,
}

impl Scanner<'_> {
    fn top(&mut self) -> Result<Option<Index>, ReadError> {
        self.cursor.skip_blanks();
        if self.cursor.peek() != Some(b'{') {
            self.value()?;
            return Ok(None);
        }
        let mut index = Index { entries: Vec::with_capacity(8) };
        let ordered = self.object(Some(&mut index))?;
        Ok(ordered.then_some(index))
    }

    fn value(&mut self) -> Result<(), ReadError> {
        match self.cursor.peek() {
            Some(b'"') => {
                self.canonical &= self.cursor.string()?.canonical;
                Ok(())
            }
            Some(b'{') => {
                self.canonical &= self.object(None)?;
                Ok(())
            }
            Some(b'[') => self.array(),
            Some(b't') => self.cursor.word("true"),
            Some(b'f') => self.cursor.word("false"),
            Some(b'n') => self.cursor.word("null"),
            Some(b'N') => self.cursor.word("NaN"),
            Some(b'I') => self.cursor.word("Infinity"),
            _ => {
                self.canonical &= self.cursor.number()?.canonical;
                Ok(())
            }
        }
    }

    fn descend(&mut self) -> Result<(), ReadError> {
        self.cursor.at += 1;
        self.depth += 1;
        if self.depth > self.max_depth {
            return Err(ReadError::TooDeep);
        }
        self.canonical &= !self.cursor.skip_blanks();
        self.canonical &= self.depth <= Writer::MAX_DEPTH;
        Ok(())
    }

    fn ascend(&mut self) {
        self.cursor.at += 1;
        self.depth -= 1;
    }

    fn array(&mut self) -> Result<(), ReadError> {
        self.descend()?;
        if self.cursor.peek() != Some(b']') {
            loop {
                self.value()?;
                self.canonical &= !self.cursor.skip_blanks();
                match self.cursor.peek() {
                    Some(b',') => self.cursor.at += 1,
                    Some(b']') => break,
                    _ => return self.cursor.syntax(),
                }
                self.canonical &= !self.cursor.skip_blanks();
            }
        }
        self.ascend();
        Ok(())
    }

    /// Scans an object and reports whether its keys are strictly ascending and free of escapes.
    fn object(&mut self, mut index: Option<&mut Index>) -> Result<bool, ReadError> {
        self.descend()?;
        let (mut ordered, mut last) = (true, 0..0);
        let text = self.cursor.text().as_bytes();
        if self.cursor.peek() != Some(b'}') {
            let mut first = true;
            loop {
                let key = self.cursor.string()?;
                let range = key.start..key.end;
                ordered &= !key.escaped && (first || text[last] < text[range.clone()]);
                first = false;
                self.canonical &= key.canonical;
                self.tagged |= key.escaped || text.get(key.start) == Some(&b' ');
                last = range.clone();
                self.canonical &= !self.cursor.skip_blanks();
                self.cursor.expect(b':')?;
                self.canonical &= !self.cursor.skip_blanks();
                match &mut index {
                    Some(index) => index.entries.push(self.entry(&range)?),
                    None => self.value()?,
                }
                self.canonical &= !self.cursor.skip_blanks();
                match self.cursor.peek() {
                    Some(b',') => self.cursor.at += 1,
                    Some(b'}') => break,
                    _ => return self.cursor.syntax(),
                }
                self.canonical &= !self.cursor.skip_blanks();
            }
        }
        self.ascend();
        Ok(ordered)
    }

    fn entry(&mut self, key: &Range<usize>) -> Result<RawEntry, ReadError> {
        (self.canonical, self.tagged) = (true, false);
        let start = self.cursor.at;
        self.value()?;
        // `scan` has made sure that the text is shorter than 4 GiB.
        let range = |range: Range<usize>| range.start as u32..range.end as u32;
        Ok(RawEntry {
            key: range(key.clone()),
            value: range(start..self.cursor.at),
            canonical: self.canonical,
            tagged: self.tagged,
        })
    }
}
