//! The save loop as a state machine: it says what to ask the store, takes the answer, or the news
//! that none came, and so on until it is done.

use std::{sync::Arc, time::Duration};

use super::{Changes, EngineError, Losses, Outcome, Snapshot, Wish};
use crate::{
    record, session,
    store::{
        Answer, Created, Question, Record, RecordKey, Renewal, Replaced, Revision, StoreError,
    },
    value::Dict,
};

/// How long a record that was renewed or emptied stays, so that requests under way can tell that
/// from the end of the session. Longer than a request is expected to take.
pub const AFTERLIFE: Duration = Duration::from_secs(60);

/// How often a save or an update meets another request's change before it gives up.
pub(crate) const MAX_ATTEMPTS: u32 = 256;

/// One session on its way into the store.
///
/// ```
/// use std::time::Duration;
/// use hipflask_core::{
///     engine::{ConflictPolicy, Outcome, Saving, Wish},
///     record::{Coding, Format}, serializer::Limits, store::{Answer, Created, Question, RecordKey, Revision},
///     value::{Dict, Value},
/// };
///
/// let mut saving = Saving::new(None, Wish {
///     content: Some(Dict::from_iter([("a".into(), Value::from(1))])),
///     grown: Vec::new(),
///     key: RecordKey::new("session:S"),
///     moved: None,
///     ttl: Duration::from_secs(60),
///     coding: Coding::new(Format::MsgPack, Limits::default()),
///     policy: ConflictPolicy::LastWriter,
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

impl Saving {
    /// Starts to save a session that was read as `snapshot`, or is new.
    ///
    /// # Errors
    ///
    /// [`EngineError::Encode`] when a value cannot be written.
    pub fn new(snapshot: Option<Snapshot>, mut wish: Wish) -> Result<Self, EngineError> {
        if let Some(snapshot) = &snapshot {
            wish.coding = wish.coding.for_record_in(snapshot.format());
        }
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
        let (payload, ttl) = (self.payload.as_slice(), self.ttl());
        let key = match &self.stage {
            Stage::Follow(moved) => moved,
            _ => &self.wish.key,
        };
        Some(match (&self.stage, &self.snapshot) {
            (Stage::Done(_), _) => return None,
            (Stage::Confirm(_) | Stage::Follow(_), _) => Question::Load { key, touch: None },
            (Stage::Undo(_), _) => Question::Delete { key },
            (_, None) => Question::Create { key, payload, ttl },
            (Stage::Delete, Some(snapshot)) => Question::Delete { key: snapshot.key() },
            (Stage::Write | Stage::Retire, Some(snapshot)) => {
                let (old, current) = (snapshot.key(), snapshot.record());
                if !self.is_renewal() {
                    return Some(Question::Replace { key: old, current, payload, ttl });
                }
                let retired = record::empty(self.wish.coding.format());
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
            (Answer::Created(created), _) => return self.created(created, doubt.is_some()),
            (Answer::Deleted(_), Stage::Undo(outcome)) => Stage::Done(*outcome),
            (Answer::Deleted(_), _) => Stage::Done(Outcome::Ended),
            (Answer::Loaded(Some(_)), Stage::Confirm(_)) => Stage::Done(self.written()),
            (Answer::Loaded(None), Stage::Confirm(outcome)) => Stage::Done(*outcome),
            (Answer::Loaded(Some(current)), _) => return self.rebase(current),
            (Answer::Loaded(None), _) => return self.gone_on_elsewhere(),
            // All retired records are alike. Most likely it is this request that has retired it; to
            // undo would lose the session then.
            (Answer::Replaced(Replaced::Conflict(current)), Stage::Retire)
                if doubt.is_some() && current.is_retired() =>
            {
                Stage::Done(self.written())
            }
            (Answer::Replaced(replaced), Stage::Retire) => return self.replaced(replaced, None),
            (Answer::Replaced(replaced), _) if self.renewed.is_some() => {
                return self.rewritten(replaced);
            }
            (Answer::Replaced(replaced), _) => return self.replaced(replaced, doubt),
            (Answer::Scanned(_), _) => return Ok(()), // was never asked for
        };
        Ok(())
    }

    /// Goes on after a first write, which is the first step of a renewal in two.
    fn created(&mut self, created: Created, is_in_doubt: bool) -> Result<(), EngineError> {
        let revision = match created {
            Created::Created(revision) => revision,
            // Nobody else knows the id: what is there is what was written when the answer was lost.
            Created::Exists if is_in_doubt => Revision::default(),
            Created::Exists => return Err(EngineError::IdTaken),
        };
        self.stage = if self.is_renewal() {
            self.renewed = Some(self.record(revision));
            Stage::Retire
        } else {
            Stage::Done(self.written())
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
            (Replaced::Conflict(current), doubt) => {
                // A renewal that was done has retired the record.
                self.doubt = doubt.filter(|_| !is_secret);
                return self.rebase(current);
            }
        };
        Ok(())
    }

    /// Goes on after the record at the new key was brought up to date.
    fn rewritten(&mut self, replaced: Replaced) -> Result<(), EngineError> {
        (self.renewed, self.stage) = match replaced {
            Replaced::Replaced(revision) => (Some(self.record(revision)), Stage::Retire),
            Replaced::Conflict(record) if record.payload == self.payload => {
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

    /// Goes on with what is there instead of what was read.
    fn rebase(&mut self, current: Record) -> Result<(), EngineError> {
        let Some(snapshot) = &self.snapshot else { return Ok(()) };
        // Only its revision is another, or the answer was lost before the store has acted.
        let is_known = snapshot.record().payload == current.payload;
        let key = match &self.stage {
            Stage::Follow(key) => key.clone(),
            _ => snapshot.key().clone(),
        };
        self.attempts += 1;
        let theirs = match Snapshot::read(key.clone(), current.clone(), &self.wish.coding) {
            Ok(None) => return self.gone_on_elsewhere(),
            // It is whole, and somebody's; who ends it need not read it.
            Err(error) if error.is_of_encryption() && self.wish.content.is_some() => {
                return Err(EngineError::Unread(error));
            }
            // What ends need not be read, and what nobody can read is replaced as a whole.
            Ok(theirs) if self.wish.content.is_some() => theirs,
            _ => None,
        };
        self.stage = match self.attempts {
            ..MAX_ATTEMPTS => Stage::Write,
            _ if self.wish.content.is_none() => Stage::Delete,
            _ => return Err(EngineError::Contended),
        };
        match theirs {
            Some(theirs) => self.merge(theirs)?,
            None => {
                let base = snapshot.shared_content();
                let format = self.wish.coding.format();
                self.snapshot = Some(Snapshot::written(key, current, base, format));
            }
        }
        // If all that was to be written is there, it does not matter whether the store has done it.
        match self.doubt.take() {
            Some(doubt) if !is_known && self.outcome().is_none() && self.wish.content.is_some() => {
                Err(EngineError::InDoubt(doubt))
            }
            _ => Ok(()),
        }
    }

    /// Carries the changes over to what another request has written.
    fn merge(&mut self, theirs: Snapshot) -> Result<(), EngineError> {
        let Wish { content: Some(mine), coding, policy, grown, .. } = &self.wish else {
            return Ok(());
        };
        let stored = |content| coding.as_stored(content);
        let earlier = self.snapshot.as_ref().map(Snapshot::content);
        let origin = || (earlier.map(stored).unwrap_or_default(), stored(mine));
        let (base, mine) = self.origin.get_or_insert_with(origin);
        let changes = Changes::new(base, mine).with_grown(grown);
        let merged = changes.merge(&stored(theirs.content()), *policy)?;
        let coding = coding.clone().for_record_in(theirs.format());
        (self.wish.content, self.wish.coding) = (Some(merged), coding);
        self.snapshot = Some(theirs);
        self.prepare(self.written())
    }

    /// Goes on where the record is only retired, or is not where it is said to have moved.
    fn gone_on_elsewhere(&mut self) -> Result<(), EngineError> {
        if let Some(moved) = self.wish.moved.take() {
            self.stage = Stage::Follow(moved);
            return Ok(());
        }
        self.stage = match self.doubt.take() {
            // It is the mark that this request has made.
            Some(_) if self.wish.content.is_none() => Stage::Delete,
            Some(doubt) => return Err(EngineError::InDoubt(doubt)),
            None => self.elsewhere(Outcome::RenewedElsewhere),
        };
        Ok(())
    }

    /// Encodes what is to be written; if it is there already, that comes to `idle`.
    fn prepare(&mut self, idle: Outcome) -> Result<(), EngineError> {
        let is_idle = match (&self.wish.content, &self.snapshot) {
            (None, None) => true,
            (None, Some(_)) => {
                self.payload = record::empty(self.wish.coding.format()).to_vec();
                false
            }
            (Some(content), None) if session::is_blank(content) => true,
            (Some(content), snapshot) => {
                let snapshot = snapshot.as_ref().filter(|it| *it.key() == self.wish.key);
                snapshot.is_some_and(|it| !it.is_outdated() && it.content() == content) || {
                    self.payload = self.wish.coding.encode(content, self.wish.key.as_str())?;
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

    /// What the store has once the payload is written.
    fn record(&self, revision: Revision) -> Record {
        Record::new(self.payload.clone()).with_revision(revision)
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
