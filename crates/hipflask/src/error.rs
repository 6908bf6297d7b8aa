//! The error of handlers that use `?`.

use hipflask_core::{engine::EngineError, session::SessionError};
use http::StatusCode;

use crate::save_error::status_of;

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
    #[cfg(feature = "axum")]
    #[error(transparent)]
    NoLayer(#[from] crate::rejection::NoSessionLayer),
    #[error("the operating system has no randomness for a new secret")]
    NoEntropy,
    #[cfg(feature = "password")]
    #[error(transparent)]
    Password(#[from] crate::password::PasswordError),
    #[error(
        "two session layers have the cookie name {0:?} and different settings, so that each would \
         overwrite the other's session: give one of them another SESSION_COOKIE_NAME, or clone one layer"
    )]
    SameCookieName(String),
    #[cfg(feature = "testing")]
    #[error(transparent)]
    Save(crate::SaveError),
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

#[cfg(feature = "password")]
impl From<crate::password::PasswordError> for Error {
    fn from(error: crate::password::PasswordError) -> Self {
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
            _ => false,
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

    /// Returns the body of the response that the error becomes: no more than the status, unless a
    /// layer is missing.
    pub fn body_text(&self) -> String {
        match self.0 {
            #[cfg(feature = "axum")]
            Kind::NoLayer(rejection) => rejection.body_text(),
            _ => self.status().canonical_reason().unwrap_or_default().to_owned(),
        }
    }
}

impl Kind {
    const fn status(&self) -> StatusCode {
        match self {
            Self::Engine(error) => status_of(error),
            #[cfg(feature = "testing")]
            Self::Save(error) => error.status(),
            Self::Session(SessionError::StoreUnavailable) => StatusCode::SERVICE_UNAVAILABLE,
            _ => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }
}

#[cfg(feature = "axum")]
mod answers {
    //! The error as a response, and what becomes an error in a guard.

    use axum_core::response::{IntoResponse, Response};

    use super::Error;
    use crate::rejection::{NoSessionLayer, SessionRejection, StoreUnavailable, answer};

    impl IntoResponse for Error {
        fn into_response(self) -> Response {
            tracing::error!(target: "hipflask", "handler failed: {self}");
            answer(self.status(), self.body_text())
        }
    }

    /// For a guard that returns a [`Response`] when nobody may pass.
    impl From<Error> for Response {
        fn from(error: Error) -> Self {
            error.into_response()
        }
    }

    impl From<SessionRejection> for Error {
        fn from(rejection: SessionRejection) -> Self {
            match rejection {
                SessionRejection::NoSessionLayer(rejection) => rejection.into(),
                SessionRejection::StoreUnavailable(rejection) => rejection.into(),
            }
        }
    }

    impl From<NoSessionLayer> for Error {
        fn from(rejection: NoSessionLayer) -> Self {
            Self(rejection.into())
        }
    }

    impl From<StoreUnavailable> for Error {
        fn from(rejection: StoreUnavailable) -> Self {
            Self(rejection.0.into())
        }
    }
}
