//! What Python's `dict()` makes of a payload that is no object.

use crate::value::{Dict, Text, Value};

/// Returns what `dict(value)` holds; `None` where Python raises.
///
/// DIFFERENCE: keys are strings here, so that pairs with other keys are refused.
pub(super) fn into_dict(value: Value) -> Option<Dict> {
    match value {
        Value::Null => Some(Dict::new()),
        Value::Dict(dict) => Some(dict),
        Value::List(items) | Value::Tuple(items) => items.into_iter().map(pair).collect(),
        Value::Str(text) | Value::Markup(text) if text.is_empty() => Some(Dict::new()),
        Value::Bytes(bytes) if bytes.is_empty() => Some(Dict::new()),
        _ => None,
    }
}

/// Takes anything of two items for key and value.
fn pair(item: Value) -> Option<(Text, Value)> {
    match item {
        Value::List(items) | Value::Tuple(items) => {
            let [key, value]: [Value; 2] = items.try_into().ok()?;
            match key {
                Value::Str(key) | Value::Markup(key) => Some((key, value)),
                _ => None,
            }
        }
        Value::Str(text) | Value::Markup(text) => {
            let [key, value]: [u32; 2] = text.code_points().collect::<Vec<_>>().try_into().ok()?;
            Some((Text::from_code_points([key]), Value::Str(Text::from_code_points([value]))))
        }
        Value::Dict(dict) => {
            let keys = dict.into_iter().map(|(key, _)| key);
            let [key, value]: [Text; 2] = keys.collect::<Vec<_>>().try_into().ok()?;
            Some((key, Value::Str(value)))
        }
        _ => None,
    }
}
