//! How signed cookies are revoked: where the marks lie, and what names a user.

use std::time::Duration;

use hipflask_core::revocation::{RevocableSessions, Settings};

use super::{ConfigError, SessionConfig};

/// What is set of revocations.
#[derive(Clone, Debug, Default)]
pub(super) struct Revocations {
    /// The address of the store of marks, which may hold a password: it is never shown.
    pub(super) address: Option<Address>,
    pub(super) settings: Settings,
}

#[derive(Clone)]
pub(super) struct Address(pub(super) String);

impl std::fmt::Debug for Address {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Address(..)")
    }
}

impl SessionConfig {
    /// Sets the address of the store that keeps what of signed cookies is refused before it expires.
    /// [`SessionLayer::connect`](crate::SessionLayer::connect) connects to it.
    #[must_use]
    #[doc(alias = "SESSION_REVOCATIONS")]
    pub fn with_revocations(mut self, address: impl Into<String>) -> Self {
        self.revocations.address = Some(Address(address.into()));
        self
    }

    /// Sets how long a process relies on what it has looked up of a session: so late a revocation on
    /// another node takes effect here; 1 second unless it is set. With zero each request that uses its
    /// session asks the store. So late a [`SessionWatch`](crate::SessionWatch) learns it, too, also of
    /// sessions in a store.
    #[must_use]
    #[doc(alias = "SESSION_REVOCATIONS_DELAY")]
    pub const fn with_revocation_delay(mut self, delay: Duration) -> Self {
        self.revocations.settings.delay = delay;
        self
    }

    /// Sets the keys of a session that name its user; the first that is there counts. `_user_id` and
    /// `user_id` unless they are set.
    ///
    /// ```
    /// use hipflask::{SecretKey, config::SessionConfig};
    ///
    /// let key = SecretKey::new("9f3c6a52be0d47c1886d1f7a0cb35e24");
    /// let config = SessionConfig::new(key).with_user_keys(["username"]);
    /// ```
    #[must_use]
    #[doc(alias = "SESSION_USER_KEYS")]
    pub fn with_user_keys(mut self, keys: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.revocations.settings.user_keys = keys.into_iter().map(Into::into).collect();
        self
    }

    /// Returns the address of the store of revocations, which may hold a password.
    pub fn revocations(&self) -> Option<&str> {
        self.revocations.address.as_ref().map(|address| address.0.as_str())
    }

    /// Returns the keys of a session that name its user.
    pub(crate) fn user_keys(&self) -> &[String] {
        &self.revocations.settings.user_keys
    }

    pub(super) fn check_user_keys(&self) -> Result<(), ConfigError> {
        if self.user_keys().iter().any(|key| !key.is_empty()) {
            return Ok(());
        }
        let expected = "at least one key of a session, such as \"_user_id\"";
        Err(ConfigError::Store { name: "SESSION_USER_KEYS".into(), expected })
    }

    /// Checks everything and returns what opens and saves signed cookies that can be revoked.
    ///
    /// # Errors
    ///
    /// [`ConfigError`] for the first mistake.
    pub fn build_revocable(&self) -> Result<RevocableSessions, ConfigError> {
        let (cookies, on_outage) = (self.build()?, self.stored.settings.on_outage);
        self.check_user_keys()?;
        let settings = Settings { on_outage, ..self.revocations.settings.clone() };
        Ok(RevocableSessions::new(cookies, settings))
    }
}
