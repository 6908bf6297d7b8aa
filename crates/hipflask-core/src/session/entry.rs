//! One key of a session: as it lies in the payload's text until somebody needs its value.

use std::ops::Range;

use crate::{
    serializer::{self, RawEntry, ReadError, WriteError, Writer},
    value::{Text, Value},
};

#[derive(Clone)]
pub(super) struct Entry {
    pub(super) key: Key,
    pub(super) slot: Slot,
}

#[derive(Clone)]
pub(super) enum Key {
    Raw(Range<u32>),
    Text(Text),
}

#[derive(Clone)]
pub(super) enum Slot {
    /// Valid JSON without tags, so that reading it cannot fail.
    Raw {
        json: Range<u32>,
        canonical: bool,
    },
    Value(Value),
}

impl Entry {
    pub(super) fn from_raw(raw: RawEntry, text: &str) -> Result<Self, ReadError> {
        let slot = if raw.tagged {
            Slot::Value(serializer::read_at(slice(text, &raw.value))?)
        } else {
            Slot::Raw { json: raw.value, canonical: raw.canonical }
        };
        Ok(Self { key: Key::Raw(raw.key), slot })
    }

    pub(super) fn value(&self, text: &str) -> Value {
        match &self.slot {
            Slot::Raw { json, .. } => {
                // The scanner has accepted this text; it would be a fault of ours to fail here.
                serializer::read_at(slice(text, json)).unwrap_or(Value::Null)
            }
            Slot::Value(value) => value.clone(),
        }
    }

    fn write(&self, text: &str, writer: &mut Writer) -> Result<(), WriteError> {
        match &self.slot {
            Slot::Raw { json, canonical: true } => {
                writer.raw(slice(text, json));
                Ok(())
            }
            Slot::Raw { .. } => writer.value(&self.value(text)),
            Slot::Value(value) => writer.value(value),
        }
    }
}

impl From<(Text, Value)> for Entry {
    fn from((key, value): (Text, Value)) -> Self {
        Self { key: Key::Text(key), slot: Slot::Value(value) }
    }
}

impl Key {
    pub(super) fn as_bytes<'a>(&'a self, text: &'a str) -> &'a [u8] {
        match self {
            Self::Raw(range) => slice(text, range).as_bytes(),
            Self::Text(key) => key.as_bytes(),
        }
    }

    pub(super) fn to_text(&self, text: &str) -> Text {
        match self {
            Self::Raw(range) => slice(text, range).into(),
            Self::Text(key) => key.clone(),
        }
    }
}

/// Writes all entries as one object, sorted.
pub(super) fn write(entries: &[Entry], text: &str) -> Result<Vec<u8>, WriteError> {
    let mut writer = Writer::default();
    if let [only] = entries
        && serializer::is_tag(only.key.as_bytes(text))
    {
        writer.escaped(only.key.as_bytes(text), &only.value(text))?;
        return Ok(writer.into_bytes());
    }
    let mut sorted: Vec<_> =
        entries.iter().map(|entry| (entry.key.as_bytes(text), entry)).collect();
    if !sorted.is_sorted_by_key(|(key, _)| *key) {
        sorted.sort_unstable_by_key(|(key, _)| *key);
    }
    writer.object(sorted, |writer, entry| entry.write(text, writer))?;
    Ok(writer.into_bytes())
}

fn slice<'a>(text: &'a str, range: &Range<u32>) -> &'a str {
    &text[range.start as usize..range.end as usize]
}
