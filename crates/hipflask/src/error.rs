//! The error of handlers that use `?`.

use std::sync::Arc;

use hipflask_core::{
    engine::EngineError, reason::Reason, session::SessionError, store::StoreError,
};
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
    #[error("the session has ended meanwhile: {}", Reason::GoneDuringRequest)]
    Gone,
    #[error(transparent)]
    Session(#[from] SessionError),
    #[error(transparent)]
    Store(#[from] Arc<StoreError>),
}

impl From<SessionError> for Error {
    fn from(error: SessionError) -> Self {
        Self(error.into())
    }
}

impl From<StoreError> for Kind {
    fn from(error: StoreError) -> Self {
        Self::Store(Arc::new(error))
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
        matches!(self.0, Kind::Session(SessionError::StoreUnavailable) | Kind::Store(_))
    }

    /// Reports whether another request has ended the session, or kept changing it.
    pub const fn is_conflict(&self) -> bool {
        matches!(
            self.0,
            Kind::Gone | Kind::Engine(EngineError::Contended | EngineError::Conflict(_))
        )
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
            Self::Store(_) | Self::Session(SessionError::StoreUnavailable) => {
                StatusCode::SERVICE_UNAVAILABLE
            }
            Self::Gone | Self::Engine(EngineError::Contended | EngineError::Conflict(_)) => {
                StatusCode::CONFLICT
            }
            _ => StatusCode::INTERNAL_SERVER_ERROR,
        }
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
