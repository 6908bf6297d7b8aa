//! Looking up what is refused of a session's cookies.

use std::sync::Arc;

use super::origin::Origin;
use crate::{
    UnixTime,
    engine::{EngineError, Losses},
    revocation::{Identity, Mark, RevocableSessions},
    store::{Answer, Question, RecordKey, StoreError},
};

/// The marks of one session, being looked up.
#[derive(Clone, Debug)]
pub(super) struct Looking {
    rules: Arc<RevocableSessions>,
    keys: Vec<RecordKey>,
    found: Vec<(RecordKey, Mark)>,
    losses: Losses,
    now: UnixTime,
}

impl Looking {
    /// Looks up what is not known from shortly before.
    pub(super) fn recent(
        rules: &Arc<RevocableSessions>,
        identity: &Identity,
        now: UnixTime,
    ) -> Self {
        let mut looking = Self::afresh(rules, Vec::new(), now);
        for key in identity.keys() {
            match rules.recent(key, now) {
                Some(mark) => looking.found.extend(mark.map(|mark| (key.clone(), mark))),
                None => looking.keys.push(key.clone()),
            }
        }
        looking
    }

    /// Looks up all of these, whatever was known before.
    pub(super) fn afresh(
        rules: &Arc<RevocableSessions>,
        keys: Vec<RecordKey>,
        now: UnixTime,
    ) -> Self {
        let (rules, losses) = (Arc::clone(rules), Losses::default());
        Self { rules, keys, found: Vec::new(), losses, now }
    }

    /// Returns what to ask; nothing once all is known.
    pub(super) fn question(&self) -> Option<Question<'_>> {
        self.keys.last().map(|key| Question::Load { key, touch: None })
    }

    pub(super) fn answer(&mut self, answer: Result<Answer, StoreError>) -> Result<(), EngineError> {
        match answer {
            Err(error) => return self.losses.note(error),
            Ok(Answer::Loaded(record)) => {
                self.losses.settle();
                let Some(key) = self.keys.pop() else { return Ok(()) };
                let format = self.rules.settings().format;
                let mark = record.map(|record| Mark::decode(&record, format, self.now));
                self.rules.remember(&key, mark.as_ref(), self.now);
                self.found.extend(mark.map(|mark| (key, mark)));
            }
            Ok(_) => {}
        }
        Ok(())
    }

    /// Reports whether what a session was opened from is refused.
    pub(super) fn refuses(&self, origin: &Origin) -> bool {
        let (cookie, signed_at) = &origin.signed;
        self.marks_of(&origin.identity).any(|(_, mark)| mark.refuses(*signed_at, cookie))
    }

    /// Returns the marks of a session.
    pub(super) fn marks_of<'a>(
        &'a self,
        identity: &'a Identity,
    ) -> impl Iterator<Item = (&'a RecordKey, &'a Mark)> {
        let is_its = |(key, _): &&(RecordKey, Mark)| identity.keys().any(|it| it == key);
        self.found.iter().filter(is_its).map(|(key, mark)| (key, mark))
    }
}
