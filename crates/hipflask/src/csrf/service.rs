//! The service: asks the core, and answers what is refused.

use std::{
    mem::replace,
    sync::Arc,
    task::{Context, Poll},
};

use axum::extract::{MatchedPath, NestedPath};
use axum_core::{
    body::Body,
    response::{IntoResponse, Response},
};
use hipflask_core::csrf::{CsrfError, Headers, Verdict, is_same_origin};
use http::{
    HeaderName, HeaderValue, Request, StatusCode,
    header::{HOST, ORIGIN, REFERER},
};
use tower_service::Service;

use super::{CsrfFuture, form, settings::Settings};
use crate::{
    RequestSession,
    rejection::{NoSessionLayer, answer},
    report,
};

/// A service that refuses what another site has started. [`CsrfLayer`](super::CsrfLayer) makes it.
#[derive(Clone, Debug)]
pub struct CsrfService<S> {
    pub(super) inner: S,
    pub(super) settings: Arc<Settings>,
}

impl<S> Service<Request<Body>> for CsrfService<S>
where
    S: Service<Request<Body>, Response = Response> + Clone + Send + 'static,
    S::Future: Send,
    S::Error: Send + 'static,
{
    type Response = Response;
    type Error = S::Error;
    type Future = CsrfFuture<S::Future, S::Error>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        let settings = Arc::clone(&self.settings);
        let verdict = match judge(&request, &settings) {
            Verdict::SameOrigin if settings.needs_token => Verdict::Silent,
            verdict => verdict,
        };
        match verdict {
            Verdict::Refused(error) => {
                CsrfFuture::checked(async move { Ok(refuse(error, settings.status)) })
            }
            Verdict::Silent => {
                // The clone has not been asked whether it is ready.
                let clone = self.inner.clone();
                let mut inner = replace(&mut self.inner, clone);
                CsrfFuture::checked(async move {
                    match confirm(request, &settings).await {
                        Ok(request) => inner.call(request).await,
                        Err(refusal) => Ok(refusal),
                    }
                })
            }
            _ => CsrfFuture::passed(self.inner.call(request)),
        }
    }
}

/// Compares the path, and the route's pattern where a router has found one. Both are without what a
/// router around this one has cut off.
fn is_exempt(request: &Request<Body>, settings: &Settings) -> bool {
    let nested = request.extensions().get().map_or("", NestedPath::as_str);
    let route = request.extensions().get().map(MatchedPath::as_str);
    let route = route.map(|route| route.strip_prefix(nested).unwrap_or(route));
    [Some(request.uri().path()), route].iter().flatten().any(|it| settings.exempt.contains(*it))
}

fn judge(request: &Request<Body>, settings: &Settings) -> Verdict {
    let header = |name: HeaderName| request.headers().get(name).map(HeaderValue::as_bytes);
    let authority = request.uri().authority().map(|authority| authority.as_str().as_bytes());
    if is_exempt(request, settings) {
        return Verdict::Safe;
    }
    let headers = Headers {
        method: request.method().as_str(),
        host: authority.or_else(|| header(HOST)),
        origin: header(ORIGIN),
        sec_fetch_site: header(HeaderName::from_static("sec-fetch-site")),
    };
    headers.judge(|origin| settings.trusted.iter().any(|trusted| trusted.as_bytes() == origin))
}

/// Looks for a token of the request's session.
async fn confirm(request: Request<Body>, settings: &Settings) -> Result<Request<Body>, Response> {
    let refused = |error| refuse(error, settings.status);
    let Some(session) = request.extensions().get::<RequestSession>().cloned() else {
        return Err(NoSessionLayer.into_response());
    };
    let live = session.interface().live();
    let (tokens, field) = (&live.csrf.0, &*live.csrf.1);
    let (token, request) =
        form::take_token(request, field, settings.form_limit).await.map_err(refused)?;
    if token.is_empty() {
        return Err(refused(CsrfError::TokenMissing));
    }
    let secret = session.session().await.map_err(IntoResponse::into_response)?.value(field);
    tokens.check(&token, secret.as_ref(), session.interface().now()).map_err(refused)?;
    if settings.needs_referrer {
        check_referrer(&request).map_err(refused)?;
    }
    Ok(request)
}

fn check_referrer(request: &Request<Body>) -> Result<(), CsrfError> {
    let text = |name| request.headers().get(name).and_then(|value| value.to_str().ok());
    let host = request.uri().authority().map(|host| host.as_str()).or_else(|| text(HOST));
    let referrer = text(REFERER).ok_or(CsrfError::ReferrerMissing)?;
    let own = format!("https://{}/", host.unwrap_or_default());
    if is_same_origin(referrer, &own) { Ok(()) } else { Err(CsrfError::ReferrerMismatch) }
}

fn refuse(error: CsrfError, status: StatusCode) -> Response {
    report::csrf_refused(error.reason());
    let too_large = matches!(error, CsrfError::FormTooLarge);
    let status = if too_large { StatusCode::PAYLOAD_TOO_LARGE } else { status };
    let mut response = answer(status, error.to_string());
    response.extensions_mut().insert(error);
    response
}
