//! Turns a configuration into what opens and saves sessions, or says what is wrong with it.
//!
//! Handlers never meet a setting that was not accepted here. Flask checks none of them: a mistake
//! shows as a session that is lost, or as a 500 at the first request.

use hipflask_core::{
    cookie::{self, AttributeError, Attributes},
    interface::CookieSessions,
};

use super::{ConfigError, SessionConfig, lifetime};

impl SessionConfig {
    /// Checks every setting and builds what opens and saves sessions.
    ///
    /// ```
    /// use hipflask::{ConfigError, SecretKey, SessionConfig};
    ///
    /// let config = SessionConfig::new(SecretKey::random()?);
    /// assert_eq!(config.build()?.name(), "session");
    ///
    /// let error = config.with_cookie_name("__Host-session").build().unwrap_err();
    /// assert!(matches!(error, ConfigError::Cookie(_)));
    /// assert!(error.to_string().contains("set SESSION_COOKIE_SECURE"));
    /// # Ok::<(), ConfigError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`ConfigError`] for the first mistake; its text says what to change.
    pub fn build(&self) -> Result<CookieSessions, ConfigError> {
        if self.hardened {
            return Self { hardened: false, ..self.clone().tighten() }.build();
        }
        self.check_encryption()?;
        self.secret_key.check()?;
        self.check_take_over()?;
        lifetime::check(self.lifetime)?;
        let attributes = self.attributes()?;
        let cookies =
            CookieSessions::signed_with(self.secret_key.ring(), &self.signed(self.signing.clone()))
                .with_cookie(&self.cookie_name, attributes)
                .with_lifetime(self.lifetime)
                .with_refresh_each_request(self.refresh_each_request)
                .with_limits(self.limits)
                .with_max_cookie_size(self.max_cookie_size)
                .with_resign(self.resign)
                .with_take_over(self.take_over());
        #[cfg(feature = "encryption")]
        if self.encryption {
            return Ok(cookies.with_encryption(self.accept_plain_until));
        }
        Ok(cookies)
    }

    /// Returns what is wrong with everything but the keys.
    pub(super) fn faults(&self) -> Vec<ConfigError> {
        let checked = [
            self.check_encryption(),
            lifetime::check(self.lifetime),
            self.attributes().map(drop),
            self.check_user_keys(),
            self.check_take_over(),
        ];
        let faults = checked.into_iter().filter_map(Result::err);
        faults.chain(self.stored.faults()).collect()
    }

    fn check_encryption(&self) -> Result<(), ConfigError> {
        let is_missing = self.encryption && !cfg!(feature = "encryption");
        if is_missing { Err(ConfigError::NoEncryption) } else { Ok(()) }
    }

    fn attributes(&self) -> Result<Attributes, ConfigError> {
        let path = match &self.path {
            Some(path) => path,
            None => {
                cookie::check_path(&self.application_root).map_err(ConfigError::ApplicationRoot)?;
                &self.application_root
            }
        };
        let attributes = Attributes::new()
            .with_path(path)
            .with_http_only(self.http_only)
            .with_secure(self.secure)
            .with_same_site(self.same_site)
            .with_partitioned(self.partitioned);
        let attributes = match &self.domain {
            Some(domain) => attributes.with_domain(domain).map_err(AttributeError::from)?,
            None => attributes,
        };
        attributes.check(&self.cookie_name)?;
        Ok(attributes)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::config::{SameSite, SecretKey, Signing};

    const KEY: &str = "9f3c6a52be0d47c1886d1f7a0cb35e24";

    fn config() -> SessionConfig {
        SessionConfig::new(SecretKey::new(KEY))
    }

    fn header(config: &SessionConfig) -> Result<String, String> {
        let interface = config.build().map_err(|error| error.to_string())?;
        cookie::write(interface.name(), "v", interface.attributes(), None, None)
            .map_err(|error| error.to_string())
    }

    #[track_caller]
    fn check(config: &SessionConfig, expected: Result<&str, &str>) {
        assert_eq!(header(config), expected.map(str::to_owned).map_err(str::to_owned));
    }

    #[test]
    fn build_makes_flasks_cookie() {
        check(&config(), Ok("session=v; HttpOnly; Path=/"));
        check(
            &config()
                .with_cookie_name("shop")
                .with_domain("example.com")
                .with_application_root("/app")
                .with_secure(true)
                .with_same_site(SameSite::Strict)
                .with_partitioned(true)
                .insecure_allow_javascript(),
            Ok("shop=v; Domain=example.com; Secure; Path=/app; SameSite=Strict; Partitioned"),
        );
        check(
            &config().with_path("/p").with_application_root(""),
            Ok("session=v; HttpOnly; Path=/p"),
        );
    }

    #[test]
    fn hardened_makes_a_cookie_of_one_host() {
        let expected = "__Host-session=v; Secure; HttpOnly; Path=/; SameSite=Lax";
        check(&config().hardened(), Ok(expected));
        let loose = config()
            .with_cookie_name("__Secure-session")
            .with_domain("example.com")
            .with_path("/x")
            .with_same_site(SameSite::None)
            .with_max_cookie_size(0)
            .insecure_allow_javascript();
        let hardened = loose.hardened();
        assert_eq!(hardened.max_cookie_size, 4096);
        check(&hardened, Ok(expected));
        check(
            &config().with_same_site(SameSite::Strict).hardened().hardened(),
            Ok("__Host-session=v; Secure; HttpOnly; Path=/; SameSite=Strict"),
        );
    }

    #[test]
    fn hardened_refuses_other_spellings_of_a_signature() {
        use hipflask_core::{interface::CookieSessions, reason::Reason, session::Session};
        let now = hipflask_core::UnixTime::from_secs(1_763_692_800);
        let mut session = Session::new();
        session.insert("a", 1).unwrap();
        let reason = |interface: &CookieSessions| {
            let mut cookie = interface.sign(&session, now).unwrap().unwrap().into_bytes();
            cookie.push(b'='); // Padding, which Python accepts and nobody writes.
            interface.open(Some(&cookie), now).reason
        };
        assert_eq!(reason(&config().build().unwrap()), Reason::Verified);
        assert_ne!(reason(&config().hardened().build().unwrap()), Reason::Verified);
        let salted = config().with_signing(Signing::default().with_salt("other")).build().unwrap();
        let cookie = config().build().unwrap().sign(&session, now).unwrap().unwrap();
        assert_eq!(salted.open(Some(cookie.as_bytes()), now).reason, Reason::BadSignature);
    }

    #[test]
    fn build_refuses_what_browsers_drop() {
        check(
            &config().with_same_site(SameSite::None),
            Err("browsers drop a cookie with SameSite=None that is not secure: set \
                 SESSION_COOKIE_SECURE, or use SameSite=Lax"),
        );
        check(
            &config().with_partitioned(true),
            Err("a partitioned cookie must be secure: set SESSION_COOKIE_SECURE"),
        );
        check(
            &config().with_cookie_name("__Secure-s"),
            Err("a cookie whose name starts with __Secure- must be secure: set \
                 SESSION_COOKIE_SECURE, or choose another name"),
        );
        check(
            &config().hardened().with_secure(false),
            Err("a cookie whose name starts with __Host- must be secure: set \
                 SESSION_COOKIE_SECURE, or choose another name"),
        );
        check(
            &config().hardened().with_cookie_name("s").with_same_site(None).with_max_cookie_size(0),
            Ok("__Host-s=v; Secure; HttpOnly; Path=/; SameSite=Lax"),
        );
        check(
            &config().hardened().with_domain("example.com"),
            Err("a cookie whose name starts with __Host- must not have a domain: unset \
                 SESSION_COOKIE_DOMAIN, or use the prefix __Secure-"),
        );
        check(
            &config().hardened().with_path("/shop"),
            Err("a cookie whose name starts with __Host- must have the path /: set \
                 SESSION_COOKIE_PATH to /, or use the prefix __Secure-"),
        );
    }

    #[test]
    fn build_refuses_bad_names_paths_and_domains() {
        check(
            &config().with_cookie_name("my session"),
            Err("expected a cookie name of letters, digits and !#$%&'*+-.^_`|~ only: change \
                 SESSION_COOKIE_NAME"),
        );
        check(
            &config().with_path("shop"),
            Err("expected a cookie path that starts with /: change SESSION_COOKIE_PATH"),
        );
        check(
            &config().with_application_root("shop"),
            Err("APPLICATION_ROOT is the path of the cookie unless SESSION_COOKIE_PATH is set: \
                 expected a cookie path that starts with /: change SESSION_COOKIE_PATH"),
        );
        check(
            &config().with_domain(""),
            Err("expected a cookie domain: unset SESSION_COOKIE_DOMAIN to cover the own host only"),
        );
        check(
            &config().with_domain("https://example.com"),
            Err("expected a cookie domain of letters, digits, dots and hyphens: set \
                 SESSION_COOKIE_DOMAIN to a host name such as example.com, which covers its \
                 subdomains"),
        );
    }

    #[test]
    fn build_refuses_lifetimes_and_keys_that_cannot_work() {
        for (lifetime, expected) in [
            (Duration::ZERO, "at least one second"),
            (Duration::from_millis(999), "at least one second"),
            (Duration::MAX, "7000 years"),
        ] {
            let error = config().with_lifetime(lifetime).build().unwrap_err();
            assert!(format!("{error:?}").contains(expected), "{error}");
        }
        let weak = SessionConfig::new(SecretKey::new("k"));
        assert!(matches!(weak.build(), Err(ConfigError::WeakKey(_))));
        assert!(weak.insecure_accept_weak_key().build().is_ok());
    }
}
