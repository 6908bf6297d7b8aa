//! The save loop as a state machine: it says what to ask the store, takes the answer, and so on
//! until it is done.

use std::time::Duration;

use super::{ConflictPolicy, MergeConflict, Snapshot, merge};
use crate::{
    record::{self, EncodeError, Format},
    serializer::Limits,
    session,
    store::{Created, Deleted, Record, RecordKey, Renewal, Replaced},
    value::Dict,
};

/// How long a record that was renewed or emptied stays, so that requests under way can tell that
/// from the end of the session. Longer than a request is expected to take.
pub const AFTERLIFE: Duration = Duration::from_secs(60);

/// How often a save meets another request's change before it gives up.
const MAX_ATTEMPTS: u32 = 64;

/// What a request wants to become of its session.
#[derive(Clone, Debug)]
pub struct Wish {
    /// What the session holds now; `None` ends it.
    pub content: Option<Dict>,
    /// Where it is to be kept: the key that it was read from, another one to renew it, or a first
    /// one.
    pub key: RecordKey,
    /// How long it lives.
    pub ttl: Duration,
    /// How it is written.
    pub format: Format,
    /// What wins when another request has changed the same key.
    pub policy: ConflictPolicy,
    /// How much another request's record may hold.
    pub limits: Limits,
}

/// One session on its way into the store.
///
/// ```
/// use std::time::Duration;
/// use hipflask_core::{
///     engine::{Answer, ConflictPolicy, Outcome, Saving, Step, Wish},
///     record::Format, serializer::Limits, store::{Created, RecordKey, Revision},
///     value::{Dict, Value},
/// };
///
/// let mut saving = Saving::new(None, Wish {
///     content: Some(Dict::from_iter([("a".into(), Value::from(1))])),
///     key: RecordKey::new("session:S"),
///     ttl: Duration::from_secs(60),
///     format: Format::MsgPack,
///     policy: ConflictPolicy::LastWriter,
///     limits: Limits::default(),
/// })?;
/// assert!(matches!(saving.step(), Step::Create { payload: b"\x81\xa1a\x01", .. }));
/// saving.answer(Answer::Created(Created::Created(Revision::default())))?;
/// assert!(matches!(saving.step(), Step::Done(Outcome::Saved)));
/// # Ok::<(), hipflask_core::engine::EngineError>(())
/// ```
#[derive(Debug)]
pub struct Saving {
    snapshot: Option<Snapshot>,
    wish: Wish,
    payload: Vec<u8>,
    attempts: u32,
    done: Option<Outcome>,
}

/// What to ask the store next.
#[derive(Debug)]
#[expect(clippy::exhaustive_enums, reason = "every step must be carried out")]
pub enum Step<'a> {
    /// Ask [`Store::create`](crate::store::Store::create).
    Create {
        /// Where.
        key: &'a RecordKey,
        /// What.
        payload: &'a [u8],
        /// For how long.
        ttl: Duration,
    },
    /// Ask [`Store::delete`](crate::store::Store::delete).
    Delete {
        /// What to end.
        key: &'a RecordKey,
    },
    /// Ask nothing.
    Done(Outcome),
    /// Ask [`Store::renew`](crate::store::Store::renew).
    Renew(Renewal<'a>),
    /// Ask [`Store::replace`](crate::store::Store::replace).
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
}

/// What the store has answered.
#[derive(Clone, Debug)]
#[expect(clippy::exhaustive_enums, reason = "these are the answers of a store")]
pub enum Answer {
    /// To [`Step::Create`].
    Created(Created),
    /// To [`Step::Delete`].
    Deleted(Deleted),
    /// To [`Step::Replace`] or [`Step::Renew`].
    Replaced(Replaced),
}

/// What became of a session.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Outcome {
    /// Nothing is left in it, so that it ends unless a request under way adds something.
    Emptied,
    /// It was ended, as wished.
    Ended,
    /// Another request has ended it; nothing was written.
    Gone,
    /// Another request has given it a new id; nothing was written.
    RenewedElsewhere,
    /// It was written.
    Saved,
    /// Its content is what it was; nothing was written.
    Unchanged,
}

/// Why a session could not be saved although the store has answered.
///
/// ```
/// use hipflask_core::engine::EngineError;
///
/// assert!(EngineError::Contended.to_string().contains("other requests"));
/// ```
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum EngineError {
    /// Other requests have changed the session again and again.
    #[error("other requests kept changing the session: try again")]
    Contended,
    /// Another request has changed the same key.
    #[error(transparent)]
    Conflict(#[from] MergeConflict),
    /// A value cannot be written.
    #[error("the session cannot be written: {0}")]
    Encode(#[from] EncodeError),
    /// The id of a new session is in use.
    #[error("the id of a new session is in use: the source of randomness repeats itself")]
    IdTaken,
}

impl Saving {
    /// Starts to save a session that was read as `snapshot`, or is new.
    ///
    /// # Errors
    ///
    /// [`EngineError::Encode`] when a value cannot be written.
    pub fn new(snapshot: Option<Snapshot>, wish: Wish) -> Result<Self, EngineError> {
        let mut saving = Self { snapshot, wish, payload: Vec::new(), attempts: 0, done: None };
        saving.done = saving.nothing_to_do();
        if saving.done.is_none() {
            saving.encode()?;
        }
        Ok(saving)
    }

    fn nothing_to_do(&self) -> Option<Outcome> {
        match (&self.wish.content, &self.snapshot) {
            (None, None) => Some(Outcome::Ended),
            (Some(content), None) => session::is_blank(content).then_some(Outcome::Unchanged),
            (Some(content), Some(snapshot)) => {
                let same = snapshot.content() == content && *snapshot.key() == self.wish.key;
                same.then_some(Outcome::Unchanged)
            }
            (None, Some(_)) => None,
        }
    }

    /// Returns what to ask the store.
    pub fn step(&self) -> Step<'_> {
        if let Some(outcome) = self.done {
            return Step::Done(outcome);
        }
        let (key, payload, ttl) = (&self.wish.key, self.payload.as_slice(), self.ttl());
        match &self.snapshot {
            None => Step::Create { key, payload, ttl },
            Some(snapshot) if self.wish.content.is_none() => Step::Delete { key: snapshot.key() },
            Some(snapshot) if snapshot.key() == key => {
                Step::Replace { key, current: snapshot.record(), payload, ttl }
            }
            Some(snapshot) => Step::Renew(Renewal {
                old: snapshot.key(),
                current: snapshot.record(),
                new: key,
                payload,
                ttl,
                retired: record::empty(self.wish.format),
                retired_ttl: AFTERLIFE.min(self.wish.ttl),
            }),
        }
    }

    /// Takes the store's answer to the last step.
    ///
    /// # Errors
    ///
    /// [`EngineError`] when the session cannot be saved.
    pub fn answer(&mut self, answer: Answer) -> Result<(), EngineError> {
        let outcome = match answer {
            Answer::Created(Created::Created(_)) | Answer::Replaced(Replaced::Replaced(_)) => {
                if self.is_blank() {
                    Outcome::Emptied
                } else {
                    Outcome::Saved
                }
            }
            Answer::Created(Created::Exists) => return Err(EngineError::IdTaken),
            Answer::Deleted(_) => Outcome::Ended,
            Answer::Replaced(Replaced::Gone) => Outcome::Gone,
            Answer::Replaced(Replaced::Conflict(current)) if current.is_retired() => {
                Outcome::RenewedElsewhere
            }
            Answer::Replaced(Replaced::Conflict(current)) => return self.rebase(current),
        };
        self.done = Some(outcome);
        Ok(())
    }

    /// Returns how often another request's change was in the way.
    pub const fn attempts(&self) -> u32 {
        self.attempts
    }

    /// Carries the changes over to what another request has written.
    fn rebase(&mut self, current: Record) -> Result<(), EngineError> {
        self.attempts += 1;
        let (Some(snapshot), Some(mine)) = (&self.snapshot, &self.wish.content) else {
            return Ok(());
        };
        if self.attempts >= MAX_ATTEMPTS {
            return Err(EngineError::Contended);
        }
        let key = snapshot.key().clone();
        let (format, limits) = (self.wish.format, self.wish.limits);
        // What nobody can read is replaced as a whole.
        let Ok(Some(theirs)) = Snapshot::read(key.clone(), current.clone(), format, limits) else {
            self.snapshot = Some(Snapshot::written(key, current, snapshot.content().clone()));
            return Ok(());
        };
        let merged = merge(snapshot.content(), mine, theirs.content(), self.wish.policy)?;
        self.wish.content = Some(merged);
        self.snapshot = Some(theirs);
        self.done = self.nothing_to_do().map(|_| Outcome::Saved);
        self.encode()
    }

    fn encode(&mut self) -> Result<(), EngineError> {
        if let Some(content) = &self.wish.content {
            self.payload = record::encode(content, self.wish.format)?;
        }
        Ok(())
    }

    fn is_blank(&self) -> bool {
        self.wish.content.as_ref().is_some_and(session::is_blank)
    }

    fn ttl(&self) -> Duration {
        if self.is_blank() { AFTERLIFE.min(self.wish.ttl) } else { self.wish.ttl }
    }
}
