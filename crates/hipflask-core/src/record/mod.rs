//! What server-side sessions are stored as: MessagePack, JSON or Python's pickle ⇄ a dict.
//!
//! Between a store and the session; knows not where a record comes from. Writes the
//! bytes of [Flask-Session] and reads whatever its versions and its stores have left behind, in the
//! order in which it tries the formats itself.
//!
//! DIFFERENCE: nothing that a pickle asks for is ever called. What session values are made of is
//! built; any other name is refused.
//!
//! [Flask-Session]: https://flask-session.readthedocs.io/

mod coding;
mod entries;
mod error;
mod foreign;
mod json;
mod msgpack;
mod nest;
mod pickle;

use std::{fmt, str::FromStr};

use crate::{
    serializer::Limits,
    value::{Dict, Value},
};

pub use coding::{Coding, Sealing};
pub use error::{DecodeError, EncodeError, UnknownFormat};
pub(crate) use foreign::Taken;
pub use foreign::{Package, TakeOver, UnknownPackage};

/// How a record is written.
///
/// ```
/// use hipflask_core::record::Format;
///
/// assert_eq!("msgpack".parse(), Ok(Format::MsgPack));
/// assert_eq!(Format::Json.to_string(), "json");
/// ```
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
#[doc(alias = "SESSION_SERIALIZATION_FORMAT")]
#[non_exhaustive]
pub enum Format {
    /// JSON without Flask's tags, as msgspec writes it.
    Json,
    /// MessagePack, as msgspec writes it.
    MsgPack,
    /// Python's pickle of protocol 5: what cachelib writes, and so Flask-Session into files.
    Pickle,
    /// JSON with Flask's tags, as a signed cookie has it: what Quart-Session writes. Only who expects it
    /// reads tags.
    TaggedJson,
}

impl Format {
    /// All of them, by the words of `SESSION_SERIALIZATION_FORMAT`.
    pub const ALL: [(&'static str, Self); 4] = [
        ("json", Self::Json),
        ("msgpack", Self::MsgPack),
        ("pickle", Self::Pickle),
        ("tagged_json", Self::TaggedJson),
    ];

    /// What Flask-Session has written, in the order in which it is tried.
    const FLASK_SESSIONS: [Self; 3] = [Self::MsgPack, Self::Json, Self::Pickle];
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let word = Self::ALL.iter().find(|(_, format)| format == self);
        f.write_str(word.map_or("", |(word, _)| word))
    }
}

impl FromStr for Format {
    type Err = UnknownFormat;

    /// Reads the two words that Flask-Session has, and those that others need who use the same store.
    fn from_str(word: &str) -> Result<Self, UnknownFormat> {
        let format = Self::ALL.iter().find(|(known, _)| *known == word);
        format.map(|(_, format)| *format).ok_or(UnknownFormat)
    }
}

/// Writes a record, byte for byte as Flask-Session does.
///
/// ```
/// use hipflask_core::{record::{Format, encode}, value::{Dict, Value}};
///
/// let mut content = Dict::new();
/// content.insert("n", Value::from(1));
/// assert_eq!(encode(&content, Format::MsgPack)?, b"\x81\xa1n\x01");
/// assert_eq!(encode(&content, Format::Json)?, br#"{"n":1}"#);
/// # Ok::<(), hipflask_core::record::EncodeError>(())
/// ```
///
/// DIFFERENCE: Markup is written as a plain string, where msgspec raises. Whoever reads it again
/// escapes it, which is the safe side.
///
/// # Errors
///
/// [`EncodeError`] for what the format cannot hold or Python could not read again.
pub fn encode(content: &Dict, format: Format) -> Result<Vec<u8>, EncodeError> {
    match format {
        Format::Json => json::write(content),
        Format::MsgPack => msgpack::write(content),
        Format::Pickle => pickle::write(content),
        Format::TaggedJson => json::write_tagged(content),
    }
}

/// Returns the content as it comes back from a store: tuples are lists there, for instance.
///
/// ```
/// use hipflask_core::{record::{Format, as_stored}, serializer::Limits, value::{Dict, Value}};
///
/// let pair = Dict::from_iter([("pair".into(), Value::Tuple(vec![]))]);
/// let stored = as_stored(&pair, Format::MsgPack, Limits::default());
/// assert_eq!(stored.get("pair"), Some(&Value::List(vec![])));
/// ```
pub fn as_stored(content: &Dict, format: Format, limits: Limits) -> Dict {
    let stored = encode(content, format).ok();
    let stored = stored.and_then(|payload| decode(&payload, format, limits).ok());
    stored.and_then(|stored| stored.content).unwrap_or_else(|| content.clone())
}

/// Returns the record of `None`, which Flask-Session takes for a missing one.
///
/// ```
/// use hipflask_core::record::{Format, empty};
///
/// assert_eq!(empty(Format::Json), b"null");
/// ```
pub const fn empty(format: Format) -> &'static [u8] {
    match format {
        Format::Json | Format::TaggedJson => b"null",
        Format::MsgPack => b"\xc0",
        Format::Pickle => b"\x80\x05N.",
    }
}

/// What a record turned out to be.
///
/// ```
/// use hipflask_core::{record::{Format, decode}, serializer::Limits};
///
/// // A record from the time before the application changed its format.
/// let decoded = decode(br#"{"n":1}"#, Format::MsgPack, Limits::default())?;
/// assert_eq!(decoded.format, Format::Json);
/// # Ok::<(), hipflask_core::record::DecodeError>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
#[expect(clippy::exhaustive_structs, reason = "made to be taken apart")]
pub struct Decoded {
    /// The session's content; `None` is what Flask-Session takes for a missing record.
    pub content: Option<Dict>,
    /// What the record was written as.
    pub format: Format,
    /// The position of the key that has opened it, if it was encrypted: 0 is the current one.
    pub key: Option<usize>,
}

/// Reads a record: as what is expected, else as one of the other formats, pickle last.
///
/// DIFFERENCE: a record that is no dict is an error, also the list of pairs that Python's `dict`
/// would take.
///
/// # Errors
///
/// [`DecodeError`] when the record fits no format, holds what a session cannot hold, asks for
/// something that is not allowed, or exceeds the limits, of which `inflated` bounds its size.
pub fn decode(bytes: &[u8], expected: Format, limits: Limits) -> Result<Decoded, DecodeError> {
    if bytes.len() > limits.inflated() {
        return Err(DecodeError::TooLarge);
    }
    let mut fault = None;
    let others = Format::FLASK_SESSIONS.into_iter().filter(|format| *format != expected);
    for format in [expected].into_iter().chain(others) {
        match read(bytes, format, limits) {
            Ok(Value::Null) => return Ok(Decoded { content: None, format, key: None }),
            Ok(Value::Dict(content)) => {
                return Ok(Decoded { content: Some(content), format, key: None });
            }
            Ok(_) => return Err(DecodeError::NotDict),
            Err(error @ DecodeError::Corrupt { .. }) => fault = fault.or(Some(error)),
            Err(error) => return Err(error),
        }
    }
    Err(fault.unwrap_or(DecodeError::NotDict))
}

fn read(bytes: &[u8], format: Format, limits: Limits) -> Result<Value, DecodeError> {
    match format {
        Format::Json => json::read(bytes, limits),
        Format::MsgPack => msgpack::read(bytes, limits),
        Format::Pickle => pickle::read(bytes, limits),
        Format::TaggedJson => json::read_tagged(bytes, limits),
    }
}
