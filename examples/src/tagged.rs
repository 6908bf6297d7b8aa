//! Values as text, in Flask's tagged JSON.

use hipflask::{
    core::serializer::{Limits, WriteError, from_json, to_json},
    value::Value,
};

/// Reads a value: what is Flask's tagged JSON stands for its value, anything else for itself.
///
/// ```
/// use hipflask::value::Value;
/// use hipflask_examples::parsed;
///
/// assert_eq!((parsed("5".into()), parsed("tea".into())), (Value::from(5), Value::from("tea")));
/// ```
pub fn parsed(text: String) -> Value {
    from_json(&text, Limits::default()).unwrap_or_else(|_| text.into())
}

/// Shows a value: text as it is, anything else as tagged JSON.
///
/// ```
/// use hipflask_examples::shown;
///
/// assert_eq!(shown(None)?, "-");
/// assert_eq!(shown(Some("tea".into()))?, "tea");
/// assert_eq!(shown(Some(true.into()))?, "true");
/// # Ok::<(), hipflask::core::serializer::WriteError>(())
/// ```
///
/// # Errors
///
/// [`WriteError`] when the value is nested too deeply.
pub fn shown(value: Option<Value>) -> Result<String, WriteError> {
    match value {
        None => Ok("-".to_owned()),
        Some(value) => match value.as_str() {
            Some(text) => Ok(text.to_owned()),
            None => to_json(&value),
        },
    }
}
