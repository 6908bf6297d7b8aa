//! Reads settings from TOML, as Flask's [`Config.from_file`][py] does with `tomllib`.
//!
//! Flask's names stand at the top level, in capitals; other names and tables are not touched.
//!
//! [py]: https://flask.palletsprojects.com/en/stable/config/#configuring-from-data-files

use std::{fs, path::Path};

use toml::{Table, Value};

use super::{
    ConfigError, SessionConfig,
    given::Given,
    name::{self, Meaning},
    setting::Settings,
};

impl SessionConfig {
    /// Reads settings from TOML text.
    ///
    /// ```
    /// use hipflask::SessionConfig;
    ///
    /// let config = SessionConfig::from_toml(
    ///     r#"
    ///     SECRET_KEY = "9f3c6a52be0d47c1886d1f7a0cb35e24"
    ///     SECRET_KEY_FALLBACKS = ["71d55a3b0c7a2f93e9d1b4c86605f8ae"]
    ///     SESSION_COOKIE_SAMESITE = "Lax"
    ///     PERMANENT_SESSION_LIFETIME = 3600 # seconds
    ///     "#,
    /// )?;
    /// assert_eq!(config.secret_key().ring().fallbacks().len(), 1);
    /// # Ok::<(), hipflask::ConfigError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`ConfigError`] if it is no TOML, for a value of the wrong kind, for a misspelt name, and
    /// without a key.
    #[doc(alias = "from_file")]
    pub fn from_toml(text: &str) -> Result<Self, ConfigError> {
        settings(text)?.into_config()
    }

    /// Applies settings from TOML text on top of these. The key may come from elsewhere.
    ///
    /// ```
    /// use hipflask::{SecretKey, SessionConfig};
    ///
    /// let key = SecretKey::random()?; // or from_env("FLASK_SECRET_KEY")
    /// let config = SessionConfig::new(key).with_toml("SESSION_COOKIE_NAME = 'shop'")?;
    /// assert_eq!(config.cookie_name(), "shop");
    /// # Ok::<(), hipflask::ConfigError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// As [`from_toml`](Self::from_toml), but for a missing key.
    pub fn with_toml(self, text: &str) -> Result<Self, ConfigError> {
        settings(text)?.apply_to(self)
    }

    /// Reads settings from a TOML file.
    ///
    /// # Errors
    ///
    /// [`ConfigError::Unreadable`], otherwise as [`from_toml`](Self::from_toml).
    pub fn from_toml_file(path: impl AsRef<Path>) -> Result<Self, ConfigError> {
        let path = path.as_ref();
        let text = fs::read_to_string(path)
            .map_err(|source| ConfigError::Unreadable { path: path.into(), source })?;
        Self::from_toml(&text)
    }
}

pub(super) fn settings(text: &str) -> Result<Settings, ConfigError> {
    // The parser's own error quotes the line, and with it perhaps a key.
    let table: Table = toml::from_str(text).map_err(|error| {
        let at = error.span().map_or(0, |span| span.start);
        let (line, column) = position(text, at);
        ConfigError::TomlSyntax { line, column }
    })?;
    let mut settings = Settings::new(String::new());
    for (name, value) in table {
        if !matches!(name::meaning(&name), Meaning::Foreign) {
            settings.add(&name, Ok(of_toml(value)));
        }
    }
    Ok(settings)
}

fn of_toml(value: Value) -> Given {
    match value {
        Value::Array(items) => Given::List(items.into_iter().map(of_toml).collect()),
        Value::Boolean(flag) => Given::Bool(flag),
        Value::Datetime(time) => Given::Date(time.to_string()),
        Value::Float(float) => Given::Float(float),
        Value::Integer(int) => Given::Int(int.into()),
        Value::String(text) => Given::Text(text),
        Value::Table(table) => {
            let entries = table.into_iter().map(|(name, value)| (name, of_toml(value)));
            Given::Table("a table", entries.collect())
        }
    }
}

/// Returns the line and the column of a byte, both counted from one.
fn position(text: &str, at: usize) -> (usize, usize) {
    let before = &text.as_bytes()[..at.min(text.len())];
    let line_start = before.iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
    let n_breaks = before.iter().filter(|byte| **byte == b'\n').count();
    (n_breaks + 1, before.len() - line_start + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: &str = "SECRET_KEY = '9f3c6a52be0d47c1886d1f7a0cb35e24'";

    #[track_caller]
    fn check_error(text: &str, expected: &str) {
        assert_eq!(SessionConfig::from_toml(text).unwrap_err().to_string(), expected, "{text}");
    }

    #[track_caller]
    fn check_setting(line: &str, expected: &str) {
        check_error(&format!("{KEY}\n{line}"), expected);
    }

    #[test]
    fn toml_settings_arrive() {
        let config = SessionConfig::from_toml(&format!(
            "TITLE = 'Shop'\n{KEY}\nSECRET_KEY_FALLBACKS = ['a', 'b']\nSESSION_COOKIE_NAME = 'n'\n\
             PERMANENT_SESSION_LIFETIME = 1.5\nSESSION_COOKIE_SECURE = true\n[other]\n\
             SESSION_COOKIE_SECUR = 1"
        ))
        .unwrap();
        assert_eq!(config.secret_key().ring().fallbacks().len(), 2);
        assert_eq!(config.cookie_name(), "n");
        assert_eq!(config.lifetime, std::time::Duration::from_millis(1500));
        assert!(config.secure);
    }

    #[test]
    fn toml_mistakes_are_named() {
        check_error(
            "",
            "no secret key: set SECRET_KEY to the Flask app's key, or to what `hipflask secret` prints",
        );
        check_error(
            "SECRET_KEY = ''",
            "no secret key: set SECRET_KEY to the Flask app's key, or to what `hipflask secret` prints",
        );
        check_error(
            "SECRET_KEY = 5",
            "expected a string for SECRET_KEY, found a number: put the key between double quotes, \
             which have to be part of the value in the environment, since Flask reads JSON there",
        );
        check_error("secret_key = 'x'", "unknown setting secret_key: did you mean SECRET_KEY?");
        check_setting(
            "SESSION_COOKIE_SAME_SITE = 'Lax'",
            "unknown setting SESSION_COOKIE_SAME_SITE: did you mean SESSION_COOKIE_SAMESITE?",
        );
        check_setting(
            "SECRET_KEY_FALLBACKS = 'old'",
            "expected a list for SECRET_KEY_FALLBACKS, found a string, of which Flask accepts \
             every single character as a key: write [\"the old key\"]",
        );
        check_setting(
            "PERMANENT_SESSION_LIFETIME = 07:32:00",
            "expected a number of seconds, such as 2678400 for 31 days, for \
             PERMANENT_SESSION_LIFETIME, found a date or time",
        );
        check_setting(
            "[SESSION_COOKIE_NAME]",
            "expected a string for SESSION_COOKIE_NAME, found a table",
        );
        check_setting(
            "SESSION_SERIALIZATION_FORMAT = 'yaml'",
            "SESSION_SERIALIZATION_FORMAT expects msgpack, json, pickle or tagged_json",
        );
        check_setting(
            "SESSION_TAKE_OVER = 'django'",
            "SESSION_TAKE_OVER expects the word of a package: beaker, django_database, \
             django_signed_cookies, flask_kvsession, quart_session, starlette or starsessions",
        );
    }

    #[test]
    fn toml_syntax_errors_tell_where_and_not_what() {
        check_error("A = 1\nB = 'x", "expected TOML at line 2, column 7: strings need quotes");
        check_error(
            "SECRET_KEY = xyzzy",
            "expected TOML at line 1, column 14: strings need quotes",
        );
        check_error("\u{e9} = 1", "expected TOML at line 1, column 1: strings need quotes");
    }

    #[test]
    fn toml_file_is_read() {
        let path = std::env::temp_dir().join(format!("hipflask-toml-{}", std::process::id()));
        fs::write(&path, format!("{KEY}\nSESSION_COOKIE_NAME = 'from-file'")).unwrap();
        let config = SessionConfig::from_toml_file(&path);
        fs::remove_file(&path).unwrap();
        assert_eq!(config.unwrap().cookie_name(), "from-file");
        let error = SessionConfig::from_toml_file("no/such.toml").unwrap_err();
        assert!(matches!(error, ConfigError::Unreadable { .. }));
    }
}
