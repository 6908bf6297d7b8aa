//! The error of handlers that use `?`.

use hipflask_core::session::SessionError;

/// What went wrong with a session in a handler; as a response it is a 500.
///
/// ```
/// use hipflask::{Error, Session};
///
/// async fn greet(session: Session) -> Result<String, Error> {
///     let name = session.get::<String>("username")?;
///     Ok(name.unwrap_or_else(|| "stranger".into()))
/// }
/// # let _ = greet;
/// ```
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error(transparent)]
pub struct Error(#[from] SessionError);

/// The result of a session's methods.
pub type Result<T, E = Error> = std::result::Result<T, E>;

impl Error {
    /// Reports whether a change came after the response head had left.
    pub const fn is_response_started(&self) -> bool {
        matches!(self.0, SessionError::ResponseStarted)
    }

    /// Reports whether a value has another shape than the type asked for, or cannot be stored.
    pub const fn is_value(&self) -> bool {
        matches!(self.0, SessionError::Value(_))
    }
}

#[cfg(feature = "axum")]
impl axum_core::response::IntoResponse for Error {
    fn into_response(self) -> axum_core::response::Response {
        tracing::error!(target: "hipflask", "handler failed: {self}");
        (http::StatusCode::INTERNAL_SERVER_ERROR, "Internal Server Error").into_response()
    }
}
