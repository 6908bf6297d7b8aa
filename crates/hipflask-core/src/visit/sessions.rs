//! What opens and saves all sessions of one configuration.

use std::sync::Arc;

use super::{Closing, Opening, Revoking, Updating, Visit};
use crate::{
    UnixTime,
    cookie::Attributes,
    engine::EngineError,
    interface::Interface,
    server_side::{ServerSide, SessionId},
    session::{Fate, Session},
    value::Value,
};

/// Opens and saves sessions, wherever they lie.
///
/// ```
/// use hipflask_core::{UnixTime, interface::Interface, reason::Reason, signing::KeyRing, visit::Sessions};
///
/// let sessions = Sessions::Signed(Interface::new(&KeyRing::new("k")));
/// let opened = sessions.open(None, UnixTime::from_secs(0)).finish();
/// assert_eq!(opened.visit().reason(), Reason::NoCookie);
/// ```
#[derive(Clone, Debug)]
#[expect(clippy::exhaustive_enums, reason = "a session lies in its cookie or in a store")]
#[expect(
    clippy::large_enum_variant,
    reason = "a layer has one, and opens a cookie without a detour"
)]
#[doc(alias = "SessionInterface")]
pub enum Sessions {
    /// In a signed cookie.
    Signed(Interface),
    /// In a store.
    Stored(Arc<ServerSide>),
}

impl Sessions {
    /// Opens the session of a cookie's value.
    ///
    /// Whatever is wrong, the session is new and the reason says why.
    #[doc(alias = "open_session")]
    pub fn open(&self, cookie: Option<&[u8]>, now: UnixTime) -> Opening {
        match self {
            Self::Signed(interface) => Opening::signed(interface.open(cookie, now)),
            Self::Stored(rules) => Opening::stored(rules, cookie, now),
        }
    }

    /// Changes the value of one key so that no other request's change of it is lost; `None` if there
    /// is nobody else who could change it, because `session` alone has it. `seen` is what the request
    /// sees under the key.
    pub fn update(
        &self,
        visit: &Visit,
        fate: Fate,
        key: &str,
        seen: Option<&Value>,
        now: UnixTime,
    ) -> Option<Updating> {
        let (Self::Stored(rules), Some(held)) = (self, visit.held()) else { return None };
        let is_shared = fate != Fate::Ended && seen == held.snapshot().content().get(key);
        is_shared.then(|| Updating::new(Arc::clone(rules), held.clone(), key, now))
    }

    /// Saves what a request has left of its session. A new id is made of `entropy`, which must be
    /// as many random bytes as [`entropy_len`](Self::entropy_len) says.
    ///
    /// # Errors
    ///
    /// [`EngineError`] when the session cannot be sent or written.
    #[doc(alias = "save_session")]
    pub fn close(
        &self,
        session: &Session,
        visit: Visit,
        entropy: &[u8],
        now: UnixTime,
    ) -> Result<Closing, EngineError> {
        match self {
            Self::Signed(interface) => Ok(Closing::decided(interface.save(session, now)?)),
            Self::Stored(rules) => Closing::stored(rules, session, visit, entropy, now),
        }
    }

    /// Returns how many random bytes saving needs; 0 if it makes no new id.
    pub fn entropy_len(&self, session: &Session, visit: &Visit) -> usize {
        match self {
            Self::Stored(rules) => {
                let keeps_id = visit.held().is_some() && session.fate() == Fate::Kept;
                let is_new = session.is_modified() && !keeps_id;
                if is_new { rules.settings().id_length } else { 0 }
            }
            Self::Signed(_) => 0,
        }
    }

    /// Ends the session of an id, also for requests under way; `None` if sessions have no ids.
    pub fn revoke(&self, id: &SessionId) -> Option<Revoking> {
        match self {
            Self::Signed(_) => None,
            Self::Stored(rules) => Some(Revoking::new(rules, id)),
        }
    }

    /// Reports whether both open and save each signed cookie alike. Of two stores nobody can tell.
    pub fn is_like(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Signed(one), Self::Signed(other)) => one.is_like(other),
            _ => false,
        }
    }

    /// Returns the name of the cookie.
    pub fn name(&self) -> &str {
        match self {
            Self::Signed(interface) => interface.name(),
            Self::Stored(rules) => &rules.settings().name,
        }
    }

    /// Returns the attributes of the cookie.
    pub fn attributes(&self) -> &Attributes {
        match self {
            Self::Signed(interface) => interface.attributes(),
            Self::Stored(rules) => &rules.settings().attributes,
        }
    }
}
