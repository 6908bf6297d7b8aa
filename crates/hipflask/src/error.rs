//! The error of handlers that use `?`.

use hipflask_core::{engine::EngineError, session::SessionError};
use http::StatusCode;

/// What went wrong with a session in a handler; as a response it is a 500, or
/// what [`status`](Self::status) says.
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
#[derive(Clone, Debug, thiserror::Error)]
#[error(transparent)]
pub struct Error(#[from] pub(crate) Kind);

/// The result of a session's methods.
pub type Result<T, E = Error> = std::result::Result<T, E>;

#[derive(Clone, Debug, thiserror::Error)]
pub(crate) enum Kind {
    #[error(transparent)]
    Engine(#[from] EngineError),
    #[error(transparent)]
    Session(#[from] SessionError),
}

impl From<SessionError> for Error {
    fn from(error: SessionError) -> Self {
        Self(error.into())
    }
}

impl From<EngineError> for Error {
    fn from(error: EngineError) -> Self {
        Self(error.into())
    }
}

impl Error {
    /// Reports whether a change came after the response head had left.
    pub const fn is_response_started(&self) -> bool {
        matches!(self.0, Kind::Session(SessionError::ResponseStarted))
    }

    /// Reports whether a value has another shape than the type asked for, or cannot be stored.
    pub const fn is_value(&self) -> bool {
        matches!(self.0, Kind::Session(SessionError::NotList { .. } | SessionError::Value(_)))
    }

    /// Reports whether the store did not answer.
    pub const fn is_store_unavailable(&self) -> bool {
        match &self.0 {
            Kind::Engine(error) => error.is_unavailable(),
            Kind::Session(error) => matches!(error, SessionError::StoreUnavailable),
        }
    }

    /// Reports whether another request has ended the session, or kept changing it.
    pub const fn is_conflict(&self) -> bool {
        matches!(&self.0, Kind::Engine(error) if error.is_conflict())
    }

    /// Returns the status of the response that the error becomes: 503 if the store did not answer,
    /// 409 if another request was in the way, else 500.
    pub const fn status(&self) -> StatusCode {
        self.0.status()
    }
}

impl Kind {
    pub(crate) const fn status(&self) -> StatusCode {
        match self {
            Self::Engine(error) => status_of(error),
            Self::Session(SessionError::StoreUnavailable) => StatusCode::SERVICE_UNAVAILABLE,
            Self::Session(_) => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }
}

/// Returns the status of the response that an error becomes.
pub(crate) const fn status_of(error: &EngineError) -> StatusCode {
    if error.is_unavailable() {
        StatusCode::SERVICE_UNAVAILABLE
    } else if error.is_conflict() {
        StatusCode::CONFLICT
    } else {
        StatusCode::INTERNAL_SERVER_ERROR
    }
}

#[cfg(feature = "axum")]
impl axum_core::response::IntoResponse for Error {
    fn into_response(self) -> axum_core::response::Response {
        tracing::error!(target: "hipflask", "handler failed: {self}");
        let status = self.status();
        (status, status.canonical_reason().unwrap_or_default()).into_response()
    }
}
