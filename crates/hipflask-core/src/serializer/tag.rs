//! Flask's six tags: dicts of one reserved key that stand for what JSON cannot hold.
//!
//! Reading is as lenient as Python's constructors, since a cookie that Flask accepts is accepted
//! here. Rules: [`flask.json.tag`][py].
//!
//! [py]: https://github.com/pallets/flask/blob/3.1.3/src/flask/json/tag.py

use super::{date, float};
use crate::{
    encoding,
    value::{Dict, Text, Value},
};

pub(super) const BYTES: &str = " b";
pub(super) const DATETIME: &str = " d";
pub(super) const DICT: &str = " di";
pub(super) const MARKUP: &str = " m";
pub(super) const TUPLE: &str = " t";
pub(super) const UUID: &str = " u";

/// Reports whether a dict of only this key would be taken for a tag.
pub(crate) fn is_tag(key: &[u8]) -> bool {
    [BYTES, DATETIME, DICT, MARKUP, TUPLE, UUID].iter().any(|tag| tag.as_bytes() == key)
}

/// Turns a dict that is a tag into what it stands for; `None` if it cannot be.
pub(super) fn untag(dict: Dict) -> Option<Value> {
    let convert: fn(Value) -> Option<Value> = match dict.single().and_then(|(key, _)| key.as_str())
    {
        Some(BYTES) => |value| bytes(&value),
        Some(DATETIME) => |value| date::parse(&value),
        Some(DICT) => unescape,
        Some(MARKUP) => markup,
        Some(TUPLE) => tuple,
        Some(UUID) => |value| uuid(&value),
        _ => return Some(Value::Dict(dict)),
    };
    // The value moves, since a copy at each level would cost the square of the depth.
    dict.into_iter().next().and_then(|(_, value)| convert(value))
}

fn bytes(value: &Value) -> Option<Value> {
    let Value::Str(text) = value else { return None };
    let ascii = text.as_str().filter(|text| text.is_ascii())?;
    encoding::decode_standard(ascii.as_bytes()).map(Value::Bytes)
}

/// Takes the first key of the inner dict without its last two characters, whatever they are.
fn unescape(value: Value) -> Option<Value> {
    let Value::Dict(dict) = value else { return None };
    let (key, value) = dict.into_iter().next()?;
    let points: Vec<u32> = key.code_points().collect();
    let key = Text::from_code_points(points.iter().copied().take(points.len().saturating_sub(2)));
    Some(Value::Dict([(key, value)].into_iter().collect()))
}

/// Markup of `str(value)`. DIFFERENCE: the text of lists and dicts, which no honest app stores
/// here, is not spelled as Python would; it is refused.
fn markup(value: Value) -> Option<Value> {
    let text = match value {
        Value::Str(text) | Value::Markup(text) => text,
        Value::Null => "None".into(),
        Value::Bool(true) => "True".into(),
        Value::Bool(false) => "False".into(),
        Value::Int(int) => int.to_string().into(),
        Value::Float(float) => float::python_repr(float).into(),
        Value::Uuid(uuid) => uuid.to_string().into(),
        _ => return None,
    };
    Some(Value::Markup(text))
}

/// Whatever Python can iterate over becomes a tuple: a string its characters, a dict its keys.
fn tuple(value: Value) -> Option<Value> {
    let items = match value {
        Value::List(items) | Value::Tuple(items) => items,
        Value::Str(text) | Value::Markup(text) => {
            text.code_points().map(|point| Value::Str(Text::from_code_points([point]))).collect()
        }
        Value::Dict(dict) => dict.into_iter().map(|(key, _)| Value::Str(key)).collect(),
        Value::Bytes(bytes) => bytes.iter().map(|byte| i32::from(*byte).into()).collect(),
        _ => return None,
    };
    Some(Value::Tuple(items))
}

/// Reads what `uuid.UUID(text)` reads: 32 digits after dashes, braces and `urn:uuid:` are gone.
///
/// `int(text, 16)` then allows blanks around, a sign, and single underscores between digits.
fn uuid(value: &Value) -> Option<Value> {
    let text = value.as_str()?.replace("urn:", "").replace("uuid:", "");
    let hex = text.trim_matches(['{', '}']).replace('-', "");
    if hex.chars().count() != 32 {
        return None;
    }
    let digits =
        hex.trim_matches(|char: char| char.is_whitespace() || ('\x1c'..='\x1f').contains(&char));
    let digits = digits.strip_prefix('+').unwrap_or(digits);
    let digits = digits
        .strip_prefix("0x")
        .or_else(|| digits.strip_prefix("0X"))
        .map_or(digits, |rest| rest.strip_prefix('_').unwrap_or(rest));
    if digits.is_empty() || digits.split('_').any(str::is_empty) {
        return None;
    }
    let digits: String = digits.chars().filter(|char| *char != '_').collect();
    if !digits.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return None;
    }
    u128::from_str_radix(&digits, 16).ok().map(|bits| Value::Uuid(uuid::Uuid::from_u128(bits)))
}
