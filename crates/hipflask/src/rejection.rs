//! Why a handler did not get its session, as an answer.
//!
//! Before the error of handlers, which a rejection can become.

use axum_core::response::{IntoResponse, Response};
use hipflask_core::engine::EngineError;
use http::{StatusCode, header::CACHE_CONTROL};

/// A handler asked for a [`Session`](crate::Session), but no [`SessionLayer`](crate::SessionLayer) is around it.
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
#[error(
    "no SessionLayer is around this route: call .layer(sessions) after the routes and the middleware \
     that use it"
)]
#[non_exhaustive]
pub struct NoSessionLayer;

impl NoSessionLayer {
    /// Returns the status of the response: 500.
    pub const fn status(&self) -> StatusCode {
        StatusCode::INTERNAL_SERVER_ERROR
    }

    /// Returns the body of the response: what to do. It is the programmer who sees it, at the first
    /// request.
    pub fn body_text(&self) -> String {
        self.to_string()
    }
}

impl IntoResponse for NoSessionLayer {
    fn into_response(self) -> Response {
        tracing::error!(target: "hipflask", "{self}");
        answer(self.status(), self.body_text())
    }
}

/// The store that has the session did not answer, and the layer's policy is to refuse: 503.
///
/// ```
/// fn is_temporary(rejection: &hipflask::rejection::SessionRejection) -> bool {
///     matches!(rejection, hipflask::rejection::SessionRejection::StoreUnavailable(_))
/// }
/// # let _ = is_temporary;
/// ```
#[derive(Clone, Debug, thiserror::Error)]
#[error(transparent)]
pub struct StoreUnavailable(pub(crate) EngineError);

impl StoreUnavailable {
    /// Returns the status of the response: 503.
    pub const fn status(&self) -> StatusCode {
        StatusCode::SERVICE_UNAVAILABLE
    }

    /// Returns the body of the response, which tells visitors nothing of the store.
    pub fn body_text(&self) -> String {
        "Service Unavailable".to_owned()
    }
}

impl IntoResponse for StoreUnavailable {
    fn into_response(self) -> Response {
        answer(self.status(), self.body_text())
    }
}

/// Why a handler did not get its [`Session`](crate::Session).
///
/// A guard passes it on with `?`, as an [`Error`](crate::Error) or as a response:
///
/// ```
/// use axum::{extract::{FromRequestParts, Request}, middleware::Next, response::{IntoResponse, Response}};
/// use hipflask::Session;
/// use http::StatusCode;
///
/// async fn only_users(request: Request, next: Next) -> Result<Response, Response> {
///     let (mut parts, body) = request.into_parts();
///     let session = Session::from_request_parts(&mut parts, &()).await?;
///     if session.get::<String>("user")?.is_none() {
///         return Err(StatusCode::UNAUTHORIZED.into_response());
///     }
///     Ok(next.run(Request::from_parts(parts, body)).await)
/// }
/// # let _ = only_users;
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

impl SessionRejection {
    /// Returns the status of the response.
    pub const fn status(&self) -> StatusCode {
        match self {
            Self::NoSessionLayer(rejection) => rejection.status(),
            Self::StoreUnavailable(rejection) => rejection.status(),
        }
    }

    /// Returns the body of the response.
    pub fn body_text(&self) -> String {
        match self {
            Self::NoSessionLayer(rejection) => rejection.body_text(),
            Self::StoreUnavailable(rejection) => rejection.body_text(),
        }
    }
}

impl IntoResponse for SessionRejection {
    fn into_response(self) -> Response {
        match self {
            Self::NoSessionLayer(rejection) => rejection.into_response(),
            Self::StoreUnavailable(rejection) => rejection.into_response(),
        }
    }
}

macro_rules! answers {
    ($($rejection:ty),*) => {$(
        /// For a guard that returns a [`Response`] when nobody may pass.
        impl From<$rejection> for Response {
            fn from(rejection: $rejection) -> Self {
                rejection.into_response()
            }
        }
    )*};
}

answers!(NoSessionLayer, SessionRejection, StoreUnavailable);

/// A shared cache must not answer somebody else with an error of this visitor's session.
pub(crate) fn answer(status: StatusCode, text: String) -> Response {
    (status, [(CACHE_CONTROL, "no-store")], text).into_response()
}
