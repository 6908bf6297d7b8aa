//! Updating: one key of a stored session, changed by compare-and-swap while its request goes on.

use std::{sync::Arc, time::Duration};

use super::{Machine, Sessions, Step, Visit, back_off};
use crate::{
    UnixTime,
    engine::{EngineError, Losses, MAX_ATTEMPTS, Snapshot},
    record::{self, Coding},
    session::{Fate, Session},
    store::{Answer, Question, Record, RecordKey, Replaced, StoreError},
    stored::{Held, StoredSessions},
    value::{Dict, Value},
};

/// A key that is being changed, however many other requests change it too.
///
/// As long as there is a [`current`](Self::current) value, the change is to be made of it and
/// [applied](Self::apply), and the machine to be driven to its next end.
///
/// ```
/// use hipflask_core::{
///     UnixTime, stored::{StoredSessions, Settings},
///     store::{Answer, Question, Record, Replaced, Revision}, value::Value,
///     visit::{Machine, Sessions, Step},
/// };
///
/// let sessions = Sessions::from(StoredSessions::new(Settings::default()));
/// let now = UnixTime::from_secs(1_763_692_800);
/// let mut opening = sessions.open(Some(&[b'S'; 43]), now);
/// opening.answer(Ok(Answer::Loaded(Some(Record::new(b"\x81\xa1n\x01")))))?; // {"n": 1}
/// let (mut session, mut visit) = opening.finish().into_parts();
///
/// let seen = session.value("n");
/// let mut updating = visit.update(session.fate(), "n", seen.as_ref(), now).unwrap();
/// updating.apply(Value::from(2))?;
/// let Step::Ask(Question::Replace { payload, .. }) = updating.step() else { unreachable!() };
/// assert_eq!(payload, b"\x81\xa1n\x02");
/// updating.answer(Ok(Answer::Replaced(Replaced::Replaced(Revision::default()))))?;
/// updating.finish(&mut session, &mut visit);
/// assert_eq!(session.value("n"), Some(Value::from(2)));
/// # Ok::<(), hipflask_core::engine::EngineError>(())
/// ```
#[derive(Clone, Debug)]
pub struct Updating {
    rules: Arc<StoredSessions>,
    held: Held,
    key: String,
    now: UnixTime,
    attempts: u32,
    losses: Losses,
    wait: Option<Duration>,
    stage: Stage,
}

#[derive(Clone, Debug)]
enum Stage {
    Apply,
    Done,
    /// The record has moved to here.
    Follow(RecordKey),
    Write {
        content: Dict,
        payload: Vec<u8>,
        ttl: Duration,
    },
}

impl Visit {
    /// Changes the value of one key so that no other request's change of it is lost; `None` if there
    /// is nobody else who could change it, because this request alone has the session. `fate` and
    /// `seen` are what the request has made of the session, and what it sees under the key.
    pub fn update(
        &self,
        fate: Fate,
        key: &str,
        seen: Option<&Value>,
        now: UnixTime,
    ) -> Option<Updating> {
        let (Sessions::Stored(rules), Some(held)) = (&self.sessions, &self.held) else {
            return None;
        };
        let (there, settings) = (held.snapshot().content().get(key), rules.settings());
        // A tuple, say, is the list that the store has.
        let stored = |value: Option<&Value>| {
            let content = value.map(|value| (key.into(), value.clone())).into_iter().collect();
            record::as_stored(&content, settings.format, settings.limits)
        };
        let is_same = seen == there || stored(seen) == stored(there);
        (is_same && fate != Fate::Ended).then(|| Updating {
            rules: Arc::clone(rules),
            held: Held::clone(held),
            key: key.to_owned(),
            now,
            attempts: 0,
            losses: Losses::default(),
            wait: None,
            stage: Stage::Apply,
        })
    }
}

impl Updating {
    /// Returns what the store has under the key, to be changed; `None` once the change is kept.
    pub fn current(&self) -> Option<Option<&Value>> {
        matches!(self.stage, Stage::Apply).then(|| self.held.snapshot().content().get(&self.key))
    }

    /// Takes up what this request itself has made of the session meanwhile, and reports whether the
    /// current value is still the same.
    pub fn take_up(&mut self, held: &Held) -> bool {
        let content = |held: &Held| held.snapshot().content().get(&self.key).cloned();
        let is_same = content(held) == content(&self.held);
        self.held = held.clone();
        is_same
    }

    /// Sets what the key is to become.
    ///
    /// # Errors
    ///
    /// [`EngineError::Encode`] when it cannot be written, [`EngineError::Contended`] after too many
    /// attempts.
    pub fn apply(&mut self, value: Value) -> Result<(), EngineError> {
        self.write(|content, key| drop(content.insert(key, value)))
    }

    /// Removes the key.
    ///
    /// # Errors
    ///
    /// As [`apply`](Self::apply).
    pub fn remove(&mut self) -> Result<(), EngineError> {
        self.write(|content, key| drop(content.remove(key)))
    }

    fn coding(&self) -> Coding {
        let coding = self.rules.settings().coding(self.now);
        coding.for_record_in(self.held.snapshot().format())
    }

    fn write(&mut self, change: impl FnOnce(&mut Dict, &str)) -> Result<(), EngineError> {
        if self.attempts > MAX_ATTEMPTS {
            return Err(EngineError::Contended);
        }
        let mut content = self.held.snapshot().content().clone();
        change(&mut content, &self.key);
        let at = self.held.snapshot().key().as_str();
        let payload = self.coding().encode(&content, at)?;
        let ttl = self.rules.time_to_live(&content, self.now);
        self.stage = Stage::Write { content, payload, ttl };
        Ok(())
    }

    /// Returns what the key has become, once the change is kept; `None`, too, if it was removed.
    pub fn value(&self) -> Option<&Value> {
        let value = self.held.snapshot().content().get(&self.key);
        value.filter(|_| matches!(self.stage, Stage::Done))
    }

    /// Returns how often another request's change was in the way.
    pub const fn attempts(&self) -> u32 {
        self.attempts
    }

    /// Returns what the store has now, as far as is known.
    pub const fn held(&self) -> &Held {
        &self.held
    }

    /// Returns what the store has now, as far as is known.
    pub fn into_held(self) -> Held {
        self.held
    }

    /// Brings what the store has now into the session of this request, done or not: what other requests
    /// have written, and the key that was changed. A session that was ended meanwhile has no part in it.
    pub fn finish(self, session: &mut Session, visit: &mut Visit) {
        if session.fate() != Fate::Ended {
            if let Some(base) = visit.content() {
                self.held.bring_up_to_date(session, base);
            }
            if matches!(self.stage, Stage::Done) {
                match self.value() {
                    Some(value) => session.take_over(self.key.as_str().into(), value.clone()),
                    None => drop(session.take_out(&self.key)),
                }
            }
        }
        visit.hold(self.held);
    }

    fn replaced(
        &mut self,
        replaced: Replaced,
        doubt: Option<Arc<StoreError>>,
    ) -> Result<(), EngineError> {
        let at = self.held.snapshot().key().clone();
        match replaced {
            // What was written before the answer was lost may live on where the session was renewed to.
            Replaced::Gone => Err(doubt.map_or(EngineError::Gone, EngineError::InDoubt)),
            Replaced::Replaced(revision) => {
                let stage = std::mem::replace(&mut self.stage, Stage::Done);
                if let Stage::Write { content, payload, .. } = stage {
                    let format = self.coding().format();
                    let record = Record::new(payload).with_revision(revision);
                    self.held.set_snapshot(Snapshot::written(at, record, content, format));
                }
                Ok(())
            }
            Replaced::Conflict(current) => {
                let is_known = current.payload == self.held.snapshot().record().payload;
                match doubt {
                    // Even what this request would have written may be another's: two that count up
                    // write the same.
                    Some(doubt) if !is_known => Err(EngineError::InDoubt(doubt)),
                    _ => self.rebase(&at, current),
                }
            }
        }
    }

    /// Starts again from what another request has written.
    fn rebase(&mut self, at: &RecordKey, current: Record) -> Result<(), EngineError> {
        self.attempts += 1;
        let coding = self.rules.settings().coding(self.now);
        let read = Snapshot::read(at.clone(), current, &coding);
        self.stage = match read {
            Ok(Some(snapshot)) => {
                self.held.set_snapshot(snapshot);
                self.wait = back_off(self.attempts);
                Stage::Apply
            }
            // It was not renewed if it has only moved.
            Ok(None) => {
                Stage::Follow(self.rules.moved_from(self.held.id(), at).ok_or(EngineError::Gone)?)
            }
            Err(error) if error.is_of_encryption() => return Err(EngineError::Unread(error)),
            Err(_) => return Err(EngineError::Gone),
        };
        Ok(())
    }
}

impl Machine for Updating {
    fn step(&self) -> Step<'_> {
        if let Some(wait) = self.wait {
            return Step::Wait(wait);
        }
        let snapshot = self.held.snapshot();
        match &self.stage {
            Stage::Apply | Stage::Done => Step::Done,
            Stage::Follow(key) => Step::Ask(Question::Load { key, touch: None }),
            Stage::Write { payload, ttl, .. } => Step::Ask(Question::Replace {
                key: snapshot.key(),
                current: snapshot.record(),
                payload,
                ttl: *ttl,
            }),
        }
    }

    fn answer(&mut self, answer: Result<Answer, StoreError>) -> Result<(), EngineError> {
        let answer = match answer {
            Ok(answer) => answer,
            Err(error) => return self.losses.note(error),
        };
        let doubt = self.losses.settle();
        match (answer, &self.stage) {
            (Answer::Replaced(replaced), _) => self.replaced(replaced, doubt),
            (Answer::Loaded(Some(record)), Stage::Follow(key)) => {
                let key = key.clone();
                self.rebase(&key, record)
            }
            _ => Err(EngineError::Gone),
        }
    }

    fn waited(&mut self) {
        self.wait = None;
    }
}
