//! The axum extractors. Asking is the access: a handler without them costs nothing.

use std::convert::Infallible;

use axum_core::extract::{FromRequestParts, OptionalFromRequestParts};
use http::{HeaderMap, request::Parts};

use crate::{
    error::Kind,
    layer,
    rejection::{NoSessionLayer, SessionRejection, StoreUnavailable},
    session::Session,
};

impl<S: Sync> FromRequestParts<S> for Session {
    type Rejection = SessionRejection;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, SessionRejection> {
        let access = layer::innermost(&parts.headers).ok_or(NoSessionLayer)?;
        Ok(access.session().await.map_err(StoreUnavailable)?)
    }
}

/// `None` where no layer is around the handler: for handlers that are used with and without one.
impl<S: Sync> OptionalFromRequestParts<S> for Session {
    type Rejection = StoreUnavailable;

    async fn from_request_parts(
        parts: &mut Parts,
        _state: &S,
    ) -> Result<Option<Self>, StoreUnavailable> {
        match layer::innermost(&parts.headers) {
            Some(access) => access.session().await.map(Some).map_err(StoreUnavailable),
            None => Ok(None),
        }
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
pub struct Sessions(HeaderMap);

impl Sessions {
    /// Returns the session of the innermost layer whose cookie has this name. This is the access.
    ///
    /// # Errors
    ///
    /// [`Error`](crate::Error) when its store does not answer.
    pub async fn get(&self, cookie_name: &str) -> crate::Result<Option<Session>> {
        match layer::named(cookie_name, &self.0) {
            Some(access) => Ok(Some(access.session().await.map_err(Kind::from)?)),
            None => Ok(None),
        }
    }
}

impl<S: Sync> FromRequestParts<S> for Sessions {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Infallible> {
        Ok(Self(parts.headers.clone()))
    }
}
