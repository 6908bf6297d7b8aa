//! Where secret keys come from: the command line, files, or the environment as Flask reads it.
//!
//! The environment is an argument, so that tests need not change their own. Rules: Flask's
//! [`from_prefixed_env`][py], which takes a variable for JSON if it parses, else for text.
//!
//! [py]: https://flask.palletsprojects.com/en/stable/api/#flask.Config.from_prefixed_env

use std::{ffi::OsString, io, path::Path};

use hipflask::{ConfigError, SecretKey, config::KeyFileFault};
use hipflask_core::{
    serializer::{self, Limits, ReadError},
    signing::{Key, KeyRing, strength},
    value::Value,
};

use crate::{
    cli::KeyArgs,
    output::{Failure, say},
};

const SECRET_KEY: &str = "FLASK_SECRET_KEY";
const FALLBACKS: &str = "FLASK_SECRET_KEY_FALLBACKS";

/// Returns the value of an environment variable.
pub(crate) trait Env: Fn(&str) -> Option<OsString> {}

impl<F: Fn(&str) -> Option<OsString>> Env for F {}

/// What was found, good or bad.
#[derive(Debug, Default)]
pub(crate) struct Found {
    pub(crate) current: Option<Key>,
    pub(crate) fallbacks: Vec<Key>,
    /// What Flask would stumble over, or take for something else than was meant.
    pub(crate) problems: Vec<KeyError>,
}

impl Found {
    /// Returns each key with its position; 0 is the current one, even where there is none.
    pub(crate) fn keys(&self) -> impl Iterator<Item = (usize, &Key)> {
        let current = self.current.iter().map(|key| (0, key));
        current.chain(self.fallbacks.iter().enumerate().map(|(at, key)| (at + 1, key)))
    }
}

/// Why keys cannot be used as they are configured.
#[derive(Debug, thiserror::Error)]
pub(crate) enum KeyError {
    #[error(
        "{FALLBACKS}: item {item} is no text, and Flask would fail: expected a list of strings"
    )]
    FallbackIsNotText { item: usize },
    #[error(
        "{FALLBACKS} is a plain string, and Flask would accept every single character of it as a \
         key: write a JSON list, such as [\"the old key\"]"
    )]
    FallbacksIsAString,
    #[error("{FALLBACKS} is JSON but no list: expected a list, such as [\"the old key\"]")]
    FallbacksIsNotAList,
    // Whoever mistakes the option gives a key where the path belongs, so the path is not told.
    #[error("cannot read the file of --secret-key-file number {number}: {error}")]
    File { number: usize, error: io::Error },
    #[error("the file of --secret-key-file number {number}: {fault}")]
    FileFault { number: usize, fault: KeyFileFault },
    #[error(
        "there is no secret key: give --secret-key-file or --secret-key, or set {SECRET_KEY}; \
         `hipflask secret` makes a new one"
    )]
    NoKey,
    #[error(
        "{SECRET_KEY} is JSON but no string, so Flask would load a number, a truth value, a list or \
         a dict and fail with a TypeError: put the key in double quotes inside the variable"
    )]
    NotText,
    #[error("{name} is not UTF-8, and Flask would fail: expected text")]
    NotUtf8 { name: &'static str },
}

impl KeyError {
    /// Returns the code of the finding.
    pub(crate) const fn code(&self) -> &'static str {
        match self {
            Self::FallbackIsNotText { .. } => "fallback_is_not_text",
            Self::FallbacksIsAString => "fallbacks_is_a_string",
            Self::FallbacksIsNotAList => "fallbacks_is_not_a_list",
            Self::File { .. } | Self::FileFault { .. } => "key_file",
            Self::NoKey => "no_secret_key",
            Self::NotText => "not_text",
            Self::NotUtf8 { .. } => "not_utf8",
        }
    }
}

/// Returns the keys to work with, and warns of weak ones.
pub(crate) fn ring(args: &KeyArgs, env: impl Env) -> Result<KeyRing, KeyError> {
    let found = find(args, env)?;
    for (position, key) in found.keys().filter(|(position, key)| *position > 0 || !key.is_empty()) {
        if let Err(weakness) = strength::judge(key.as_bytes()) {
            say(format_args!("warning: key {position}: {weakness}"));
        }
    }
    if let Some(problem) = found.problems.into_iter().next() {
        return Err(problem);
    }
    // Flask takes an empty key for none.
    let current = found.current.filter(|key| !key.is_empty()).ok_or(KeyError::NoKey)?;
    Ok(KeyRing::new(current).with_fallbacks(found.fallbacks))
}

/// Collects the keys; the environment counts only where the command line names none.
pub(crate) fn find(args: &KeyArgs, env: impl Env) -> Result<Found, KeyError> {
    let files = args.secret_key_file.iter().zip(1..).map(|(path, number)| read_file(path, number));
    let keys = args.secret_key.iter().cloned().map(Ok).chain(files);
    let mut keys = keys.collect::<Result<Vec<_>, _>>()?.into_iter();
    Ok(match keys.next() {
        Some(current) => {
            Found { current: Some(current), fallbacks: keys.collect(), problems: Vec::new() }
        }
        None => find_in_env(env),
    })
}

fn read_file(path: &Path, number: usize) -> Result<Key, KeyError> {
    match SecretKey::from_file(path) {
        Ok(key) => Ok(key.ring().current().clone()),
        Err(ConfigError::KeyFile { fault, .. }) => Err(KeyError::FileFault { number, fault }),
        Err(ConfigError::Unreadable { source, .. }) => {
            Err(KeyError::File { number, error: source })
        }
        Err(error) => Err(KeyError::File { number, error: io::Error::other(error) }),
    }
}

fn find_in_env(env: impl Env) -> Found {
    let mut found = Found::default();
    match load(&env, SECRET_KEY) {
        Ok(Loaded::Falsy) => found.problems.push(KeyError::NoKey),
        Ok(Loaded::Text(key)) => found.current = Some(Key::from(key)),
        Ok(Loaded::List(_) | Loaded::Other) => found.problems.push(KeyError::NotText),
        Err(problem) => found.problems.push(problem),
    }
    match load(&env, FALLBACKS) {
        Ok(Loaded::Falsy) => {}
        Ok(Loaded::List(items)) => found.add_fallbacks(items),
        Ok(Loaded::Text(text)) if text.is_empty() => {}
        Ok(Loaded::Text(_)) => found.problems.push(KeyError::FallbacksIsAString),
        Ok(Loaded::Other) => found.problems.push(KeyError::FallbacksIsNotAList),
        Err(problem) => found.problems.push(problem),
    }
    found
}

impl Found {
    fn add_fallbacks(&mut self, items: Vec<Value>) {
        for (item, value) in items.into_iter().enumerate() {
            match as_text(&value) {
                Some(key) => self.fallbacks.push(Key::from(key)),
                None => self.problems.push(KeyError::FallbackIsNotText { item }),
            }
        }
    }
}

/// What Flask makes of a variable.
enum Loaded {
    /// Nothing, or JSON that Python takes for false; an empty text is a `Text`.
    Falsy,
    List(Vec<Value>),
    Other,
    Text(String),
}

fn load(env: &impl Env, name: &'static str) -> Result<Loaded, KeyError> {
    let Some(text) = env(name) else { return Ok(Loaded::Falsy) };
    let text = text.into_string().map_err(|_| KeyError::NotUtf8 { name })?;
    Ok(match serializer::from_json(&text, Limits::default()) {
        // What looks like a tag is a plain dict to Flask here.
        Ok(Value::Dict(dict)) if dict.is_empty() => Loaded::Falsy,
        Ok(_) if text.trim_start().starts_with('{') => Loaded::Other,
        Err(ReadError::BadTag) => Loaded::Other,
        Err(_) => Loaded::Text(text),
        Ok(value) => match as_text(&value) {
            Some(text) => Loaded::Text(text.to_owned()),
            None if value.is_falsy() => Loaded::Falsy,
            None => match value {
                Value::List(items) => Loaded::List(items),
                _ => Loaded::Other,
            },
        },
    })
}

/// Returns the text of a string that UTF-8 can hold; Flask fails with any other.
fn as_text(value: &Value) -> Option<&str> {
    match value {
        Value::Str(text) => text.as_str(),
        _ => None,
    }
}

impl From<KeyError> for Failure {
    fn from(error: KeyError) -> Self {
        Self::Configuration(error.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Shows what is found in an environment as `current|fallbacks|problems`.
    #[track_caller]
    fn check(secret_key: Option<&str>, fallbacks: Option<&str>, expected: &str) {
        let found = find_in_env(|name: &str| {
            let value = if name == SECRET_KEY { secret_key } else { fallbacks };
            value.map(OsString::from)
        });
        let text = |key: &Key| String::from_utf8(key.as_bytes().to_vec()).unwrap();
        let current = found.current.as_ref().map_or("none".into(), text);
        let fallbacks = found.fallbacks.iter().map(text).collect::<Vec<_>>().join(",");
        let problems = found.problems.iter().map(KeyError::code).collect::<Vec<_>>().join(",");
        assert_eq!(format!("{current}|{fallbacks}|{problems}"), expected);
    }

    #[test]
    fn secret_key_follows_the_rule_of_flask() {
        for text in ["text", "012345", "'x'", "1_000", "{\"open", "nan", "0x10", "[1"] {
            check(Some(text), None, &format!("{text}||"));
        }
        check(Some(r#""a\u00e9""#), None, "aé||");
        check(Some(r#" "12345" "#), None, "12345||");
        check(Some(""), None, "||");
        for json in ["12345", "1e5", "true", "NaN", "-Infinity", r#"["k"]"#, r#"{"a":1}"#] {
            check(Some(json), None, "none||not_text");
        }
        for tagged in [r#"{" b":"YQ=="}"#, r#"{" b":"!"}"#, r#"{" m":"x"}"#, r#"{" t":[]}"#] {
            check(Some(tagged), None, "none||not_text");
        }
        check(Some(r#""\ud800""#), None, "none||not_text");
        for falsy in ["null", "false", "0", "0.0", "[]", "{}"] {
            check(Some(falsy), None, "none||no_secret_key");
        }
        check(None, None, "none||no_secret_key");
    }

    #[test]
    fn fallbacks_are_a_list_of_strings() {
        check(Some("k"), Some(r#"["old", "older"]"#), "k|old,older|");
        for nothing in ["", "[]", "null", "false", "0", "{}", r#""""#] {
            check(Some("k"), Some(nothing), "k||");
        }
        for text in ["old", r#""old""#, "old,older", "['old']"] {
            check(Some("k"), Some(text), "k||fallbacks_is_a_string");
        }
        for other in ["1", "true", r#"{"a":1}"#, r#"{" t":["old"]}"#] {
            check(Some("k"), Some(other), "k||fallbacks_is_not_a_list");
        }
        let items = r#"["old", 1, ["x"], {" m":"x"}]"#;
        let problem = "fallback_is_not_text";
        check(Some("k"), Some(items), &format!("k|old|{problem},{problem},{problem}"));
    }

    #[test]
    fn command_line_hides_the_environment() {
        let args = KeyArgs {
            secret_key: vec![Key::from("a"), Key::from("b")],
            secret_key_file: Vec::new(),
        };
        let found = find(&args, |_: &str| Some(OsString::from("env"))).unwrap();
        assert_eq!(found.current, Some(Key::from("a")));
        assert_eq!(found.fallbacks, [Key::from("b")]);
        assert!(found.problems.is_empty());
    }
}
