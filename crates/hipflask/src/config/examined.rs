//! What a source of settings says: every fault at once, and what may be shown of it.
//!
//! After all settings: reads as the other ways in do, and goes on where they stop.

use hipflask_core::{signing::Key, value::Value};

use super::{
    ConfigError, SecretKey, SessionConfig, env,
    given::Given,
    revocations::Address,
    setting::Settings,
    table::{ADDRESS, CONNECT, Goes, Setting},
};

/// A configuration that was looked at, whatever is wrong with it. For tools; an app wants
/// [`SessionConfig::from_env`] and the like, which refuse the first fault.
///
/// ```
/// use hipflask::config::Examined;
///
/// let examined = Examined::of_vars("FLASK", [
///     ("FLASK_SECRET_KEY", "dev"),
///     ("FLASK_SESSION_COOKIE_SECURE", "True"),
///     ("FLASK_SESSION_COOKIE_NAME", "shop"),
/// ]);
/// assert_eq!(examined.faults().len(), 2);
/// assert_eq!(examined.shown("SESSION_COOKIE_NAME"), Some("shop"));
/// ```
#[derive(Debug)]
pub struct Examined {
    config: Option<SessionConfig>,
    faults: Vec<ConfigError>,
    shown: Vec<(&'static Setting, String)>,
    addresses: Vec<(&'static Setting, Address)>,
}

impl Examined {
    /// Looks at environment variables, as [`SessionConfig::from_vars`] reads them.
    pub fn of_vars<N, V>(prefix: &str, vars: impl IntoIterator<Item = (N, V)>) -> Self
    where
        N: Into<std::ffi::OsString>,
        V: Into<std::ffi::OsString>,
    {
        Self::of(env::read(prefix, vars))
    }

    /// Looks at values by their names in Flask's configuration.
    ///
    /// ```
    /// use hipflask::{config::Examined, value::Value};
    ///
    /// let examined = Examined::of_values([("SESSION_COOKIE_SECUR", Value::Bool(true))]);
    /// let texts: Vec<_> = examined.faults().iter().map(ToString::to_string).collect();
    /// assert_eq!(texts[0], "unknown setting SESSION_COOKIE_SECUR: did you mean SESSION_COOKIE_SECURE?");
    /// assert!(examined.config().is_none(), "there is no key");
    /// ```
    pub fn of_values<N: AsRef<str>>(values: impl IntoIterator<Item = (N, Value)>) -> Self {
        Self::of(env::read_values(values))
    }

    /// Looks at TOML text.
    ///
    /// ```
    /// use hipflask::config::Examined;
    ///
    /// let examined = Examined::of_toml("SECRET_KEY = '9f3c6a52be0d47c1886d1f7a0cb35e24'")?;
    /// assert!(examined.faults().is_empty());
    /// # Ok::<(), hipflask::ConfigError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`ConfigError::TomlSyntax`] if it is no TOML.
    #[cfg(feature = "toml")]
    pub fn of_toml(text: &str) -> Result<Self, ConfigError> {
        super::file::settings(text).map(Self::of)
    }

    fn of(settings: Settings) -> Self {
        let shown = settings.values().filter_map(|(it, value)| Some((it, shown(it, value)?)));
        let shown = shown.collect();
        let address = |(it, value): (&'static Setting, &Given)| match value {
            Given::Text(text) if is_address(it) => Some((it, Address(text.clone()))),
            _ => None,
        };
        let addresses = settings.values().filter_map(address).collect();
        // What is wrong with the rest is found without a key, too.
        let mut config = SessionConfig::new(SecretKey::new(""));
        let (key, mut faults) = settings.examine(&mut config);
        let config_faults = config.faults();
        let config = key.map(|secret_key| SessionConfig { secret_key, ..config });
        if let Some(config) = &config {
            faults.extend(config.secret_key.faults());
        }
        faults.extend(config_faults);
        Self { config, faults, shown, addresses }
    }

    /// Returns the configuration, whose other faults are not in it; `None` if there is no key.
    pub fn config(&self) -> Option<&SessionConfig> {
        self.config.as_ref()
    }

    /// Returns every fault: of names and values first, then of keys, then of what does not go together.
    pub fn faults(&self) -> &[ConfigError] {
        &self.faults
    }

    /// Returns what may be shown of a setting, in one form whatever it was written in: of a key its
    /// fingerprint. `None` if it is not set, and of addresses.
    ///
    /// ```
    /// use hipflask::config::Examined;
    ///
    /// let examined = Examined::of_vars("FLASK", [("FLASK_SECRET_KEY", "dev")]);
    /// assert_eq!(examined.shown("SECRET_KEY").map(str::len), Some(8));
    /// ```
    pub fn shown(&self, name: &str) -> Option<&str> {
        let (_, text) = self.shown.iter().find(|(setting, _)| setting.name() == name)?;
        Some(text)
    }

    /// Returns the address that a setting holds, which may have a password in it, such as `SESSION_STORE`.
    ///
    /// ```
    /// use hipflask::{config::Examined, store::StoreKind};
    ///
    /// let store = ("FLASK_SESSION_STORE", "redis://:hunter2@cache");
    /// let examined = Examined::of_vars("FLASK", [store]);
    /// let shown = examined.address("SESSION_STORE").and_then(StoreKind::shown);
    /// assert_eq!(shown.as_deref(), Some("redis://cache:6379"));
    /// ```
    pub fn address(&self, name: &str) -> Option<&str> {
        let (_, address) = self.addresses.iter().find(|(setting, _)| setting.name() == name)?;
        Some(&address.0)
    }
}

fn shown(setting: &Setting, value: &Given) -> Option<String> {
    let name = setting.name();
    Some(match value {
        _ if !value.is_set() => return None,
        Given::Text(text)
            if matches!(name, "SESSION_TAKE_OVER_KEY" | "WTF_CSRF_SECRET_KEY")
                || is_key(setting) =>
        {
            Key::from(text.as_str()).fingerprint()
        }
        Given::Bytes(bytes) if is_key(setting) => Key::from(bytes.as_slice()).fingerprint(),
        Given::List(keys) if is_key(setting) => {
            keys.iter().map(|key| shown(setting, key)).collect::<Option<Vec<_>>>()?.join(" ")
        }
        _ if is_key(setting) => format!("({})", value.kind()),
        Given::Text(_) if is_address(setting) => return None,
        Given::Bool(flag) => flag.to_string(),
        Given::Int(flag @ 0..=1) if setting.is_flag() => (*flag == 1).to_string(),
        Given::Int(number) => number.to_string(),
        Given::Float(number) => number.to_string(),
        Given::Date(text) | Given::Text(text) => text.clone(),
        Given::List(items) => {
            items.iter().map(|item| shown(setting, item)).collect::<Option<Vec<_>>>()?.join(" ")
        }
        Given::Bytes(_) | Given::Null | Given::Other(_) | Given::Table(..) => {
            format!("({})", value.kind())
        }
    })
}

fn is_key(setting: &Setting) -> bool {
    matches!(setting.goes, Goes::Key(_)) && setting.name() != "SECRET_KEY_FILE"
}

fn is_address(setting: &Setting) -> bool {
    setting.takes() == ADDRESS || matches!(setting.goes, Goes::Nowhere(CONNECT))
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: &str = "9f3c6a52be0d47c1886d1f7a0cb35e24";

    fn texts(vars: &[(&str, &str)]) -> Vec<String> {
        let examined = Examined::of_vars("FLASK", vars.iter().copied());
        examined.faults().iter().map(ToString::to_string).collect()
    }

    #[test]
    fn every_fault_is_found_at_once() {
        let found = texts(&[
            ("FLASK_SECRET_KEY", KEY),
            ("FLASK_SECRET_KEY_FALLBACKS", r#"["dev", "x"]"#),
            ("FLASK_SESSION_COKIE_SECURE", "true"),
            ("FLASK_SESSION_COOKIE_HTTPONLY", "yes"),
            ("FLASK_SESSION_COOKIE_SAMESITE", "None"),
            ("FLASK_PERMANENT_SESSION_LIFETIME", "0"),
            ("FLASK_SESSION_ID_LENGTH", "8"),
            ("FLASK_SESSION_USER_KEYS", "[]"),
            ("FLASK_SESSION_TOUCH_AFTER", "2"),
        ]);
        let starts = [
            "unknown setting FLASK_SESSION_COKIE_SECURE",
            "expected a lifetime of at least one second",
            "expected `true` or `false`",
            "fallback key 1 opens every session",
            "fallback key 2 opens every session",
            "browsers drop a cookie with SameSite=None",
            "SESSION_USER_KEYS expects at least one key",
            "SESSION_ID_LENGTH expects",
            "SESSION_TOUCH_AFTER expects",
        ];
        assert_eq!(found.len(), starts.len(), "{found:#?}");
        for (text, start) in found.iter().zip(starts) {
            assert!(text.starts_with(start), "{text}: expected {start}");
        }
    }

    #[test]
    fn key_may_be_bytes() {
        let key = Value::Bytes(b"\xff\x00 sixteen bytes at least".to_vec());
        let examined = Examined::of_values([("SECRET_KEY", key.clone())]);
        assert!(examined.faults().is_empty(), "{:?}", examined.faults());
        assert_eq!(examined.shown("SECRET_KEY").map(str::len), Some(8));
        let name = Examined::of_values([("SECRET_KEY", key.clone()), ("SESSION_COOKIE_NAME", key)]);
        assert_eq!(
            name.faults()[0].to_string(),
            "expected a string for SESSION_COOKIE_NAME, found bytes"
        );
    }

    #[test]
    fn other_faults_are_found_without_a_key() {
        let found = texts(&[("FLASK_SESSION_COOKIE_PATH", "shop")]);
        assert_eq!(found.len(), 2, "{found:#?}");
        assert!(found[0].starts_with("no secret key: set FLASK_SECRET_KEY"));
    }

    #[test]
    fn what_is_shown_has_one_form_and_no_secret() {
        let examined = Examined::of_vars(
            "FLASK",
            [
                ("FLASK_SECRET_KEY", KEY),
                ("FLASK_SECRET_KEY_FALLBACKS", r#"["hunter2hunter2hunter2"]"#),
                ("FLASK_WTF_CSRF_SECRET_KEY", KEY),
                ("FLASK_SESSION_COOKIE_SECURE", "1"),
                ("FLASK_PERMANENT_SESSION_LIFETIME", "900.0"),
                ("FLASK_SESSION_STORE", "redis://u:hunter2@cache/1"),
                ("FLASK_SESSION_REVOCATIONS", "hunter2"),
                ("FLASK_SESSION_REDIS", "redis://:hunter2@cache:1/1"),
                ("FLASK_SESSION_USER_KEYS", r#"["id", "name"]"#),
                ("FLASK_SESSION_COOKIE_DOMAIN", "null"),
            ],
        );
        let fingerprint = Key::from(KEY).fingerprint();
        for (name, expected) in [
            ("SECRET_KEY", Some(fingerprint.as_str())),
            ("WTF_CSRF_SECRET_KEY", Some(&fingerprint)),
            ("SESSION_COOKIE_SECURE", Some("true")),
            ("PERMANENT_SESSION_LIFETIME", Some("900")),
            ("SESSION_STORE", None),
            ("SESSION_REVOCATIONS", None),
            ("SESSION_REDIS", None),
            ("SESSION_USER_KEYS", Some("id name")),
            ("SESSION_COOKIE_DOMAIN", None),
            ("SESSION_COOKIE_NAME", None),
        ] {
            assert_eq!(examined.shown(name), expected, "{name}");
        }
        assert_eq!(examined.address("SESSION_STORE"), Some("redis://u:hunter2@cache/1"));
        assert!(!format!("{examined:?}").contains("hunter2"));
    }
}
