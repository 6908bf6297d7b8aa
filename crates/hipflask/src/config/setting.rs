//! Applies settings by Flask's names, wherever they came from.
//!
//! Between the sources (`env`, `file`) and [`SessionConfig`]: knows kinds of values and no syntax.
//! Flask takes values of any kind and fails, or not, when it uses them; here the kind is checked
//! at once.

use hipflask_core::{record::Format, signing::Key};

use super::{
    ConfigError, SecretKey, SessionConfig, lifetime,
    name::{self, Meaning},
};

/// A value as it was found. Not printable, since it may be a key.
pub(super) enum Given {
    Bool(bool),
    Float(f64),
    Int(i128),
    List(Vec<Self>),
    Null,
    /// Something that no setting takes, with the words for it.
    Other(&'static str),
    Text(String),
}

impl Given {
    /// Returns the error for a setting that expects something else.
    pub(super) fn wrong_type(&self, name: &str, expected: &'static str) -> ConfigError {
        ConfigError::WrongType { name: name.into(), expected, found: self.kind() }
    }

    fn kind(&self) -> &'static str {
        match self {
            Self::Bool(_) => "a truth value",
            Self::Float(_) | Self::Int(_) => "a number",
            Self::List(_) => "a list",
            Self::Null => "null",
            Self::Other(kind) => kind,
            Self::Text(_) => "a string",
        }
    }
}

/// The settings of one source.
pub(super) struct Settings {
    /// What stands before each name, to show names as they were written.
    prefix: String,
    values: Vec<(&'static str, Given)>,
}

impl Settings {
    pub(super) fn new(prefix: String) -> Self {
        Self { prefix, values: Vec::new() }
    }

    /// Adds one setting, unless its name belongs to another part of the application.
    pub(super) fn add(&mut self, name: &str, value: Given) -> Result<(), ConfigError> {
        match name::meaning(name) {
            Meaning::Foreign => {}
            Meaning::Misspelt(nearest) => {
                let (name, nearest) = (self.shown(name), self.shown(nearest));
                return Err(ConfigError::MisspeltName { name, nearest });
            }
            Meaning::Setting(name) => self.values.push((name, value)),
        }
        Ok(())
    }

    /// Returns a name as it was written.
    pub(super) fn shown(&self, name: &str) -> String {
        format!("{}{name}", self.prefix)
    }

    /// Applies all settings to Flask's defaults.
    pub(super) fn into_config(mut self) -> Result<SessionConfig, ConfigError> {
        let config = SessionConfig::new(self.take_key()?);
        self.apply_to(config)
    }

    /// Applies all settings to a configuration, whose key stays if there is none here.
    pub(super) fn apply_to(
        mut self,
        mut config: SessionConfig,
    ) -> Result<SessionConfig, ConfigError> {
        if self.values.iter().any(|(name, _)| name.starts_with("SECRET_KEY")) {
            config.secret_key = self.take_key()?;
        }
        for (name, value) in std::mem::take(&mut self.values) {
            config.apply(name, &self.shown(name), value)?;
        }
        Ok(config)
    }

    fn take_key(&mut self) -> Result<SecretKey, ConfigError> {
        let key = self.take("SECRET_KEY");
        let fallbacks = self.take("SECRET_KEY_FALLBACKS");
        SecretKey::from_given(
            (&self.shown("SECRET_KEY"), key),
            (&self.shown("SECRET_KEY_FALLBACKS"), fallbacks),
        )
    }

    fn take(&mut self, name: &str) -> Option<Given> {
        let at = self.values.iter().position(|(known, _)| *known == name)?;
        Some(self.values.swap_remove(at).1)
    }
}

impl SessionConfig {
    /// Applies the setting `name`, which was written as `shown`.
    fn apply(&mut self, name: &str, shown: &str, value: Given) -> Result<(), ConfigError> {
        match name {
            "APPLICATION_ROOT" => self.application_root = text(shown, value)?,
            "MAX_COOKIE_SIZE" => self.max_cookie_size = size(shown, &value)?,
            "PERMANENT_SESSION_LIFETIME" => self.lifetime = lifetime::from_given(shown, &value)?,
            "SESSION_COOKIE_DOMAIN" => self.domain = domain(shown, value)?,
            "SESSION_COOKIE_HTTPONLY" => self.http_only = flag(shown, &value)?,
            "SESSION_COOKIE_NAME" => self.cookie_name = text(shown, value)?,
            "SESSION_COOKIE_PARTITIONED" => self.partitioned = flag(shown, &value)?,
            "SESSION_COOKIE_PATH" => self.path = path(shown, value)?,
            "SESSION_COOKIE_SAMESITE" => {
                self.same_site = match value {
                    Given::Null => None,
                    value => Some(text(shown, value)?.parse()?),
                }
            }
            "SESSION_COOKIE_SECURE" => self.secure = flag(shown, &value)?,
            "SESSION_REFRESH_EACH_REQUEST" => self.refresh_each_request = flag(shown, &value)?,
            "SESSION_ID_LENGTH" => self.stored.settings.id_length = size(shown, &value)?,
            "SESSION_KEY_PREFIX" => self.stored.settings.key_prefix = text(shown, value)?,
            "SESSION_PERMANENT" => self.stored.settings.permanent = flag(shown, &value)?,
            "SESSION_SERIALIZATION_FORMAT" => self.stored.settings.format = format(shown, value)?,
            "SESSION_TYPE" => self.stored.wanted = session_type(shown, value)?,
            "SESSION_USE_SIGNER" => self.stored.use_signer = flag(shown, &value)?,
            _ => {}
        }
        Ok(())
    }
}

/// Reads a secret key; what Flask takes for none is none.
pub(super) fn key(name: &str, value: Given) -> Result<Key, ConfigError> {
    match value {
        Given::Text(text) if !text.is_empty() => Ok(text.into()),
        Given::Null | Given::Text(_) => Err(ConfigError::NoKey { name: name.into() }),
        other => Err(ConfigError::KeyNotText { name: name.into(), found: other.kind() }),
    }
}

/// Reads fallback keys in the order in which they are written.
pub(super) fn fallbacks(name: &str, value: Given) -> Result<Vec<Key>, ConfigError> {
    const EXPECTED: &str = "a list of strings, such as [\"the old key\"],";
    match value {
        Given::Null => Ok(Vec::new()),
        Given::Text(text) if text.is_empty() => Ok(Vec::new()),
        Given::Text(_) => Err(ConfigError::FallbacksNotList { name: name.into() }),
        Given::List(items) => items
            .into_iter()
            .map(|item| match item {
                Given::Text(text) => Ok(text.into()),
                _ => Err(ConfigError::WrongType {
                    name: name.into(),
                    expected: EXPECTED,
                    found: "a list of other things",
                }),
            })
            .collect(),
        other => Err(other.wrong_type(name, EXPECTED)),
    }
}

/// The store's own address is not Flask-Session's to tell: it takes client objects.
fn session_type(name: &str, value: Given) -> Result<Option<String>, ConfigError> {
    const TYPES: [&str; 7] =
        ["cachelib", "dynamodb", "filesystem", "memcached", "mongodb", "redis", "sqlalchemy"];
    const EXPECTED: &str = "null, cookie, or one of Flask-Session's types, such as redis";
    if matches!(value, Given::Null) {
        return Ok(None);
    }
    match text(name, value)?.to_ascii_lowercase() {
        word if ["cookie", "null"].contains(&word.as_str()) => Ok(None),
        word if TYPES.contains(&word.as_str()) => Ok(Some(word)),
        _ => Err(ConfigError::Store { name: "SESSION_TYPE", expected: EXPECTED }),
    }
}

fn format(name: &str, value: Given) -> Result<Format, ConfigError> {
    match text(name, value)?.to_ascii_lowercase().as_str() {
        "json" => Ok(Format::Json),
        "msgpack" => Ok(Format::MsgPack),
        _ => Err(ConfigError::Store {
            name: "SESSION_SERIALIZATION_FORMAT",
            expected: "msgpack or json",
        }),
    }
}

fn domain(name: &str, value: Given) -> Result<Option<String>, ConfigError> {
    const EXPECTED: &str = "a host name, or `false` in lower case for none,";
    // What is meant for Python would otherwise be the name of a host.
    let is_word = |text: &str| ["False", "None"].contains(&text);
    match value {
        Given::Bool(false) | Given::Null => Ok(None),
        Given::Text(text) if !is_word(&text) => Ok(Some(text)),
        other => Err(other.wrong_type(name, EXPECTED)),
    }
}

/// DIFFERENCE: Flask takes every text for true, `False` and `no` included, and writes a number
/// into the header.
fn flag(name: &str, value: &Given) -> Result<bool, ConfigError> {
    match value {
        Given::Bool(flag) => Ok(*flag),
        Given::Int(0) => Ok(false),
        Given::Int(1) => Ok(true),
        other => {
            Err(other.wrong_type(name, "`true` or `false`, in lower case and without quotes,"))
        }
    }
}

fn path(name: &str, value: Given) -> Result<Option<String>, ConfigError> {
    match value {
        Given::Null | Given::Bool(false) => Ok(None),
        Given::Text(text) if text.is_empty() => Ok(None),
        value => text(name, value).map(Some),
    }
}

fn size(name: &str, value: &Given) -> Result<usize, ConfigError> {
    match value {
        Given::Int(bytes) => usize::try_from(*bytes).ok(),
        _ => None,
    }
    .ok_or_else(|| {
        let expected = "a whole number of bytes, 0 being no limit,";
        value.wrong_type(name, expected)
    })
}

fn text(name: &str, value: Given) -> Result<String, ConfigError> {
    match value {
        Given::Text(text) => Ok(text),
        other => Err(other.wrong_type(name, "a string")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: &str = "9f3c6a52be0d47c1886d1f7a0cb35e24";

    fn read(name: &str, value: &str) -> Result<SessionConfig, ConfigError> {
        SessionConfig::from_vars("FLASK", [("FLASK_SECRET_KEY", KEY), (name, value)])
    }

    #[track_caller]
    fn check_error(name: &str, value: &str, expected: &str) {
        assert_eq!(read(name, value).unwrap_err().to_string(), expected, "{name}={value}");
    }

    #[track_caller]
    fn check_header(vars: &[(&str, &str)], expected: &str) {
        let key = [("FLASK_SECRET_KEY", KEY)];
        let config = SessionConfig::from_vars("FLASK", key.iter().chain(vars).copied()).unwrap();
        let interface = config.build().unwrap();
        let header =
            hipflask_core::cookie::write(interface.name(), "v", interface.attributes(), None, None);
        assert_eq!(header.unwrap(), expected, "{vars:?}");
    }

    #[test]
    fn settings_make_flasks_header() {
        check_header(&[], "session=v; HttpOnly; Path=/");
        check_header(
            &[
                ("FLASK_APPLICATION_ROOT", "/app"),
                ("FLASK_SESSION_COOKIE_DOMAIN", ".example.com"),
                ("FLASK_SESSION_COOKIE_HTTPONLY", "false"),
                ("FLASK_SESSION_COOKIE_NAME", "shop"),
                ("FLASK_SESSION_COOKIE_PARTITIONED", "1"),
                ("FLASK_SESSION_COOKIE_PATH", ""),
                ("FLASK_SESSION_COOKIE_SAMESITE", "None"),
                ("FLASK_SESSION_COOKIE_SECURE", "true"),
            ],
            "shop=v; Domain=example.com; Secure; Path=/app; SameSite=None; Partitioned",
        );
        check_header(
            &[
                ("FLASK_APPLICATION_ROOT", "/app"),
                ("FLASK_SESSION_COOKIE_DOMAIN", "false"),
                ("FLASK_SESSION_COOKIE_PATH", "/app/shop"),
                ("FLASK_SESSION_COOKIE_SAMESITE", "null"),
                ("FLASK_SESSION_COOKIE_SECURE", "0"),
            ],
            "session=v; HttpOnly; Path=/app/shop",
        );
    }

    #[test]
    fn settings_beyond_the_header_arrive() {
        let config = SessionConfig::from_vars(
            "SHOP_",
            [
                ("SHOP_SECRET_KEY", KEY),
                ("SHOP_SECRET_KEY_FALLBACKS", "[\"a\"]"),
                ("SHOP_PERMANENT_SESSION_LIFETIME", "90.5"),
                ("SHOP_SESSION_REFRESH_EACH_REQUEST", "false"),
                ("SHOP_MAX_COOKIE_SIZE", "0"),
                ("SHOP_SESSION_PERMANENT", "true"),
                ("SHOP_SESSION_TYPE", "null"),
                ("FLASK_SESSION_COOKIE_SECURE", "True"),
            ],
        )
        .unwrap();
        assert_eq!(config.secret_key.ring().fallbacks(), [Key::from("a")]);
        assert_eq!(config.lifetime, std::time::Duration::from_millis(90_500));
        assert!(!config.refresh_each_request);
        assert_eq!(config.max_cookie_size, 0);
    }

    #[test]
    fn settings_of_the_wrong_kind_are_refused() {
        for value in ["True", "yes", "\"true\"", ""] {
            check_error(
                "FLASK_SESSION_COOKIE_SECURE",
                value,
                "expected `true` or `false`, in lower case and without quotes, for \
                 FLASK_SESSION_COOKIE_SECURE, found a string",
            );
        }
        for name in [
            "FLASK_SESSION_COOKIE_HTTPONLY",
            "FLASK_SESSION_COOKIE_PARTITIONED",
            "FLASK_SESSION_REFRESH_EACH_REQUEST",
        ] {
            let text = "expected `true` or `false`, in lower case and without quotes, for";
            check_error(name, "2", &format!("{text} {name}, found a number"));
        }
        for name in ["FLASK_SESSION_COOKIE_NAME", "FLASK_APPLICATION_ROOT"] {
            check_error(name, "null", &format!("expected a string for {name}, found null"));
        }
        check_error(
            "FLASK_SESSION_COOKIE_PATH",
            "7",
            "expected a string for FLASK_SESSION_COOKIE_PATH, found a number",
        );
        check_error(
            "FLASK_SESSION_COOKIE_DOMAIN",
            "False",
            "expected a host name, or `false` in lower case for none, for \
             FLASK_SESSION_COOKIE_DOMAIN, found a string",
        );
        for (value, found) in
            [("-1", "a number"), ("4e3", "a number"), ("4 KB", "a string"), ("[]", "a list")]
        {
            let text = "expected a whole number of bytes, 0 being no limit, for";
            let text = format!("{text} FLASK_MAX_COOKIE_SIZE, found {found}");
            check_error("FLASK_MAX_COOKIE_SIZE", value, &text);
        }
    }

    #[test]
    fn same_site_wants_a_known_word() {
        check_error(
            "FLASK_SESSION_COOKIE_SAMESITE",
            "",
            "expected Lax, None or Strict for SameSite: leave it unset to let the browser decide",
        );
        check_error(
            "FLASK_SESSION_COOKIE_SAMESITE",
            "false",
            "expected a string for FLASK_SESSION_COOKIE_SAMESITE, found a truth value",
        );
    }

    #[test]
    fn misspelt_names_are_refused() {
        check_error(
            "FLASK_SESSION_COOKIE_SECUR",
            "true",
            "unknown setting FLASK_SESSION_COOKIE_SECUR: did you mean FLASK_SESSION_COOKIE_SECURE?",
        );
        assert!(read("FLASK_DEBUG", "1").is_ok());
        assert!(read("SESSION_COOKIE_SECUR", "1").is_ok()); // not ours without the prefix
    }

    #[test]
    fn session_type_names_a_store_or_none() {
        check_error(
            "FLASK_SESSION_TYPE",
            "floppy",
            "SESSION_TYPE expects null, cookie, or one of Flask-Session's types, such as redis",
        );
        assert!(read("FLASK_SESSION_TYPE", "Redis").unwrap().wants_store());
        for value in ["null", "\"NULL\"", "cookie"] {
            assert!(!read("FLASK_SESSION_TYPE", value).unwrap().wants_store(), "{value}");
        }
    }

    #[test]
    fn settings_need_a_key() {
        let none: [(&str, &str); 0] = [];
        assert_eq!(
            SessionConfig::from_vars("FLASK", none).unwrap_err().to_string(),
            "no secret key: set FLASK_SECRET_KEY to the Flask app's key, or to what `hipflask secret` prints"
        );
    }
}
