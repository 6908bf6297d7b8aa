//! Writes pickles of protocol 5, as CPython's `pickle.dumps` does.
//!
//! CPython writes an object once and refers to it where it comes again. Values have no identity:
//! each is written as an object of its own, but for what Python shares in any program: classes,
//! names, the keys of dicts, and texts and bytes of a single character or none.

use std::collections::HashMap;

use super::{frame::Frames, long};
use crate::{
    calendar,
    record::EncodeError,
    serializer::{MAX_INT_DIGITS, Writer as JsonWriter},
    value::{DateTime, Dict, Int, Text, Uuid, Value},
};

pub(in crate::record) fn write(content: &Dict) -> Result<Vec<u8>, EncodeError> {
    let mut writer = Writer::default();
    writer.out.outside(b"\x80\x05");
    writer.dict(content)?;
    writer.out.push(b".");
    Ok(writer.out.into_bytes())
}

#[derive(Default)]
struct Writer {
    out: Frames,
    depth: usize,
    /// How many objects the reader has in its memo by now.
    n_memoized: u32,
    /// The places in the memo of strings that Python keeps once.
    names: HashMap<Vec<u8>, u32>,
    /// The places in the memo of bytes that Python keeps once.
    single_bytes: HashMap<Vec<u8>, u32>,
    /// The places in the memo of other objects that Python keeps once.
    shared: HashMap<&'static str, u32>,
}

/// How many items CPython adds to a list or a dict at once.
const BATCH: usize = 1000;

impl Writer {
    fn value(&mut self, value: &Value) -> Result<(), EncodeError> {
        self.out.boundary();
        match value {
            Value::Null => self.out.push(b"N"),
            Value::Bool(true) => self.out.push(b"\x88"),
            Value::Bool(false) => self.out.push(b"\x89"),
            Value::Int(int) => self.int(int)?,
            Value::Float(float) => {
                self.out.push(b"G");
                self.out.push(&float.to_bits().to_be_bytes());
            }
            Value::Str(text) if is_single(text) => self.name(text.as_bytes())?,
            Value::Str(text) => self.text(text.as_bytes())?,
            Value::Bytes(bytes) => self.bytes(bytes)?,
            Value::List(items) => self.list(items)?,
            Value::Tuple(items) => self.tuple(items)?,
            Value::Dict(dict) => self.dict(dict)?,
            Value::Markup(text) => self.markup(text)?,
            Value::Uuid(uuid) => self.uuid(*uuid)?,
            Value::DateTime(time) => self.time(*time)?,
        }
        Ok(())
    }

    fn int(&mut self, int: &Int) -> Result<(), EncodeError> {
        if let Some(int) = int.as_i64().and_then(|int| i32::try_from(int).ok()) {
            let bytes = int.to_le_bytes();
            match int {
                0..0x100 => self.out.push(&[b'K', bytes[0]]),
                0x100..0x1_0000 => self.out.push(&[b'M', bytes[0], bytes[1]]),
                _ => self.out.push(&[b'J', bytes[0], bytes[1], bytes[2], bytes[3]]),
            }
            return Ok(());
        }
        if int.n_digits() > MAX_INT_DIGITS {
            return Err(EncodeError::IntTooLong);
        }
        let bytes = long::to_bytes(int);
        let head = length(&bytes, 0x8a, 0x8b)?;
        self.out.push(&head);
        self.out.push(&bytes);
        Ok(())
    }

    /// Writes a string as an object of its own.
    fn text(&mut self, wtf8: &[u8]) -> Result<(), EncodeError> {
        self.out.boundary();
        self.out.content(&length(wtf8, 0x8c, b'X')?, wtf8);
        self.memoize();
        Ok(())
    }

    /// Writes a string that Python keeps once.
    fn name(&mut self, wtf8: &[u8]) -> Result<(), EncodeError> {
        self.out.boundary();
        if let Some(&place) = self.names.get(wtf8) {
            self.recall(place);
            return Ok(());
        }
        self.names.insert(wtf8.to_vec(), self.n_memoized);
        self.text(wtf8)
    }

    fn bytes(&mut self, bytes: &[u8]) -> Result<(), EncodeError> {
        self.out.boundary();
        if bytes.len() <= 1 {
            if let Some(&place) = self.single_bytes.get(bytes) {
                self.recall(place);
                return Ok(());
            }
            self.single_bytes.insert(bytes.to_vec(), self.n_memoized);
        }
        self.out.content(&length(bytes, b'C', b'B')?, bytes);
        self.memoize();
        Ok(())
    }

    fn list(&mut self, items: &[Value]) -> Result<(), EncodeError> {
        self.descend()?;
        self.out.push(b"]");
        self.memoize();
        if let [item] = items {
            self.value(item)?;
            self.out.push(b"a");
        } else {
            for batch in items.chunks(BATCH) {
                self.out.push(b"(");
                batch.iter().try_for_each(|item| self.value(item))?;
                self.out.push(b"e");
            }
        }
        self.depth -= 1;
        Ok(())
    }

    fn tuple(&mut self, items: &[Value]) -> Result<(), EncodeError> {
        self.descend()?;
        if items.len() > 3 {
            self.out.push(b"(");
        }
        items.iter().try_for_each(|item| self.value(item))?;
        self.depth -= 1;
        self.end_tuple(items.len());
        Ok(())
    }

    fn end_tuple(&mut self, n_items: usize) {
        let end = [b')', 0x85, 0x86, 0x87].get(n_items).copied().unwrap_or(b't');
        self.out.push(&[end]);
        if n_items > 0 {
            self.memoize(); // there is only one empty tuple
        }
    }

    fn dict(&mut self, dict: &Dict) -> Result<(), EncodeError> {
        self.descend()?;
        self.out.push(b"}");
        self.memoize();
        let n_entries = dict.len();
        for (at, (key, value)) in dict.iter().enumerate() {
            if at % BATCH == 0 && n_entries > 1 {
                self.out.push(if at == 0 { b"(" } else { b"u(" });
            }
            match key.stands_for() {
                Some(key) => self.value(key)?,
                None => self.name(key.as_bytes())?,
            }
            self.value(value)?;
        }
        self.out.push(match n_entries {
            0 => b"",
            1 => b"s",
            // CPython looks for more only after it has begun another batch.
            _ if n_entries.is_multiple_of(BATCH) => b"u(u",
            _ => b"u",
        });
        self.depth -= 1;
        Ok(())
    }

    fn descend(&mut self) -> Result<(), EncodeError> {
        self.depth += 1;
        if self.depth > JsonWriter::MAX_DEPTH { Err(EncodeError::TooDeep) } else { Ok(()) }
    }

    fn markup(&mut self, text: &Text) -> Result<(), EncodeError> {
        self.class("markupsafe", "Markup")?;
        match text.is_empty() {
            true => self.name(b"")?,
            false => self.text(text.as_bytes())?,
        }
        self.end_tuple(1);
        self.out.push(b"\x81");
        self.memoize();
        Ok(())
    }

    fn uuid(&mut self, uuid: Uuid) -> Result<(), EncodeError> {
        self.class("uuid", "UUID")?;
        self.out.boundary();
        self.out.push(b")\x81");
        self.memoize();
        self.out.boundary();
        self.out.push(b"}");
        self.memoize();
        self.name(b"int")?;
        self.value(&Value::Int(uuid.as_u128().into()))?;
        self.out.push(b"sb");
        Ok(())
    }

    /// Writes a time in UTC: a class, its state, and the zone.
    fn time(&mut self, time: DateTime) -> Result<(), EncodeError> {
        self.class("datetime", "datetime")?;
        self.bytes(&state(time))?;
        self.utc()?;
        self.end_tuple(2);
        self.out.push(b"R");
        self.memoize();
        Ok(())
    }

    /// Writes `datetime.timezone.utc`, which is one object: a zone of no offset.
    fn utc(&mut self) -> Result<(), EncodeError> {
        self.out.boundary();
        if let Some(&place) = self.shared.get("utc") {
            self.recall(place);
            return Ok(());
        }
        self.class("datetime", "timezone")?;
        self.class("datetime", "timedelta")?;
        self.tuple(&[0, 0, 0].map(Value::from))?;
        self.out.push(b"R");
        self.memoize();
        self.end_tuple(1);
        self.out.push(b"R");
        self.shared.insert("utc", self.n_memoized);
        self.memoize();
        Ok(())
    }

    fn class(&mut self, module: &'static str, name: &'static str) -> Result<(), EncodeError> {
        self.out.boundary();
        if let Some(&place) = self.shared.get(name) {
            self.recall(place);
            return Ok(());
        }
        self.name(module.as_bytes())?;
        match module {
            // The names of classes that are written in C are strings of their own.
            "datetime" => self.text(name.as_bytes())?,
            _ => self.name(name.as_bytes())?,
        }
        self.out.push(b"\x93");
        self.shared.insert(name, self.n_memoized);
        self.memoize();
        Ok(())
    }

    fn memoize(&mut self) {
        self.out.push(b"\x94");
        self.n_memoized += 1;
    }

    /// Writes a reference to what is in the memo.
    fn recall(&mut self, place: u32) {
        match u8::try_from(place) {
            Ok(place) => self.out.push(&[b'h', place]),
            Err(_) => {
                self.out.push(b"j");
                self.out.push(&place.to_le_bytes());
            }
        }
    }
}

/// Reports whether CPython has one object only for this string.
fn is_single(text: &Text) -> bool {
    let mut points = text.code_points();
    points.next().is_none_or(|point| point < 0x100 && points.next().is_none())
}

/// Returns an opcode and the length of what follows it, in one byte where that suffices.
fn length(content: &[u8], short: u8, long: u8) -> Result<Vec<u8>, EncodeError> {
    let length = u32::try_from(content.len()).map_err(|_| EncodeError::TooLong)?;
    Ok(match u8::try_from(length) {
        Ok(length) => vec![short, length],
        Err(_) => [&[long][..], &length.to_le_bytes()].concat(),
    })
}

/// Returns the ten bytes that Python keeps of a time.
fn state(time: DateTime) -> [u8; 10] {
    // A `DateTime` lies within the years that have a date.
    let utc = calendar::from_unix(time.unix_seconds()).unwrap_or_default();
    let [century, year] = utc.year().to_be_bytes();
    let [month, day, hour, minute, second] =
        [utc.month(), utc.day(), utc.hour(), utc.minute(), utc.second()].map(i8::unsigned_abs);
    let [_, a, b, c] = time.micros().to_be_bytes();
    [century, year, month, day, hour, minute, second, a, b, c]
}
