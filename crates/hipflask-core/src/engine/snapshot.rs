//! What a request has read: the record, and what was in it.

use crate::{
    record::{self, DecodeError, Format},
    serializer::Limits,
    store::{Record, RecordKey},
    value::Dict,
};

/// A record as a request has read it, which its changes refer to.
///
/// ```
/// use hipflask_core::{engine::Snapshot, record::Format, serializer::Limits, store::*};
///
/// let (key, record) = (RecordKey::new("session:S"), Record::new(b"\x81\xa1a\x01"));
/// let snapshot = Snapshot::read(key, record, Format::MsgPack, Limits::default())?;
/// assert!(snapshot.is_some_and(|snapshot| snapshot.content().contains("a")));
/// # Ok::<(), hipflask_core::record::DecodeError>(())
/// ```
#[derive(Clone, Debug)]
pub struct Snapshot {
    key: RecordKey,
    record: Record,
    content: Dict,
}

impl Snapshot {
    /// Reads a record; `None` if it only says that there is no session.
    ///
    /// # Errors
    ///
    /// [`DecodeError`] when it is no record.
    pub fn read(
        key: RecordKey,
        record: Record,
        format: Format,
        limits: Limits,
    ) -> Result<Option<Self>, DecodeError> {
        let decoded = record::decode(&record.payload, format, limits)?;
        Ok(decoded.content.map(|content| Self { key, record, content }))
    }

    /// Returns a snapshot of what was written just now.
    pub const fn written(key: RecordKey, record: Record, content: Dict) -> Self {
        Self { key, record, content }
    }

    /// Returns where the record is kept.
    pub const fn key(&self) -> &RecordKey {
        &self.key
    }

    /// Returns the record.
    pub const fn record(&self) -> &Record {
        &self.record
    }

    /// Returns what was in the record.
    pub const fn content(&self) -> &Dict {
        &self.content
    }
}
