//! Marking: what of a user's cookies, or of one session's, is refused from now on.

use std::sync::Arc;

use super::{Machine, Sessions, Step, Visit, back_off, origin::Signed};
use crate::{
    UnixTime,
    engine::{EngineError, Losses, MAX_ATTEMPTS},
    revocation::{CookieDigest, Mark, RevocableSessions},
    store::{Answer, Created, Question, Record, RecordKey, Replaced, StoreError},
};

/// A mark that is being made, as a state machine. To make it twice is to make it once.
///
/// ```
/// use hipflask_core::{
///     UnixTime, interface::CookieSessions, revocation::{RevocableSessions, Settings}, signing::KeyRing,
///     store::{Answer, Created, Question, Revision}, visit::{Machine, Sessions, Step},
/// };
///
/// let cookies = CookieSessions::new(&KeyRing::new("k"));
/// let sessions = Sessions::from(RevocableSessions::new(cookies, Settings::default()));
/// let mut marking = sessions.revoke_user("7", UnixTime::from_secs(1_763_692_800)).unwrap();
/// marking.answer(Ok(Answer::Loaded(None)))?;
/// assert!(matches!(marking.step(), Step::Ask(Question::Create { .. })));
/// marking.answer(Ok(Answer::Created(Created::Created(Revision::default()))))?;
/// assert!(matches!(marking.step(), Step::Done));
/// # Ok::<(), hipflask_core::engine::EngineError>(())
/// ```
#[derive(Clone, Debug)]
pub struct Marking {
    rules: Arc<RevocableSessions>,
    key: RecordKey,
    edit: Edit,
    stage: Stage,
    attempts: u32,
    waits: bool,
    losses: Losses,
    now: UnixTime,
}

#[derive(Clone, Debug)]
pub(super) enum Edit {
    /// Refuse all up to now, but for the cookie that asks for it.
    Refuse { spare: Option<Signed> },
    /// Refuse all that comes.
    RefuseForEver,
    /// Spare a cookie that was signed after the mark, in its second; what it was before, if it goes on.
    Spare { cookie: CookieDigest, was: Option<Signed> },
}

#[derive(Clone, Debug)]
enum Stage {
    Done,
    Load,
    Write { current: Option<Record>, mark: Mark, payload: Vec<u8> },
}

impl Sessions {
    /// Ends all sessions of a user that lie in signed cookies; `None` where cookies cannot be revoked.
    pub fn revoke_user(&self, user: &str, now: UnixTime) -> Option<Marking> {
        let Self::Revocable(rules) = self else { return None };
        Some(Marking::new(rules, rules.key_of_user(user), Edit::Refuse { spare: None }, now))
    }
}

impl Visit {
    /// Ends all sessions of this session's user but this one; `None` where it has no user, or where
    /// cookies cannot be revoked.
    pub fn revoke_others(&self, now: UnixTime) -> Option<Marking> {
        let (Sessions::Revocable(rules), Some(origin)) = (&self.sessions, &self.origin) else {
            return None;
        };
        let edit = Edit::Refuse { spare: Some(origin.signed.clone()) };
        Some(Marking::new(rules, origin.identity.user.clone()?, edit, now))
    }
}

impl Marking {
    pub(super) fn new(
        rules: &Arc<RevocableSessions>,
        key: RecordKey,
        edit: Edit,
        now: UnixTime,
    ) -> Self {
        Self {
            rules: Arc::clone(rules),
            key,
            edit,
            stage: Stage::Load,
            attempts: 0,
            waits: false,
            losses: Losses::default(),
            now,
        }
    }

    pub(super) const fn attempts(&self) -> u32 {
        self.attempts
    }

    /// Goes on with what is there.
    fn plan(&mut self, current: Option<Record>) -> Result<(), EngineError> {
        let format = self.rules.settings().format;
        let there = current.as_ref().map(|record| Mark::decode(record, format, self.now));
        let was = match &self.edit {
            Edit::Refuse { spare: was } | Edit::Spare { was, .. } => was.as_ref(),
            Edit::RefuseForEver => None,
        };
        let is_refused = |there: &Mark| was.is_some_and(|(it, at)| there.refuses(*at, it));
        // Whoever was ended meanwhile neither ends others nor goes on.
        if there.as_ref().is_some_and(is_refused) {
            return Err(EngineError::Gone);
        }
        let mark = match (&self.edit, there) {
            (Edit::Refuse { spare }, there) => {
                let cookies = spare.iter().map(|(cookie, _)| cookie.clone());
                cookies.fold(self.rules.mark(self.now), Mark::sparing).after(there)
            }
            (Edit::RefuseForEver, _) => Mark::for_ever(),
            // What has expired spares everything.
            (Edit::Spare { .. }, None) => return self.finish(None),
            (Edit::Spare { cookie, .. }, Some(there))
                if there.refuses(self.now.as_secs(), cookie) =>
            {
                there.sparing(cookie.clone())
            }
            (Edit::Spare { .. }, Some(there)) => there,
        };
        let payload = mark.encode(format)?;
        if current.as_ref().is_some_and(|current| current.payload == payload) {
            return self.finish(Some(&mark));
        }
        if self.attempts > MAX_ATTEMPTS {
            return Err(EngineError::Contended);
        }
        self.stage = Stage::Write { current, mark, payload };
        Ok(())
    }

    fn finish(&mut self, mark: Option<&Mark>) -> Result<(), EngineError> {
        self.rules.remember(&self.key, mark, self.now);
        (self.stage, self.waits) = (Stage::Done, false);
        Ok(())
    }

    /// Starts again, because another request was in the way.
    fn again(&mut self, current: Option<Record>) -> Result<(), EngineError> {
        (self.attempts, self.waits) = (self.attempts + 1, true);
        match current {
            Some(current) => self.plan(Some(current)),
            None => {
                self.stage = Stage::Load;
                Ok(())
            }
        }
    }
}

impl Machine for Marking {
    fn step(&self) -> Step<'_> {
        let key = &self.key;
        if let Some(wait) = self.waits.then(|| back_off(self.attempts)).flatten() {
            return Step::Wait(wait);
        }
        let ttl = self.rules.ttl();
        match &self.stage {
            Stage::Done => Step::Done,
            Stage::Load => Step::Ask(Question::Load { key, touch: None }),
            Stage::Write { current: None, payload, .. } => {
                Step::Ask(Question::Create { key, payload, ttl })
            }
            Stage::Write { current: Some(current), payload, .. } => {
                Step::Ask(Question::Replace { key, current, payload, ttl })
            }
        }
    }

    fn answer(&mut self, answer: Result<Answer, StoreError>) -> Result<(), EngineError> {
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
        match (answer, &self.stage) {
            (Answer::Loaded(record), Stage::Load) => self.plan(record),
            (Answer::Created(Created::Created(_)), Stage::Write { mark, .. })
            | (Answer::Replaced(Replaced::Replaced(_)), Stage::Write { mark, .. }) => {
                let mark = mark.clone();
                self.finish(Some(&mark))
            }
            (Answer::Replaced(Replaced::Conflict(current)), _) => self.again(Some(current)),
            _ => self.again(None),
        }
    }

    fn waited(&mut self) {
        self.waits = false;
    }
}
