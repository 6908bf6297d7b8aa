//! What a store of session records must do: the trait, and the questions and answers it is made of.
//!
//! Between the engine, which decides, and the stores, which act; knows bytes and lifetimes, and
//! nothing of what is in a record. Every write carries what it expects to find, so that no request
//! can overwrite what it has not seen, or bring back what has ended.

mod answer;
mod error;
mod key;
mod question;

use std::time::Duration;

pub use answer::{Created, Deleted, Entry, Page, Record, Replaced, Revision};
/// What stands before each `impl Store`, so that a store needs no dependency of its own for it.
pub use async_trait::async_trait;
pub use error::StoreError;
pub use key::RecordKey;
pub use question::{Answer, Question};

use crate::record::Format;

/// Keeps session records under keys, for a limited time.
///
/// Each method is one round trip where the server can do it in one. A record that has expired is
/// absent, whether or not it was removed. Lifetimes are never zero.
///
/// `hipflask::store::conformance` is the definition of a store in tests: what passes it may stand
/// behind a session layer.
///
/// ```
/// use std::time::Duration;
/// use hipflask_core::{record::Format, store::*};
///
/// /// Remembers nothing, so every session has ended by the next request.
/// struct Forgetful;
///
/// #[async_trait]
/// impl Store for Forgetful {
///     fn record_format(&self) -> Option<Format> {
///         None
///     }
///     async fn prepare(&self) -> Result<(), StoreError> {
///         Ok(())
///     }
///     async fn load(&self, _: &RecordKey, _: Option<Touch>) -> Result<Option<Record>, StoreError> {
///         Ok(None)
///     }
///     async fn create(&self, _: &RecordKey, _: &[u8], _: Duration) -> Result<Created, StoreError> {
///         Ok(Created::Created(Revision::default()))
///     }
///     async fn replace(
///         &self, _: &RecordKey, _: &Record, _: &[u8], _: Duration,
///     ) -> Result<Replaced, StoreError> {
///         Ok(Replaced::Gone)
///     }
///     async fn delete(&self, _: &RecordKey) -> Result<Deleted, StoreError> {
///         Ok(Deleted::Gone)
///     }
///     async fn scan(&self, _: &str, _: Option<&str>, _: usize) -> Result<Page, StoreError> {
///         Ok(Page::default())
///     }
///     async fn purge(&self, _: usize) -> Result<usize, StoreError> {
///         Ok(0)
///     }
/// }
/// # let _ = Forgetful;
/// ```
#[async_trait]
pub trait Store: Send + Sync + 'static {
    /// Returns the only format that Flask-Session reads from such a store; `None` leaves the choice
    /// to the configuration.
    fn record_format(&self) -> Option<Format>;

    /// Returns what the store is, for spans and metrics: OpenTelemetry's `db.system.name` if it has one.
    fn system(&self) -> &'static str {
        "other"
    }

    /// Makes what the store needs and lacks, such as its table or an index: when an application is
    /// deployed, or each time it starts. What is there is left alone, and needs no right to make it.
    ///
    /// # Errors
    ///
    /// [`StoreError`] when something is missing and cannot be made.
    async fn prepare(&self) -> Result<(), StoreError>;

    /// Returns the record of `key`, and extends its life on the way if `touch` says so.
    ///
    /// A retired record, see [`Renewal`], is returned but never touched.
    ///
    /// # Errors
    ///
    /// [`StoreError`] when the store cannot answer.
    async fn load(
        &self,
        key: &RecordKey,
        touch: Option<Touch>,
    ) -> Result<Option<Record>, StoreError>;

    /// Writes a record that must not be there yet.
    ///
    /// # Errors
    ///
    /// [`StoreError`] when the store cannot answer; the record may have been written or not.
    async fn create(
        &self,
        key: &RecordKey,
        payload: &[u8],
        ttl: Duration,
    ) -> Result<Created, StoreError>;

    /// Writes records of which none must be there yet, where a store can write many with one wait for the
    /// disk, and reports of each whether it was written. [`create`](Self::create) is to be asked about the
    /// others, and about all after an error: by default, none was written.
    ///
    /// # Errors
    ///
    /// [`StoreError`] when the store cannot answer; records may have been written or not.
    async fn create_many(&self, records: &[Creation<'_>]) -> Result<Vec<bool>, StoreError> {
        Ok(vec![false; records.len()])
    }

    /// Writes a record in the place of `current`, in one step: a compare-and-swap.
    ///
    /// # Errors
    ///
    /// [`StoreError`] when the store cannot answer; the record may have been written or not.
    async fn replace(
        &self,
        key: &RecordKey,
        current: &Record,
        payload: &[u8],
        ttl: Duration,
    ) -> Result<Replaced, StoreError>;

    /// Reports whether the store has [`renew`](Self::renew). If not, the machine of sessions creates the
    /// new record and then retires the old one, so that it knows what was done when an answer is lost.
    fn renews_at_once(&self) -> bool {
        false
    }

    /// Moves a record to a new key in one step.
    ///
    /// # Errors
    ///
    /// [`StoreError::Key`] if the new key has a record, [`StoreError::Unsupported`] if the store cannot
    /// change two records in one step, [`StoreError`] when the store cannot answer; the record may have
    /// been moved or not.
    async fn renew(&self, _: Renewal<'_>) -> Result<Replaced, StoreError> {
        Err(StoreError::Unsupported("move a record in one step"))
    }

    /// Ends a record.
    ///
    /// # Errors
    ///
    /// [`StoreError`] when the store cannot answer; the record may have ended or not.
    async fn delete(&self, key: &RecordKey) -> Result<Deleted, StoreError>;

    /// Returns about `limit` records whose keys start with `prefix`, from `cursor` on, which an
    /// earlier page has given. A record that is there all the time is in at least one page.
    ///
    /// # Errors
    ///
    /// [`StoreError::Unsupported`] where the server cannot list its keys, else as
    /// [`load`](Self::load).
    async fn scan(
        &self,
        prefix: &str,
        cursor: Option<&str>,
        limit: usize,
    ) -> Result<Page, StoreError>;

    /// Removes at most `limit` expired records and returns how many it removed: 0 where the server
    /// removes them by itself.
    ///
    /// # Errors
    ///
    /// [`StoreError`] when the store cannot answer.
    async fn purge(&self, limit: usize) -> Result<usize, StoreError>;
}

/// When reading extends a record's life.
///
/// ```
/// use std::time::Duration;
/// use hipflask_core::store::Touch;
///
/// let touch = Touch { ttl: Duration::from_secs(60), when_below: Duration::from_secs(30) };
/// assert!(touch.is_due(Duration::from_secs(29)));
/// assert!(!touch.is_due(Duration::from_secs(30)));
/// ```
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[expect(clippy::exhaustive_structs, reason = "whoever tests a store makes it")]
pub struct Touch {
    /// What the record gets.
    pub ttl: Duration,
    /// It gets it if less than this is left.
    pub when_below: Duration,
}

impl Touch {
    /// Reports whether a record that has `left` to live is to be touched.
    pub fn is_due(&self, left: Duration) -> bool {
        left < self.when_below
    }
}

/// One of many records that are written at once.
#[derive(Clone, Copy)]
#[expect(clippy::exhaustive_structs, reason = "whoever tests a store makes it")]
pub struct Creation<'a> {
    /// Where.
    pub key: &'a RecordKey,
    /// What.
    pub payload: &'a [u8],
    /// For how long.
    pub ttl: Duration,
}

impl std::fmt::Debug for Creation<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Creation").field("ttl", &self.ttl).finish_non_exhaustive()
    }
}

/// The move of a record to a new key.
///
/// What stays at the old key is a *retired* record: the encoding of `None`, which Flask-Session
/// takes for no record at all, and which tells a request under way that the session was renewed and
/// did not end.
#[derive(Clone, Copy)]
#[expect(clippy::exhaustive_structs, reason = "whoever tests a store makes it")]
pub struct Renewal<'a> {
    /// The key that is left.
    pub old: &'a RecordKey,
    /// What must still be there.
    pub current: &'a Record,
    /// The key that gets the record, and has none yet.
    pub new: &'a RecordKey,
    /// The record's new payload.
    pub payload: &'a [u8],
    /// How long the record lives.
    pub ttl: Duration,
    /// What stays at the old key.
    pub retired: &'a [u8],
    /// How long it stays.
    pub retired_ttl: Duration,
}

impl std::fmt::Debug for Renewal<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Renewal").field("ttl", &self.ttl).finish_non_exhaustive()
    }
}
