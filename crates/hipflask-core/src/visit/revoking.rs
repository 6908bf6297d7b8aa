//! Revoking: the end of a session from outside of its requests.

use super::{Machine, Sessions, Step};
use crate::{
    engine::{EngineError, Losses},
    store::{Answer, Deleted, Question, RecordKey, StoreError},
    stored::SessionId,
};

/// A session that is being ended because of its id.
///
/// ```
/// use hipflask_core::{
///     stored::{StoredSessions, SessionId, Settings}, store::{Answer, Deleted, Question},
///     visit::{Machine, Sessions, Step},
/// };
///
/// let sessions = Sessions::from(StoredSessions::new(Settings::default()));
/// let mut revoking = sessions.revoke(&SessionId::from_entropy(&[255; 32])).unwrap();
/// assert!(matches!(revoking.step(), Step::Ask(Question::Delete { .. })));
/// revoking.answer(Ok(Answer::Deleted(Deleted::Deleted)))?;
/// assert!(matches!(revoking.step(), Step::Done) && revoking.was_there());
/// # Ok::<(), hipflask_core::engine::EngineError>(())
/// ```
#[derive(Clone, Debug)]
pub struct Revoking {
    /// Where its record may lie. What another request moves meanwhile, it moves from the last to the
    /// first: that is why the last is ended first.
    keys: Vec<RecordKey>,
    was_there: bool,
    losses: Losses,
}

impl Sessions {
    /// Ends the session of an id, also for requests under way; `None` if sessions have no ids.
    pub fn revoke(&self, id: &SessionId) -> Option<Revoking> {
        let Self::Stored(rules) = self else { return None };
        let keys = [Some(rules.key_of(id)), rules.earlier_key_of(id)];
        let keys = keys.into_iter().flatten().collect();
        Some(Revoking::of_records(keys))
    }
}

impl Revoking {
    pub(super) fn of_records(keys: Vec<RecordKey>) -> Self {
        Self { keys, was_there: false, losses: Losses::default() }
    }

    pub(super) const fn is_done(&self) -> bool {
        self.keys.is_empty()
    }

    /// Reports whether there was a session, or may have been: where an answer was lost, nobody knows.
    pub const fn was_there(&self) -> bool {
        self.was_there
    }
}

impl Machine for Revoking {
    fn step(&self) -> Step<'_> {
        self.keys.last().map_or(Step::Done, |key| Step::Ask(Question::Delete { key }))
    }

    fn answer(&mut self, answer: Result<Answer, StoreError>) -> Result<(), EngineError> {
        match answer {
            Err(error) => return self.losses.note(error),
            Ok(answer) => {
                let is_in_doubt = self.losses.settle().is_some();
                self.was_there |=
                    is_in_doubt || matches!(answer, Answer::Deleted(Deleted::Deleted));
                self.keys.pop();
            }
        }
        Ok(())
    }

    fn waited(&mut self) {}
}
