//! Who is sent away by a guard, and with which answer.

use std::sync::Arc;

use axum_core::{
    BoxError,
    response::{IntoResponse, Response},
};
use http::{
    StatusCode,
    header::{CACHE_CONTROL, LOCATION},
};

use crate::{Error, rejection};

/// Why a guard did not let a visitor pass.
///
/// ```
/// use hipflask::auth::LoginRejection;
///
/// fn is_stranger(rejection: &LoginRejection) -> bool {
///     matches!(rejection, LoginRejection::LogIn { .. } | LoginRejection::Unauthorized)
/// }
/// assert!(is_stranger(&LoginRejection::Unauthorized));
/// ```
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LoginRejection {
    /// The user is logged in, and may not: 403.
    #[error("this user has not the permission")]
    Forbidden,
    /// The app's [`UserLoader`](super::UserLoader) has failed: 500.
    #[error("the user could not be loaded: {0}")]
    Loader(Arc<BoxError>),
    /// Nobody is logged in: a redirect to the log-in, with the way back.
    #[error("nobody is logged in")]
    LogIn {
        /// Where the redirect leads.
        location: String,
    },
    /// No [`LoginManager`](super::LoginManager) of this kind of users is around the handler: 500.
    #[error(
        "no LoginManager for this kind of user is around this route: call .layer(login_manager) after the \
         routes, and then .layer(sessions)"
    )]
    NoLoginManager,
    /// The path has no `{id}` whose owner could be known: 500.
    #[error("the path of this route has no {{id}}, which Owned compares with the user's")]
    NoPathId,
    /// The thing is somebody else's, and the visitor is not to know that it is there: 404.
    #[error("this is somebody else's")]
    NotFound,
    /// There is no session.
    #[error(transparent)]
    Session(#[from] Error),
    /// Nobody is logged in: 401.
    #[error("nobody is logged in")]
    Unauthorized,
}

impl LoginRejection {
    /// Returns the status of the response.
    pub const fn status(&self) -> StatusCode {
        match self {
            Self::Forbidden => StatusCode::FORBIDDEN,
            Self::LogIn { .. } => StatusCode::FOUND,
            Self::NotFound => StatusCode::NOT_FOUND,
            Self::Session(error) => error.status(),
            Self::Unauthorized => StatusCode::UNAUTHORIZED,
            Self::Loader(_) | Self::NoLoginManager | Self::NoPathId => {
                StatusCode::INTERNAL_SERVER_ERROR
            }
        }
    }

    /// Returns the body of the response: no more than the status, unless it is the programmer's fault,
    /// who sees it at the first request.
    pub fn body_text(&self) -> String {
        match self {
            Self::LogIn { .. } => String::new(),
            Self::NoLoginManager | Self::NoPathId => self.to_string(),
            Self::Session(error) => error.body_text(),
            _ => self.status().canonical_reason().unwrap_or_default().to_owned(),
        }
    }
}

impl IntoResponse for LoginRejection {
    fn into_response(self) -> Response {
        match self {
            Self::LogIn { location } => {
                let headers = [(LOCATION, location), (CACHE_CONTROL, "no-store".to_owned())];
                (StatusCode::FOUND, headers).into_response()
            }
            Self::Session(error) => error.into_response(),
            _ => {
                if self.status().is_server_error() {
                    tracing::error!(target: "hipflask", "{self}");
                }
                rejection::answer(self.status(), self.body_text())
            }
        }
    }
}

/// For a guard that returns a [`Response`] when nobody may pass.
impl From<LoginRejection> for Response {
    fn from(rejection: LoginRejection) -> Self {
        rejection.into_response()
    }
}
