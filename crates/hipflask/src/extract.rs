//! The axum extractors. Asking is the access: a handler without them costs nothing.

use std::convert::Infallible;

use axum_core::extract::{FromRequestParts, OptionalFromRequestParts};
use http::request::Parts;

use crate::{
    RequestSession,
    rejection::{NoSessionLayer, SessionRejection, StoreUnavailable},
    session::Session,
};

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
