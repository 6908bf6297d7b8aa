//! Who the user of a session is, under whichever key the application has put the name.

use crate::value::Value;

/// Returns the name of the user of a session, as text: the first of the keys that is there.
///
/// ```
/// use hipflask_core::{auth::user_of, value::{Dict, Value}};
///
/// let content = Dict::from_iter([("user_id".into(), Value::from(7))]);
/// let keys = ["_user_id".to_owned(), "user_id".to_owned()];
/// assert_eq!(user_of(&keys, |key| content.get(key).cloned()).as_deref(), Some("7"));
/// ```
pub fn user_of(keys: &[String], value: impl Fn(&str) -> Option<Value>) -> Option<String> {
    let mut keys = keys.iter();
    let user = keys.find_map(|key| value(key).filter(|value| *value != Value::Null))?;
    Some(text(&user))
}

pub(crate) fn text(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}
