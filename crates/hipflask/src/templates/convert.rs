//! Values of a session as values of a template.
//!
//! What minijinja has no kind for is the text that Python prints: UUIDs, times, and integers
//! beyond 128 bits. A lone surrogate is shown as `U+FFFD`.

use hipflask_core::value::{Int, Text, Value as Stored};
use minijinja::value::{Tuple, Value};

pub(super) fn value(stored: &Stored) -> Value {
    match stored {
        Stored::Null => Value::from(()),
        Stored::Bool(flag) => Value::from(*flag),
        Stored::Int(int) => number(int),
        Stored::Float(float) => Value::from(*float),
        Stored::Str(string) => text(string),
        Stored::List(items) => Value::from(items.iter().map(value).collect::<Vec<_>>()),
        Stored::Tuple(items) => Tuple::new(items.iter().map(value).collect()).into(),
        Stored::Dict(dict) => {
            Value::from_pairs(dict.iter().map(|(key, item)| (text(key), value(item))))
        }
        Stored::Bytes(bytes) => Value::from_bytes(bytes.clone()),
        Stored::Markup(html) => Value::from_safe_string(html.to_string_lossy()),
        Stored::Uuid(_) | Stored::DateTime(_) => Value::from(stored.to_string()),
        // A kind that is younger than this code.
        _ => Value::UNDEFINED,
    }
}

pub(super) fn text(text: &Text) -> Value {
    match text.as_str() {
        Some(text) => Value::from(text),
        None => Value::from(text.to_string_lossy()),
    }
}

fn number(int: &Int) -> Value {
    match (int.as_i64(), int.as_i128()) {
        (Some(int), _) => Value::from(int),
        (None, Some(int)) => Value::from(int),
        (None, None) => Value::from(int.to_string()),
    }
}
