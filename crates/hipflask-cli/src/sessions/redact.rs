//! Says of a value what it is, and not what is in it.

use hipflask_core::value::Value;

/// Returns the kind of a value, and its length where it has one.
pub(super) fn redact(value: &Value) -> String {
    let (kind, len) = match value {
        Value::Null => return "None".into(),
        Value::Bool(_) => return "bool".into(),
        Value::Int(_) => return "int".into(),
        Value::Float(_) => return "float".into(),
        Value::Uuid(_) => return "UUID".into(),
        Value::DateTime(_) => return "datetime".into(),
        Value::Str(text) => ("str", text.as_str().map_or(0, |it| it.chars().count())),
        Value::Markup(text) => ("Markup", text.as_str().map_or(0, |it| it.chars().count())),
        Value::Bytes(bytes) => ("bytes", bytes.len()),
        Value::List(items) => ("list", items.len()),
        Value::Tuple(items) => ("tuple", items.len()),
        Value::Dict(items) => ("dict", items.len()),
        _ => return "value".into(),
    };
    format!("{kind} of {len}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_not_told() {
        let secret = Value::from("hunter2");
        assert_eq!(redact(&secret), "str of 7");
        assert_eq!(redact(&Value::List(vec![secret.clone(), secret])), "list of 2");
        assert_eq!(redact(&Value::from(1234)), "int");
        assert_eq!(redact(&Value::Bytes(b"hunter2".to_vec())), "bytes of 7");
    }
}
