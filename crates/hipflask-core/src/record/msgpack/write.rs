//! Writes MessagePack, each length and each integer in its shortest form.

use crate::{
    record::EncodeError,
    serializer::Writer as JsonWriter,
    value::{DateTime, Dict, Int, Text, Value},
};

pub(in crate::record) fn write(content: &Dict) -> Result<Vec<u8>, EncodeError> {
    let mut writer = Writer::default();
    writer.dict(content)?;
    Ok(writer.out)
}

#[derive(Default)]
struct Writer {
    out: Vec<u8>,
    depth: usize,
}

/// The first bytes that one kind has for lengths: in themselves, or in 1, 2 or 4 bytes that follow.
struct Lengths {
    /// Counts up from the first for each length below `n_short`.
    short: u8,
    n_short: usize,
    one: Option<u8>,
    two: u8,
    four: u8,
}

const ARRAY: Lengths = Lengths { short: 0x90, n_short: 16, one: None, two: 0xdc, four: 0xdd };
const BINARY: Lengths = Lengths { short: 0, n_short: 0, one: Some(0xc4), two: 0xc5, four: 0xc6 };
const MAP: Lengths = Lengths { short: 0x80, n_short: 16, one: None, two: 0xde, four: 0xdf };
const STRING: Lengths =
    Lengths { short: 0xa0, n_short: 32, one: Some(0xd9), two: 0xda, four: 0xdb };

impl Writer {
    fn value(&mut self, value: &Value) -> Result<(), EncodeError> {
        match value {
            Value::Null => self.out.push(0xc0),
            Value::Bool(flag) => self.out.push(0xc2 + u8::from(*flag)),
            Value::Int(int) => self.int(int)?,
            Value::Float(float) => {
                self.out.push(0xcb);
                self.out.extend(float.to_bits().to_be_bytes());
            }
            Value::Str(text) | Value::Markup(text) => self.text(text)?,
            Value::List(items) | Value::Tuple(items) => self.items(items)?,
            Value::Dict(dict) => self.dict(dict)?,
            Value::Bytes(bytes) => self.bytes(bytes, &BINARY)?,
            Value::Uuid(uuid) => self.bytes(uuid.to_string().as_bytes(), &STRING)?,
            Value::DateTime(time) => self.time(*time),
        }
        Ok(())
    }

    fn int(&mut self, int: &Int) -> Result<(), EncodeError> {
        let int = int.as_i128().ok_or(EncodeError::IntTooLarge)?;
        const I8: i128 = i8::MIN as i128;
        const I16: i128 = i16::MIN as i128;
        const I32: i128 = i32::MIN as i128;
        const I64: i128 = i64::MIN as i128;
        let (first, n_bytes) = match int {
            -32..0x80 => (int as u8, 0),
            0x80..0x100 => (0xcc, 1),
            0x100..0x1_0000 => (0xcd, 2),
            0x1_0000..0x1_0000_0000 => (0xce, 4),
            0x1_0000_0000..0x1_0000_0000_0000_0000 => (0xcf, 8),
            I8..-32 => (0xd0, 1),
            I16..I8 => (0xd1, 2),
            I32..I16 => (0xd2, 4),
            I64..I32 => (0xd3, 8),
            _ => return Err(EncodeError::IntTooLarge),
        };
        self.out.push(first);
        self.out.extend_from_slice(&int.to_be_bytes()[16 - n_bytes..]);
        Ok(())
    }

    fn text(&mut self, text: &Text) -> Result<(), EncodeError> {
        let text = text.as_str().ok_or(EncodeError::LoneSurrogate)?;
        self.bytes(text.as_bytes(), &STRING)
    }

    fn bytes(&mut self, bytes: &[u8], lengths: &Lengths) -> Result<(), EncodeError> {
        self.length(bytes.len(), lengths)?;
        self.out.extend_from_slice(bytes);
        Ok(())
    }

    fn items(&mut self, items: &[Value]) -> Result<(), EncodeError> {
        self.descend(items.len(), &ARRAY)?;
        items.iter().try_for_each(|item| self.value(item))?;
        self.depth -= 1;
        Ok(())
    }

    fn dict(&mut self, dict: &Dict) -> Result<(), EncodeError> {
        self.descend(dict.len(), &MAP)?;
        for (key, value) in dict.iter() {
            match key.stands_for() {
                Some(key) => self.value(key)?,
                None => self.text(key)?,
            }
            self.value(value)?;
        }
        self.depth -= 1;
        Ok(())
    }

    fn descend(&mut self, length: usize, lengths: &Lengths) -> Result<(), EncodeError> {
        self.depth += 1;
        if self.depth > JsonWriter::MAX_DEPTH {
            return Err(EncodeError::TooDeep);
        }
        self.length(length, lengths)
    }

    fn length(&mut self, length: usize, lengths: &Lengths) -> Result<(), EncodeError> {
        let bytes = u32::try_from(length).map_err(|_| EncodeError::TooLong)?.to_be_bytes();
        let (first, n_bytes) = match (length, lengths.one) {
            _ if length < lengths.n_short => (lengths.short + bytes[3], 0),
            (..0x100, Some(one)) => (one, 1),
            (..0x1_0000, _) => (lengths.two, 2),
            _ => (lengths.four, 4),
        };
        self.out.push(first);
        self.out.extend_from_slice(&bytes[4 - n_bytes..]);
        Ok(())
    }

    /// Writes the extension of type -1, in 32 or 64 bits where they suffice.
    fn time(&mut self, time: DateTime) {
        let nanos = time.micros() * 1000;
        match u64::try_from(time.unix_seconds()) {
            Ok(seconds) if seconds >> 32 == 0 && nanos == 0 => {
                self.out.extend([0xd6, 0xff]);
                self.out.extend((seconds as u32).to_be_bytes());
            }
            Ok(seconds) if seconds >> 34 == 0 => {
                self.out.extend([0xd7, 0xff]);
                self.out.extend((u64::from(nanos) << 34 | seconds).to_be_bytes());
            }
            _ => {
                self.out.extend([0xc7, 12, 0xff]);
                self.out.extend(nanos.to_be_bytes());
                self.out.extend(time.unix_seconds().to_be_bytes());
            }
        }
    }
}
