//! Reading the record of a stored session, wherever it lies.

use std::sync::Arc;

use crate::{
    UnixTime,
    engine::{EngineError, Losses},
    store::{Answer, Question, Record, RecordKey, StoreError, Touch},
    stored::{Offer, StoredSessions},
};

/// A record that was found, and where.
pub(super) type Found = Option<(RecordKey, Record)>;

#[derive(Clone, Debug)]
pub(super) struct Reading {
    pub(super) rules: Arc<StoredSessions>,
    pub(super) offer: Offer,
    /// Where the record is looked for now.
    key: RecordKey,
    /// Where it is looked for next. Between two looks another request may move it.
    next: Vec<RecordKey>,
    retired: Found,
    losses: Losses,
    /// Whether reading extends its life.
    touch: Option<Touch>,
    pub(super) now: UnixTime,
}

impl Reading {
    pub(super) fn new(
        rules: &Arc<StoredSessions>,
        offer: Offer,
        (key, earlier): (RecordKey, Option<RecordKey>),
        touch: Option<Touch>,
        now: UnixTime,
    ) -> Self {
        let next = earlier.map(|earlier| vec![key.clone(), earlier]).unwrap_or_default();
        let (rules, losses) = (Arc::clone(rules), Losses::default());
        Self { rules, offer, key, next, retired: None, losses, touch, now }
    }

    /// Returns where the record may lie, before it was asked for.
    pub(super) fn keys(&self) -> impl Iterator<Item = &RecordKey> {
        std::iter::once(&self.key).chain(&self.next)
    }

    pub(super) const fn question(&self) -> Question<'_> {
        Question::Load { key: &self.key, touch: self.touch }
    }

    /// Returns what was found in the end; `None` before that.
    pub(super) fn answer(
        &mut self,
        answer: Result<Answer, StoreError>,
    ) -> Result<Option<Found>, EngineError> {
        match answer {
            Ok(Answer::Loaded(record)) => Ok(self.take(record)),
            Ok(_) => Ok(None),
            Err(error) => self.losses.note(error).map(|()| None),
        }
    }

    /// Takes what lies under a key; `None` if it may lie under another one.
    fn take(&mut self, record: Option<Record>) -> Option<Found> {
        self.losses.settle();
        let is_live = record.as_ref().is_some_and(|record| !record.is_retired());
        let found = record.map(|record| (self.key.clone(), record));
        // A record that was retired where it lay first may have moved to where it was looked for.
        let is_last = match (&found, self.next.len()) {
            (_, 0) => true,
            (Some(_), 2) => true,
            (None, 1) => true,
            _ => is_live,
        };
        if is_last {
            return Some(found.or(self.retired.take()));
        }
        self.retired = found;
        self.key = self.next.pop()?;
        None
    }
}
