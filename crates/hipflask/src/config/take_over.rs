//! Sessions of other packages, which are taken over.

use std::{sync::Arc, time::Duration};

use hipflask_core::{
    record::{Package, TakeOver},
    signing::{Key, KeyRing},
    stored::IdStorage,
};

use super::{ConfigError, SecretKey, SessionConfig};

/// What is set of them.
#[derive(Clone, Debug, Default)] // safe to print: `Key` redacts itself
pub(super) struct Foreign {
    pub(super) package: Option<Package>,
    pub(super) key: Option<Key>,
    pub(super) max_age: Option<Duration>,
}

impl SessionConfig {
    /// Reads the sessions of another package, too, so that its users stay logged in. The cookie must have
    /// that package's name, domain and path. Each becomes one of ours when it is saved.
    ///
    /// ```
    /// use hipflask::{SecretKey, SessionConfig, config::Package};
    ///
    /// let config = SessionConfig::new(SecretKey::random()?)
    ///     .with_cookie_name("sessionid")
    ///     .with_take_over(Package::DjangoSignedCookies)
    ///     .with_take_over_key("the SECRET_KEY of the Django project, 9f3c6a52be0d47c1");
    /// assert!(config.build().is_ok());
    /// # Ok::<(), hipflask::ConfigError>(())
    /// ```
    #[must_use]
    #[doc(alias = "SESSION_TAKE_OVER")]
    pub const fn with_take_over(mut self, package: Package) -> Self {
        self.foreign.package = Some(package);
        self
    }

    /// Sets the key with which the other package signs its cookies: the secret key unless it is set.
    #[must_use]
    #[doc(alias = "SESSION_TAKE_OVER_KEY")]
    pub fn with_take_over_key(mut self, key: impl Into<Key>) -> Self {
        self.foreign.key = Some(key.into());
        self
    }

    /// Sets how old a cookie may be that holds the content: two weeks, as Django and Starlette have it.
    #[must_use]
    #[doc(alias = "SESSION_TAKE_OVER_MAX_AGE")]
    pub const fn with_take_over_max_age(mut self, max_age: Duration) -> Self {
        self.foreign.max_age = Some(max_age);
        self
    }

    /// Returns what reads the sessions of another package.
    pub(super) fn take_over(&self) -> Option<Arc<TakeOver>> {
        let own = self.foreign.key.clone().map(KeyRing::new);
        let ring = own.as_ref().unwrap_or(self.secret_key.ring());
        let take_over = TakeOver::new(self.foreign.package?, ring);
        let max_age = self.foreign.max_age.unwrap_or(TakeOver::TWO_WEEKS);
        Some(Arc::new(take_over.with_max_age(max_age)))
    }

    pub(super) fn check_take_over(&self) -> Result<(), ConfigError> {
        let Some(package) = self.foreign.package else { return Ok(()) };
        if let Some(key) = &self.foreign.key {
            // Whoever guesses it can make sessions, as with any key.
            let key = SecretKey::new(key.as_bytes());
            let key = if self.secret_key.accepts_weak() { key.insecure_accept_weak() } else { key };
            key.check().map_err(|_| ConfigError::Store {
                name: "SESSION_TAKE_OVER_KEY".into(),
                expected: "a key that cannot be guessed, or insecure_accept_weak() while it is needed",
            })?;
        }
        let is_moving = self.stored.settings.id_storage == IdStorage::HashedFromPlain;
        if is_moving && package.key_prefix().is_some() {
            return Err(ConfigError::Store {
                name: "SESSION_ID_STORAGE".into(),
                expected: "plain or hashed, because of SESSION_TAKE_OVER: records can move from one place only",
            });
        }
        Ok(())
    }
}
