//! A session of a user, as its user is shown it.

use std::time::Duration;

use sha2::{Digest as _, Sha256};

use crate::{UnixTime, auth::hex, store::RecordKey};

/// A session of a user, for a page such as "where you are logged in".
///
/// ```
/// use hipflask_core::listing::UserSession;
///
/// fn show(session: &UserSession) -> String {
///     let device = session.device().unwrap_or("an unknown device");
///     format!("{device}, since {:?}", session.authenticated_at())
/// }
/// # let _ = show;
/// ```
#[derive(Clone, Debug)] // safe to print: `RecordKey` redacts itself
pub struct UserSession {
    pub(crate) key: RecordKey,
    pub(crate) authenticated_at: Option<UnixTime>,
    pub(crate) last_seen: Option<UnixTime>,
    pub(crate) device: Option<String>,
    pub(crate) expires_in: Option<Duration>,
    pub(crate) len: usize,
}

impl UserSession {
    /// Returns where its record lies.
    pub const fn key(&self) -> &RecordKey {
        &self.key
    }

    /// Returns a name of it that may be put into a page: it ends the session, and opens none.
    pub fn handle(&self) -> String {
        handle_of(&self.key)
    }

    /// Returns when the user has logged in, if the log-in has noted it; else since when the session is
    /// listed, if it is.
    pub const fn authenticated_at(&self) -> Option<UnixTime> {
        self.authenticated_at
    }

    /// Returns when it was last used, to a few minutes, if sessions are listed.
    pub const fn last_seen(&self) -> Option<UnixTime> {
        self.last_seen
    }

    /// Returns the device that it was last seen on, such as "Firefox on Linux", if sessions are listed.
    pub fn device(&self) -> Option<&str> {
        self.device.as_deref()
    }

    /// Returns how long the session still lives, if it was found by reading all sessions of a store that
    /// tells.
    pub const fn expires_in(&self) -> Option<Duration> {
        self.expires_in
    }

    /// Returns the bytes of its record.
    #[expect(clippy::len_without_is_empty, reason = "a session of a user is never empty")]
    pub const fn len(&self) -> usize {
        self.len
    }
}

/// Returns the name of a session that may be shown: a part of a digest of where its record lies.
///
/// ```
/// use hipflask_core::{listing::handle_of, store::RecordKey};
///
/// assert_eq!(handle_of(&RecordKey::new("session:SSSSSSSS")).len(), 24);
/// ```
pub fn handle_of(key: &RecordKey) -> String {
    let digest = Sha256::new_with_prefix(b"hipflask session\0").chain_update(key.as_str());
    hex(&digest.finalize()[..12])
}
