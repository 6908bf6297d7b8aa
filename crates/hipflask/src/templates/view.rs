//! `session` as templates see it: the live values of the request's session, to be read.
//!
//! DIFFERENCE: a template that calls `session.pop()` or another method that changes the session
//! fails, and `session["permanent"]` is only a key; the attribute is `session.permanent`.

use std::sync::Arc;

use minijinja::{
    Error, ErrorKind, State,
    value::{Enumerator, Object, Value},
};
use minijinja_contrib::pycompat;

use super::convert;
use crate::Session;

/// Python's names of what changes a dict.
const CHANGES: [&str; 6] = ["clear", "pop", "popitem", "setdefault", "update", "__setitem__"];

#[derive(Debug)]
pub(super) struct View(pub(super) Session);

impl Object for View {
    /// `session["key"]` and `"key" in session`.
    fn get_value(self: &Arc<Self>, key: &Value) -> Option<Value> {
        self.0.value(key.as_str()?).as_ref().map(convert::value)
    }

    /// `session.key`: as in Python, an attribute goes before a key.
    fn get_value_by_str(self: &Arc<Self>, key: &str) -> Option<Value> {
        match key {
            "modified" => Some(self.0.is_modified().into()),
            "new" => Some(self.0.is_new().into()),
            "permanent" => Some(self.0.is_permanent().into()),
            _ => self.0.value(key).as_ref().map(convert::value),
        }
    }

    fn enumerate(self: &Arc<Self>) -> Enumerator {
        let items = self.0.iter().map(|(key, item)| (convert::text(&key), convert::value(&item)));
        Enumerator::KeyValueIter(Box::new(items))
    }

    fn enumerator_len(self: &Arc<Self>) -> Option<usize> {
        Some(self.0.len())
    }

    fn call_method(
        self: &Arc<Self>,
        state: &mut State<'_, '_>,
        method: &str,
        args: &[Value],
    ) -> Result<Value, Error> {
        if CHANGES.contains(&method) {
            let text = "a template cannot change the session; do so in the handler";
            return Err(Error::new(ErrorKind::InvalidOperation, text));
        }
        let session = Value::from_dyn_object(Arc::clone(self));
        pycompat::unknown_method_callback(state, &session, method, args)
    }
}
