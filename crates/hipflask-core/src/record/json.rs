//! JSON as msgspec writes and reads it: no tags, UTF-8, and only what the standard allows. And JSON with
//! Flask's tags, as Quart-Session does.

use super::{DecodeError, EncodeError, Format};
use crate::{
    serializer::{self, JsonStyle, Limits, ReadError, Style, Writer, read_untagged},
    value::{Dict, Value},
};

pub(super) fn write(content: &Dict) -> Result<Vec<u8>, EncodeError> {
    let mut writer = Writer::new(Style::Record);
    writer.dict(content)?;
    Ok(writer.into_bytes())
}

/// Returns the text of a number, a truth value or `None`.
pub(super) fn scalar(value: &Value) -> Option<String> {
    let mut writer = Writer::new(Style::Record);
    writer.value(value).ok()?;
    String::from_utf8(writer.into_bytes()).ok()
}

pub(super) fn read(bytes: &[u8], limits: Limits) -> Result<Value, DecodeError> {
    let value = read_by(read_untagged, Format::Json, bytes, limits)?;
    let corrupt = DecodeError::Corrupt { format: Format::Json, at: 0 };
    if is_standard(&value) { Ok(value) } else { Err(corrupt) }
}

pub(super) fn write_tagged(content: &Dict) -> Result<Vec<u8>, EncodeError> {
    // Quart-Session keeps the order of the keys.
    let style = JsonStyle { sort_keys: false, ..JsonStyle::default() };
    let mut writer = Writer::new(Style::Tagged(style));
    writer.dict(content)?;
    Ok(writer.into_bytes())
}

pub(super) fn read_tagged(bytes: &[u8], limits: Limits) -> Result<Value, DecodeError> {
    read_by(serializer::read, Format::TaggedJson, bytes, limits)
}

fn read_by(
    reader: fn(&str, usize) -> Result<Value, ReadError>,
    format: Format,
    bytes: &[u8],
    limits: Limits,
) -> Result<Value, DecodeError> {
    let corrupt = |at| DecodeError::Corrupt { format, at };
    let text = str::from_utf8(bytes).map_err(|error| corrupt(error.valid_up_to()))?;
    reader(text, limits.depth()).map_err(|error| match error {
        ReadError::Syntax { at } => corrupt(at),
        ReadError::TooDeep => DecodeError::TooDeep,
        ReadError::BadTag | ReadError::IntTooLong => corrupt(0),
    })
}

/// Python's `json` also reads infinities, NaN and lone surrogates; msgspec does not.
fn is_standard(value: &Value) -> bool {
    match value {
        Value::Float(float) => float.is_finite(),
        Value::Str(text) => text.as_str().is_some(),
        Value::List(items) => items.iter().all(is_standard),
        Value::Dict(dict) => {
            dict.iter().all(|(key, value)| key.as_str().is_some() && is_standard(value))
        }
        _ => true,
    }
}
