//! What can be wrong with a configuration, and what to do about it.
//!
//! Texts name settings and places, never a value: each of them may end up in a log.

use std::{io, path::PathBuf};

use hipflask_core::{
    cookie::{AttributeError, ParseSameSiteError, PathError},
    signing::strength::Weakness,
};

/// Why a configuration is refused; the text says what to do.
///
/// ```
/// use hipflask::{ConfigError, SecretKey, SessionConfig};
///
/// let error = SessionConfig::new(SecretKey::new("dev")).build().unwrap_err();
/// assert!(matches!(error, ConfigError::WeakKey(_)));
/// assert!(error.to_string().contains("make a new one with `hipflask secret`"));
/// ```
#[derive(thiserror::Error)]
#[non_exhaustive]
pub enum ConfigError {
    /// The root of the application is no path for a cookie.
    #[error("APPLICATION_ROOT is the path of the cookie unless SESSION_COOKIE_PATH is set: {0}")]
    ApplicationRoot(PathError),
    /// A browser would not keep the cookie.
    #[error(transparent)]
    Cookie(#[from] AttributeError),
    /// The fallbacks are one text instead of a list.
    #[error(
        "expected a list for {name}, found a string, of which Flask accepts every single character \
         as a key: write [\"the old key\"]"
    )]
    FallbacksNotList {
        /// The setting, as it was written.
        name: String,
    },
    /// A file or folder of keys cannot be used.
    #[error("{}{}: {fault}", path.display(), line.map_or_else(String::new, |it| format!(", line {it}")))]
    KeyFile {
        /// The file or folder.
        path: PathBuf,
        /// The line, counted from one, if there are several.
        line: Option<usize>,
        /// What is wrong.
        fault: KeyFileFault,
    },
    /// The secret key is a number, `true`, a list or the like.
    #[error(
        "expected a string for {name}, found {found}: put the key between double quotes, which \
         have to be part of the value in the environment, since Flask reads JSON there"
    )]
    KeyNotText {
        /// The setting, as it was written.
        name: String,
        /// The kind of what was found.
        found: &'static str,
    },
    /// The lifetime is a text.
    #[error(
        "expected a number of seconds for {name}, found a string: write 2678400 for 31 days, \
         without quotes and units, which Flask does not know"
    )]
    LifetimeNotNumber {
        /// The setting, as it was written.
        name: String,
    },
    /// A cookie would expire after the year 9999.
    #[error(
        "expected a lifetime of at most 7000 years: shorten PERMANENT_SESSION_LIFETIME, for \
         instance to 2678400 seconds, which are 31 days"
    )]
    LifetimeTooLong,
    /// No cookie would be accepted.
    #[error(
        "expected a lifetime of at least one second: raise PERMANENT_SESSION_LIFETIME, for \
         instance to 2678400 seconds, which are 31 days, and change SECRET_KEY to end all sessions"
    )]
    LifetimeTooShort,
    /// A setting has almost the name of one that exists.
    #[error("unknown setting {name}: did you mean {nearest}?")]
    MisspeltName {
        /// The setting, as it was written.
        name: String,
        /// The setting that resembles it most.
        nearest: String,
    },
    /// Sessions are to be encrypted, and the program was built without it.
    #[error(
        "SESSION_ENCRYPTION needs the feature `encryption` of hipflask: add it in Cargo.toml, or unset it"
    )]
    NoEncryption,
    /// There is no secret key.
    #[error(
        "no secret key: set {name} to the Flask app's key, or to what `hipflask secret` prints"
    )]
    NoKey {
        /// The setting that is absent or empty.
        name: String,
    },
    /// An environment variable is not Unicode.
    #[error("expected UTF-8 in {name}: write other bytes as \\u escapes between double quotes")]
    NotUnicode {
        /// The environment variable.
        name: String,
    },
    /// The operating system gives no random bytes.
    #[error("the operating system gives no random bytes: set a secret key instead")]
    RandomUnavailable(#[source] io::Error),
    /// Signed cookies are to be revoked, and no store was given that keeps what is refused.
    #[error(
        "SESSION_REVOCATIONS names a store: use SessionLayer::connect, or connect to it and use \
         SessionLayer::revocable, or unset it"
    )]
    NoRevocations,
    /// The key cannot sign remember cookies.
    #[error(transparent)]
    RememberKey(#[from] hipflask_core::auth::RememberKeyError),
    /// Sessions are to be kept in a store, and none was given.
    #[error(
        "SESSION_TYPE asks for a store: connect to it and use SessionLayer::stored, \
         or unset it to keep sessions in the signed cookie"
    )]
    NoStore,
    /// A setting of sessions in a store has a value that cannot work.
    #[error("{name} expects {expected}")]
    Store {
        /// The setting, as it was written.
        name: String,
        /// What is expected.
        expected: &'static str,
    },
    /// The text is not TOML.
    #[error("expected TOML at line {line}, column {column}: strings need quotes")]
    TomlSyntax {
        /// The line, counted from one.
        line: usize,
        /// The column in bytes, counted from one.
        column: usize,
    },
    /// The word is no rule for `SameSite`.
    #[error(transparent)]
    UnknownSameSite(#[from] ParseSameSiteError),
    /// A file cannot be read.
    #[error("cannot read {}: check that it exists and is readable", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the operating system says.
        source: io::Error,
    },
    /// A fallback key is empty or can be guessed.
    #[error(
        "fallback key {position} opens every session to whoever guesses it: remove it from \
         SECRET_KEY_FALLBACKS ({weakness}){}",
        way_out(weakness)
    )]
    WeakFallback {
        /// The position in the list, counted from one.
        position: usize,
        /// What is wrong with it.
        weakness: Weakness,
    },
    /// The secret key is empty or can be guessed.
    #[error("{}{}", .0, way_out(.0))]
    WeakKey(Weakness),
    /// A setting has a value of another kind.
    #[error("expected {expected} for {name}, found {found}")]
    WrongType {
        /// The setting, as it was written.
        name: String,
        /// What the setting may hold.
        expected: &'static str,
        /// The kind of what was found.
        found: &'static str,
    },
}

/// What is wrong with a file of keys; the text never has a part of a key.
///
/// ```
/// use hipflask::{ConfigError, SecretKey, config::KeyFileFault};
///
/// # let path = std::env::temp_dir().join(format!("hipflask-fault-{}", std::process::id()));
/// std::fs::write(&path, "SECRET_KEY=9f3c6a52be0d47c1886d1f7a0cb35e24\n")?;
/// let refused = SecretKey::watch(&path);
/// # std::fs::remove_file(&path)?;
/// assert!(matches!(refused, Err(ConfigError::KeyFile { fault: KeyFileFault::Name, .. })));
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum KeyFileFault {
    /// A line has nothing on it.
    #[error("a blank line: write one key a line, the current one first, and nothing else")]
    Blank,
    /// There is no key at all.
    #[error("no key: write the current one first, such as `hipflask secret` prints")]
    Empty,
    /// A folder has something else than a file with one key.
    #[error("expected a file with one key and nothing else, since it lies in a folder of keys")]
    NotOneKey,
    /// A line has a name and a value.
    #[error("`NAME=` before a key: write the key alone")]
    Name,
    /// A line has quotes, blanks, a comment, or the beginning of TOML or JSON.
    #[error("blanks, quotes, a comment or brackets: write the key alone, one a line")]
    Markup,
    /// It is no text.
    #[error("expected text: a key of other bytes cannot stand in a file of keys")]
    NotText,
    /// There is more than one line where one key is expected.
    #[error("more than one line: expected one key and nothing else")]
    SeveralLines,
    /// It is too large for a file of keys.
    #[error("more than 64 KiB: this is no file of keys")]
    TooLarge,
    /// A key stands there twice.
    #[error("the same key for a second time: remove one of the two")]
    Twice,
    /// A key can be guessed.
    #[error("{0}")]
    Weak(Weakness),
}

impl From<Weakness> for ConfigError {
    fn from(weakness: Weakness) -> Self {
        Self::WeakKey(weakness)
    }
}

/// Empty keys are refused in any case.
const fn way_out(weakness: &Weakness) -> &'static str {
    match weakness {
        Weakness::Empty => "",
        _ => "; while an app still needs this key, insecure_accept_weak() accepts it",
    }
}

/// Writes the text, because that is what `main` prints of an error that it returns.
impl std::fmt::Debug for ConfigError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{self}")
    }
}

#[cfg(test)]
mod tests {
    use crate::config::{SecretKey, SessionConfig};

    /// Occurs in every value below and in no text of ours.
    const MARK: &str = "xyzzy7";

    #[track_caller]
    fn check_silence(shown: &str) {
        assert!(!shown.contains(MARK) && !shown.contains("120, 121"), "{shown}");
    }

    #[track_caller]
    fn check_refusal(read: Result<SessionConfig, super::ConfigError>) {
        let error = match read {
            Ok(config) => {
                check_silence(&format!("{config:?} {config:#?}"));
                config.build().unwrap_err()
            }
            Err(error) => error,
        };
        check_silence(&format!("{error} {error:?} {error:#?}"));
        let mut source = std::error::Error::source(&error);
        while let Some(cause) = source {
            check_silence(&format!("{cause} {cause:?}"));
            source = cause.source();
        }
    }

    #[test]
    fn errors_from_the_environment_show_no_value() {
        for (name, value) in [
            ("SECRET_KEY", "xyzzy7"),
            ("SECRET_KEY", "[\"xyzzy7\"]"),
            ("SECRET_KEY", "{\" u\":\"xyzzy7\"}"),
            ("SECRET_KEY_FALLBACKS", "xyzzy7"),
            ("SECRET_KEY_FALLBACKS", "[\"xyzzy7\"]"),
            ("SECRET_KEY_FALLBACKS", "[\"xyzzy7\", 1]"),
            ("SECRET_KEY_FALLBACKS", "{\"xyzzy7\": 1}"),
            ("PERMANENT_SESSION_LIFETIME", "xyzzy7"),
            ("MAX_COOKIE_SIZE", "xyzzy7"),
            ("SESSION_COOKIE_SAMESITE", "xyzzy7"),
            ("SESSION_COOKIE_SECURE", "xyzzy7"),
            ("SESSION_COOKIE_SECRET_KEY", "xyzzy7"),
            ("SESSION_TYPE", "xyzzy7"),
        ] {
            let strong = ("F_SECRET_KEY".to_owned(), "9f3c6a52be0d47c1886d1f7a0cb35e24");
            let vars = [strong, (format!("F_{name}"), value)];
            check_refusal(SessionConfig::from_vars("F", vars));
        }
    }

    #[cfg(feature = "toml")]
    #[test]
    fn errors_from_toml_show_no_value() {
        for text in [
            "SECRET_KEY = xyzzy7",
            "SECRET_KEY = 'xyzzy7",
            "SECRET_KEY = 'xyzzy7'",
            "SECRET_KEY = ['xyzzy7']",
            "SECRET_KEY = 'a'\nSECRET_KEY = 'xyzzy7'",
            "SECRET_KEY = 'a' xyzzy7",
            "SECRET_KEY = 'a'\nSECRET_KEY_FALLBACKS = 'xyzzy7'",
        ] {
            check_refusal(SessionConfig::from_toml(text));
        }
    }

    #[test]
    fn debug_shows_no_key() {
        let key = SecretKey::new(MARK).with_fallback(MARK.repeat(4));
        check_silence(&format!("{key:?} {key:#?}"));
        let config = SessionConfig::new(key);
        check_silence(&format!("{config:?} {config:#?}"));
        let built = config.insecure_accept_weak_key().build().unwrap();
        check_silence(&format!("{built:?} {built:#?}"));
    }
}
