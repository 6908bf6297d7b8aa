//! Flask's sessions in actix-web, by Hipflask's public API alone.
//!
//! [`sessions`] wraps an app or a scope, [`Session`] is what handlers ask for, and [`Error`] is what
//! their `?` returns. Nothing is decided here: what a response gets comes from the interface.

use std::{future::Future, ops::Deref, pin::Pin};

use actix_web::{
    FromRequest, HttpMessage, HttpRequest, HttpResponse, ResponseError, Result,
    body::{EitherBody, MessageBody},
    dev::{Payload, Service, ServiceRequest, ServiceResponse, Transform},
    error::InternalError,
    http::{
        StatusCode,
        header::{CACHE_CONTROL, COOKIE, HeaderName, HeaderValue},
    },
    middleware::{Next, from_fn},
};
use hipflask::{PendingRequest, RequestSession, SessionInterface, templates::TemplateError};

/// Gives every request of the app or scope that it wraps Flask's session.
///
/// ```
/// use actix_web::{App, web};
/// use hipflask::{SecretKey, SessionConfig, SessionInterface};
/// use hipflask_actix_example::{Error, Session, sessions};
///
/// async fn count(session: Session) -> Result<String, Error> {
///     let count = session.get::<u64>("count")?.unwrap_or(0) + 1;
///     session.insert("count", count)?;
///     Ok(count.to_string())
/// }
///
/// let interface = SessionInterface::signed(&SessionConfig::new(SecretKey::random()?))?;
/// let app = App::new().route("/count", web::get().to(count)).wrap(sessions(interface));
/// # drop(app);
/// # Ok::<(), hipflask::ConfigError>(())
/// ```
pub fn sessions<S, B>(
    interface: SessionInterface,
) -> impl Transform<
    S,
    ServiceRequest,
    Response = ServiceResponse<EitherBody<B>>,
    Error = actix_web::Error,
    InitError = (),
>
where
    S: Service<ServiceRequest, Response = ServiceResponse<B>, Error = actix_web::Error> + 'static,
    B: MessageBody + 'static,
{
    interface.tell();
    from_fn(move |request, next| around(interface.clone(), request, next))
}

async fn around<B: MessageBody + 'static>(
    interface: SessionInterface,
    request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<EitherBody<B>>> {
    let outer = request.extensions().get::<RequestSession>().cloned();
    let cookies = request.headers().get_all(COOKIE).map(HeaderValue::as_bytes);
    let pending = interface.request_within(outer.as_ref(), cookies).map_err(Error::from)?;
    let Some(pending) = pending else {
        return Ok(next.call(request).await?.map_into_left_body());
    };
    request.extensions_mut().insert(RequestSession::clone(&pending));
    match next.call(request).await {
        Ok(handled) => {
            let (request, response) = handled.into_parts();
            // The request lives on beside its response, and saving would wait for its session.
            request.extensions_mut().remove::<RequestSession>();
            outer.map(|outer| request.extensions_mut().insert(outer));
            Ok(ServiceResponse::new(request, finish(pending, response).await))
        }
        // What a guard's `?` returned is the response, and its session is saved, too.
        Err(error) => {
            let response = finish(pending, error.error_response()).await.map_into_boxed_body();
            Err(InternalError::from_response(error, response).into())
        }
    }
}

/// Saves the session, and carries out on the response what was decided.
async fn finish<B>(
    pending: PendingRequest,
    response: HttpResponse<B>,
) -> HttpResponse<EitherBody<B>> {
    // actix-web has the types of `http` 0.2.
    let lines = response.headers().iter().filter_map(|(name, line)| {
        let name = http::HeaderName::from_bytes(name.as_ref()).ok()?;
        Some((name, http::HeaderValue::from_bytes(line.as_bytes()).ok()?))
    });
    let mut headers: http::HeaderMap = lines.collect();
    let mut response = match pending.finish_into(&mut headers).await {
        Ok(()) => response.map_into_left_body(),
        Err(failure) => {
            let mut refused = HttpResponse::new(status(failure.status()));
            refused.extensions_mut().insert(failure);
            refused.map_into_right_body()
        }
    };
    let lines = headers.iter().filter_map(|(name, line)| {
        let name = HeaderName::from_bytes(name.as_ref()).ok()?;
        Some((name, HeaderValue::from_bytes(line.as_bytes()).ok()?))
    });
    *response.headers_mut() = lines.collect();
    response
}

fn status(status: http::StatusCode) -> StatusCode {
    StatusCode::from_u16(status.as_u16()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
}

/// Flask's session as an extractor: asking for it is the access. Clones are the same session.
///
/// A guard asks for it, too:
///
/// ```
/// use actix_web::{dev::{ServiceRequest, ServiceResponse}, error::ErrorUnauthorized, middleware::Next};
/// use hipflask_actix_example::{Error, Session};
///
/// async fn only_users<B>(session: Session, request: ServiceRequest, next: Next<B>)
/// -> actix_web::Result<ServiceResponse<B>> {
///     if session.get::<String>("user").map_err(Error::from)?.is_none() {
///         return Err(ErrorUnauthorized("log in first"));
///     }
///     next.call(request).await
/// }
/// # let _ = actix_web::App::new().wrap(actix_web::middleware::from_fn(only_users));
/// ```
#[derive(Clone, Debug)]
pub struct Session(hipflask::Session);

impl Deref for Session {
    type Target = hipflask::Session;

    fn deref(&self) -> &hipflask::Session {
        &self.0
    }
}

impl FromRequest for Session {
    type Error = Error;
    type Future = Pin<Box<dyn Future<Output = Result<Self, Error>>>>;

    fn from_request(request: &HttpRequest, _payload: &mut Payload) -> Self::Future {
        let session = request.extensions().get::<RequestSession>().cloned();
        Box::pin(async { Ok(Self(session.ok_or(Error::NoSessions)?.session().await?)) })
    }
}

/// What went wrong with a session in a handler, as a response.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A handler asked for a session, but none are around it: 500.
    #[error("no sessions are around this route: call .wrap(sessions(…)) on its app or scope")]
    NoSessions,
    /// The session could not be opened, read or changed.
    #[error(transparent)]
    Session(#[from] hipflask::Error),
    /// A template could not be rendered: 500.
    #[error(transparent)]
    Template(#[from] TemplateError),
}

impl ResponseError for Error {
    fn status_code(&self) -> StatusCode {
        match self {
            Self::Session(error) => status(error.status()),
            _ => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    fn error_response(&self) -> HttpResponse {
        tracing::error!(target: "hipflask", "handler failed: {self}");
        let text = match self {
            Self::NoSessions => self.to_string(),
            Self::Session(error) => error.body_text(),
            Self::Template(_) => "Internal Server Error".to_owned(),
        };
        HttpResponse::build(self.status_code())
            .insert_header((CACHE_CONTROL, "no-store"))
            .body(text)
    }
}
