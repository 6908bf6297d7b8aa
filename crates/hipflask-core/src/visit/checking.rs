//! Checking whether a session in a verified cookie was revoked.

use std::sync::Arc;

use super::{Sessions, Visit, looking::Looking, origin::Origin};
use crate::{
    UnixTime,
    engine::EngineError,
    interface,
    reason::Reason,
    revocation::{CookieDigest, RevocableSessions},
    session::{AUTHENTICATED, Session},
    store::{Answer, Question, RecordKey, StoreError},
    stored::OnOutage,
};

#[derive(Clone, Debug)]
pub(super) struct Checking {
    rules: Arc<RevocableSessions>,
    opened: interface::Opened,
    origin: Origin,
    looking: Looking,
}

impl Checking {
    /// Starts to check; `None` if no key confirms the cookie.
    pub(super) fn new(
        rules: &Arc<RevocableSessions>,
        cookie: Option<&[u8]>,
        opened: &interface::Opened,
        now: UnixTime,
    ) -> Option<Self> {
        let interface::Opened { session, reason, cookie: facts } = opened;
        let signed_at = facts.and_then(|facts| facts.signed_at).filter(|_| reason.is_verified())?;
        let cookie = CookieDigest::of(cookie?);
        let origin = Origin {
            identity: rules.identify(session, &cookie),
            user: rules.user_of(session),
            authenticated: session.value(AUTHENTICATED),
            signed: (cookie, signed_at),
        };
        let looking = Looking::recent(rules, &origin.identity, now);
        Some(Self { rules: Arc::clone(rules), opened: opened.clone(), origin, looking })
    }

    /// Relies on nothing that was looked up before.
    pub(super) fn afresh(self, now: UnixTime) -> Self {
        let looking = Looking::afresh(&self.rules, self.keys().cloned().collect(), now);
        Self { looking, ..self }
    }

    /// Returns where the marks of the session lie.
    pub(super) fn keys(&self) -> impl Iterator<Item = &RecordKey> {
        self.origin.identity.keys()
    }

    pub(super) fn question(&self) -> Option<Question<'_>> {
        self.looking.question()
    }

    /// Returns the session, once it is known whether it was revoked.
    pub(super) fn answer(
        &mut self,
        answer: Result<Answer, StoreError>,
    ) -> Result<Option<(Visit, Session)>, EngineError> {
        match self.looking.answer(answer) {
            Ok(()) => Ok(self.done()),
            Err(error) if self.rules.settings().on_outage == OnOutage::Anonymous => {
                Ok(Some(self.unavailable(Some(error))))
            }
            Err(error) => Err(error),
        }
    }

    pub(super) fn done(&self) -> Option<(Visit, Session)> {
        if self.looking.question().is_some() {
            return None;
        }
        let sessions = Sessions::Revocable(Arc::clone(&self.rules));
        let interface::Opened { session, reason, cookie } = self.opened.clone();
        Some(if self.looking.refuses(&self.origin) {
            (Visit::new(sessions, Reason::Revoked, cookie), Session::new())
        } else {
            let origin = Some(Box::new(self.origin.clone()));
            (Visit { origin, ..Visit::new(sessions, reason, cookie) }, session)
        })
    }

    pub(super) fn unavailable(&self, failure: Option<EngineError>) -> (Visit, Session) {
        let sessions = Sessions::Revocable(Arc::clone(&self.rules));
        let visit = Visit::new(sessions, Reason::StoreUnavailable, self.opened.cookie);
        (Visit { failure: failure.map(Arc::new), ..visit }, Session::new())
    }
}
