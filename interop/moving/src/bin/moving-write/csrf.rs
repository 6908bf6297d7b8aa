// src/csrf.rs
//! Flask-WTF's token, which each form carries.

use std::time::UNIX_EPOCH;

use hipflask::{Session, SessionConfig, UnixTime, core::token::TimedToken};

/// How many seconds a form may stay open: `WTF_CSRF_TIME_LIMIT`.
const LIMIT: i64 = 3600;

#[derive(Clone)]
pub(crate) struct Csrf(TimedToken);

impl Csrf {
    pub(crate) fn new(config: &SessionConfig) -> Self {
        Self(TimedToken::new(config.secret_key().ring(), "wtf-csrf-token"))
    }

    /// Reports whether a page of this very session has made the token.
    pub(crate) fn confirms(&self, session: &Session, token: &str) -> hipflask::Result<bool> {
        let now = UnixTime::since_epoch(UNIX_EPOCH.elapsed().unwrap_or_default());
        let secret = self.0.decode::<String>(token.as_bytes(), now, Some(LIMIT)).ok();
        Ok(secret.is_some() && secret == session.get("csrf_token")?)
    }
}
