//! What a request has read: the record, and what was in it.

use std::sync::Arc;

use super::Wish;
use crate::{
    record::{Coding, DecodeError, Format},
    store::{Record, RecordKey},
    value::Dict,
};

/// A record as a request has read it, which its changes refer to.
///
/// ```
/// use hipflask_core::{engine::Snapshot, record::{Coding, Format}, serializer::Limits, store::*};
///
/// let (key, record) = (RecordKey::new("session:S"), Record::new(b"\x81\xa1a\x01"));
/// let coding = Coding::new(Format::MsgPack, Limits::default());
/// let snapshot = Snapshot::read(key, record, &coding)?;
/// assert!(snapshot.is_some_and(|snapshot| snapshot.content().contains("a")));
/// # Ok::<(), hipflask_core::record::DecodeError>(())
/// ```
#[derive(Clone, Debug)]
pub struct Snapshot {
    key: RecordKey,
    record: Record,
    content: Arc<Dict>,
    format: Format,
    outdated: bool,
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
        coding: &Coding,
    ) -> Result<Option<Self>, DecodeError> {
        let decoded = coding.decode(&record.payload, key.as_str())?;
        let (format, outdated) = (decoded.format, coding.is_outdated(&decoded));
        let content = decoded.content.map(Arc::new);
        Ok(content.map(|content| Self { key, record, content, format, outdated }))
    }

    /// Returns a snapshot of what was written just now.
    pub fn written(
        key: RecordKey,
        record: Record,
        content: impl Into<Arc<Dict>>,
        format: Format,
    ) -> Self {
        Self { key, record, content: content.into(), format, outdated: false }
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
    pub fn content(&self) -> &Dict {
        &self.content
    }

    /// Returns what was in the record, for those who keep it as it is.
    pub fn shared_content(&self) -> Arc<Dict> {
        Arc::clone(&self.content)
    }

    /// Returns what the record was written as.
    pub const fn format(&self) -> Format {
        self.format
    }

    /// Returns what the record was written as and what else it is to be at the same place, if that is so.
    pub(crate) fn reformatted(&self, wish: &Wish) -> Option<(Format, Format)> {
        let format = wish.coding.format_for(self.format);
        (self.key == wish.key && self.format != format).then_some((self.format, format))
    }

    /// Reports whether the record is plain and is to be encrypted, the other way round, or sealed with a
    /// fallback key.
    pub const fn is_outdated(&self) -> bool {
        self.outdated
    }
}
