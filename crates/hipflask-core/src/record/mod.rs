//! What Flask-Session stores: MessagePack, JSON, and the pickles of older versions.

/// How a record is written.
///
/// ```
/// assert_ne!(hipflask_core::record::Format::Json, hipflask_core::record::Format::MsgPack);
/// ```
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
#[non_exhaustive]
pub enum Format {
    /// JSON as `msgspec` writes it.
    Json,
    /// MessagePack as `msgspec` writes it: Flask-Session's default.
    MsgPack,
    /// A pickle as `cachelib` writes it.
    Pickle,
}

use crate::{serializer::Limits, value::Dict};

/// Why a session cannot be written as a record.
///
/// ```
/// # let _: Option<hipflask_core::record::EncodeError> = None;
/// ```
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error("a value cannot be written")]
pub struct EncodeError;

/// Why a record cannot be read.
///
/// ```
/// # let _: Option<hipflask_core::record::DecodeError> = None;
/// ```
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error("a record cannot be read")]
pub struct DecodeError;

/// A record as it was read.
#[derive(Clone, Debug)]
pub struct Decoded {
    /// What was in it.
    pub content: Option<Dict>,
    /// How it was written.
    pub format: Format,
}

/// Placeholder until the codecs are merged.
///
/// # Errors
///
/// Always.
pub fn encode(_: &Dict, _: Format) -> Result<Vec<u8>, EncodeError> {
    Err(EncodeError)
}

/// Placeholder until the codecs are merged.
///
/// # Errors
///
/// Always.
pub fn decode(_: &[u8], _: Format, _: Limits) -> Result<Decoded, DecodeError> {
    Err(DecodeError)
}

/// Placeholder until the codecs are merged.
pub fn empty(_: Format) -> &'static [u8] {
    b"\xc0"
}
