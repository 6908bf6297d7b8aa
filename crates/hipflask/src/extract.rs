//! The axum extractors. Asking is the access: a handler without them costs nothing.

use std::convert::Infallible;

use axum_core::{
    extract::{FromRequestParts, OptionalFromRequestParts},
    response::{IntoResponse, Response},
};
use http::{HeaderMap, StatusCode, request::Parts};

use crate::{layer, session::Session};

impl<S: Sync> FromRequestParts<S> for Session {
    type Rejection = NoSessionLayer;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, NoSessionLayer> {
        layer::innermost(&parts.headers).ok_or(NoSessionLayer)
    }
}

/// `None` where no layer is around the handler: for handlers that are used with and without one.
impl<S: Sync> OptionalFromRequestParts<S> for Session {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Option<Self>, Infallible> {
        Ok(layer::innermost(&parts.headers))
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
///     let admin = sessions.get("admin_session");
///     let name = admin.map(|session| session.get::<String>("name")).transpose()?;
///     Ok(name.flatten().unwrap_or_else(|| "no admin".into()))
/// }
/// # let _ = who;
/// ```
#[derive(Debug)]
pub struct Sessions(HeaderMap);

impl Sessions {
    /// Returns the session of the innermost layer whose cookie has this name. This is the access.
    pub fn get(&self, cookie_name: &str) -> Option<Session> {
        layer::named(cookie_name, &self.0)
    }
}

impl<S: Sync> FromRequestParts<S> for Sessions {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Infallible> {
        Ok(Self(parts.headers.clone()))
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
#[error("no session here: put a SessionLayer around this route, in the same task as the handler")]
#[non_exhaustive]
pub struct NoSessionLayer;

impl IntoResponse for NoSessionLayer {
    fn into_response(self) -> Response {
        tracing::error!(target: "hipflask", "{self}");
        (StatusCode::INTERNAL_SERVER_ERROR, "Internal Server Error").into_response()
    }
}
