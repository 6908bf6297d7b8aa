//! Where a log-in sends the visitor back to: `?next=/orders`, if it is a path of this site.

use std::convert::Infallible;

use axum_core::extract::FromRequestParts;
use hipflask_core::auth::is_local;
use http::{Method, Uri, request::Parts};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};

use crate::RequestSession;

const KEPT: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// Flask-Login's key of the way back, where the session has it.
pub(super) const NEXT: &str = "next";

/// Says of a request that its session has the way back.
#[derive(Clone, Copy)]
pub(super) struct NextInSession;

/// The way back of a log-in: what the query has under `next`, or the session where the manager
/// [keeps it there](super::LoginManager::with_next_in_session).
///
/// What is no path of this site counts as absent, so that no link to your log-in leads to another site.
///
/// ```
/// use hipflask::auth::SafeNext;
///
/// let next = |uri: &str| SafeNext::of(&uri.parse().unwrap()).or("/");
/// assert_eq!(next("/login?next=%2Forders%3Fpage%3D2"), "/orders?page=2");
/// assert_eq!(next("/login?next=%2F%2Fevil.example"), "/");
/// assert_eq!(next("/login"), "/");
/// ```
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct SafeNext(Option<String>);

impl SafeNext {
    /// Looks into the query of a request.
    pub fn of(uri: &Uri) -> Self {
        let pairs = uri.query().unwrap_or_default().split('&');
        let target = pairs.filter_map(|pair| pair.strip_prefix("next=")).next();
        let decoded = target.and_then(|target| percent_decode_str(target).decode_utf8().ok());
        decoded.map(|target| Self::new(&target)).unwrap_or_default()
    }

    /// Takes what a form has sent.
    pub fn new(target: &str) -> Self {
        Self(is_local(target).then(|| target.to_owned()))
    }

    /// Returns where to go, or `otherwise` if nothing was asked for.
    pub fn or(self, otherwise: &str) -> String {
        self.0.unwrap_or_else(|| otherwise.to_owned())
    }

    /// Returns where to go, if anything was asked for.
    pub fn as_deref(&self) -> Option<&str> {
        self.0.as_deref()
    }
}

impl<S: Sync> FromRequestParts<S> for SafeNext {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Infallible> {
        let next = Self::of(&parts.uri);
        let is_in_session = parts.extensions.get::<NextInSession>().is_some();
        if next.0.is_none()
            && is_in_session
            && let Some(request) = parts.extensions.get::<RequestSession>()
            && let Ok(session) = request.session().await
        {
            let kept = session.get::<String>(NEXT).ok().flatten();
            return Ok(kept.map(|target| Self::new(&target)).unwrap_or_default());
        }
        Ok(next)
    }
}

/// Returns the way back to a request. There is none to a form that was sent.
///
/// DIFFERENCE: Flask-Login sends the visitor back to the address of a `POST`, too, which mostly answers
/// 405 then.
pub(super) fn way_back<'a>(method: &Method, uri: &'a Uri) -> Option<&'a str> {
    let target = uri.path_and_query().map_or("/", |target| target.as_str());
    (method.is_safe() && is_local(target)).then_some(target)
}

/// Returns the log-in with a way back.
pub(super) fn with_next(login_view: &str, next: Option<&str>) -> String {
    let Some(target) = next else { return login_view.to_owned() };
    let separator = if login_view.contains('?') { '&' } else { '?' };
    format!("{login_view}{separator}next={}", utf8_percent_encode(target, KEPT))
}
