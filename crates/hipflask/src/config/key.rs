//! The secret key and its fallbacks, as they are configured.
//!
//! Reads keys and has them judged; what is signed with them is not its business.
//! The names are those of Flask's [`SECRET_KEY`][py] and `SECRET_KEY_FALLBACKS`.
//!
//! [py]: https://flask.palletsprojects.com/en/stable/config/#SECRET_KEY

use std::{
    ffi::OsString,
    fmt, io,
    path::{Path, PathBuf},
};

use hipflask_core::{
    encoding,
    signing::{
        Key, KeyRing,
        strength::{self, Weakness},
    },
};

use super::{ConfigError, given::Given, key_file};

/// The number of random bytes in a key: as many as SHA-256 has, twice what nobody can try out.
const RANDOM_LEN: usize = 32;

/// Holds the key that signs sessions, and older ones that are still accepted.
///
/// ```
/// use hipflask::SecretKey;
///
/// let key = SecretKey::new("c3a0d9b8e1f24657").with_fallback("5e81b47c0fd2639a");
/// assert_eq!(format!("{key:?}"), "SecretKey { n_fallbacks: 1, .. }");
/// key.check()?;
/// # Ok::<(), hipflask::ConfigError>(())
/// ```
#[derive(Clone)]
#[doc(alias = "SECRET_KEY")]
pub struct SecretKey {
    ring: KeyRing,
    accept_weak: bool,
    /// Where the keys come from, if they are read again when they change.
    watched: Option<PathBuf>,
    /// What was added to those.
    added: Vec<Key>,
}

impl SecretKey {
    /// Takes text or bytes as they are; text counts as its UTF-8.
    pub fn new(key: impl Into<Key>) -> Self {
        Self::of(KeyRing::new(key))
    }

    const fn of(ring: KeyRing) -> Self {
        Self { ring, accept_weak: false, watched: None, added: Vec::new() }
    }

    /// Reads the keys from a file or folder, and again when it changes while the app runs: a request
    /// that uses its session looks there if nobody has for a second. What cannot be used is told in the
    /// log, and the keys stay what they were.
    ///
    /// A file has one key a line, a folder has one key a file, in the order of the files' names; names that
    /// start with a dot do not count. The first key signs, the others are only accepted. To change the
    /// key without logging anybody out, put the new one *last* on all nodes, then *first* on all nodes,
    /// and remove the old one when what it signed has expired.
    ///
    /// ```
    /// use hipflask::{SecretKey, config::generate_secret};
    ///
    /// # let path = std::env::temp_dir().join(format!("hipflask-watch-{}", std::process::id()));
    /// let (new, old) = (generate_secret()?, generate_secret()?);
    /// std::fs::write(&path, format!("{new}\n{old}\n"))?;
    /// let key = SecretKey::watch(&path)?;
    /// # std::fs::remove_file(&path)?;
    /// assert_eq!(key.ring().fallbacks().len(), 1);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`ConfigError::Unreadable`] and [`ConfigError::KeyFile`]; a weak key is refused.
    #[doc(alias = "SECRET_KEY_FILE")]
    pub fn watch(path: impl Into<PathBuf>) -> Result<Self, ConfigError> {
        let path = path.into();
        let ring = key_file::read(&path, false)?;
        Ok(Self { watched: Some(path), ..Self::of(ring) })
    }

    /// Reads the keys again; `None` if they are as they were.
    pub(crate) fn read_again(&self) -> Result<Option<Self>, ConfigError> {
        let Some(path) = &self.watched else { return Ok(None) };
        let ring = key_file::read(path, self.accept_weak)?.with_fallbacks(self.added.clone());
        Ok((ring != self.ring).then(|| Self { ring, ..self.clone() }))
    }

    /// Reports whether the keys are read again when they change.
    pub(crate) const fn is_watched(&self) -> bool {
        self.watched.is_some()
    }

    /// Reads the key from the environment variable `name`, and fallbacks from the variable of the
    /// same name with `_FALLBACKS` behind it.
    ///
    /// Values are read as Flask does: JSON if they are JSON, otherwise text. Fallbacks are a JSON
    /// list of strings.
    ///
    /// # Errors
    ///
    /// [`ConfigError`] if there is no key, or what is there is no text.
    ///
    /// ```
    /// use hipflask::SecretKey;
    ///
    /// let error = SecretKey::from_env("ANOTHER_APP_SECRET_KEY").unwrap_err();
    /// assert_eq!(
    ///     error.to_string(),
    ///     "no secret key: set ANOTHER_APP_SECRET_KEY to the Flask app's key, or to what `hipflask secret` prints"
    /// );
    /// ```
    pub fn from_env(name: &str) -> Result<Self, ConfigError> {
        Self::from_lookup(name, |name| std::env::var_os(name))
    }

    /// Reads the key from a file that holds nothing else; one line break at its end is dropped. What
    /// is not UTF-8 is a key of random bytes.
    ///
    /// # Errors
    ///
    /// [`ConfigError::Unreadable`]; [`ConfigError::KeyFile`] if there is nothing, more than one line, a
    /// blank one, or `NAME=` before the key: then it is another file.
    pub fn from_file(path: impl AsRef<Path>) -> Result<Self, ConfigError> {
        key_file::read_one(path.as_ref()).map(Self::new)
    }

    /// Makes a key for one run: no session outlives the process.
    ///
    /// # Errors
    ///
    /// [`ConfigError::RandomUnavailable`] if the operating system refuses.
    pub fn random() -> Result<Self, ConfigError> {
        Ok(Self::new(random_bytes()?))
    }

    /// Adds a key that is accepted and never signs, tried after those added before it.
    #[must_use]
    #[doc(alias = "SECRET_KEY_FALLBACKS")]
    pub fn with_fallback(mut self, key: impl Into<Key>) -> Self {
        let key = key.into();
        self.added.push(key.clone());
        self.ring = self.ring.with_fallback(key);
        self
    }

    /// Accepts keys that are short, low in entropy or publicly known; empty ones stay refused.
    ///
    /// # Security
    ///
    /// Whoever guesses the key can be any user. For tests and for keys that protect nothing.
    ///
    /// ```
    /// use hipflask::SecretKey;
    ///
    /// assert!(SecretKey::new("dev").check().is_err());
    /// assert!(SecretKey::new("dev").insecure_accept_weak().check().is_ok());
    /// ```
    #[must_use]
    pub fn insecure_accept_weak(mut self) -> Self {
        self.accept_weak = true;
        self
    }

    pub(super) const fn accepts_weak(&self) -> bool {
        self.accept_weak
    }

    /// Confirms that no key is empty and, unless that was waived, that none is easy to guess.
    ///
    /// # Errors
    ///
    /// [`ConfigError::WeakKey`] and [`ConfigError::WeakFallback`].
    pub fn check(&self) -> Result<(), ConfigError> {
        self.faults().next().map_or(Ok(()), Err)
    }

    /// Returns what is wrong with each key that is refused.
    pub(super) fn faults(&self) -> impl Iterator<Item = ConfigError> {
        let fallbacks = self.ring.fallbacks().iter().zip(1..);
        let fallbacks = fallbacks.filter_map(|(key, position)| {
            let weakness = self.judge(key).err()?;
            Some(ConfigError::WeakFallback { position, weakness })
        });
        let current = self.judge(self.ring.current()).err().map(ConfigError::WeakKey);
        current.into_iter().chain(fallbacks)
    }

    /// Returns the keys to sign and verify with.
    pub fn ring(&self) -> &KeyRing {
        &self.ring
    }

    /// Returns what may be told of the keys, the current one first.
    ///
    /// ```
    /// use hipflask::SecretKey;
    ///
    /// let key = SecretKey::new("c3a0d9b8e1f24657").with_fallback("5e81b47c0fd2639a");
    /// assert_eq!(key.fingerprints().len(), 2);
    /// ```
    pub fn fingerprints(&self) -> Vec<String> {
        self.ring.keys().map(Key::fingerprint).collect()
    }

    fn from_lookup(
        name: &str,
        lookup: impl Fn(&str) -> Option<OsString>,
    ) -> Result<Self, ConfigError> {
        let read =
            |name: &str| lookup(name).map(|value| Given::of_variable(name, &value)).transpose();
        let fallbacks = format!("{name}_FALLBACKS");
        Self::from_given((name, read(name)?), (&fallbacks, read(&fallbacks)?))
    }

    /// Takes what was read under the names of key and fallbacks.
    pub(super) fn from_given(
        key: (&str, Option<Given>),
        fallbacks: (&str, Option<Given>),
    ) -> Result<Self, ConfigError> {
        let key = key_of(key.0, key.1.unwrap_or(Given::Null))?;
        let fallbacks = fallbacks_of(fallbacks.0, fallbacks.1.unwrap_or(Given::Null))?;
        Ok(Self::of(KeyRing::new(key).with_fallbacks(fallbacks)))
    }

    fn judge(&self, key: &Key) -> Result<(), Weakness> {
        match strength::judge(key.as_bytes()) {
            Err(weakness) if weakness == Weakness::Empty || !self.accept_weak => Err(weakness),
            _ => Ok(()),
        }
    }
}

/// Reads a secret key; what Flask takes for none is none.
fn key_of(name: &str, value: Given) -> Result<Key, ConfigError> {
    match value {
        Given::Bytes(bytes) if !bytes.is_empty() => Ok(bytes.into()),
        Given::Text(text) if !text.is_empty() => Ok(text.into()),
        Given::Bytes(_) | Given::Null | Given::Text(_) => {
            Err(ConfigError::NoKey { name: name.into() })
        }
        other => Err(ConfigError::KeyNotText { name: name.into(), found: other.kind() }),
    }
}

/// Reads fallback keys in the order in which they are written.
fn fallbacks_of(name: &str, value: Given) -> Result<Vec<Key>, ConfigError> {
    const EXPECTED: &str = "a list of strings, such as [\"the old key\"],";
    match value {
        Given::Null => Ok(Vec::new()),
        Given::Text(text) if text.is_empty() => Ok(Vec::new()),
        Given::Text(_) => Err(ConfigError::FallbacksNotList { name: name.into() }),
        Given::List(items) => items
            .into_iter()
            .map(|item| match item {
                Given::Bytes(bytes) => Ok(bytes.into()),
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

impl fmt::Debug for SecretKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SecretKey")
            .field("n_fallbacks", &self.ring.fallbacks().len())
            .finish_non_exhaustive()
    }
}

/// Returns a new key as URL-safe text, for an application that makes its own on first run.
///
/// ```
/// use hipflask::{SecretKey, config::generate_secret};
///
/// let secret = generate_secret()?;
/// assert_eq!(secret.len(), 43);
/// SecretKey::new(secret).check()?;
/// # Ok::<(), hipflask::ConfigError>(())
/// ```
///
/// # Errors
///
/// [`ConfigError::RandomUnavailable`] if the operating system refuses.
pub fn generate_secret() -> Result<String, ConfigError> {
    random_bytes().map(|bytes| encoding::encode_url(&bytes))
}

fn random_bytes() -> Result<Vec<u8>, ConfigError> {
    let mut bytes = vec![0; RANDOM_LEN];
    getrandom::fill(&mut bytes).map_err(|error| {
        ConfigError::RandomUnavailable(match error.raw_os_error() {
            Some(code) => io::Error::from_raw_os_error(code),
            None => io::Error::from(io::ErrorKind::Unsupported),
        })
    })?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    const STRONG: &str = "9f3c6a52be0d47c1886d1f7a0cb35e24";
    const OLD: &str = "71d55a3b0c7a2f93e9d1b4c86605f8ae";

    #[track_caller]
    fn check_env(vars: &[(&str, &str)], expected: Result<&[&str], &str>) {
        let lookup = |name: &str| {
            vars.iter().find(|(known, _)| *known == name).map(|(_, value)| OsString::from(value))
        };
        let read = SecretKey::from_lookup("KEY", lookup);
        let keys = read.as_ref().map_err(ToString::to_string).map(|key| {
            let ring = key.ring();
            let keys = std::iter::once(ring.current()).chain(ring.fallbacks());
            keys.map(|key| str::from_utf8(key.as_bytes()).unwrap()).collect::<Vec<_>>()
        });
        assert_eq!(keys, expected.map(<[_]>::to_vec).map_err(str::to_owned));
    }

    #[test]
    fn from_env_reads_as_flask_does() {
        check_env(&[("KEY", "text")], Ok(&["text"]));
        check_env(&[("KEY", " \"a\\u00e9\" ")], Ok(&["a\u{e9}"])); // a JSON string
        check_env(&[("KEY", "\"open")], Ok(&["\"open"])); // no JSON, hence text
        check_env(&[("KEY", "1234abcd")], Ok(&["1234abcd"]));
        check_env(&[("KEY", "a"), ("KEY_FALLBACKS", "[\"b\", \"c\"]")], Ok(&["a", "b", "c"]));
        for none in ["null", "[]", ""] {
            check_env(&[("KEY", "a"), ("KEY_FALLBACKS", none)], Ok(&["a"]));
        }
        let digits = "7".repeat(4301); // beyond what Python reads as a number
        check_env(&[("KEY", &digits)], Ok(&[&digits]));
    }

    #[test]
    fn from_env_refuses_what_is_no_key() {
        let none = Err(
            "no secret key: set KEY to the Flask app's key, or to what `hipflask secret` prints",
        );
        check_env(&[], none);
        check_env(&[("KEY", "")], none);
        check_env(&[("KEY", "\"\"")], none);
        check_env(&[("KEY", "null")], none);
        let end = "put the key between double quotes, which have to be part of the value in the \
                   environment, since Flask reads JSON there";
        for (value, found) in [
            ("1234567890123456", "a number"),
            ("12345e6789", "a number"),
            ("NaN", "a number"),
            ("true", "a truth value"),
            ("[\"a\"]", "a list"),
            ("{}", "an object"),
            ("{\" u\":1}", "an object"),
            ("\"\\ud800\"", "a string with lone surrogates"),
        ] {
            let text = format!("expected a string for KEY, found {found}: {end}");
            check_env(&[("KEY", value)], Err(&text));
        }
    }

    #[test]
    fn from_env_refuses_fallbacks_that_are_no_list_of_strings() {
        let check = |value, text| check_env(&[("KEY", "a"), ("KEY_FALLBACKS", value)], Err(text));
        let string = "expected a list for KEY_FALLBACKS, found a string, of which Flask accepts \
                      every single character as a key: write [\"the old key\"]";
        check("old-key", string);
        check("\"old-key\"", string);
        check(
            "[\"a\", 1]",
            "expected a list of strings, such as [\"the old key\"], for KEY_FALLBACKS, found a list \
             of other things",
        );
        check(
            "{\"a\": 1}",
            "expected a list of strings, such as [\"the old key\"], for KEY_FALLBACKS, found an \
             object",
        );
    }

    #[cfg(unix)]
    #[test]
    fn from_env_refuses_other_bytes_than_utf8() {
        use std::os::unix::ffi::OsStringExt;
        let read = SecretKey::from_lookup("KEY", |_| Some(OsString::from_vec(vec![0xff])));
        assert_eq!(
            read.unwrap_err().to_string(),
            "expected UTF-8 in KEY: write other bytes as \\u escapes between double quotes"
        );
    }

    #[test]
    fn from_file_drops_one_line_break() {
        let path = std::env::temp_dir().join(format!("hipflask-key-{}", std::process::id()));
        let read = |bytes: &[u8]| {
            fs::write(&path, bytes).unwrap();
            SecretKey::from_file(&path).map(|key| key.ring().current().as_bytes().to_vec())
        };
        assert_eq!(read(b"key\n").unwrap(), b"key");
        assert_eq!(read(b" key\r\n").unwrap(), b" key");
        assert_eq!(read(b"\xff\n\n").unwrap(), b"\xff\n");
        assert!(matches!(read(b"\n"), Err(ConfigError::KeyFile { .. })));
        fs::remove_file(&path).unwrap();
        let error = SecretKey::from_file("no/such/file").unwrap_err();
        assert_eq!(
            error.to_string(),
            "cannot read no/such/file: check that it exists and is readable"
        );
        assert!(std::error::Error::source(&error).is_some());
    }

    #[track_caller]
    fn check_judged(key: &SecretKey, expected: Result<(), &str>) {
        let judged = key.check().map_err(|error| error.to_string());
        assert_eq!(judged, expected.map_err(str::to_owned));
    }

    #[test]
    fn check_refuses_weak_keys() {
        check_judged(&SecretKey::new(STRONG).with_fallback(OLD), Ok(()));
        check_judged(
            &SecretKey::new(""),
            Err("the secret key is empty: make one with `hipflask secret`"),
        );
        check_judged(
            &SecretKey::new("tiger"),
            Err("the secret key has 5 bytes, expected at least 16: make a random one with \
                 `hipflask secret`; while an app still needs this key, insecure_accept_weak() \
                 accepts it"),
        );
        check_judged(
            &SecretKey::new("dev"),
            Err(
                "the secret key is publicly known, from documentation or as a default: make a new \
                 one with `hipflask secret`; while an app still needs this key, \
                 insecure_accept_weak() accepts it",
            ),
        );
        let low = SecretKey::new("abababababababababab").check();
        assert!(matches!(low, Err(ConfigError::WeakKey(Weakness::LowEntropy { .. }))));
    }

    #[test]
    fn check_judges_fallbacks_too() {
        check_judged(
            &SecretKey::new(STRONG).with_fallback(OLD).with_fallback("tiger"),
            Err("fallback key 2 opens every session to whoever guesses it: remove it from \
                 SECRET_KEY_FALLBACKS (the secret key has 5 bytes, expected at least 16: make a \
                 random one with `hipflask secret`); while an app still needs this key, \
                 insecure_accept_weak() accepts it"),
        );
    }

    #[test]
    fn accept_weak_leaves_empty_keys_refused() {
        check_judged(&SecretKey::new("k").with_fallback("l").insecure_accept_weak(), Ok(()));
        for key in [SecretKey::new(""), SecretKey::new("k").with_fallback("")] {
            assert!(key.insecure_accept_weak().check().is_err());
        }
    }

    #[test]
    fn random_keys_differ_and_are_strong() {
        let (first, second) = (SecretKey::random().unwrap(), SecretKey::random().unwrap());
        assert_ne!(first.ring().current(), second.ring().current());
        first.check().unwrap();
        assert_ne!(generate_secret().unwrap(), generate_secret().unwrap());
    }
}
