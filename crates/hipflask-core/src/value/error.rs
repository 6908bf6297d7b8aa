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
/// assert_eq!(error.to_string(), "invalid type: string, expected u8");
/// ```
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct ValueError(Box<str>);

impl fmt::Display for ValueError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for ValueError {}

impl serde::ser::Error for ValueError {
    fn custom<T: fmt::Display>(text: T) -> Self {
        Self(text.to_string().into())
    }
}

impl de::Error for ValueError {
    fn custom<T: fmt::Display>(text: T) -> Self {
        Self(text.to_string().into())
    }

    /// Says the kind and not the value, which may be private.
    fn invalid_type(unexpected: Unexpected<'_>, expected: &dyn de::Expected) -> Self {
        Self(format!("invalid type: {}, expected {expected}", kind(unexpected)).into())
    }

    fn invalid_value(unexpected: Unexpected<'_>, expected: &dyn de::Expected) -> Self {
        Self(format!("invalid value: {}, expected {expected}", kind(unexpected)).into())
    }

    fn unknown_variant(_variant: &str, expected: &'static [&'static str]) -> Self {
        Self(format!("unknown variant, expected one of {}", expected.join(", ")).into())
    }

    fn unknown_field(_field: &str, expected: &'static [&'static str]) -> Self {
        Self(format!("unknown field, expected one of {}", expected.join(", ")).into())
    }
}

const fn kind(unexpected: Unexpected<'_>) -> &'static str {
    match unexpected {
        Unexpected::Bool(_) => "truth value",
        Unexpected::Unsigned(_) | Unexpected::Signed(_) => "integer",
        Unexpected::Float(_) => "float",
        Unexpected::Char(_) | Unexpected::Str(_) => "string",
        Unexpected::Bytes(_) => "bytes",
        Unexpected::Unit | Unexpected::Option => "null",
        Unexpected::Seq => "list",
        Unexpected::Map => "dict",
        _ => "another kind",
    }
}
