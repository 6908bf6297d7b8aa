//! What the layer was told.

use std::time::Duration;

use hipflask_core::cookie::{self, Attributes, SameSite};
use http::{HeaderMap, HeaderValue, header::COOKIE};

use super::tokens::{Shown, Tokens};
use crate::SessionInterface;

#[derive(Clone, Debug)]
pub(super) struct Settings {
    pub(super) cookie_name: String,
    pub(super) excluded: Vec<String>,
    pub(super) lifetime: Duration,
    pub(super) refresh: String,
    pub(super) registration: String,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            cookie_name: "__Host-device".into(),
            excluded: Vec::new(),
            lifetime: Duration::from_secs(600),
            refresh: "/dbsc/refresh".into(),
            registration: "/dbsc/registration".into(),
        }
    }
}

impl Settings {
    /// Returns the attributes of the short-lived cookie, which goes wherever the session's does on this host.
    pub(super) fn attributes(&self, sessions: &SessionInterface) -> Attributes {
        let same_site = sessions.sessions().attributes().same_site().unwrap_or(SameSite::Lax);
        Attributes::new().with_secure(true).with_same_site(same_site)
    }

    /// Returns the value of the short-lived cookie, whoever has made it.
    pub(super) fn cookie<'a>(&self, headers: &'a HeaderMap) -> Option<std::borrow::Cow<'a, [u8]>> {
        let lines = headers.get_all(COOKIE).iter().map(HeaderValue::as_bytes);
        cookie::find_in(lines, &self.cookie_name)
    }

    /// Returns what the short-lived cookie says, if this server has made it and it has not expired.
    pub(super) fn shown(&self, headers: &HeaderMap, sessions: &SessionInterface) -> Option<Shown> {
        let cookie = self.cookie(headers)?;
        Tokens::new(&sessions.live().ring).shown(&cookie, self.lifetime, sessions.now())
    }
}
