//! What a session keeps of its device, and what follows for a request.
//!
//! Pure: time and what the request has shown are arguments.

use hipflask_core::{
    UnixTime,
    session::{Session, SessionError},
    value::{self, Value},
};
use serde::{Deserialize, Serialize};

use super::{
    proof::PublicKey,
    tokens::{LEEWAY, Shown},
};

/// The key in the session.
pub(super) const KEY: &str = "_hipflask_dbsc";

/// Whether a request comes from the device that its session is bound to.
///
/// It is an extractor, inside of a [`DbscLayer`](super::DbscLayer):
///
/// ```
/// use hipflask::dbsc::DeviceBinding;
/// use http::StatusCode;
///
/// async fn pay(device: DeviceBinding) -> Result<&'static str, StatusCode> {
///     if device.is_bound() { Ok("paid") } else { Err(StatusCode::FORBIDDEN) }
/// }
/// # let _ = pay;
/// ```
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum DeviceBinding {
    /// It does.
    Bound,
    /// The session is bound to no device: nobody is logged in, or the browser cannot do it, or has not yet, or not
    /// for a minute, in which requests pass that were under way.
    Unbound,
    /// The session is bound, and the request does not show that it comes from there. The handler finds an empty
    /// session, whose [reason](crate::Session::reason) is
    /// [`DbscUnproven`](crate::Reason::DbscUnproven).
    Unproven,
}

impl DeviceBinding {
    /// Reports whether the request comes from the device that its session is bound to.
    pub const fn is_bound(self) -> bool {
        matches!(self, Self::Bound)
    }
}

/// The device of a session, from the offer on.
#[derive(Clone, Deserialize, Serialize)]
pub(super) struct Bond {
    pub(super) id: String,
    /// How many proofs were accepted, where a store can count them.
    pub(super) n: u64,
    pub(super) key: Option<PublicKey>,
    /// When the browser has shown the short-lived cookie for the first time, in Unix seconds. From then on it must:
    /// an answer that does not arrive must not lock anybody out.
    pub(super) since: Option<u64>,
}

impl Bond {
    /// Starts an offer, which a browser may take up.
    pub(super) const fn offered(id: String) -> Self {
        Self { id, n: 0, key: None, since: None }
    }

    /// Finds the bond in a session. One that cannot be read is an error, and not none: it must not open a session.
    pub(super) fn of(session: &Session) -> Result<Option<Self>, SessionError> {
        match session.value(KEY) {
            None | Some(Value::Null) => Ok(None),
            Some(value) => Ok(Some(value::from_value(value)?)),
        }
    }

    pub(super) fn keep(&self, session: &mut Session) -> Result<(), SessionError> {
        session.insert(KEY, self)
    }

    /// Returns what the session keeps once a browser has proved that it has `key`.
    pub(super) fn proved(&self, key: &PublicKey) -> Self {
        Self { n: self.n.saturating_add(1), key: Some(key.clone()), ..self.clone() }
    }

    pub(super) const fn is_in_force(&self) -> bool {
        self.since.is_some()
    }
}

/// Says how a request stands whose short-lived cookie says `shown`, and brings the session's bond into force when it
/// is shown for the first time. A bond that was overwritten meanwhile, as can happen in a signed cookie, is mended.
pub(super) fn judge(session: &mut Session, shown: Option<&Shown>, now: UnixTime) -> DeviceBinding {
    let mut bond = match Bond::of(session) {
        Ok(Some(bond)) => bond,
        Ok(None) => return DeviceBinding::Unbound,
        Err(_) => return DeviceBinding::Unproven,
    };
    let shown = shown.filter(|shown| shown.id == bond.id);
    match (bond.since.map(UnixTime::from_secs), shown) {
        (Some(_), Some(_)) => DeviceBinding::Bound,
        // Requests that were under way when the bond came into force have nothing to show.
        (Some(since), None) if now.since(since) > LEEWAY => DeviceBinding::Unproven,
        (_, None) => DeviceBinding::Unbound,
        (None, Some(shown)) => {
            if bond.key.is_none() {
                bond = bond.proved(&shown.key);
            }
            bond.since = Some(now.as_secs());
            // A session that can only be read is bound by a later request.
            let _ = bond.keep(session);
            DeviceBinding::Bound
        }
    }
}
