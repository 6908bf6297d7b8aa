//! Collects the settings of one source and applies them.
//!
//! Between the sources (`env`, `file`) and [`SessionConfig`]: knows which names are ours and no syntax.

use super::{
    ConfigError, SecretKey, SessionConfig,
    given::Given,
    name::{self, Meaning},
    table::{Goes, Setting},
};

/// The settings of one source.
pub(super) struct Settings {
    /// What stands before each name, to show names as they were written.
    prefix: String,
    values: Vec<(&'static Setting, Given)>,
    /// What is wrong with them, in the order in which it was found.
    faults: Vec<ConfigError>,
}

impl Settings {
    pub(super) fn new(prefix: String) -> Self {
        Self { prefix, values: Vec::new(), faults: Vec::new() }
    }

    /// Adds one setting, unless its name belongs to another part of the application.
    pub(super) fn add(&mut self, name: &str, value: Result<Given, ConfigError>) {
        match (name::meaning(name), value) {
            (Meaning::Foreign, _) => {}
            (Meaning::Misspelt(nearest), _) => {
                let (name, nearest) = (self.shown(name), self.shown(nearest));
                self.faults.push(ConfigError::MisspeltName { name, nearest });
            }
            (Meaning::Setting(_), Err(fault)) => self.faults.push(fault),
            (Meaning::Setting(setting), Ok(value)) => self.values.push((setting, value)),
        }
    }

    /// Returns a name as it was written.
    pub(super) fn shown(&self, name: &str) -> String {
        format!("{}{name}", self.prefix)
    }

    /// Applies all settings to Flask's defaults.
    pub(super) fn into_config(mut self) -> Result<SessionConfig, ConfigError> {
        self.first_fault()?;
        let config = SessionConfig::new(self.take_key()?);
        self.apply_to(config)
    }

    /// Applies all settings to a configuration, whose key stays if there is none here.
    pub(super) fn apply_to(
        mut self,
        mut config: SessionConfig,
    ) -> Result<SessionConfig, ConfigError> {
        self.first_fault()?;
        if self.values.iter().any(|(setting, _)| matches!(setting.goes, Goes::Key(_))) {
            config.secret_key = self.take_key()?;
        }
        self.apply_all(&mut config);
        self.first_fault()?;
        Ok(config)
    }

    /// Applies all settings but the keys, and returns the key and every fault.
    pub(super) fn examine(
        mut self,
        config: &mut SessionConfig,
    ) -> (Option<SecretKey>, Vec<ConfigError>) {
        let key = self.take_key().map_err(|fault| self.faults.push(fault)).ok();
        self.apply_all(config);
        (key, self.faults)
    }

    /// Returns the settings that were found, by their names in the table.
    pub(super) fn values(&self) -> impl Iterator<Item = (&'static Setting, &Given)> {
        self.values.iter().map(|(setting, value)| (*setting, value))
    }

    fn apply_all(&mut self, config: &mut SessionConfig) {
        for (setting, value) in std::mem::take(&mut self.values) {
            let shown = self.shown(setting.name());
            match setting.goes {
                Goes::To(_, apply) => {
                    self.faults.extend(apply(config, &shown, value).err());
                }
                Goes::Nowhere(instead) if !matches!(value, Given::Null) => {
                    config.unused.push((shown, instead));
                }
                Goes::Key(_) | Goes::Nowhere(_) => {}
            }
        }
    }

    fn first_fault(&mut self) -> Result<(), ConfigError> {
        if self.faults.is_empty() { Ok(()) } else { Err(self.faults.swap_remove(0)) }
    }

    fn take_key(&mut self) -> Result<SecretKey, ConfigError> {
        let key = self.take("SECRET_KEY");
        let fallbacks = self.take("SECRET_KEY_FALLBACKS");
        match self.take("SECRET_KEY_FILE") {
            None | Some(Given::Null) => {}
            Some(_) if key.iter().chain(&fallbacks).any(Given::is_set) => {
                return Err(ConfigError::Store {
                    name: self.shown("SECRET_KEY_FILE"),
                    expected: "to have all keys: unset SECRET_KEY and SECRET_KEY_FALLBACKS, or this",
                });
            }
            Some(path) => return SecretKey::watch(path.text(&self.shown("SECRET_KEY_FILE"))?),
        }
        SecretKey::from_given(
            (&self.shown("SECRET_KEY"), key),
            (&self.shown("SECRET_KEY_FALLBACKS"), fallbacks),
        )
    }

    fn take(&mut self, name: &str) -> Option<Given> {
        let at = self.values.iter().position(|(setting, _)| setting.name() == name)?;
        Some(self.values.swap_remove(at).1)
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
        assert_eq!(config.secret_key.ring().fallbacks(), ["a".into()]);
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
            "FLASK_SESSION_TYPE expects null, cookie, or one of Flask-Session's types, such as redis",
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
