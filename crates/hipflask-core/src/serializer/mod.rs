//! Flask's tagged JSON, plain JSON, and the payload that is signed: text ⇄ [`Value`], bytes ⇄ text.
//!
//! Stage 3 of the data flow, between signing and session; never sees keys, cookies or HTTP. Agrees
//! with CPython's `json`, `zlib` and Flask's [`TaggedJSONSerializer`][py] to the byte.
//!
//! [py]: https://flask.palletsprojects.com/en/stable/api/#flask.json.tag.TaggedJSONSerializer

mod build;
mod cursor;
mod date;
mod display;
mod float;
mod payload;
mod read;
mod scan;
mod style;
mod tag;
mod typed;
mod write;

use crate::value::Value;

pub use build::Build;
pub(crate) use float::python_repr;
pub(crate) use payload::inflate;
pub use payload::{PayloadError, compress_payload, decode_payload, encode_payload};
pub(crate) use read::{build_at, read, read_at, read_untagged};
pub(crate) use scan::{RawEntry, scan};
pub use style::JsonStyle;
pub(crate) use style::Style;
pub(crate) use tag::is_tag;
pub(crate) use typed::read_typed;
pub(crate) use write::Writer;

/// How much a payload may hold. The defaults accept all that an honest Flask app can put into a
/// cookie.
///
/// ```
/// use hipflask_core::serializer::{Limits, ReadError, from_json};
///
/// let limits = Limits::default().with_depth(2);
/// assert_eq!(from_json("[[[]]]", limits), Err(ReadError::TooDeep));
/// ```
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Limits {
    depth: usize,
    inflated: usize,
}

impl Limits {
    /// The deepest nesting that can be configured, so that no thread's stack can overflow.
    pub const MAX_DEPTH: usize = 1000;

    /// Sets how many levels of arrays and objects are read; at most [`MAX_DEPTH`](Self::MAX_DEPTH).
    #[must_use]
    pub const fn with_depth(mut self, levels: usize) -> Self {
        self.depth = if levels < Self::MAX_DEPTH { levels } else { Self::MAX_DEPTH };
        self
    }

    /// Sets how many bytes a compressed payload may inflate to.
    #[must_use]
    pub const fn with_inflated(mut self, bytes: usize) -> Self {
        self.inflated = if bytes < u32::MAX as usize { bytes } else { u32::MAX as usize };
        self
    }

    /// Returns how many levels of arrays and objects are read.
    pub const fn depth(self) -> usize {
        self.depth
    }

    /// Returns how many bytes a compressed payload may inflate to.
    pub const fn inflated(self) -> usize {
        self.inflated
    }
}

impl Default for Limits {
    /// 1,000 levels, since CPython 3.13 reads 982; 4 MiB, since 4 KiB of deflate hold 4.2 MB at most.
    fn default() -> Self {
        Self { depth: Self::MAX_DEPTH, inflated: 4 << 20 }
    }
}

/// Digits beyond which Python refuses to turn text into an integer.
pub(crate) const MAX_INT_DIGITS: usize = 4300;

/// Why a text is not tagged JSON.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum ReadError {
    /// A tag holds what it cannot hold, such as a UUID that is none.
    #[error("a tagged value does not fit its tag")]
    BadTag,
    /// An integer has more than the 4,300 digits that Python reads.
    #[error("an integer has more than 4300 digits")]
    IntTooLong,
    /// The text is not JSON.
    #[error("not JSON at byte {at}")]
    Syntax {
        /// The offset at which the first fault was seen.
        at: usize,
    },
    /// Arrays and objects nest deeper than the limit.
    #[error("nested deeper than the limit")]
    TooDeep,
}

/// Why a value cannot be written.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum WriteError {
    /// An integer has more than the 4,300 digits that Python reads.
    #[error("an integer has more than 4300 digits, which Python does not read")]
    IntTooLong,
    /// A string holds a lone surrogate, which only the tagged and the ASCII form can express.
    #[error("a string holds a lone surrogate, which UTF-8 cannot express")]
    LoneSurrogate,
    /// JSON without tags has no bytes, UUIDs and times.
    #[error("JSON without tags holds no bytes, UUIDs or times: write them as text first")]
    NotJson,
    /// Lists, tuples and dicts nest deeper than Flask on CPython 3.10 reads.
    #[error("nested deeper than {} levels of JSON, which Python does not read", Writer::MAX_DEPTH)]
    TooDeep,
}

/// Reads Flask's tagged JSON.
///
/// ```
/// use hipflask_core::{serializer::{Limits, from_json}, value::Value};
///
/// let pair = from_json(r#"{" t":[1,"x"]}"#, Limits::default())?;
/// assert_eq!(pair, Value::Tuple(vec![Value::from(1), Value::from("x")]));
/// # Ok::<(), hipflask_core::serializer::ReadError>(())
/// ```
///
/// # Errors
///
/// [`ReadError`] for what Python's `json.loads` or Flask's tags refuse, and beyond the limits.
pub fn from_json(text: &str, limits: Limits) -> Result<Value, ReadError> {
    read::read(text, limits.depth)
}

/// Writes Flask's tagged JSON, byte for byte as Flask does: sorted keys, no blanks, ASCII only.
///
/// ```
/// use hipflask_core::{serializer::to_json, value::{Value, to_value}};
///
/// let value = to_value(&("é", 1e16)).unwrap();
/// assert_eq!(to_json(&value)?, r#"{" t":["\u00e9",1e+16]}"#);
/// # Ok::<(), hipflask_core::serializer::WriteError>(())
/// ```
///
/// # Errors
///
/// [`WriteError`] for what Python could not read again.
pub fn to_json(value: &Value) -> Result<String, WriteError> {
    let mut writer = Writer::default();
    writer.value(value)?;
    Ok(writer.into_string())
}
