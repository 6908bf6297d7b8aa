//! What is asked of a store, as values: so that who decides need not wait, and who waits need not
//! decide.

use std::time::Duration;

use super::{
    Created, Deleted, Page, Record, RecordKey, Renewal, Replaced, Store, StoreError, Touch,
};

/// One question to a store: a call of one of its methods that was not made yet.
///
/// ```
/// use hipflask_core::store::{Question, RecordKey};
///
/// let key = RecordKey::new("session:S");
/// let question = Question::Load { key: &key, touch: None };
/// assert_eq!(question.word(), "load");
/// ```
#[derive(Clone, Copy, Debug)]
#[expect(clippy::exhaustive_enums, reason = "every question must be carried out")]
pub enum Question<'a> {
    /// [`Store::create`].
    Create {
        /// Where.
        key: &'a RecordKey,
        /// What.
        payload: &'a [u8],
        /// For how long.
        ttl: Duration,
    },
    /// [`Store::delete`].
    Delete {
        /// What to end.
        key: &'a RecordKey,
    },
    /// [`Store::load`].
    Load {
        /// What to read.
        key: &'a RecordKey,
        /// Whether reading extends its life.
        touch: Option<Touch>,
    },
    /// [`Store::renew`].
    Renew(Renewal<'a>),
    /// [`Store::replace`].
    Replace {
        /// Where.
        key: &'a RecordKey,
        /// What must be there.
        current: &'a Record,
        /// What is to be there.
        payload: &'a [u8],
        /// For how long.
        ttl: Duration,
    },
    /// [`Store::scan`].
    Scan {
        /// What the keys start with.
        prefix: &'a str,
        /// Where to start.
        cursor: Option<&'a str>,
        /// About how many records.
        limit: usize,
    },
}

/// What a store has answered.
#[derive(Clone, Debug)]
#[expect(clippy::exhaustive_enums, reason = "these are the answers of a store")]
pub enum Answer {
    /// To [`Question::Create`].
    Created(Created),
    /// To [`Question::Delete`].
    Deleted(Deleted),
    /// To [`Question::Load`].
    Loaded(Option<Record>),
    /// To [`Question::Replace`] or [`Question::Renew`].
    Replaced(Replaced),
    /// To [`Question::Scan`].
    Scanned(Page),
}

impl Answer {
    /// Returns what the store has found or done, in one word, for logs and metrics.
    ///
    /// ```
    /// use hipflask_core::store::{Answer, Deleted, Record};
    ///
    /// assert_eq!(Answer::Loaded(Some(Record::new("x"))).word(), "found");
    /// assert_eq!(Answer::Deleted(Deleted::Gone).word(), "gone");
    /// ```
    pub const fn word(&self) -> &'static str {
        match self {
            Self::Created(Created::Created(_)) => "created",
            Self::Created(Created::Exists) => "exists",
            Self::Deleted(Deleted::Deleted) => "deleted",
            Self::Deleted(Deleted::Gone) | Self::Replaced(Replaced::Gone) => "gone",
            Self::Loaded(Some(_)) => "found",
            Self::Loaded(None) => "missing",
            Self::Replaced(Replaced::Conflict(_)) => "conflict",
            Self::Replaced(Replaced::Replaced(_)) => "replaced",
            Self::Scanned(_) => "scanned",
        }
    }

    /// Returns how many bytes of records the store has sent.
    pub fn read_len(&self) -> usize {
        match self {
            Self::Loaded(Some(record)) | Self::Replaced(Replaced::Conflict(record)) => {
                record.payload.len()
            }
            Self::Scanned(page) => page.entries.iter().map(|it| it.record.payload.len()).sum(),
            _ => 0,
        }
    }

    /// Reports whether a record was written.
    pub const fn is_written(&self) -> bool {
        matches!(self, Self::Created(Created::Created(_)) | Self::Replaced(Replaced::Replaced(_)))
    }
}

impl Question<'_> {
    /// Returns the name of the method that is to be called.
    pub const fn word(&self) -> &'static str {
        match self {
            Self::Create { .. } => "create",
            Self::Delete { .. } => "delete",
            Self::Load { .. } => "load",
            Self::Renew(_) => "renew",
            Self::Replace { .. } => "replace",
            Self::Scan { .. } => "scan",
        }
    }

    /// Returns how many bytes of a record the store is sent.
    pub const fn payload_len(&self) -> usize {
        match self {
            Self::Create { payload, .. } | Self::Replace { payload, .. } => payload.len(),
            Self::Renew(renewal) => renewal.payload.len(),
            Self::Delete { .. } | Self::Load { .. } | Self::Scan { .. } => 0,
        }
    }

    /// Returns the record that changes or ends, if the question is carried out.
    ///
    /// ```
    /// use hipflask_core::store::{Question, RecordKey};
    ///
    /// let key = RecordKey::new("session:S");
    /// assert_eq!(Question::Delete { key: &key }.changes(), Some(&key));
    /// assert_eq!(Question::Load { key: &key, touch: None }.changes(), None);
    /// ```
    pub const fn changes(&self) -> Option<&RecordKey> {
        match self {
            Self::Create { key, .. } | Self::Delete { key } | Self::Replace { key, .. } => {
                Some(key)
            }
            Self::Renew(renewal) => Some(renewal.old),
            Self::Load { .. } | Self::Scan { .. } => None,
        }
    }

    /// Asks a store.
    ///
    /// # Errors
    ///
    /// What the store's method returns.
    pub async fn ask<S: Store + ?Sized>(self, store: &S) -> Result<Answer, StoreError> {
        Ok(match self {
            Self::Create { key, payload, ttl } => {
                Answer::Created(store.create(key, payload, ttl).await?)
            }
            Self::Delete { key } => Answer::Deleted(store.delete(key).await?),
            Self::Load { key, touch } => Answer::Loaded(store.load(key, touch).await?),
            Self::Renew(renewal) => Answer::Replaced(store.renew(renewal).await?),
            Self::Replace { key, current, payload, ttl } => {
                Answer::Replaced(store.replace(key, current, payload, ttl).await?)
            }
            Self::Scan { prefix, cursor, limit } => {
                Answer::Scanned(store.scan(prefix, cursor, limit).await?)
            }
        })
    }
}
