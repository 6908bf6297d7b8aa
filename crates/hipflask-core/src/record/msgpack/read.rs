//! Reads MessagePack without recursion, and allocates only for what the input can still hold.

use crate::{
    record::{DecodeError, Format, nest::Nest},
    serializer::Limits,
    value::{DateTime, Int, Value},
};

pub(in crate::record) fn read(bytes: &[u8], limits: Limits) -> Result<Value, DecodeError> {
    let nest = Nest::new(limits.depth());
    let mut reader = Reader { rest: bytes, length: bytes.len(), n_due: 1, nest };
    let value = loop {
        if let Some(value) = reader.next()? {
            break value;
        }
    };
    if reader.rest.is_empty() { Ok(value) } else { Err(reader.corrupt()) }
}

struct Reader<'a> {
    rest: &'a [u8],
    length: usize,
    /// How many keys and values must still come, each of which takes a byte or more.
    n_due: usize,
    nest: Nest,
}

impl<'a> Reader<'a> {
    /// Reads a value, or the head of an array or map, and returns the whole at the end.
    fn next(&mut self) -> Result<Option<Value>, DecodeError> {
        self.n_due -= 1;
        let value = match self.unsigned(1)? as u8 {
            first @ 0..0x80 => Value::from(u32::from(first)),
            first @ 0x80..0x90 => return self.map(u64::from(first & 0x0f)),
            first @ 0x90..0xa0 => return self.array(u64::from(first & 0x0f)),
            first @ 0xa0..0xc0 => self.text(u64::from(first & 0x1f))?,
            0xc0 => Value::Null,
            0xc2 => Value::Bool(false),
            0xc3 => Value::Bool(true),
            first @ 0xc4..=0xc6 => {
                let length = self.unsigned(1 << (first - 0xc4))?;
                Value::Bytes(self.take(length)?.to_vec())
            }
            first @ 0xc7..=0xc9 => {
                let length = self.unsigned(1 << (first - 0xc7))?;
                self.extension(length)?
            }
            0xca => Value::Float(f32::from_bits(self.unsigned(4)? as u32).into()),
            0xcb => Value::Float(f64::from_bits(self.unsigned(8)?)),
            first @ 0xcc..=0xcf => Value::from(self.unsigned(1 << (first - 0xcc))?),
            first @ 0xd0..=0xd3 => Value::Int(self.signed(1 << (first - 0xd0))?),
            first @ 0xd4..=0xd8 => self.extension(1 << (first - 0xd4))?,
            first @ 0xd9..=0xdb => {
                let length = self.unsigned(1 << (first - 0xd9))?;
                self.text(length)?
            }
            first @ 0xdc..=0xdd => {
                let length = self.unsigned(2 << (first - 0xdc))?;
                return self.array(length);
            }
            first @ 0xde..=0xdf => {
                let length = self.unsigned(2 << (first - 0xde))?;
                return self.map(length);
            }
            first @ 0xe0.. => Value::Int(i64::from(first as i8).into()),
            0xc1 => return Err(self.corrupt()),
        };
        self.nest.put(value)
    }

    fn array(&mut self, length: u64) -> Result<Option<Value>, DecodeError> {
        let n_items = self.expect(length)?;
        self.nest.list(n_items)
    }

    fn map(&mut self, length: u64) -> Result<Option<Value>, DecodeError> {
        let n_parts = self.expect(length * 2)?;
        self.nest.dict(n_parts)
    }

    /// Counts keys and values that are to come, unless the input is too short for them.
    fn expect(&mut self, n_items: u64) -> Result<usize, DecodeError> {
        let n_items = usize::try_from(n_items).map_err(|_| self.corrupt())?;
        self.n_due = self.n_due.saturating_add(n_items);
        if self.n_due > self.rest.len() { Err(self.corrupt()) } else { Ok(n_items) }
    }

    fn text(&mut self, length: u64) -> Result<Value, DecodeError> {
        let bytes = self.take(length)?;
        str::from_utf8(bytes).map(Value::from).map_err(|_| self.corrupt())
    }

    /// Reads a timestamp, to the microsecond as Python does; other types are not for sessions.
    fn extension(&mut self, length: u64) -> Result<Value, DecodeError> {
        if self.unsigned(1)? != 0xff {
            self.take(length)?;
            return Err(DecodeError::Unsupported { kind: "an extension of msgpack" });
        }
        let (seconds, nanos) = match length {
            4 => (self.unsigned(4)? as i64, 0),
            8 => {
                let both = self.unsigned(8)?;
                ((both & 0x3_ffff_ffff) as i64, both >> 34)
            }
            12 => {
                let nanos = self.unsigned(4)?;
                (self.unsigned(8)? as i64, nanos)
            }
            _ => return Err(self.corrupt()),
        };
        if nanos >= 1_000_000_000 {
            return Err(self.corrupt());
        }
        let micros = (nanos + 500) / 1000;
        let seconds = seconds.checked_add((micros / 1_000_000) as i64);
        let time = seconds.map(|seconds| DateTime::from_unix(seconds, (micros % 1_000_000) as u32));
        time.and_then(Result::ok).map(Value::DateTime).ok_or_else(|| self.corrupt())
    }

    fn signed(&mut self, n_bytes: u64) -> Result<Int, DecodeError> {
        let unused = 64 - 8 * n_bytes;
        Ok(((self.unsigned(n_bytes)? << unused) as i64 >> unused).into())
    }

    fn unsigned(&mut self, n_bytes: u64) -> Result<u64, DecodeError> {
        let bytes = self.take(n_bytes)?.iter();
        Ok(bytes.fold(0, |number, byte| number << 8 | u64::from(*byte)))
    }

    fn take(&mut self, length: u64) -> Result<&'a [u8], DecodeError> {
        let split = usize::try_from(length).ok().and_then(|at| self.rest.split_at_checked(at));
        let (taken, rest) = split.ok_or_else(|| self.corrupt())?;
        self.rest = rest;
        Ok(taken)
    }

    const fn corrupt(&self) -> DecodeError {
        DecodeError::Corrupt { format: Format::MsgPack, at: self.length - self.rest.len() }
    }
}
