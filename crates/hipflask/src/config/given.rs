//! A value of a setting as it was found, and what can be made of it.
//!
//! Before all settings: knows kinds of values, and neither names nor sources. Flask takes values of
//! any kind and fails, or not, when it uses them; here the kind is checked at once.

use std::{ffi::OsStr, time::Duration};

use hipflask_core::{
    UnixTime,
    serializer::{self, Limits, ReadError},
    value::{Text, Value},
};
use jiff::{Timestamp, civil::DateTime, tz::TimeZone};

use super::ConfigError;

/// A value as it was found. Not printable, since it may be a key.
pub(super) enum Given {
    Bool(bool),
    /// Bytes, which only a key may be.
    Bytes(Vec<u8>),
    /// A date or a time, as ISO 8601 writes it.
    Date(String),
    Float(f64),
    Int(i128),
    List(Vec<Self>),
    Null,
    /// Something that no setting takes, with the words for it.
    Other(&'static str),
    /// Names and values, with the words for it.
    Table(&'static str, Vec<(String, Self)>),
    Text(String),
}

impl Given {
    /// Reads the environment variable `name` with Flask's rule: JSON if it is JSON, otherwise text.
    pub(super) fn of_variable(name: &str, value: &OsStr) -> Result<Self, ConfigError> {
        let text = value.to_str().ok_or_else(|| ConfigError::NotUnicode { name: name.into() })?;
        Ok(match serializer::from_json(text, Limits::default()) {
            Ok(value) => value.into(),
            // A tag means nothing here, so what is wrong inside of it does not matter.
            Err(ReadError::BadTag) => Self::Other("an object"),
            // Flask takes a value as text whatever the reason why it cannot be read.
            Err(_) => Self::Text(text.into()),
        })
    }

    /// Reports whether Flask would not take a key of this for none.
    pub(super) fn is_set(&self) -> bool {
        match self {
            Self::Null => false,
            Self::Bytes(bytes) => !bytes.is_empty(),
            Self::Text(text) => !text.is_empty(),
            _ => true,
        }
    }

    /// Returns the error for the setting `name`, which expects something else.
    pub(super) fn wrong_type(&self, name: &str, expected: &'static str) -> ConfigError {
        ConfigError::WrongType { name: name.into(), expected, found: self.kind() }
    }

    pub(super) const fn kind(&self) -> &'static str {
        match self {
            Self::Bool(_) => "a truth value",
            Self::Bytes(_) => "bytes",
            Self::Date(_) => "a date or time",
            Self::Float(_) | Self::Int(_) => "a number",
            Self::List(_) => "a list",
            Self::Null => "null",
            Self::Other(kind) | Self::Table(kind, _) => kind,
            Self::Text(_) => "a string",
        }
    }

    pub(super) fn text(self, name: &str) -> Result<String, ConfigError> {
        match self {
            Self::Text(text) => Ok(text),
            other => Err(other.wrong_type(name, "a string")),
        }
    }

    /// DIFFERENCE: Flask takes every text for true, `False` and `no` included, and writes a number
    /// into the header.
    pub(super) fn flag(&self, name: &str) -> Result<bool, ConfigError> {
        match self {
            Self::Bool(flag) => Ok(*flag),
            Self::Int(0) => Ok(false),
            Self::Int(1) => Ok(true),
            other => {
                Err(other.wrong_type(name, "`true` or `false`, in lower case and without quotes,"))
            }
        }
    }

    pub(super) fn size(&self, name: &str, expected: &'static str) -> Result<usize, ConfigError> {
        let size = if let Self::Int(bytes) = self { usize::try_from(*bytes).ok() } else { None };
        size.ok_or_else(|| self.wrong_type(name, expected))
    }

    pub(super) fn number(&self, name: &str, expected: &'static str) -> Result<f64, ConfigError> {
        match self {
            Self::Float(number) => Ok(*number),
            Self::Int(number) => Ok(*number as f64),
            other => Err(other.wrong_type(name, expected)),
        }
    }

    pub(super) fn seconds(&self, name: &str) -> Result<Duration, ConfigError> {
        let expected = "a number of seconds, not negative, such as 900,";
        let seconds = self.number(name, expected)?;
        Duration::try_from_secs_f64(seconds).map_err(|_| self.wrong_type(name, expected))
    }

    pub(super) fn texts(
        self,
        name: &str,
        expected: &'static str,
    ) -> Result<Vec<String>, ConfigError> {
        let Self::List(items) = self else { return Err(self.wrong_type(name, expected)) };
        let text = |item: Self| match item {
            Self::Text(text) if !text.is_empty() => Ok(text),
            other => Err(other.wrong_type(name, expected)),
        };
        items.into_iter().map(text).collect()
    }

    /// Returns the moment of a date, which is its first in UTC, or of a date and time.
    pub(super) fn moment(&self, name: &str) -> Result<UnixTime, ConfigError> {
        let expected = "a date, such as \"2027-01-31\" or \"2027-01-31T12:00:00Z\",";
        let timestamp = match self {
            Self::Date(text) | Self::Text(text) => text.parse().ok().or_else(|| {
                let civil: DateTime = text.parse().ok()?;
                Some(civil.to_zoned(TimeZone::UTC).ok()?.timestamp())
            }),
            _ => None,
        };
        let timestamp: Timestamp = timestamp.ok_or_else(|| self.wrong_type(name, expected))?;
        Ok(UnixTime::from_secs(u64::try_from(timestamp.as_second()).unwrap_or(0)))
    }

    /// Returns what a word stands for, whatever its case.
    pub(super) fn word<T: Copy>(
        self,
        name: &str,
        expected: &'static str,
        words: &[(&str, T)],
    ) -> Result<T, ConfigError> {
        let given = self.text(name)?;
        let known = words.iter().find(|(word, _)| word.eq_ignore_ascii_case(&given));
        known.map(|(_, meaning)| *meaning).ok_or(ConfigError::Store { name: name.into(), expected })
    }
}

impl From<Value> for Given {
    fn from(value: Value) -> Self {
        match value {
            Value::Null => Self::Null,
            Value::Bool(flag) => Self::Bool(flag),
            Value::Int(int) => int.as_i128().map_or(Self::Other("a huge number"), Self::Int),
            Value::Float(float) => Self::Float(float),
            Value::Str(text) => {
                text.into_string().map_or(Self::Other("a string with lone surrogates"), Self::Text)
            }
            Value::List(items) => Self::List(items.into_iter().map(Self::from).collect()),
            Value::Bytes(bytes) => Self::Bytes(bytes),
            Value::DateTime(time) => Self::Date(time.to_string()),
            Value::Dict(dict) => {
                let given =
                    |(name, value): (Text, Value)| Some((name.into_string()?, value.into()));
                let entries: Option<_> = dict.into_iter().map(given).collect();
                entries.map_or(Self::Other("an object"), |it| Self::Table("an object", it))
            }
            _ => Self::Other("an object"),
        }
    }
}
