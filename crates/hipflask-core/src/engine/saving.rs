//! The save loop as a state machine: it says what to ask the store, takes the answer, and so on
//! until it is done.

use std::time::Duration;

use super::{Changes, ConflictPolicy, MergeConflict, Snapshot};
use crate::{
    record::{self, EncodeError, Format},
    serializer::Limits,
    session,
    store::{Created, Deleted, Record, RecordKey, Renewal, Replaced},
    value::{Dict, Text},
};

/// How long a record that was renewed or emptied stays, so that requests under way can tell that
/// from the end of the session. Longer than a request is expected to take.
pub const AFTERLIFE: Duration = Duration::from_secs(60);

/// How often a save meets another request's change before it gives up.
const MAX_ATTEMPTS: u32 = 256;

/// What a request wants to become of its session.
#[derive(Clone, Debug)]
#[expect(clippy::exhaustive_structs, reason = "whoever saves fills in all of it")]
pub struct Wish {
    /// What the session holds now; `None` ends it.
    pub content: Option<Dict>,
    /// The lists in it that were [grown](crate::session::Session::grown).
    pub grown: Vec<Text>,
    /// Where it is to be kept: the key that it was read from, another one to renew it, or a first
    /// one.
    pub key: RecordKey,
    /// Where another request may have moved the record to without renewing the session.
    pub moved: Option<RecordKey>,
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
///     grown: Vec::new(),
///     key: RecordKey::new("session:S"),
///     moved: None,
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
#[derive(Clone, Debug)]
pub struct Saving {
    snapshot: Option<Snapshot>,
    wish: Wish,
    /// What was read and what was made of it, once another request has been in the way. Changes are
    /// always carried over from there: what is carried over twice could be taken for a new change.
    origin: Option<(Dict, Dict)>,
    payload: Vec<u8>,
    attempts: u32,
    stage: Stage,
}

#[derive(Clone, Debug)]
enum Stage {
    Delete,
    Done(Outcome),
    Follow(RecordKey),
    Write,
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
    /// Ask [`Store::load`](crate::store::Store::load), without a touch.
    Load {
        /// What to read.
        key: &'a RecordKey,
    },
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
    /// To [`Step::Load`].
    Loaded(Option<Record>),
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
    #[error(transparent)]
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
        let idle = if wish.content.is_some() { Outcome::Unchanged } else { Outcome::Ended };
        let mut saving = Self { snapshot, ..Self::dropped(wish, idle) };
        saving.prepare(idle)?;
        Ok(saving)
    }

    /// Writes nothing, and has come to `outcome` already.
    pub(crate) const fn dropped(wish: Wish, outcome: Outcome) -> Self {
        let stage = Stage::Done(outcome);
        Self { snapshot: None, wish, origin: None, payload: Vec::new(), attempts: 0, stage }
    }

    /// Returns what to ask the store.
    pub fn step(&self) -> Step<'_> {
        let (key, payload, ttl) = (&self.wish.key, self.payload.as_slice(), self.ttl());
        match (&self.stage, &self.snapshot) {
            (Stage::Done(outcome), _) => Step::Done(*outcome),
            (Stage::Follow(key), _) => Step::Load { key },
            (_, None) => Step::Create { key, payload, ttl },
            (Stage::Delete, Some(snapshot)) => Step::Delete { key: snapshot.key() },
            (Stage::Write, Some(snapshot)) => {
                let (old, current) = (snapshot.key(), snapshot.record());
                if self.wish.content.is_none() || old == key {
                    return Step::Replace { key: old, current, payload, ttl };
                }
                let retired = record::empty(self.wish.format);
                let retired_ttl = AFTERLIFE.min(ttl);
                Step::Renew(Renewal { old, current, new: key, payload, ttl, retired, retired_ttl })
            }
        }
    }

    /// Takes the store's answer to the last step.
    ///
    /// # Errors
    ///
    /// [`EngineError`] when the session cannot be saved.
    pub fn answer(&mut self, answer: Answer) -> Result<(), EngineError> {
        let ends = self.wish.content.is_none();
        self.stage = match answer {
            Answer::Created(Created::Exists) => return Err(EngineError::IdTaken),
            Answer::Deleted(_) => Stage::Done(Outcome::Ended),
            // Only the mark is there now, of what may have moved and has not.
            Answer::Replaced(Replaced::Replaced(_)) if ends => Stage::Delete,
            Answer::Created(Created::Created(_)) | Answer::Replaced(Replaced::Replaced(_)) => {
                Stage::Done(self.written())
            }
            Answer::Replaced(Replaced::Gone) if ends => Stage::Done(Outcome::Ended),
            Answer::Replaced(Replaced::Gone) => Stage::Done(Outcome::Gone),
            Answer::Loaded(None) => Stage::Done(Outcome::RenewedElsewhere),
            Answer::Replaced(Replaced::Conflict(current)) | Answer::Loaded(Some(current)) => {
                return self.rebase(current);
            }
        };
        Ok(())
    }

    /// Returns how often another request's change was in the way.
    pub const fn attempts(&self) -> u32 {
        self.attempts
    }

    /// Returns what the session holds, other requests' changes included; `None` if it ends.
    pub const fn content(&self) -> Option<&Dict> {
        self.wish.content.as_ref()
    }

    /// Carries the changes over to what another request has written.
    fn rebase(&mut self, current: Record) -> Result<(), EngineError> {
        self.attempts += 1;
        let Some(snapshot) = &self.snapshot else { return Ok(()) };
        let key = match &self.stage {
            Stage::Follow(key) => key.clone(),
            _ => snapshot.key().clone(),
        };
        let (format, limits) = (self.wish.format, self.wish.limits);
        let theirs = Snapshot::read(key.clone(), current.clone(), format, limits);
        self.stage = match &theirs {
            Ok(None) => match self.wish.moved.take() {
                Some(moved) => Stage::Follow(moved),
                None => Stage::Done(Outcome::RenewedElsewhere),
            },
            _ if self.attempts < MAX_ATTEMPTS => Stage::Write,
            _ if self.wish.content.is_none() => Stage::Delete,
            _ => return Err(EngineError::Contended),
        };
        match (&self.wish.content, theirs) {
            (_, Ok(None)) => Ok(()),
            (Some(mine), Ok(Some(theirs))) => {
                let stored = |content| record::as_stored(content, format, limits);
                let origin = || (stored(snapshot.content()), stored(mine));
                let (base, mine) = self.origin.get_or_insert_with(origin);
                let changes = Changes::new(base, mine).with_grown(&self.wish.grown);
                let merged = changes.merge(&stored(theirs.content()), self.wish.policy)?;
                self.wish.content = Some(merged);
                self.snapshot = Some(theirs);
                self.prepare(self.written())
            }
            // What ends need not be read, and what nobody can read is replaced as a whole.
            (None, _) | (_, Err(_)) => {
                let base = snapshot.content().clone();
                self.snapshot = Some(Snapshot::written(key, current, base));
                Ok(())
            }
        }
    }

    /// Encodes what is to be written; if it is there already, that comes to `idle`.
    fn prepare(&mut self, idle: Outcome) -> Result<(), EngineError> {
        let is_idle = match (&self.wish.content, &self.snapshot) {
            (None, None) => true,
            (None, Some(_)) => {
                self.payload = record::empty(self.wish.format).to_vec();
                false
            }
            (Some(content), None) if session::is_blank(content) => true,
            (Some(content), snapshot) => {
                let snapshot = snapshot.as_ref().filter(|it| *it.key() == self.wish.key);
                snapshot.is_some_and(|it| it.content() == content) || {
                    self.payload = record::encode(content, self.wish.format)?;
                    // A list in the place of a tuple, say, is the same in a record.
                    snapshot.is_some_and(|it| it.record().payload == self.payload)
                }
            }
        };
        // Only a record that may have moved is marked first, so as to find where it went.
        let ends_at_once = self.wish.content.is_none() && self.wish.moved.is_none();
        self.stage = match is_idle {
            true => Stage::Done(idle),
            false if ends_at_once => Stage::Delete,
            false => Stage::Write,
        };
        Ok(())
    }

    fn written(&self) -> Outcome {
        if self.is_blank() { Outcome::Emptied } else { Outcome::Saved }
    }

    fn is_blank(&self) -> bool {
        self.wish.content.as_ref().is_none_or(session::is_blank)
    }

    fn ttl(&self) -> Duration {
        if self.is_blank() { AFTERLIFE.min(self.wish.ttl) } else { self.wish.ttl }
    }
}
