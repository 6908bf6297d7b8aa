//! What the other side says of its session.

use std::fmt;

use hipflask_core::value::{Dict, Value, to_value};
use serde::Serialize;

/// What the other side has opened of a request's cookie, so that it can be compared: an extension that its
/// handlers, or a layer inside of the shadow, give to the response.
///
/// ```
/// use axum::{Extension, response::IntoResponse};
/// use hipflask::shadow::TheirSession;
///
/// async fn handler() -> impl IntoResponse {
///     let session = serde_json::json!({"user_id": 42}); // what the other package has read
///     (Extension(TheirSession::of(&session)), "hello")
/// }
/// # let _ = handler;
/// ```
#[derive(Clone)]
pub struct TheirSession(pub(super) Option<Dict>);

impl TheirSession {
    /// Takes what it holds: a map or a struct. Nothing is compared of what is none.
    pub fn of(content: &impl Serialize) -> Self {
        Self(to_value(content).ok().and_then(|value| match value {
            Value::Dict(content) => Some(content),
            _ => None,
        }))
    }

    /// It has opened no session.
    ///
    /// ```
    /// use hipflask::shadow::TheirSession;
    ///
    /// let theirs = TheirSession::none();
    /// # let _ = theirs;
    /// ```
    pub fn none() -> Self {
        Self(Some(Dict::new()))
    }
}

/// Tells nothing of the content.
impl fmt::Debug for TheirSession {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TheirSession").finish_non_exhaustive()
    }
}
