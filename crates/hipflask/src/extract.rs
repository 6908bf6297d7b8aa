//! The axum extractors. Asking is the access: a handler without them costs nothing.

use std::convert::Infallible;

use axum_core::{
    extract::{FromRequestParts, OptionalFromRequestParts},
    response::{IntoResponse, Response},
};
use hipflask_core::engine::EngineError;
use http::{HeaderValue, StatusCode, header::CACHE_CONTROL, request::Parts};

use crate::{RequestSession, session::Session};

impl<S: Sync> FromRequestParts<S> for Session {
    type Rejection = SessionRejection;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, SessionRejection> {
        let request = parts.extensions.get::<RequestSession>().cloned().ok_or(NoSessionLayer)?;
        request.open(true).await.map_err(StoreUnavailable)?;
        Ok(Self::new(request))
    }
}

/// `None` where no layer is around the handler: for handlers that are used with and without one.
impl<S: Sync> OptionalFromRequestParts<S> for Session {
    type Rejection = StoreUnavailable;

    async fn from_request_parts(
        parts: &mut Parts,
        _state: &S,
    ) -> Result<Option<Self>, StoreUnavailable> {
        let Some(request) = parts.extensions.get::<RequestSession>().cloned() else {
            return Ok(None);
        };
        request.open(true).await.map_err(StoreUnavailable)?;
        Ok(Some(Self::new(request)))
    }
}

/// The sessions of all layers around a handler, by the name of their cookie.
///
/// [`Session`] alone is that of the innermost layer.
///
/// ```
/// use hipflask::Sessions;
///
/// async fn who(sessions: Sessions) -> hipflask::Result<String> {
///     let admin = sessions.get("admin_session").await?;
///     let name = admin.map(|session| session.get::<String>("name")).transpose()?;
///     Ok(name.flatten().unwrap_or_else(|| "no admin".into()))
/// }
/// # let _ = who;
/// ```
#[derive(Debug)]
pub struct Sessions(Option<RequestSession>);

impl Sessions {
    /// Returns the session of the innermost layer whose cookie has this name. This is the access.
    ///
    /// # Errors
    ///
    /// [`Error`](crate::Error) when its store does not answer.
    pub async fn get(&self, cookie_name: &str) -> crate::Result<Option<Session>> {
        match self.0.as_ref().and_then(|request| request.named(cookie_name)) {
            Some(request) => request.session().await.map(Some),
            None => Ok(None),
        }
    }
}

impl<S: Sync> FromRequestParts<S> for Sessions {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Infallible> {
        Ok(Self(parts.extensions.get().cloned()))
    }
}

/// A handler asked for a [`Session`], but no [`SessionLayer`](crate::SessionLayer) is around it.
///
/// ```
/// use axum::extract::FromRequestParts;
/// use hipflask::Session;
///
/// # tokio::runtime::Builder::new_current_thread().build()?.block_on(async {
/// let (mut parts, ()) = http::Request::new(()).into_parts();
/// let rejection = Session::from_request_parts(&mut parts, &()).await.unwrap_err();
/// assert!(rejection.to_string().contains("SessionLayer"));
/// # });
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("no session here: put a SessionLayer around this route")]
#[non_exhaustive]
pub struct NoSessionLayer;

impl IntoResponse for NoSessionLayer {
    fn into_response(self) -> Response {
        tracing::error!(target: "hipflask", "{self}");
        (StatusCode::INTERNAL_SERVER_ERROR, "Internal Server Error").into_response()
    }
}

/// The store that has the session did not answer, and the layer's policy is to refuse: 503.
///
/// ```
/// fn is_temporary(rejection: &hipflask::SessionRejection) -> bool {
///     matches!(rejection, hipflask::SessionRejection::StoreUnavailable(_))
/// }
/// # let _ = is_temporary;
/// ```
#[derive(Clone, Debug, thiserror::Error)]
#[error(transparent)]
pub struct StoreUnavailable(EngineError);

impl IntoResponse for StoreUnavailable {
    fn into_response(self) -> Response {
        let mut response = (StatusCode::SERVICE_UNAVAILABLE, "Service Unavailable").into_response();
        // A shared cache must not answer somebody else with it.
        let headers = response.headers_mut();
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        response
    }
}

/// Why a handler did not get its [`Session`].
///
/// ```
/// use axum::{http::StatusCode, response::IntoResponse};
/// use hipflask::SessionRejection;
///
/// fn status(rejection: SessionRejection) -> StatusCode {
///     rejection.into_response().status()
/// }
/// # let _ = status;
/// ```
#[derive(Clone, Debug, thiserror::Error)]
#[error(transparent)]
#[non_exhaustive]
pub enum SessionRejection {
    /// No layer is around the handler: 500.
    NoSessionLayer(#[from] NoSessionLayer),
    /// The store did not answer: 503.
    StoreUnavailable(#[from] StoreUnavailable),
}

impl IntoResponse for SessionRejection {
    fn into_response(self) -> Response {
        match self {
            Self::NoSessionLayer(rejection) => rejection.into_response(),
            Self::StoreUnavailable(rejection) => rejection.into_response(),
        }
    }
}
