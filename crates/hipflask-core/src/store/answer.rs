//! What a store answers.

use std::{fmt, time::Duration};

use super::RecordKey;

/// `None` in each format: what Flask-Session takes for no record.
const RETIRED: [&[u8]; 3] = [b"\xc0", b"null", b"\x80\x05N."];

/// A record as it was read.
///
/// ```
/// use hipflask_core::store::Record;
///
/// let record = Record::new(b"\x81\xa1a\x01");
/// assert!(!record.is_retired());
/// assert!(Record::new(b"\xc0").is_retired());
/// ```
#[derive(Clone, Default, Eq, PartialEq)]
#[non_exhaustive]
pub struct Record {
    /// The encoded session.
    pub payload: Vec<u8>,
    /// The store's own version of the record, if it has one.
    pub revision: Revision,
    /// Reading it has extended its life.
    pub touched: bool,
}

impl Record {
    /// Returns a record of which only the payload is known.
    pub fn new(payload: impl Into<Vec<u8>>) -> Self {
        Self { payload: payload.into(), ..Self::default() }
    }

    /// Returns a record that is there and is none that this store can read, such as one that another
    /// client has compressed: no format takes it for a session.
    ///
    /// ```
    /// use hipflask_core::{record::{Format, decode}, serializer::Limits, store::Record};
    ///
    /// let payload = Record::unreadable().payload;
    /// assert!(decode(&payload, Format::Pickle, Limits::default()).is_err());
    /// ```
    pub fn unreadable() -> Self {
        Self::default()
    }

    /// Sets the store's own version.
    #[must_use]
    pub const fn with_revision(mut self, revision: Revision) -> Self {
        self.revision = revision;
        self
    }

    /// Sets whether reading it has extended its life.
    #[must_use]
    pub const fn with_touched(mut self, touched: bool) -> Self {
        self.touched = touched;
        self
    }

    /// Reports whether the record only says that its session was renewed.
    pub fn is_retired(&self) -> bool {
        RETIRED.contains(&self.payload.as_slice())
    }
}

impl fmt::Debug for Record {
    /// Shows the length; the content may be private.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Record").field("len", &self.payload.len()).finish_non_exhaustive()
    }
}

/// A store's own version of a record. Where there is none, the payload itself is the version.
///
/// ```
/// use hipflask_core::store::Revision;
///
/// assert_eq!(Revision::default().number(), None);
/// assert_eq!(Revision::from(7).number(), Some(7));
/// ```
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Revision(Option<u64>);

impl Revision {
    /// Returns the number that the store has given.
    pub const fn number(self) -> Option<u64> {
        self.0
    }
}

impl From<u64> for Revision {
    fn from(number: u64) -> Self {
        Self(Some(number))
    }
}

/// What became of [`create`](super::Store::create).
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[expect(clippy::exhaustive_enums, reason = "every answer must be dealt with")]
pub enum Created {
    /// The record was written.
    Created(Revision),
    /// There was a record already; nothing was written.
    Exists,
}

/// What became of [`replace`](super::Store::replace) or [`renew`](super::Store::renew).
#[derive(Clone, Debug, Eq, PartialEq)]
#[expect(clippy::exhaustive_enums, reason = "every answer must be dealt with")]
pub enum Replaced {
    /// Somebody else has changed the record, to this; nothing was written.
    Conflict(Record),
    /// There is no record; nothing was written.
    Gone,
    /// The record was written.
    Replaced(Revision),
}

/// What became of [`delete`](super::Store::delete).
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[expect(clippy::exhaustive_enums, reason = "every answer must be dealt with")]
pub enum Deleted {
    /// The record has ended.
    Deleted,
    /// There was no record.
    Gone,
}

/// A record that [`scan`](super::Store::scan) has found.
#[derive(Clone, Debug)]
#[expect(clippy::exhaustive_structs, reason = "stores make it")]
pub struct Entry {
    /// Its whole key.
    pub key: RecordKey,
    /// What is in it.
    pub record: Record,
    /// How long it still lives, if that is known and limited.
    pub expires_in: Option<Duration>,
}

/// A part of all records.
#[derive(Clone, Default)]
#[expect(clippy::exhaustive_structs, reason = "stores make it")]
pub struct Page {
    /// The records of this part.
    pub entries: Vec<Entry>,
    /// Where the next part starts; `None` at the end.
    pub next: Option<String>,
}

impl fmt::Debug for Page {
    /// Shows how many there are; where the next part starts may be a key.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Page").field("len", &self.entries.len()).finish_non_exhaustive()
    }
}
