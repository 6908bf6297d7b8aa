//! The entries of a dict whose keys may be of any kind in Python, and are strings here.

use super::{DecodeError, json};
use crate::value::{Dict, Text, Value};

/// A dict that is being read.
///
/// Keys other than strings become the text that JSON has for them, which remembers what it stands
/// for. DIFFERENCE: two keys that would share a text are refused, so that nothing is lost in silence.
#[derive(Debug, Default)]
pub(super) struct Entries {
    dict: Dict,
    has_respelled: bool,
}

impl Entries {
    pub(super) fn with_capacity(n: usize) -> Self {
        Self { dict: Dict::with_capacity(n), has_respelled: false }
    }

    /// Adds an entry; a string that comes twice keeps its first place and its last value.
    pub(super) fn insert(&mut self, key: Value, value: Value) -> Result<(), DecodeError> {
        let key = match key {
            Value::Str(text) | Value::Markup(text) => text,
            other => {
                self.has_respelled = true;
                respell(&other).ok_or(DecodeError::Key)?
            }
        };
        match self.dict.insert(key, value) {
            Some(_) if self.has_respelled => Err(DecodeError::Key),
            _ => Ok(()),
        }
    }

    pub(super) fn into_value(self) -> Value {
        Value::Dict(self.dict)
    }
}

fn respell(key: &Value) -> Option<Text> {
    let text = match key {
        Value::Null | Value::Bool(_) | Value::Int(_) | Value::Float(_) => json::scalar(key)?,
        Value::Uuid(uuid) => uuid.to_string(),
        Value::DateTime(time) => time.to_string(),
        _ => return None,
    };
    Some(Text::of_key(text, key.clone()))
}
