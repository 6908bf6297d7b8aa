//! Saving a session in a signed cookie that can be revoked: before it is signed anew, the store is
//! asked once more, and what ends is marked.

use std::{borrow::Cow, sync::Arc};

use super::{
    Machine, Step,
    looking::Looking,
    marking::{Edit, Marking},
    origin::Origin,
};
use crate::{
    UnixTime, cookie,
    engine::EngineError,
    interface::{SaveAction, Saved},
    reason::Reason,
    revocation::{CookieDigest, Identity, RevocableSessions, ToldBy},
    session::{AUTHENTICATED, Fate, Session},
    store::{Answer, RecordKey, StoreError},
    value::Value,
};

/// A session on its way into a cookie.
#[derive(Clone, Debug)]
pub(super) struct Settling {
    rules: Arc<RevocableSessions>,
    saved: Saved,
    /// What the session was opened from, if it goes on.
    origin: Option<Origin>,
    /// What it becomes: where its marks lie, and the cookie that is sent.
    becomes: Option<(Identity, CookieDigest)>,
    stage: Stage,
    /// What is still to be marked.
    queue: Vec<Marking>,
    attempts: u32,
    is_dropped: bool,
    now: UnixTime,
}

#[derive(Clone, Debug)]
enum Stage {
    Done,
    Looking(Looking),
    Marking(Box<Marking>),
}

impl Settling {
    pub(super) fn new(
        rules: &Arc<RevocableSessions>,
        session: &Session,
        origin: Option<Origin>,
        entropy: &[u8],
        now: UnixTime,
    ) -> Result<Self, EngineError> {
        let was = origin.as_ref().and_then(|origin| origin.user.as_deref());
        let is = rules.user_of(session);
        let is_ended = session.fate() == Fate::Ended
            || session.is_modified() && (session.is_cleared() || session.is_empty())
            || was.is_some() && was != is.as_deref();
        let authenticated = origin.as_ref().and_then(|origin| origin.authenticated.as_ref());
        let is_new = is_ended || was != is.as_deref();
        let is_log_in =
            is.is_some() && (is_new || session.value(AUTHENTICATED).as_ref() != authenticated);
        let session = &match is_log_in {
            true => Cow::Owned(stamped(session, authenticated, now)),
            false => Cow::Borrowed(session),
        };
        let saved = rules.cookies().save_with(session, entropy, now)?;
        let becomes = saved.action.value().map(|value| {
            let cookie = CookieDigest::of(value.as_bytes());
            (rules.identify(session, &cookie), cookie)
        });
        let mut queue = Vec::new();
        if let Some(origin) = origin.as_ref().filter(|_| is_ended) {
            let edit = match origin.identity.told_by {
                ToldBy::CsrfToken => Edit::Refuse { spare: None },
                ToldBy::Cookie | ToldBy::LogIn => Edit::RefuseForEver,
            };
            queue.push(Marking::new(rules, origin.identity.session.clone(), edit, now));
        }
        let origin = origin.filter(|_| !is_ended && !is_log_in);
        let mut settling = Self {
            rules: Arc::clone(rules),
            saved,
            origin,
            becomes,
            stage: Stage::Done,
            queue,
            attempts: 0,
            is_dropped: false,
            now,
        };
        settling.look();
        Ok(settling)
    }

    /// Looks up what is refused, if a cookie is to be sent; else goes on to what is to be marked.
    fn look(&mut self) {
        let Some((becomes, _)) = &self.becomes else { return self.mark() };
        // No mark can be of a cookie that nobody has yet.
        let is_new = becomes.told_by == ToldBy::Cookie;
        let keys = becomes.keys().filter(|key| !is_new || **key != becomes.session);
        let mut keys: Vec<RecordKey> = keys.cloned().collect();
        let origin = self.origin.iter().flat_map(|origin| origin.identity.keys());
        for key in origin {
            if !keys.contains(key) {
                keys.push(key.clone());
            }
        }
        let is_known = keys.is_empty();
        self.stage = Stage::Looking(Looking::afresh(&self.rules, keys, self.now));
        if is_known {
            self.decide();
        }
    }

    /// Decides, once all marks are known.
    fn decide(&mut self) {
        let Stage::Looking(looking) = &self.stage else { return };
        if self.origin.as_ref().is_some_and(|origin| looking.refuses(origin)) {
            return self.drop_changes();
        }
        if let Some((becomes, cookie)) = &self.becomes {
            let marks = looking.marks_of(becomes);
            let marks = marks.filter(|(_, mark)| mark.refuses(self.now.as_secs(), cookie));
            let was = self.origin.as_ref().map(|origin| origin.signed.clone());
            let spare = |key: &RecordKey| {
                let edit = Edit::Spare { cookie: cookie.clone(), was: was.clone() };
                Marking::new(&self.rules, key.clone(), edit, self.now)
            };
            let spared: Vec<_> = marks.map(|(key, _)| spare(key)).collect();
            self.queue.extend(spared);
        }
        self.mark();
    }

    /// Nothing is signed anew that has ended.
    fn drop_changes(&mut self) {
        let cookies = self.rules.cookies();
        let deletion = cookie::write_deletion(cookies.name(), cookies.attributes());
        self.saved.action = SaveAction::Delete(deletion);
        (self.is_dropped, self.stage) = (true, Stage::Done);
    }

    fn mark(&mut self) {
        let next = self.queue.pop();
        self.stage = next.map_or(Stage::Done, |marking| Stage::Marking(Box::new(marking)));
    }

    pub(super) fn finish(self) -> Result<Saved, EngineError> {
        match self.stage {
            Stage::Done => Ok(self.saved),
            _ => Err(EngineError::Contended),
        }
    }

    pub(super) fn dropped(&self) -> Option<Reason> {
        self.is_dropped.then_some(Reason::Revoked)
    }

    pub(super) const fn attempts(&self) -> u32 {
        self.attempts
    }
}

impl Machine for Settling {
    fn step(&self) -> Step<'_> {
        match &self.stage {
            Stage::Done => Step::Done,
            Stage::Looking(looking) => looking.question().map_or(Step::Done, Step::Ask),
            Stage::Marking(marking) => marking.step(),
        }
    }

    fn answer(&mut self, answer: Result<Answer, StoreError>) -> Result<(), EngineError> {
        match &mut self.stage {
            Stage::Done => {}
            Stage::Looking(looking) => {
                looking.answer(answer)?;
                if looking.question().is_none() {
                    self.decide();
                }
            }
            Stage::Marking(marking) => {
                match marking.answer(answer) {
                    Err(EngineError::Gone) => {
                        self.drop_changes();
                        return Ok(());
                    }
                    answered => answered?,
                }
                self.attempts = self.attempts.max(marking.attempts());
                if matches!(marking.step(), Step::Done) {
                    self.mark();
                }
            }
        }
        Ok(())
    }

    fn waited(&mut self) {
        if let Stage::Marking(marking) = &mut self.stage {
            marking.waited();
        }
    }
}

/// Notes when the user has logged in, unless the log-in has: that tells this session from the user's
/// others.
fn stamped(session: &Session, was: Option<&Value>, now: UnixTime) -> Session {
    let mut session = session.clone();
    let is = session.value(AUTHENTICATED);
    if is.is_none() || is.as_ref() == was {
        session.take_over(AUTHENTICATED.into(), now.as_millis().into());
    }
    session
}
