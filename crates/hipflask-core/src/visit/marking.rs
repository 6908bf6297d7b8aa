//! Marking: what of a user's cookies, or of one session's, is refused from now on.

use std::sync::Arc;

use super::{
    Machine, Step,
    editing::Editing,
    origin::{Origin, Signed},
};
use crate::{
    UnixTime,
    engine::EngineError,
    revocation::{CookieDigest, Mark, RevocableSessions},
    store::{Answer, RecordKey, StoreError},
};

/// A mark that is being made. To make it twice is to make it once.
#[derive(Clone, Debug)]
pub(super) struct Marking {
    rules: Arc<RevocableSessions>,
    edit: Edit,
    editing: Editing,
    /// What is being written, or was found.
    mark: Option<Mark>,
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

impl Marking {
    /// Ends all sessions of a user.
    pub(super) fn of_user(rules: &Arc<RevocableSessions>, user: &str, now: UnixTime) -> Self {
        Self::new(rules, rules.key_of_user(user), Edit::Refuse { spare: None }, now)
    }

    /// Ends all sessions of a session's user but this one; `None` where it has no user.
    pub(super) fn of_others(
        rules: &Arc<RevocableSessions>,
        origin: &Origin,
        now: UnixTime,
    ) -> Option<Self> {
        let edit = Edit::Refuse { spare: Some(origin.signed.clone()) };
        Some(Self::new(rules, origin.identity.user.clone()?, edit, now))
    }

    pub(super) fn new(
        rules: &Arc<RevocableSessions>,
        key: RecordKey,
        edit: Edit,
        now: UnixTime,
    ) -> Self {
        let editing = Editing::new(key, rules.ttl());
        Self { rules: Arc::clone(rules), edit, editing, mark: None, now }
    }

    pub(super) const fn attempts(&self) -> u32 {
        self.editing.attempts()
    }

    /// Goes on with what is there.
    fn plan(&mut self, there: Option<Mark>) -> Result<(), EngineError> {
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
            (Edit::Spare { .. }, None) => {
                self.mark = None;
                self.editing.keep();
                return Ok(());
            }
            (Edit::Spare { cookie, .. }, Some(there))
                if there.refuses(self.now.as_secs(), cookie) =>
            {
                there.sparing(cookie.clone())
            }
            (Edit::Spare { .. }, Some(there)) => there,
        };
        let payload = mark.encode(self.rules.settings().format)?;
        self.mark = Some(mark);
        self.editing.write(payload)
    }
}

impl Machine for Marking {
    fn step(&self) -> Step<'_> {
        self.editing.step()
    }

    fn answer(&mut self, answer: Result<Answer, StoreError>) -> Result<(), EngineError> {
        self.editing.answer(answer)?;
        if let Some(current) = self.editing.current() {
            let format = self.rules.settings().format;
            let there = current.map(|record| Mark::decode(record, format, self.now));
            self.plan(there)?;
        }
        if self.editing.is_done() {
            self.rules.remember(self.editing.key(), self.mark.as_ref(), self.now);
        }
        Ok(())
    }

    fn waited(&mut self) {
        self.editing.waited();
    }
}
