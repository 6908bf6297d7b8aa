//! What opens and saves all sessions of one configuration, and what is known of one of them.

use std::{sync::Arc, time::Duration};

use super::origin::Origin;
use crate::{
    UnixTime,
    cookie::Attributes,
    engine::EngineError,
    interface::{CookieFacts, CookieSessions},
    reason::Reason,
    record::DecodeError,
    revocation::RevocableSessions,
    stored::{Held, ListedAs, StoredSessions},
    value::Dict,
};

/// Opens and saves sessions, wherever they lie. Clones share their rules.
///
/// ```
/// use hipflask_core::{UnixTime, interface::CookieSessions, reason::Reason, signing::KeyRing, visit::Sessions};
///
/// let sessions = Sessions::from(CookieSessions::new(&KeyRing::new("k")));
/// let opened = sessions.open(None, UnixTime::from_secs(0)).finish();
/// assert_eq!(opened.visit().reason(), Reason::NoCookie);
/// ```
#[derive(Clone, Debug)]
#[expect(clippy::exhaustive_enums, reason = "a session lies in its cookie or in a store")]
#[doc(alias = "SessionInterface")]
pub enum Sessions {
    /// In a signed cookie that can be revoked.
    Revocable(Arc<RevocableSessions>),
    /// In a signed cookie.
    Signed(Arc<CookieSessions>),
    /// In a store.
    Stored(Arc<StoredSessions>),
}

impl Sessions {
    /// Reports whether both open and save each signed cookie alike. Of two stores nobody can tell.
    pub fn is_like(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Signed(one), Self::Signed(other)) => one.is_like(other),
            (Self::Revocable(one), Self::Revocable(other)) => {
                one.cookies().is_like(other.cookies())
            }
            _ => false,
        }
    }

    /// Returns the name of the cookie.
    pub fn name(&self) -> &str {
        match self {
            Self::Revocable(rules) => rules.cookies().name(),
            Self::Signed(interface) => interface.name(),
            Self::Stored(rules) => &rules.settings().name,
        }
    }

    /// Returns the attributes of the cookie.
    pub fn attributes(&self) -> &Attributes {
        match self {
            Self::Revocable(rules) => rules.cookies().attributes(),
            Self::Signed(interface) => interface.attributes(),
            Self::Stored(rules) => &rules.settings().attributes,
        }
    }
}

impl From<CookieSessions> for Sessions {
    fn from(interface: CookieSessions) -> Self {
        Self::Signed(Arc::new(interface))
    }
}

impl From<RevocableSessions> for Sessions {
    fn from(rules: RevocableSessions) -> Self {
        Self::Revocable(Arc::new(rules))
    }
}

impl From<StoredSessions> for Sessions {
    fn from(rules: StoredSessions) -> Self {
        Self::Stored(Arc::new(rules))
    }
}

/// What is known of a request's session beside its content, and by which rules it was opened: by
/// these it is changed and saved.
///
/// What only stored sessions have is boxed: those in cookies are moved without it.
#[derive(Clone, Debug)]
pub struct Visit {
    pub(super) sessions: Sessions,
    pub(super) reason: Reason,
    pub(super) cookie: Option<CookieFacts>,
    pub(super) held: Option<Box<Held>>,
    pub(super) failure: Option<Arc<EngineError>>,
    pub(super) fault: Option<Box<DecodeError>>,
    /// What a session was opened from that can be revoked.
    pub(super) origin: Option<Box<Origin>>,
    /// Where a session is that is listed, or may be.
    pub(super) whereabouts: Option<Box<Whereabouts>>,
}

/// What the list of a user's sessions has, or gets, of one.
#[derive(Clone, Debug, Default)]
pub(super) struct Whereabouts {
    pub(super) device: Option<String>,
    /// Where it was listed when it was opened.
    pub(super) listed: Option<ListedAs>,
}

impl Visit {
    pub(super) const fn new(
        sessions: Sessions,
        reason: Reason,
        cookie: Option<CookieFacts>,
    ) -> Self {
        Self {
            sessions,
            reason,
            cookie,
            held: None,
            failure: None,
            fault: None,
            origin: None,
            whereabouts: None,
        }
    }

    /// Returns why the session is what it is.
    pub const fn reason(&self) -> Reason {
        self.reason
    }

    /// Returns what is known of the cookie, if one was offered.
    pub const fn cookie(&self) -> Option<CookieFacts> {
        self.cookie
    }

    /// Reports whether the session is to be saved again although nothing has changed: because of how its
    /// cookie is signed, or its record encrypted.
    pub fn is_outdated(&self) -> bool {
        let is_record_outdated = match (&self.sessions, &self.held) {
            (Sessions::Stored(rules), Some(held)) => {
                rules.settings().resign && held.snapshot().is_outdated()
            }
            _ => false,
        };
        let is_cookie_outdated = self.cookie.is_some_and(|cookie| cookie.outdated);
        self.reason.is_verified() && (is_cookie_outdated || is_record_outdated)
    }

    /// Returns what the store has, if it has the session.
    pub fn held(&self) -> Option<&Held> {
        self.held.as_deref()
    }

    /// Returns what the store's record of the session holds, if there is one.
    pub fn content(&self) -> Option<&Dict> {
        self.held().map(|held| held.snapshot().content())
    }

    /// Returns why the store has not answered, if the session is empty because of that.
    pub fn failure(&self) -> Option<&EngineError> {
        self.failure.as_deref()
    }

    /// Returns what is wrong with the store's record, if it cannot be read.
    pub fn fault(&self) -> Option<&DecodeError> {
        self.fault.as_deref()
    }

    /// Reports whether a session that was only read has something to save.
    pub fn is_due(&self, now: UnixTime) -> bool {
        let (Sessions::Stored(rules), Some(held)) = (&self.sessions, &self.held) else {
            return false;
        };
        // An `update` may have given it another user.
        let listed = rules.listed_as(held.snapshot().content(), held.snapshot().key());
        let was_listed = self.whereabouts.as_ref().and_then(|it| it.listed.as_ref());
        rules.is_due(held, now) || listed.as_ref() != was_listed
    }

    /// Returns how long the session can live at most, as far as is known.
    pub(super) fn time_left(&self, now: UnixTime) -> Option<Duration> {
        let cookies = match &self.sessions {
            Sessions::Revocable(rules) => rules.cookies(),
            Sessions::Signed(cookies) => cookies,
            Sessions::Stored(rules) => return rules.time_left(self.content()?, now),
        };
        let age = u64::try_from(self.cookie?.age?).unwrap_or(0);
        // A cookie is accepted in the last second of its life.
        let end = cookies.lifetime().as_secs().saturating_add(1);
        Some(Duration::from_secs(end.saturating_sub(age)))
    }

    /// Takes over what the store has now.
    pub fn hold(&mut self, held: Held) {
        self.held = Some(Box::new(held));
    }
}
