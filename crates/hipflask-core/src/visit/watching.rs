//! Watching: whether a session still lives that a request has left, for connections that outlive their
//! request.
//!
//! What is watched is the cookie that the browser has after the response. Whoever watches looks from
//! time to time what a request with that cookie would find, and leaves no trace by looking.

use std::time::Duration;

use super::{Opened, Opening, Sessions};
use crate::{
    UnixTime,
    auth::user_of,
    engine::EngineError,
    interface::{SaveAction, Saved},
    reason::Reason,
    session::Session,
    store::RecordKey,
};

/// How long a session goes on that cannot be looked at, because its store does not answer.
const GRACE: Duration = Duration::from_secs(60);

/// How soon is looked again, at the latest, while the store does not answer.
const RETRY: Duration = Duration::from_secs(5);

/// How often is looked at the most.
const SHORTEST: Duration = Duration::from_millis(100);

/// How often is looked at what only time and keys can end.
const UNASKED: Duration = Duration::from_secs(60);

/// A session that is watched after its request.
///
/// ```
/// use hipflask_core::{
///     UnixTime, interface::CookieSessions, reason::Reason, session::Session, signing::KeyRing, visit::Sessions,
/// };
///
/// let sessions = Sessions::from(CookieSessions::new(&KeyRing::new("k")));
/// let (session, now) = (Session::new(), UnixTime::from_secs(1_763_692_860));
/// let cookie = b"eyJhIjoxfQ.aR_RAA.VYsLQ_U2fgKvqx9fBqYtUdliftw"; // Flask wrote this.
///
/// let mut watch = sessions.watch(&session, Reason::Verified, Some(cookie), None).unwrap();
/// assert_eq!(watch.looked(Ok(sessions.look(&watch, now).finish()), now), None);
///
/// let later = UnixTime::from_secs(1_863_692_860);
/// let looked = sessions.look(&watch, later).finish();
/// assert_eq!(watch.looked(Ok(looked), later), Some(Reason::Expired));
/// ```
#[derive(Clone)]
pub struct Watch {
    /// The value of the cookie.
    cookie: Vec<u8>,
    /// Whose the session is, once that is known; only a store can give it another user under the same
    /// cookie.
    user: Option<Option<String>>,
    /// When the store did not answer for the first time, if it has not since.
    silent_since: Option<UnixTime>,
    /// How long the session can live at most, as far as was known when it was looked at.
    left: Option<Duration>,
}

impl Sessions {
    /// Watches what a request has left of its session. `saved` is what the browser is told, if it is told
    /// anything, `cookie` the value that it has sent, and `reason` why the session was what it was.
    ///
    /// # Errors
    ///
    /// The reason why there is no session to watch.
    pub fn watch(
        &self,
        session: &Session,
        reason: Reason,
        cookie: Option<&[u8]>,
        saved: Option<&Saved>,
    ) -> Result<Watch, Reason> {
        let cookie = match saved.map(|saved| &saved.action) {
            Some(SaveAction::Delete(_)) if reason.is_verified() => return Err(Reason::Revoked),
            Some(SaveAction::Delete(_)) => None,
            Some(action @ SaveAction::Set(_)) => action.value().map(str::as_bytes),
            Some(SaveAction::Keep) | None => cookie.filter(|_| reason.is_verified()),
        };
        // What was not saved says nothing of the session that is there.
        let user = match (self, saved) {
            (Self::Stored(rules), Some(_)) => {
                Some(user_of(&rules.settings().user_keys, |name| session.value(name)))
            }
            _ => None,
        };
        let cookie = cookie.ok_or(reason)?.to_vec();
        Ok(Watch { cookie, user, silent_since: None, left: None })
    }

    /// Looks at a session as it is now: its life is not extended, and nothing counts that was looked up
    /// before.
    pub fn look(&self, watch: &Watch, now: UnixTime) -> Opening {
        self.look_at(Some(&watch.cookie), now)
    }

    /// Returns the records on which it depends whether a session lives: whoever changes one wakes those
    /// who watch it.
    pub fn keys_of(&self, watch: &Watch, now: UnixTime) -> Vec<RecordKey> {
        self.look(watch, now).keys()
    }

    /// Returns how long to wait before the session is looked at again: at most as long as another node's
    /// change may stay unknown, and half of it at least, by a `random` number, so that not all look at once.
    pub fn pause(&self, watch: &Watch, random: u32) -> Duration {
        let delay = match self {
            Self::Revocable(rules) => rules.settings().delay,
            Self::Signed(_) => UNASKED,
            Self::Stored(rules) => rules.settings().delay,
        };
        let delay = if watch.silent_since.is_some() { delay.min(RETRY) } else { delay };
        let half = delay.max(SHORTEST) / 2;
        let pause = half + half.mul_f64(f64::from(random) / f64::from(u32::MAX));
        watch.left.map_or(pause, |left| left.min(pause)).max(SHORTEST / 2)
    }
}

impl Watch {
    /// Takes what looking came to, and returns why the session has ended, if it has.
    ///
    /// One that cannot be looked at goes on for a minute: a store that starts anew must not close every
    /// connection. It does not go on for longer, because nobody would know that it was revoked.
    pub fn looked(&mut self, looked: Result<Opened, EngineError>, now: UnixTime) -> Option<Reason> {
        let visit = match looked {
            Ok(opened) if opened.visit().reason() != Reason::StoreUnavailable => {
                opened.into_visit()
            }
            _ => {
                let silent_since = *self.silent_since.get_or_insert(now);
                let is_over = now.since(silent_since) >= GRACE;
                return is_over.then_some(Reason::StoreUnavailable);
            }
        };
        (self.silent_since, self.left) = (None, visit.time_left(now));
        if !visit.reason().is_verified() {
            return Some(visit.reason());
        }
        let content = match &visit.sessions {
            Sessions::Stored(rules) => visit.content().map(|content| (rules, content)),
            Sessions::Revocable(_) | Sessions::Signed(_) => None,
        };
        let (rules, content) = content?;
        let is = rules.user_of(content);
        (*self.user.get_or_insert_with(|| is.clone()) != is).then_some(Reason::UserChanged)
    }

    /// Reports whether both watch the same, so that one look is enough.
    pub fn is_like(&self, other: &Self) -> bool {
        (&self.cookie, &self.user) == (&other.cookie, &other.user)
    }
}

impl std::fmt::Debug for Watch {
    /// Shows nothing of the cookie or its user.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Watch").field("left", &self.left).finish_non_exhaustive()
    }
}
