//! Reads settings from environment variables, with Flask's prefix and Flask's rule.
//!
//! The rule of [`Config.from_prefixed_env`][py]: a value that is JSON is taken as JSON, any other
//! as text. So `true` is a truth value and `True` is a text.
//!
//! [py]: https://flask.palletsprojects.com/en/stable/api/#flask.Config.from_prefixed_env

use std::{collections::BTreeMap, ffi::OsString};

use hipflask_core::value::Value;

use super::{
    ConfigError, SessionConfig,
    given::Given,
    name::{self, Meaning},
    setting::Settings,
};

impl SessionConfig {
    /// Reads the environment variables that start with `FLASK_`, as Flask's own app does.
    ///
    /// # Errors
    ///
    /// [`ConfigError`] for a value of the wrong kind, for a misspelt name, and without a key.
    #[doc(alias = "from_prefixed_env")]
    pub fn from_env() -> Result<Self, ConfigError> {
        Self::from_env_with_prefix("FLASK")
    }

    /// Reads the environment variables that start with `prefix` and `_`, which `prefix` may end with;
    /// with no prefix, those whose names are the settings'.
    ///
    /// # Errors
    ///
    /// As [`from_env`](Self::from_env).
    pub fn from_env_with_prefix(prefix: &str) -> Result<Self, ConfigError> {
        Self::from_vars(prefix, std::env::vars_os())
    }

    /// Reads variables that came from elsewhere, for instance from a `.env` file.
    ///
    /// ```
    /// use hipflask::SessionConfig;
    ///
    /// let config = SessionConfig::from_vars("FLASK", [
    ///     ("FLASK_SECRET_KEY", "9f3c6a52be0d47c1886d1f7a0cb35e24"),
    ///     ("FLASK_SESSION_COOKIE_NAME", "shop"),
    ///     ("FLASK_SESSION_COOKIE_SECURE", "true"),
    ///     ("LANG", "C.UTF-8"),
    /// ])?;
    /// assert_eq!(config.cookie_name(), "shop");
    /// # Ok::<(), hipflask::ConfigError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// As [`from_env`](Self::from_env).
    pub fn from_vars<N, V>(
        prefix: &str,
        vars: impl IntoIterator<Item = (N, V)>,
    ) -> Result<Self, ConfigError>
    where
        N: Into<OsString>,
        V: Into<OsString>,
    {
        read(prefix, vars).into_config()
    }

    /// Applies variables to this configuration, whose key stays if there is none among them.
    ///
    /// ```
    /// use hipflask::{SecretKey, SessionConfig};
    ///
    /// let config = SessionConfig::new(SecretKey::random()?)
    ///     .with_vars("FLASK", [("FLASK_SESSION_COOKIE_NAME", "shop")])?;
    /// assert_eq!(config.cookie_name(), "shop");
    /// # Ok::<(), hipflask::ConfigError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// As [`from_env`](Self::from_env).
    pub fn with_vars<N, V>(
        self,
        prefix: &str,
        vars: impl IntoIterator<Item = (N, V)>,
    ) -> Result<Self, ConfigError>
    where
        N: Into<OsString>,
        V: Into<OsString>,
    {
        read(prefix, vars).apply_to(self)
    }
}

impl SessionConfig {
    /// Applies settings of a Flask app's own configuration, by their names in it. Names that are
    /// none of Flask's or Flask-Session's settings for sessions are for other parts of the app.
    ///
    /// ```
    /// use hipflask::{SecretKey, SessionConfig, value::Value};
    ///
    /// let config = SessionConfig::new(SecretKey::random()?)
    ///     .with_values([("SESSION_COOKIE_NAME", Value::from("shop")), ("DEBUG", Value::Null)])?;
    /// assert_eq!(config.cookie_name(), "shop");
    /// # Ok::<(), hipflask::ConfigError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`ConfigError`] for a value of the wrong kind and for a misspelt name.
    pub fn with_values<N: AsRef<str>>(
        self,
        values: impl IntoIterator<Item = (N, Value)>,
    ) -> Result<Self, ConfigError> {
        read_values(values).apply_to(self)
    }
}

pub(super) fn read_values<N: AsRef<str>>(values: impl IntoIterator<Item = (N, Value)>) -> Settings {
    let mut settings = Settings::new(String::new());
    for (name, value) in values {
        settings.add(name.as_ref(), Ok(value.into()));
    }
    settings
}

pub(super) fn read<N, V>(prefix: &str, vars: impl IntoIterator<Item = (N, V)>) -> Settings
where
    N: Into<OsString>,
    V: Into<OsString>,
{
    let prefix = match prefix.strip_suffix('_').unwrap_or(prefix) {
        "" => String::new(),
        prefix => format!("{prefix}_"),
    };
    // In order of their names, so that of several mistakes the same one is reported each time.
    let mut found = BTreeMap::new();
    for (name, value) in vars {
        let name = name.into();
        let Some(name) = name.to_str().and_then(|name| name.strip_prefix(&prefix)) else {
            continue;
        };
        if !matches!(name::meaning(name), Meaning::Foreign) {
            found.insert(name.to_owned(), value.into());
        }
    }
    let mut settings = Settings::new(prefix);
    for (name, value) in found {
        let value = Given::of_variable(&settings.shown(&name), &value);
        settings.add(&name, value);
    }
    settings
}
