//! One key of a session: as it lies in the payload's text until somebody needs its value.

use std::ops::Range;

use serde::de::DeserializeOwned;

use super::source::{Source, slice};
use crate::{
    serializer::{self, Build, JsonStyle, RawEntry, ReadError, WriteError, Writer},
    value::{self, Text, Value, ValueError},
};

#[derive(Clone)]
pub(super) struct Entry {
    pub(super) key: Key,
    pub(super) slot: Slot,
    /// It is a list that was empty in this request, and has only been appended to since.
    pub(super) grown: bool,
}

#[derive(Clone)]
pub(super) enum Key {
    Raw(Range<u32>),
    /// That of an item of the record.
    Shared(usize),
    Text(Text),
}

#[derive(Clone)]
pub(super) enum Slot {
    /// Valid JSON; without `tagged`, reading it cannot fail.
    Raw {
        json: Range<u32>,
        canonical: bool,
        ordered: bool,
        plain: bool,
        tagged: bool,
    },
    /// That of an item of the record.
    Shared(usize),
    Value(Value),
}

impl Entry {
    /// Points to an item of the record.
    pub(super) const fn shared(at: usize) -> Self {
        Self { key: Key::Shared(at), slot: Slot::Shared(at), grown: false }
    }

    /// Builds the value at once if that can fail.
    pub(super) fn check(&mut self, text: &str) -> Result<(), ReadError> {
        if let Slot::Raw { json, tagged: true, .. } = &self.slot {
            self.slot = Slot::Value(serializer::read_at(slice(text, json))?);
        }
        Ok(())
    }

    pub(super) fn value(&self, source: &Source) -> Value {
        match &self.slot {
            Slot::Raw { json, .. } => {
                // The scanner has accepted this text; it would be a fault of ours to fail here.
                serializer::read_at(source.slice(json)).unwrap_or(Value::Null)
            }
            Slot::Shared(at) => source.item(*at).map_or(Value::Null, |(_, value)| value.clone()),
            Slot::Value(value) => value.clone(),
        }
    }

    /// Builds the value out of the text where that is possible.
    pub(super) fn build<B: Build>(
        &self,
        source: &Source,
        build: &mut B,
    ) -> Result<B::Built, B::Error> {
        match &self.slot {
            Slot::Raw { json, plain: true, .. } => serializer::build_at(source.slice(json), build),
            _ => build.scalar(self.value(source)),
        }
    }

    pub(super) fn get<T: DeserializeOwned>(&self, source: &Source) -> Result<T, ValueError> {
        if let Slot::Raw { json, ordered: true, .. } = &self.slot
            && let Some(typed) = serializer::read_typed(source.slice(json))
        {
            return Ok(typed);
        }
        value::from_value(self.value(source))
    }

    fn write(&self, source: &Source, writer: &mut Writer) -> Result<(), WriteError> {
        match &self.slot {
            Slot::Raw { json, canonical: true, .. } if writer.is_canonical() => {
                writer.raw(source.slice(json));
                Ok(())
            }
            Slot::Raw { .. } => writer.value(&self.value(source)),
            Slot::Shared(at) => {
                writer.value(source.item(*at).map_or(&Value::Null, |(_, value)| value))
            }
            Slot::Value(value) => writer.value(value),
        }
    }
}

impl From<RawEntry> for Entry {
    fn from(raw: RawEntry) -> Self {
        let RawEntry { key, value: json, canonical, ordered, plain, tagged } = raw;
        let slot = Slot::Raw { json, canonical, ordered, plain, tagged };
        Self { key: Key::Raw(key), slot, grown: false }
    }
}

impl From<(Text, Value)> for Entry {
    fn from((key, value): (Text, Value)) -> Self {
        Self { key: Key::Text(key), slot: Slot::Value(value), grown: false }
    }
}

impl Key {
    pub(super) fn as_bytes<'a>(&'a self, source: &'a Source) -> &'a [u8] {
        match self {
            Self::Raw(range) => source.slice(range).as_bytes(),
            Self::Shared(at) => source.item(*at).map_or(&[], |(key, _)| key.as_bytes()),
            Self::Text(key) => key.as_bytes(),
        }
    }

    pub(super) fn to_text(&self, source: &Source) -> Text {
        match self {
            Self::Raw(range) => source.slice(range).into(),
            Self::Shared(at) => source.item(*at).map(|(key, _)| key.clone()).unwrap_or_default(),
            Self::Text(key) => key.clone(),
        }
    }
}

/// Writes all entries as one object.
pub(super) fn write(
    entries: &[Entry],
    source: &Source,
    style: JsonStyle,
) -> Result<Vec<u8>, WriteError> {
    let mut writer = Writer::with_capacity(source.text().len() + 64, style);
    if let [only] = entries
        && serializer::is_tag(only.key.as_bytes(source))
    {
        writer.escaped(only.key.as_bytes(source), &only.value(source))?;
        return Ok(writer.into_bytes());
    }
    let keyed = || entries.iter().map(|entry| (entry.key.as_bytes(source), entry));
    let write = |writer: &mut Writer, entry: &Entry| entry.write(source, writer);
    if !style.sort_keys || keyed().is_sorted_by_key(|(key, _)| key) {
        writer.object(keyed(), write)?;
    } else {
        let mut sorted: Vec<_> = keyed().collect();
        sorted.sort_unstable_by_key(|(key, _)| *key);
        writer.object(sorted, write)?;
    }
    Ok(writer.into_bytes())
}
