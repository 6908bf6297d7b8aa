//! Checks a payload and notes where its top-level keys and values lie, without building values.
//!
//! Opening a session costs one pass over the text; a value is built when a handler asks for it.

use std::ops::Range;

use super::{ReadError, Writer, cursor::Cursor};

/// One top-level key and its value, as positions in the text.
#[derive(Clone, Debug)]
pub(crate) struct RawEntry {
    /// The key, without quotes; it holds no escapes.
    pub(crate) key: Range<u32>,
    pub(crate) value: Range<u32>,
    /// The value's text is what our own writer would write for it.
    pub(crate) canonical: bool,
    /// The keys of every object in it are strictly ascending and free of escapes.
    pub(crate) ordered: bool,
    /// No object in it may be a tag.
    pub(crate) plain: bool,
    /// The value may hold a tag that does not fit, so that reading it can fail.
    pub(crate) tagged: bool,
}

/// Scans a payload whose keys are strictly ascending, as Flask writes them, and notes each.
///
/// Returns false for what needs the reader, whatever was noted: other orders, keys with escapes, an
/// object that may be a tag itself, anything that is not an object, and a text whose positions
/// exceed 32 bits.
pub(crate) fn scan(
    text: &str,
    max_depth: usize,
    mut note: impl FnMut(RawEntry),
) -> Result<bool, ReadError> {
    if u32::try_from(text.len()).is_err() {
        return Ok(false);
    }
    let mut scanner = Scanner {
        cursor: Cursor::new(text),
        depth: 0,
        max_depth,
        canonical: true,
        ordered: true,
        plain: true,
        tagged: false,
    };
    scanner.cursor.skip_blanks();
    let is_noted = if scanner.cursor.peek() == Some(b'{') {
        let keys = scanner.object(Some(&mut note))?;
        keys.ordered && !keys.may_be_tag
    } else {
        scanner.value()?;
        false
    };
    scanner.cursor.skip_blanks();
    if scanner.cursor.at < text.len() {
        return scanner.cursor.syntax();
    }
    Ok(is_noted)
}

struct Scanner<'a> {
    cursor: Cursor<'a>,
    depth: usize,
    max_depth: usize,
    canonical: bool,
    ordered: bool,
    plain: bool,
    tagged: bool,
}

/// What the keys of an object say about it.
#[derive(Clone, Copy)]
struct Keys {
    /// They are strictly ascending and free of escapes.
    ordered: bool,
    /// Python may be left with one key, and that one may be a tag's.
    may_be_tag: bool,
    /// It is a tag, of a kind that takes what follows.
    fits: bool,
}

impl Scanner<'_> {
    fn value(&mut self) -> Result<(), ReadError> {
        match self.cursor.peek() {
            Some(b'"') => {
                self.canonical &= self.cursor.string()?.canonical;
                Ok(())
            }
            Some(b'{') => {
                let keys = self.object(None)?;
                self.canonical &= keys.ordered;
                self.ordered &= keys.ordered;
                self.plain &= !keys.may_be_tag;
                self.tagged |= keys.may_be_tag && !keys.fits;
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

    /// Scans an object; `note` is told of its entries.
    fn object(&mut self, mut note: Option<&mut dyn FnMut(RawEntry)>) -> Result<Keys, ReadError> {
        self.descend()?;
        let (mut ordered, mut has_blank, mut last) = (true, false, None::<Range<usize>>);
        let (mut n_keys, text) = (0, self.cursor.text().as_bytes());
        if self.cursor.peek() != Some(b'}') {
            loop {
                let key = self.cursor.string()?;
                let range = key.start..key.end;
                let follows = |last| is_less(&text[last], &text[range.clone()]);
                ordered &= !key.escaped && last.is_none_or(follows);
                has_blank |= key.escaped || text[key.start] == b' ';
                n_keys += 1;
                self.canonical &= key.canonical;
                last = Some(range.clone());
                self.canonical &= !self.cursor.skip_blanks();
                self.cursor.expect(b':')?;
                self.canonical &= !self.cursor.skip_blanks();
                match note.as_mut() {
                    Some(note) => note(self.entry(&range)?),
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
        let may_be_tag = has_blank && (n_keys == 1 || !ordered);
        let fits = may_be_tag && n_keys == 1 && last.is_some_and(|key| fits(&text[key.start..]));
        Ok(Keys { ordered, may_be_tag, fits })
    }

    fn entry(&mut self, key: &Range<usize>) -> Result<RawEntry, ReadError> {
        (self.canonical, self.ordered, self.plain, self.tagged) = (true, true, true, false);
        let start = self.cursor.at;
        self.value()?;
        // `scan` has made sure that the text is shorter than 4 GiB.
        let range = |range: Range<usize>| range.start as u32..range.end as u32;
        Ok(RawEntry {
            key: range(key.clone()),
            value: range(start..self.cursor.at),
            canonical: self.canonical,
            ordered: self.ordered,
            plain: self.plain,
            tagged: self.tagged,
        })
    }
}

/// Compares as `<` does; most keys differ in their first byte.
fn is_less(key: &[u8], next: &[u8]) -> bool {
    match (key.first(), next.first()) {
        (Some(a), Some(b)) if a != b => a < b,
        _ => key < next,
    }
}

/// Reports whether an object's text, from inside its first quote on, is a tag that takes its value
/// whatever is in it: a tuple of a list, Markup of a string. The writer writes it back as it is.
fn fits(object: &[u8]) -> bool {
    object.starts_with(b" t\":[") || object.starts_with(b" m\":\"")
}
