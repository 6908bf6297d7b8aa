//! Editing: a small record that is read, and written by compare-and-swap until that is done.

use std::time::Duration;

use super::{Step, back_off};
use crate::{
    engine::{EngineError, Losses, MAX_ATTEMPTS},
    store::{Answer, Created, Question, Record, RecordKey, Replaced, StoreError},
};

/// A record that is being edited. To do it twice must be to do it once.
#[derive(Clone, Debug)]
pub(super) struct Editing {
    key: RecordKey,
    ttl: Duration,
    stage: Stage,
    attempts: u32,
    waits: bool,
    losses: Losses,
}

#[derive(Clone, Debug)]
enum Stage {
    Done,
    Load,
    /// It was read, and it is to be said what it becomes.
    Plan(Option<Record>),
    Write {
        current: Option<Record>,
        payload: Vec<u8>,
    },
}

impl Editing {
    pub(super) fn new(key: RecordKey, ttl: Duration) -> Self {
        let losses = Losses::default();
        Self { key, ttl, stage: Stage::Load, attempts: 0, waits: false, losses }
    }

    pub(super) const fn key(&self) -> &RecordKey {
        &self.key
    }

    /// Returns what is there, once it was read: what it becomes is to be said.
    pub(super) const fn current(&self) -> Option<Option<&Record>> {
        match &self.stage {
            Stage::Plan(current) => Some(current.as_ref()),
            _ => None,
        }
    }

    /// Leaves what is there.
    pub(super) fn keep(&mut self) {
        (self.stage, self.waits) = (Stage::Done, false);
    }

    /// Writes this instead of what is there.
    pub(super) fn write(&mut self, payload: Vec<u8>) -> Result<(), EngineError> {
        let Stage::Plan(current) = &mut self.stage else { return Ok(()) };
        if current.as_ref().is_some_and(|current| current.payload == payload) {
            self.keep();
            return Ok(());
        }
        if self.attempts > MAX_ATTEMPTS {
            return Err(EngineError::Contended);
        }
        self.stage = Stage::Write { current: current.take(), payload };
        Ok(())
    }

    pub(super) const fn is_done(&self) -> bool {
        matches!(self.stage, Stage::Done)
    }

    pub(super) const fn attempts(&self) -> u32 {
        self.attempts
    }

    pub(super) fn step(&self) -> Step<'_> {
        let (key, ttl) = (&self.key, self.ttl);
        if let Some(wait) = self.waits.then(|| back_off(self.attempts)).flatten() {
            return Step::Wait(wait);
        }
        match &self.stage {
            Stage::Done | Stage::Plan(_) => Step::Done,
            Stage::Load => Step::Ask(Question::Load { key, touch: None }),
            Stage::Write { current: None, payload } => {
                Step::Ask(Question::Create { key, payload, ttl })
            }
            Stage::Write { current: Some(current), payload } => {
                Step::Ask(Question::Replace { key, current, payload, ttl })
            }
        }
    }

    pub(super) fn answer(&mut self, answer: Result<Answer, StoreError>) -> Result<(), EngineError> {
        let answer = match answer {
            Ok(answer) => answer,
            // Whether it was done or not, it may be done again.
            Err(error) => {
                self.losses.note(error)?;
                self.stage = Stage::Load;
                return Ok(());
            }
        };
        self.losses.settle();
        self.stage = match (answer, &self.stage) {
            (Answer::Loaded(record), Stage::Load) => Stage::Plan(record),
            (Answer::Created(Created::Created(_)) | Answer::Replaced(Replaced::Replaced(_)), _) => {
                self.waits = false;
                Stage::Done
            }
            (answer, _) => {
                (self.attempts, self.waits) = (self.attempts + 1, true);
                match answer {
                    Answer::Replaced(Replaced::Conflict(current)) => Stage::Plan(Some(current)),
                    _ => Stage::Load,
                }
            }
        };
        Ok(())
    }

    pub(super) fn waited(&mut self) {
        self.waits = false;
    }
}
