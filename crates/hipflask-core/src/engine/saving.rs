//! The save loop as a state machine: it says what to ask the store, takes the answer, or the news
//! that none came, and so on until it is done.

use std::{sync::Arc, time::Duration};

use super::{Changes, ConflictPolicy, EngineError, Snapshot};
use crate::{
    record::{self, Format},
    serializer::Limits,
    session,
    store::{
        Answer, Created, Question, Record, RecordKey, Renewal, Replaced, Revision, StoreError,
    },
    value::{Dict, Text},
};

/// How long a record that was renewed or emptied stays, so that requests under way can tell that
/// from the end of the session. Longer than a request is expected to take.
pub const AFTERLIFE: Duration = Duration::from_secs(60);

/// How often a save or an update meets another request's change before it gives up.
pub(crate) const MAX_ATTEMPTS: u32 = 256;

/// How often a question is asked again whose answer was lost.
const MAX_LOST: u32 = 2;

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
    /// Whether the store moves a record in one step; else it is written anew, and then retired.
    pub renews_at_once: bool,
}

/// One session on its way into the store.
///
/// ```
/// use std::time::Duration;
/// use hipflask_core::{
///     engine::{ConflictPolicy, Outcome, Saving, Wish},
///     record::Format, serializer::Limits, store::{Answer, Created, Question, RecordKey, Revision},
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
///     renews_at_once: true,
/// })?;
/// assert!(matches!(saving.question(), Some(Question::Create { payload: b"\x81\xa1a\x01", .. })));
/// saving.answer(Ok(Answer::Created(Created::Created(Revision::default()))))?;
/// assert_eq!(saving.outcome(), Some(Outcome::Saved));
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
    losses: Losses,
    /// Why it is not known whether the store has what was to be written last.
    doubt: Option<Arc<StoreError>>,
    /// What the first step of a renewal in two has written.
    renewed: Option<Record>,
    stage: Stage,
}

#[derive(Clone, Debug)]
enum Stage {
    /// Is the renewal ours whose answer was lost? If there is no new record, it is not, and this is
    /// what became of the session.
    Confirm(Outcome),
    Delete,
    Done(Outcome),
    Follow(RecordKey),
    /// The second step of a renewal in two.
    Retire,
    /// Removes what the first step has written, because the session has come to this elsewhere.
    Undo(Outcome),
    Write,
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

/// Answers that did not come.
#[derive(Clone, Debug, Default)]
pub(crate) struct Losses {
    count: u32,
    /// Why the last answer did not come; the question may have been carried out all the same.
    doubt: Option<Arc<StoreError>>,
}

impl Losses {
    /// Notes that no answer came; an error if the question is not to be asked again.
    pub(crate) fn note(&mut self, error: StoreError) -> Result<(), EngineError> {
        let is_lost = matches!(error, StoreError::Unavailable(_));
        let error = Arc::new(error);
        self.count += 1;
        if is_lost {
            self.doubt = Some(Arc::clone(&error));
        }
        let again = self.count <= MAX_LOST && (is_lost || error.is_unreachable());
        if again { Ok(()) } else { Err(EngineError::Store(error)) }
    }

    /// Reports whether the question may have been carried out although no answer came.
    const fn is_in_doubt(&self) -> bool {
        self.doubt.is_some()
    }

    /// Notes that an answer came, and returns why there is doubt whether it is the first.
    pub(crate) fn settle(&mut self) -> Option<Arc<StoreError>> {
        self.count = 0;
        self.doubt.take()
    }
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
    pub(crate) fn dropped(wish: Wish, outcome: Outcome) -> Self {
        Self {
            snapshot: None,
            wish,
            origin: None,
            payload: Vec::new(),
            attempts: 0,
            losses: Losses::default(),
            doubt: None,
            renewed: None,
            stage: Stage::Done(outcome),
        }
    }

    /// Returns what to ask the store; nothing once there is an [`outcome`](Self::outcome).
    pub fn question(&self) -> Option<Question<'_>> {
        let (key, payload, ttl) = (&self.wish.key, self.payload.as_slice(), self.ttl());
        Some(match (&self.stage, &self.snapshot) {
            (Stage::Done(_), _) => return None,
            (Stage::Follow(key), _) => Question::Load { key, touch: None },
            (Stage::Confirm(_), _) => Question::Load { key, touch: None },
            (Stage::Undo(_), _) => Question::Delete { key },
            (_, None) => Question::Create { key, payload, ttl },
            (Stage::Delete, Some(snapshot)) => Question::Delete { key: snapshot.key() },
            (Stage::Write | Stage::Retire, Some(snapshot)) => {
                let (old, current) = (snapshot.key(), snapshot.record());
                if !self.is_renewal() {
                    return Some(Question::Replace { key: old, current, payload, ttl });
                }
                let retired = record::empty(self.wish.format);
                let retired_ttl = AFTERLIFE.min(ttl);
                match (&self.stage, self.wish.renews_at_once) {
                    (Stage::Retire, _) => {
                        Question::Replace { key: old, current, payload: retired, ttl: retired_ttl }
                    }
                    (_, false) => match &self.renewed {
                        Some(current) => Question::Replace { key, current, payload, ttl },
                        None => Question::Create { key, payload, ttl },
                    },
                    (_, true) => Question::Renew(Renewal {
                        old,
                        current,
                        new: key,
                        payload,
                        ttl,
                        retired,
                        retired_ttl,
                    }),
                }
            }
        })
    }

    /// Returns what became of the session, once that is known.
    pub const fn outcome(&self) -> Option<Outcome> {
        match self.stage {
            Stage::Done(outcome) => Some(outcome),
            _ => None,
        }
    }

    /// Takes the store's answer to the question, or why there is none.
    ///
    /// When a connection breaks, nobody knows whether the store has done what it was asked. What can
    /// be asked again without harm is; what is there then tells whether it was done.
    ///
    /// # Errors
    ///
    /// [`EngineError`] when the session cannot be saved.
    pub fn answer(&mut self, answer: Result<Answer, StoreError>) -> Result<(), EngineError> {
        let answer = match answer {
            Ok(answer) => answer,
            // The new key of a renewal is taken: by the renewal whose answer was lost.
            Err(StoreError::Key(_)) if self.is_renewal() && self.losses.is_in_doubt() => {
                Answer::Replaced(Replaced::Gone)
            }
            Err(error) => return self.losses.note(error),
        };
        let doubt = self.losses.settle();
        self.stage = match (answer, &self.stage) {
            // Nobody else knows the id: what is there is what was written when the answer was lost.
            (Answer::Created(Created::Exists), _) if doubt.is_none() => {
                return Err(EngineError::IdTaken);
            }
            (Answer::Created(created), _) if self.is_renewal() => {
                let revision = match created {
                    Created::Created(revision) => revision,
                    Created::Exists => Revision::default(),
                };
                self.renewed = Some(Record::new(self.payload.clone()).with_revision(revision));
                Stage::Retire
            }
            (Answer::Created(_), _) => Stage::Done(self.written()),
            (Answer::Deleted(_), Stage::Undo(outcome)) => Stage::Done(*outcome),
            (Answer::Deleted(_), _) => Stage::Done(Outcome::Ended),
            (Answer::Loaded(record), Stage::Confirm(outcome)) => {
                Stage::Done(if record.is_some() { self.written() } else { *outcome })
            }
            (Answer::Loaded(None), _) => return self.gone_on_elsewhere(),
            (Answer::Loaded(Some(current)), _) => return self.rebase(current),
            (Answer::Replaced(replaced), Stage::Retire) => match (replaced, doubt) {
                (Replaced::Replaced(_), _) => Stage::Done(self.written()),
                // All retired records are alike. Most likely it is this request that has retired it;
                // to undo would lose the session then.
                (Replaced::Conflict(current), Some(_)) if current.is_retired() => {
                    Stage::Done(self.written())
                }
                (replaced, _) => return self.replaced(replaced, None),
            },
            (Answer::Replaced(replaced), _) if self.renewed.is_some() => {
                return self.rewritten(replaced);
            }
            (Answer::Replaced(replaced), _) => return self.replaced(replaced, doubt),
        };
        Ok(())
    }

    /// Goes on after a compare-and-swap, of which an earlier answer was lost if there is a doubt.
    fn replaced(
        &mut self,
        replaced: Replaced,
        doubt: Option<Arc<StoreError>>,
    ) -> Result<(), EngineError> {
        let ends = self.wish.content.is_none();
        // Nobody else knows the key of a renewal, unlike that of a record that only moves.
        let is_secret = self.is_renewal() && self.wish.moved.as_ref() != Some(&self.wish.key);
        self.stage = match (replaced, doubt) {
            // Only the mark is there now, of what may have moved and has not.
            (Replaced::Replaced(_), _) if ends => Stage::Delete,
            (Replaced::Replaced(_), _) => Stage::Done(self.written()),
            (Replaced::Gone, _) if ends => Stage::Done(Outcome::Ended),
            (Replaced::Gone, Some(_)) if is_secret => Stage::Confirm(Outcome::Gone),
            (Replaced::Gone, _) => self.elsewhere(Outcome::Gone),
            (Replaced::Conflict(current), Some(_)) if is_secret && current.is_retired() => {
                Stage::Confirm(Outcome::RenewedElsewhere)
            }
            // It is the mark that this request has made.
            (Replaced::Conflict(current), Some(_))
                if ends && self.wish.moved.is_none() && current.is_retired() =>
            {
                Stage::Delete
            }
            (Replaced::Conflict(current), doubt) => {
                // A renewal that was done has retired the record, and an end can be asked twice.
                self.doubt = doubt.filter(|_| !ends && !is_secret);
                return self.rebase(current);
            }
        };
        Ok(())
    }

    /// Goes on after the record at the new key was brought up to date.
    fn rewritten(&mut self, replaced: Replaced) -> Result<(), EngineError> {
        let payload = &self.payload;
        (self.renewed, self.stage) = match replaced {
            Replaced::Replaced(revision) => {
                (Some(Record::new(payload.clone()).with_revision(revision)), Stage::Retire)
            }
            Replaced::Conflict(record) if record.payload == *payload => {
                (Some(record), Stage::Retire)
            }
            // Only its revision was not known.
            Replaced::Conflict(record)
                if self.renewed.as_ref().is_some_and(|it| it.payload == record.payload) =>
            {
                (Some(record), Stage::Write)
            }
            Replaced::Conflict(_) => return Err(EngineError::IdTaken),
            Replaced::Gone => (None, Stage::Write),
        };
        Ok(())
    }

    /// What follows when the session has come to its end, or goes on, without this request.
    const fn elsewhere(&self, outcome: Outcome) -> Stage {
        if self.renewed.is_some() { Stage::Undo(outcome) } else { Stage::Done(outcome) }
    }

    /// Reports whether the session is to go on under another key.
    fn is_renewal(&self) -> bool {
        let key = self.snapshot.as_ref().map(Snapshot::key);
        self.wish.content.is_some() && key.is_some_and(|key| *key != self.wish.key)
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
        let Some(snapshot) = &self.snapshot else { return Ok(()) };
        // Only its revision is another, or the answer was lost before the store has acted.
        let is_known = snapshot.record().payload == current.payload;
        self.attempts += 1;
        let key = match &self.stage {
            Stage::Follow(key) => key.clone(),
            _ => snapshot.key().clone(),
        };
        let (format, limits) = (self.wish.format, self.wish.limits);
        let theirs = Snapshot::read(key.clone(), current.clone(), format, limits);
        self.stage = match &theirs {
            Ok(None) => match self.wish.moved.take() {
                Some(moved) => Stage::Follow(moved),
                None => return self.gone_on_elsewhere(),
            },
            _ if self.attempts < MAX_ATTEMPTS => Stage::Write,
            _ if self.wish.content.is_none() => Stage::Delete,
            _ => return Err(EngineError::Contended),
        };
        match (&self.wish.content, theirs) {
            (_, Ok(None)) => return Ok(()),
            (Some(mine), Ok(Some(theirs))) => {
                let stored = |content| record::as_stored(content, format, limits);
                let origin = || (stored(snapshot.content()), stored(mine));
                let (base, mine) = self.origin.get_or_insert_with(origin);
                let changes = Changes::new(base, mine).with_grown(&self.wish.grown);
                let merged = changes.merge(&stored(theirs.content()), self.wish.policy)?;
                self.wish.content = Some(merged);
                self.snapshot = Some(theirs);
                self.prepare(self.written())?;
            }
            // What ends need not be read, and what nobody can read is replaced as a whole.
            (None, _) | (_, Err(_)) => {
                let base = snapshot.content().clone();
                self.snapshot = Some(Snapshot::written(key, current, base));
            }
        }
        // If all that was to be written is there, it does not matter whether the store has done it.
        match self.doubt.take() {
            Some(doubt) if !is_known && self.outcome().is_none() => {
                Err(EngineError::InDoubt(doubt))
            }
            _ => Ok(()),
        }
    }

    fn gone_on_elsewhere(&mut self) -> Result<(), EngineError> {
        self.stage = self.elsewhere(Outcome::RenewedElsewhere);
        self.doubt.take().map_or(Ok(()), |doubt| Err(EngineError::InDoubt(doubt)))
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
