//! The service: gives a request its identity, and tells the browser what became of the log-in.

use std::{
    fmt,
    future::Future,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
    time::Duration,
};

use hipflask_core::{
    UnixTime,
    auth::{IDENTIFIER, Remember, RememberCookie, id_text},
    session::{Fate, Session as Core, SessionError},
};
use http::{HeaderMap, HeaderName, HeaderValue, Request, Response};
use pin_project_lite::pin_project;
use tower_service::Service;

use super::{
    identity::Identity,
    next::NextInSession,
    series::RememberSeries,
    settings::{Remembering, Settings},
};
use crate::{RequestSession, respond};

const CLEAR_SITE_DATA: HeaderName = HeaderName::from_static("clear-site-data");

/// A service whose requests can ask for their user. [`LoginManager`](super::LoginManager) makes it.
pub struct LoginService<S, U> {
    inner: S,
    settings: Arc<Settings<U>>,
}

impl<S, U> LoginService<S, U> {
    pub(super) const fn new(inner: S, settings: Arc<Settings<U>>) -> Self {
        Self { inner, settings }
    }
}

impl<S: Clone, U> Clone for LoginService<S, U> {
    fn clone(&self) -> Self {
        Self { inner: self.inner.clone(), settings: Arc::clone(&self.settings) }
    }
}

impl<S: fmt::Debug, U> fmt::Debug for LoginService<S, U> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LoginService").field("inner", &self.inner).finish_non_exhaustive()
    }
}

impl<S, U, ReqBody, ResBody> Service<Request<ReqBody>> for LoginService<S, U>
where
    S: Service<Request<ReqBody>, Response = Response<ResBody>>,
    U: Send + Sync + 'static,
{
    type Response = S::Response;
    type Error = S::Error;
    type Future = LoginFuture<S::Future, U, ResBody>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, mut request: Request<ReqBody>) -> Self::Future {
        let identity = Arc::new(Identity::new(&self.settings, &request));
        let session = request.extensions().get().cloned();
        request.extensions_mut().insert(Arc::clone(&identity));
        if self.settings.next_in_session {
            request.extensions_mut().insert(NextInSession);
        }
        LoginFuture { inner: self.inner.call(request), identity, session, rest: None }
    }
}

pin_project! {
    /// The future of [`LoginService`].
    pub struct LoginFuture<F, U, B> {
        #[pin]
        inner: F,
        identity: Arc<Identity<U>>,
        session: Option<RequestSession>,
        // Boxed, because few responses have any.
        rest: Option<Box<Rest<B>>>,
    }
}

/// What is left to do when the handler is done: the store is to be told of a remember cookie.
struct Rest<B> {
    response: Response<B>,
    telling: Telling,
}

/// Ends with the header text for the browser.
type Telling = Pin<Box<dyn Future<Output = Option<String>> + Send>>;

impl<F, U, B> fmt::Debug for LoginFuture<F, U, B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LoginFuture").finish_non_exhaustive()
    }
}

impl<F, U, B, E> Future for LoginFuture<F, U, B>
where
    F: Future<Output = Result<Response<B>, E>>,
{
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        if this.rest.is_none() {
            let mut response = ready!(this.inner.poll(cx))?;
            let telling = finish(this.identity, this.session.take(), response.headers_mut());
            let Some(telling) = telling else { return Poll::Ready(Ok(response)) };
            *this.rest = Some(Box::new(Rest { response, telling }));
        }
        let Some(rest) = this.rest else { return Poll::Pending };
        let line = ready!(rest.telling.as_mut().poll(cx));
        line.into_iter().for_each(|line| respond::add_cookie(rest.response.headers_mut(), line));
        match this.rest.take() {
            Some(rest) => Poll::Ready(Ok(rest.response)),
            None => Poll::Pending,
        }
    }
}

/// Puts into a response what became of the log-in, and returns what a store has to do for that.
fn finish<U>(
    identity: &Identity<U>,
    session: Option<RequestSession>,
    headers: &mut HeaderMap,
) -> Option<Telling> {
    let session = session?;
    let now = session.interface().now();
    let news = match session.if_open(|core| settle(identity, core))? {
        Ok(news) => news,
        Err(error) => {
            tracing::error!(target: "hipflask", "log-in: {error}");
            return None;
        }
    };
    if news.has_logged_out && identity.settings.clears_site_data {
        headers.insert(CLEAR_SITE_DATA, HeaderValue::from_static(r#""cache", "storage""#));
    }
    let returned = identity.take_line();
    let (line, telling) = match (&identity.settings.remember, news.remember, news.user_id) {
        (Some(Remembering::FlaskLogin(cookie)), Some(Remember::Set(seconds)), Some(id)) => {
            (cookie.write(&id, seconds, now).ok(), None)
        }
        (Some(Remembering::Series(series)), Some(Remember::Set(seconds)), Some(id)) => {
            (None, Some(start(series.clone(), identity.shown(), id, seconds, now)))
        }
        (Some(remembering), Some(Remember::Clear), _) => {
            let shown = identity.shown().map(<[u8]>::to_vec);
            let line = shown.as_ref().map(|_| remembering.deletion());
            let telling = match (remembering, shown) {
                (Remembering::Series(series), Some(shown)) => Some(forget(series.clone(), shown)),
                _ => None,
            };
            (line, telling)
        }
        (None, Some(Remember::Set(_)), _) => {
            tracing::warn!(
                target: "hipflask",
                "a log-in is to be remembered, but the LoginManager has no cookie for it: call with_remember, or \
                 with_flask_remember"
            );
            (None, None)
        }
        _ => (returned, None),
    };
    line.into_iter().for_each(|line| respond::add_cookie(headers, line));
    telling
}

/// Starts a series for a user who wants to be remembered.
fn start(
    series: RememberSeries,
    earlier: Option<&[u8]>,
    user_id: String,
    seconds: Option<f64>,
    now: UnixTime,
) -> Telling {
    let earlier = earlier.map(<[u8]>::to_vec);
    let life = seconds.and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
    Box::pin(async move {
        if let Some(earlier) = earlier {
            end(&series, &earlier).await;
        }
        let started = series.start(&user_id, life, now).await;
        started.unwrap_or_else(|error| {
            tracing::error!(target: "hipflask", "a log-in is not remembered: {error}");
            None
        })
    })
}

/// Ends the series of a user who has logged out.
fn forget(series: RememberSeries, shown: Vec<u8>) -> Telling {
    // A client that hangs up must not keep it from being carried out.
    let ending = tokio::spawn(async move { end(&series, &shown).await });
    Box::pin(async move {
        let _ = ending.await;
        None
    })
}

async fn end(series: &RememberSeries, shown: &[u8]) {
    if let Err(error) = series.end(shown).await {
        tracing::error!(target: "hipflask", "a remember cookie outlives its log-out: {error}");
    }
}

/// What the browser is to know.
struct News {
    remember: Option<Remember>,
    user_id: Option<String>,
    has_logged_out: bool,
}

/// Takes out of the session what is only for the response, and notes from where the user has logged in.
fn settle<U>(identity: &Identity<U>, session: &mut Core) -> Result<News, SessionError> {
    let remember = match &identity.settings.remember {
        Some(Remembering::FlaskLogin(cookie)) => cookie.take_wish_of(session, identity.shown())?,
        _ => RememberCookie::take_wish(session)?,
    };
    let user_id = session.user_id();
    let has_logged_in = user_id.is_some() && session.fate() != Fate::Kept;
    if has_logged_in
        && !session.contains(IDENTIFIER)
        && let Some(identifier) = identity.identifier()
    {
        session.set(IDENTIFIER, identifier)?;
    }
    let has_logged_out = session.fate() == Fate::Ended && user_id.is_none();
    let remember = remember.or(has_logged_out.then_some(Remember::Clear));
    Ok(News { remember, user_id: user_id.as_ref().and_then(id_text), has_logged_out })
}
