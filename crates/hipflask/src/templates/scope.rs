//! The variables of one rendering: the handler's context, then `session`, `g`, `csrf_token` and
//! `get_flashed_messages`, looked up only when a template names them.

use std::{fmt, sync::Arc};

use minijinja::{
    Error, ErrorKind,
    value::{Enumerator, Object, Serde, Value, ValueKind},
};
use serde::Serialize;

use super::{TemplateError, flashes::Flashes, view::View};
use crate::Session;

const OWN: [&str; 4] = ["csrf_token", "g", "get_flashed_messages", "session"];

pub(super) struct Scope {
    session: Session,
    g: Value,
    context: Value,
}

impl Scope {
    pub(super) fn new(
        session: &Session,
        g: &impl Serialize,
        context: &impl Serialize,
    ) -> Result<Self, TemplateError> {
        Ok(Self { session: session.clone(), g: map("g", g)?, context: map("context", context)? })
    }
}

impl Object for Scope {
    fn get_value(self: &Arc<Self>, key: &Value) -> Option<Value> {
        self.get_value_by_str(key.as_str()?)
    }

    fn get_value_by_str(self: &Arc<Self>, key: &str) -> Option<Value> {
        if let Some(value) = self.context.get_attr(key).ok().filter(|value| !value.is_undefined()) {
            return Some(value);
        }
        match key {
            "csrf_token" => {
                let session = self.session.clone();
                Some(Value::from_function(move || token_of(&session)))
            }
            "g" => Some(self.g.clone()),
            "get_flashed_messages" => Some(Value::from_object(Flashes(self.session.clone()))),
            "session" => Some(Value::from_object(View(self.session.clone()))),
            _ => None,
        }
    }

    fn enumerate(self: &Arc<Self>) -> Enumerator {
        let context = self.context.try_iter().into_iter().flatten();
        Enumerator::Values(context.chain(OWN.map(Value::from)).collect())
    }
}

impl fmt::Debug for Scope {
    /// Values may be private.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Scope").field("session", &self.session).finish_non_exhaustive()
    }
}

/// What `csrf_token()` is, as Flask-WTF gives it to templates.
fn token_of(session: &Session) -> Result<String, Error> {
    let failed = || Error::new(ErrorKind::InvalidOperation, "csrf_token failed");
    session.csrf_token().map_err(|error| failed().with_source(error))
}

/// Serializes variables; `()` and `None` are none.
fn map(what: &str, variables: &impl Serialize) -> Result<Value, TemplateError> {
    let value = Value::from(Serde(variables));
    match value.kind() {
        ValueKind::Map => Ok(value),
        ValueKind::None | ValueKind::Undefined => Ok(Value::from_pairs([(); 0].map(|()| ("", ())))),
        ValueKind::Invalid => Err(TemplateError::Context(invalid(value))),
        kind => {
            let text = format!("{what} must be a struct or a map, not a {kind}");
            Err(TemplateError::Context(Error::new(ErrorKind::BadSerialization, text)))
        }
    }
}

/// Returns the error inside an invalid value, which only iterating gives away.
fn invalid(value: Value) -> Error {
    let items = Value::from(vec![value]);
    let error = items.try_iter().and_then(|items| items.checked().collect::<Result<Vec<_>, _>>());
    error.err().unwrap_or_else(|| ErrorKind::BadSerialization.into())
}
