//! Flask's configuration of sessions, checked when it is built.
//!
//! Before the flow of cookies: runs once, at start. Never sees a request, and never shows a key.
//! Names, defaults and the rule for the environment are those of Flask's [configuration][py].
//!
//! - `key` holds the secret key and its fallbacks: [`SecretKey`].
//! - `key_file` reads keys from a file or folder.
//! - `table` has all settings: name, kind, whose, and where it goes.
//! - `env` and `file` read settings as `given` values, `name` finds them in the table, `setting`
//!   applies them.
//! - `digest` says how cookies are signed where that is not to be Flask's way.
//! - `stored` has what only matters with a store, `revocations` what can end signed
//!   cookies, `csrf` what only matters for forms.
//! - `examined` finds every fault of a source at once, and says what may be shown of it.
//! - `check` turns a [`SessionConfig`] into an [`CookieSessions`], or says what is wrong with it.
//!
//! [py]: https://flask.palletsprojects.com/en/stable/config/
//! [`CookieSessions`]: hipflask_core::interface::CookieSessions

mod check;
mod csrf;
mod digest;
mod env;
mod error;
mod examined;
#[cfg(feature = "toml")]
mod file;
mod given;
mod key;
mod key_file;
pub(crate) mod lifetime;
mod name;
mod revocations;
mod setting;
mod stored;
mod table;
mod take_over;

use std::time::Duration;

pub use error::{ConfigError, KeyFileFault};
pub use examined::Examined;
use hipflask_core::UnixTime;
pub use hipflask_core::{
    cookie::{AttributeError, DomainError, NameError, ParseSameSiteError, PathError, SameSite},
    engine::ConflictPolicy,
    interface::{CookieSessions, Signing},
    record::{Format, Package},
    serializer::Limits,
    signing::{Digest, Key, KeyDerivation, strength::Weakness},
    stored::{IdStorage, OnOutage, StoredSessions},
};
pub use key::{SecretKey, generate_secret};
pub use table::{Origin, Setting, settings};

/// How sessions are kept, under Flask's names and with Flask's defaults.
///
/// Nothing is checked before [`build`](Self::build), so the order of the calls does not matter.
///
/// ```
/// use hipflask::config::{SameSite, SecretKey, SessionConfig};
///
/// let config = SessionConfig::new(SecretKey::random()?)
///     .with_cookie_name("shop")
///     .with_secure(true)
///     .with_same_site(SameSite::Lax);
/// assert_eq!(config.build()?.name(), "shop");
/// # Ok::<(), hipflask::config::ConfigError>(())
/// ```
#[derive(Clone, Debug)] // safe to print: `SecretKey` redacts itself
pub struct SessionConfig {
    secret_key: SecretKey,
    cookie_name: String,
    domain: Option<String>,
    path: Option<String>,
    application_root: String,
    http_only: bool,
    secure: bool,
    same_site: Option<SameSite>,
    partitioned: bool,
    refresh_each_request: bool,
    refresh_untouched: bool,
    lifetime: Duration,
    limits: Limits,
    max_cookie_size: usize,
    signing: Signing,
    digest: Option<Digest>,
    fallback_digests: Vec<(Digest, Option<UnixTime>)>,
    resign: bool,
    encryption: bool,
    accept_plain_until: Option<UnixTime>,
    hardened: bool,
    stored: stored::Stored,
    revocations: revocations::Revocations,
    csrf: csrf::Csrf,
    foreign: take_over::Foreign,
    /// Settings that nothing is done with, and what to do instead.
    unused: Vec<(String, &'static str)>,
}

impl SessionConfig {
    /// Starts with Flask's defaults: the cookie `session`, `HttpOnly`, for the whole host.
    ///
    /// DIFFERENCE: a cookie of more than 4,096 bytes, name and value together, is refused, where Flask
    /// only warns when the whole header has more than 4,093.
    pub fn new(secret_key: SecretKey) -> Self {
        Self {
            secret_key,
            cookie_name: "session".into(),
            domain: None,
            path: None,
            application_root: "/".into(),
            http_only: true,
            secure: false,
            same_site: None,
            partitioned: false,
            refresh_each_request: true,
            refresh_untouched: false,
            lifetime: lifetime::DEFAULT,
            limits: Limits::default(),
            max_cookie_size: CookieSessions::MAX_COOKIE_SIZE,
            signing: Signing::default(),
            digest: None,
            fallback_digests: Vec::new(),
            resign: false,
            encryption: false,
            accept_plain_until: None,
            hardened: false,
            stored: stored::Stored::default(),
            revocations: revocations::Revocations::default(),
            csrf: csrf::Csrf::default(),
            foreign: take_over::Foreign::default(),
            unused: Vec::new(),
        }
    }

    /// Turns on what browsers offer to guard a cookie; needs HTTPS.
    ///
    /// What is called afterwards cannot lower it: the rest is tightened again, and a domain, another
    /// path or no `Secure` is an error.
    ///
    /// The name gets the prefix `__Host-`, so that no other host can set the cookie; `Secure`,
    /// `HttpOnly`, `SameSite=Lax` (or `Strict`, if that was set), the path `/`, no domain, at most
    /// 4,096 bytes, and strict signatures. Flask reads such cookies once its `SESSION_COOKIE_NAME`
    /// is the same.
    ///
    /// A name that begins with `__Host-Http-` is kept: of such a cookie newer browsers also know that no
    /// script has set it, and older ones that it begins with `__Host-`.
    ///
    /// ```
    /// use hipflask::{SecretKey, SessionConfig};
    ///
    /// let config = SessionConfig::new(SecretKey::random()?).hardened();
    /// assert_eq!(config.cookie_name(), "__Host-session");
    /// assert!(config.build()?.attributes().is_secure());
    /// let config = config.with_cookie_name("__Host-Http-session");
    /// assert_eq!(config.build()?.name(), "__Host-Http-session");
    /// # Ok::<(), hipflask::ConfigError>(())
    /// ```
    #[must_use]
    pub fn hardened(mut self) -> Self {
        self.hardened = true;
        self.cookie_name = name::with_host_prefix(&self.cookie_name);
        self.domain = None;
        self.path = Some("/".into());
        self.http_only = true;
        self.secure = true;
        self.tighten()
    }

    /// Applies what no check would miss; once more when building, for what was set in between.
    fn tighten(mut self) -> Self {
        if self.same_site != Some(SameSite::Strict) {
            self.same_site = Some(SameSite::Lax);
        }
        self.max_cookie_size = match self.max_cookie_size {
            0 => CookieSessions::MAX_COOKIE_SIZE,
            bytes => bytes.min(CookieSessions::MAX_COOKIE_SIZE),
        };
        self.signing = self.signing.with_strict(true);
        self
    }

    /// Sets the path of the cookie as long as [`with_path`](Self::with_path) sets none: `/`.
    #[must_use]
    #[doc(alias = "APPLICATION_ROOT")]
    pub fn with_application_root(mut self, path: impl Into<String>) -> Self {
        self.application_root = path.into();
        self
    }

    /// Sets the name of the cookie: `session`.
    #[must_use]
    #[doc(alias = "SESSION_COOKIE_NAME")]
    pub fn with_cookie_name(mut self, name: impl Into<String>) -> Self {
        let name = name.into();
        self.cookie_name = if self.hardened { name::with_host_prefix(&name) } else { name };
        self
    }

    /// Shares the cookie with all hosts below `domain`; without it, only the own host gets it.
    #[must_use]
    #[doc(alias = "SESSION_COOKIE_DOMAIN")]
    pub fn with_domain(mut self, domain: impl Into<String>) -> Self {
        self.domain = Some(domain.into());
        self
    }

    /// Sets how long a cookie is accepted, and how long a permanent one lives: 31 days.
    #[must_use]
    #[doc(alias = "PERMANENT_SESSION_LIFETIME")]
    pub fn with_lifetime(mut self, lifetime: Duration) -> Self {
        self.lifetime = lifetime;
        self
    }

    /// Sets how much a payload may hold; the default accepts all that Flask can write.
    #[must_use]
    pub fn with_limits(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }

    /// Sets how many bytes the cookie's name and value may have together: 4,096. 0 is no limit.
    ///
    /// A larger one is refused with an error, because browsers drop it without a word.
    #[must_use]
    #[doc(alias = "MAX_COOKIE_SIZE")]
    pub fn with_max_cookie_size(mut self, bytes: usize) -> Self {
        self.max_cookie_size = bytes;
        self
    }

    /// Keeps a separate cookie per embedding site; needs [`with_secure`](Self::with_secure).
    #[must_use]
    #[doc(alias = "SESSION_COOKIE_PARTITIONED")]
    pub fn with_partitioned(mut self, partitioned: bool) -> Self {
        self.partitioned = partitioned;
        self
    }

    /// Limits the cookie to URLs below `path`.
    #[must_use]
    #[doc(alias = "SESSION_COOKIE_PATH")]
    pub fn with_path(mut self, path: impl Into<String>) -> Self {
        self.path = Some(path.into());
        self
    }

    /// Sets whether a permanent session is sent again although nothing changed: yes.
    #[must_use]
    #[doc(alias = "SESSION_REFRESH_EACH_REQUEST")]
    pub fn with_refresh_each_request(mut self, refresh: bool) -> Self {
        self.refresh_each_request = refresh;
        self
    }

    /// Sets whether a permanent session is sent again by requests that never ask for it: no.
    ///
    /// DIFFERENCE: Flask does, and so verifies, signs and sends a cookie with every static file.
    #[must_use]
    pub fn with_refresh_untouched(mut self, refresh: bool) -> Self {
        self.refresh_untouched = refresh;
        self
    }

    /// Says whether requests that another site starts carry the cookie; `None` leaves it to the
    /// browser.
    #[must_use]
    #[doc(alias = "SESSION_COOKIE_SAMESITE")]
    pub fn with_same_site(mut self, same_site: impl Into<Option<SameSite>>) -> Self {
        self.same_site = same_site.into();
        self
    }

    /// Limits the cookie to HTTPS.
    #[must_use]
    #[doc(alias = "SESSION_COOKIE_SECURE")]
    pub fn with_secure(mut self, secure: bool) -> Self {
        self.secure = secure;
        self
    }

    /// Signs in another way than Flask does.
    #[must_use]
    pub fn with_signing(mut self, signing: Signing) -> Self {
        self.signing = signing;
        self
    }

    /// Accepts a secret key that can be guessed, as [`SecretKey::insecure_accept_weak`] does.
    ///
    /// # Security
    ///
    /// Whoever guesses the key can be any user. For tests and for keys that protect nothing.
    #[must_use]
    pub fn insecure_accept_weak_key(mut self) -> Self {
        self.secret_key = self.secret_key.insecure_accept_weak();
        self
    }

    /// Lets scripts of the page read the cookie: leaves `HttpOnly` out.
    ///
    /// # Security
    ///
    /// A single injected script can then carry sessions away.
    #[must_use]
    #[doc(alias = "SESSION_COOKIE_HTTPONLY")]
    pub fn insecure_allow_javascript(mut self) -> Self {
        self.http_only = false;
        self
    }

    /// Returns the name of the cookie.
    pub fn cookie_name(&self) -> &str {
        &self.cookie_name
    }

    /// Returns how long a cookie is accepted, and how long a permanent one lives.
    pub fn lifetime(&self) -> Duration {
        self.lifetime
    }

    /// Says what of the lifetime browsers do not keep, if it is longer than they keep a cookie: 400 days.
    ///
    /// ```
    /// use std::time::Duration;
    /// use hipflask::{SecretKey, SessionConfig};
    ///
    /// let config = SessionConfig::new(SecretKey::random()?);
    /// assert!(config.beyond_browsers().is_none());
    /// let years = Duration::from_secs(2 * 365 * 86_400);
    /// let text = config.with_lifetime(years).beyond_browsers().unwrap_or_default();
    /// assert!(text.starts_with("PERMANENT_SESSION_LIFETIME is 730 days"));
    /// # Ok::<(), hipflask::ConfigError>(())
    /// ```
    pub fn beyond_browsers(&self) -> Option<String> {
        lifetime::beyond_browsers("PERMANENT_SESSION_LIFETIME", self.lifetime)
    }

    /// Returns the settings that nothing is done with, and what to do instead.
    pub(crate) fn unused(&self) -> &[(String, &'static str)] {
        &self.unused
    }

    /// Reports whether requests that never ask for a permanent session refresh it.
    pub fn refresh_untouched(&self) -> bool {
        self.refresh_untouched
    }

    /// Returns this configuration with the keys as they are now, if they have changed in their file.
    pub(crate) fn read_keys_again(&self) -> Result<Option<Self>, ConfigError> {
        let changed = self.secret_key.read_again()?;
        Ok(changed.map(|secret_key| Self { secret_key, ..self.clone() }))
    }

    /// Returns the current key and the fallbacks.
    pub fn secret_key(&self) -> &SecretKey {
        &self.secret_key
    }
}
