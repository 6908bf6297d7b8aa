//! How forms are guarded, under Flask-WTF's names.

use std::time::Duration;

use hipflask_core::{
    csrf::{CsrfTokens, FIELD, TIME_LIMIT},
    signing::{Key, KeyRing},
};

use super::SessionConfig;

/// What only matters for forms.
#[derive(Clone, Debug)] // safe to print: `Key` redacts itself
pub(super) struct Csrf {
    pub(super) secret_key: Option<Key>,
    pub(super) field: String,
    pub(super) time_limit: Option<Duration>,
}

impl Default for Csrf {
    fn default() -> Self {
        let time_limit = Some(Duration::from_secs(TIME_LIMIT.unsigned_abs()));
        Self { secret_key: None, field: FIELD.into(), time_limit }
    }
}

/// Settings of the tokens in forms.
impl SessionConfig {
    /// Sets the name of the form's field, and of the key in the session: `csrf_token`.
    #[must_use]
    #[doc(alias = "WTF_CSRF_FIELD_NAME")]
    pub fn with_csrf_field_name(mut self, name: impl Into<String>) -> Self {
        self.csrf.field = name.into();
        self
    }

    /// Signs the tokens of forms with a key of their own, instead of the secret key and its fallbacks.
    #[must_use]
    #[doc(alias = "WTF_CSRF_SECRET_KEY")]
    pub fn with_csrf_secret_key(mut self, key: impl Into<Key>) -> Self {
        self.csrf.secret_key = Some(key.into());
        self
    }

    /// Sets for how long a form may stay open: an hour. `None` is no limit.
    ///
    /// ```
    /// use std::time::Duration;
    /// use hipflask::{SecretKey, SessionConfig};
    ///
    /// let config = SessionConfig::new(SecretKey::random()?);
    /// let config = config.with_csrf_time_limit(Duration::from_secs(4 * 3600));
    /// # Ok::<(), hipflask::ConfigError>(())
    /// ```
    #[must_use]
    #[doc(alias = "WTF_CSRF_TIME_LIMIT")]
    pub fn with_csrf_time_limit(mut self, limit: impl Into<Option<Duration>>) -> Self {
        self.csrf.time_limit = limit.into();
        self
    }

    /// Returns the name of the form's field.
    pub fn csrf_field_name(&self) -> &str {
        &self.csrf.field
    }

    pub(crate) fn csrf_tokens(&self) -> CsrfTokens {
        let own = self.csrf.secret_key.clone().map(KeyRing::new);
        let limit =
            self.csrf.time_limit.map(|limit| limit.as_secs().try_into().unwrap_or(i64::MAX));
        CsrfTokens::new(own.as_ref().unwrap_or(self.secret_key.ring())).with_time_limit(limit)
    }
}
