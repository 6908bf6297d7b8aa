//! The error of both directions between values and Rust types: a kind was found that does not fit.
//!
//! Knows what serde reports, and keeps the value itself out of every text.

use std::fmt;

use serde::de::{self, Unexpected};

/// A value and a Rust type do not fit together.
///
/// ```
/// use hipflask_core::value::{Value, from_value};
///
/// let error = from_value::<u8>(Value::from("secret")).unwrap_err();
/// assert_eq!(error.to_string(), "found a string, expected u8");
/// assert_eq!(error.with_key("age").to_string(), "session[\"age\"] is a string, expected u8");
/// ```
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct ValueError(Box<Fault>);

/// What does not fit, and under which key of the session.
#[derive(Clone, Debug, Eq, PartialEq)]
struct Fault {
    key: Option<Box<str>>,
    /// The kind that was found, unless the text tells all.
    found: Option<&'static str>,
    text: Box<str>,
}

impl ValueError {
    /// Says that the value, or the one around it, is that of `key` in the session.
    #[must_use]
    pub fn with_key(mut self, key: &str) -> Self {
        self.0.key = Some(shown_key(key).into());
        self
    }

    fn new(found: Option<&'static str>, text: String) -> Self {
        Self(Box::new(Fault { key: None, found, text: text.into() }))
    }
}

impl fmt::Display for ValueError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Fault { key, found, text } = &*self.0;
        match (key, found) {
            (Some(key), Some(found)) => write!(f, "session[{key}] is {found}, {text}"),
            (Some(key), None) => write!(f, "session[{key}]: {text}"),
            (None, Some(found)) => write!(f, "found {found}, {text}"),
            (None, None) => f.write_str(text),
        }
    }
}

impl std::error::Error for ValueError {}

impl serde::ser::Error for ValueError {
    fn custom<T: fmt::Display>(text: T) -> Self {
        Self::new(None, text.to_string())
    }
}

impl de::Error for ValueError {
    fn custom<T: fmt::Display>(text: T) -> Self {
        Self::new(None, text.to_string())
    }

    /// Says the kind and not the value, which may be private.
    fn invalid_type(unexpected: Unexpected<'_>, expected: &dyn de::Expected) -> Self {
        Self::new(Some(kind(unexpected)), format!("expected {expected}"))
    }

    fn invalid_value(unexpected: Unexpected<'_>, expected: &dyn de::Expected) -> Self {
        Self::new(Some(kind(unexpected)), format!("and does not fit: expected {expected}"))
    }

    fn unknown_variant(_variant: &str, expected: &'static [&'static str]) -> Self {
        Self::new(None, format!("unknown variant, expected one of {}", expected.join(", ")))
    }

    fn unknown_field(_field: &str, expected: &'static [&'static str]) -> Self {
        Self::new(None, format!("unknown field, expected one of {}", expected.join(", ")))
    }
}

/// Quotes a key of the session. It may be as long as a value, and hold what would look like a line
/// of the log.
pub(crate) fn shown_key(key: &str) -> String {
    format!("{:?}", key.chars().take(40).collect::<String>())
}

const fn kind(unexpected: Unexpected<'_>) -> &'static str {
    match unexpected {
        Unexpected::Bool(_) => "a truth value",
        Unexpected::Unsigned(_) | Unexpected::Signed(_) => "an integer",
        Unexpected::Float(_) => "a float",
        Unexpected::Char(_) | Unexpected::Str(_) => "a string",
        Unexpected::Bytes(_) => "bytes",
        Unexpected::Unit | Unexpected::Option => "null",
        Unexpected::Seq => "a list",
        Unexpected::Map => "a dict",
        _ => "of another kind",
    }
}
