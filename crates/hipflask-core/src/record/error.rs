//! The errors of both directions; none of them shows a value.

use super::Format;
use crate::serializer::WriteError;

/// The word names no format that an application can choose.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("unknown serialization format, expected `json` or `msgpack`")]
#[non_exhaustive]
pub struct UnknownFormat;

/// Why a record cannot be written.
///
/// ```
/// use hipflask_core::{record::{EncodeError, Format, encode}, value::{Dict, Value}};
///
/// let mut content = Dict::new();
/// content.insert("n", Value::from(u64::MAX));
/// assert!(encode(&content, Format::MsgPack).is_ok());
/// content.insert("n", Value::from(hipflask_core::value::Int::from(u128::MAX)));
/// assert_eq!(encode(&content, Format::MsgPack), Err(EncodeError::IntTooLarge));
/// ```
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum EncodeError {
    /// An integer does not fit into the 64 bits of MessagePack.
    #[error("an integer exceeds the 64 bits of msgpack: store it as text, or use json")]
    IntTooLarge,
    /// An integer has more than the 4,300 digits that Python reads.
    #[error("an integer has more than 4300 digits, which Python does not read: store it as text")]
    IntTooLong,
    /// A string holds a lone surrogate, which only pickle can express.
    #[error("a string holds a lone surrogate, which UTF-8 cannot express: remove it")]
    LoneSurrogate,
    /// Lists, tuples and dicts nest deeper than Flask-Session reads.
    #[error("nested deeper than 490 levels, which Python does not read: flatten it")]
    TooDeep,
    /// A string, list or dict has a length of more than 32 bits.
    #[error("a value is longer than 4 GiB: store it elsewhere")]
    TooLong,
}

impl From<WriteError> for EncodeError {
    fn from(error: WriteError) -> Self {
        match error {
            WriteError::IntTooLong => Self::IntTooLong,
            WriteError::LoneSurrogate => Self::LoneSurrogate,
            // Nothing but depth is left: a record holds bytes, UUIDs and times.
            WriteError::NotJson | WriteError::TooDeep => Self::TooDeep,
        }
    }
}

/// Why a record cannot be read.
///
/// ```
/// use hipflask_core::{record::{Format, decode}, serializer::Limits};
///
/// let command = b"cos\nsystem\n(S'true'\ntR.";
/// let error = decode(command, Format::MsgPack, Limits::default()).unwrap_err();
/// assert!(error.to_string().contains("`os.system`, which is never loaded"));
/// ```
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum DecodeError {
    /// The record is none of the formats; what is told is the fault in the one that was expected.
    #[error("the record is broken: expected {format}, which it is not from byte {at} on")]
    Corrupt {
        /// The format that was expected.
        format: Format,
        /// The offset at which the first fault was seen.
        at: usize,
    },
    /// The record is encrypted, and it was not opened: by a key that is not known here, or for another place.
    #[error(
        "the record is encrypted, and no key opens it here: give all services the same SECRET_KEY and \
         SECRET_KEY_FALLBACKS, and build them with the feature `encryption`"
    )]
    Encrypted,
    /// A pickle asks for a class or a function that is no part of session values, or for an app's own in a
    /// form that no text, number, tuple, list or dict has.
    #[error("the record is a pickle that asks for `{global}`, which is never loaded")]
    Forbidden {
        /// The module and the name, escaped and cut to a hundred characters.
        global: Box<str>,
    },
    /// A dict has keys that no strings can stand for, or two that one string stands for.
    #[error("a dict has keys other than strings, and they cannot be told apart as strings")]
    Key,
    /// The record is not encrypted, and only those that are may be read.
    #[error(
        "the record is not encrypted, and such are not accepted any more: a service writes them that has \
         SESSION_ENCRYPTION off, or SESSION_ENCRYPTION_ACCEPT_PLAIN_UNTIL is too early"
    )]
    NotEncrypted,
    /// The record is readable, but neither a dict nor `None`.
    #[error("the record is no dict")]
    NotDict,
    /// Lists, tuples and dicts nest deeper than the limit, or contain themselves.
    #[error("the record is nested deeper than the limit")]
    TooDeep,
    /// The record, or what would become of it, is larger than the limit.
    #[error("the record is larger than the limit")]
    TooLarge,
    /// A pickle holds an object of a known class in a form that is not known.
    #[error("the record is a pickle of a `{class}` in a form that cannot be read")]
    UnknownForm {
        /// The module and the name, escaped and cut to a hundred characters.
        class: Box<str>,
    },
    /// The record holds a kind that a session cannot hold.
    #[error("the record holds {kind}, which a session cannot hold")]
    Unsupported {
        /// What it is.
        kind: &'static str,
    },
}

impl DecodeError {
    /// Reports whether the record may be whole, and only its encryption is in the way.
    pub(crate) const fn is_of_encryption(&self) -> bool {
        matches!(self, Self::Encrypted | Self::NotEncrypted)
    }
}
