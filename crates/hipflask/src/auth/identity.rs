//! One request's user: loaded once, by whoever asks first.

use std::{
    borrow::Cow,
    sync::{Arc, Mutex, PoisonError},
};

use axum::extract::OriginalUri;
use hipflask_core::{
    auth::{self, LogIn, Protection, REMEMBER},
    cookie,
    engine::EngineError,
    store::StoreError,
};
use http::{
    HeaderName, HeaderValue, Request, Uri,
    header::{COOKIE, USER_AGENT},
    request::Parts,
};
use tokio::sync::OnceCell;

use super::{
    next::{NEXT, way_back, with_next},
    rejection::LoginRejection,
    settings::{Remembering, Settings},
    user::User,
};
use crate::{Error, RequestSession, Session, rejection::NoSessionLayer};

/// Who the sender of a request is, asked for or not.
pub(super) struct Identity<U> {
    pub(super) settings: Arc<Settings<U>>,
    /// As the browser has sent it: a router cuts the path for what is nested in it.
    uri: Uri,
    visitor: Option<Visitor>,
    user: OnceCell<Option<U>>,
    /// The value of the remember cookie.
    shown: Option<Vec<u8>>,
    /// What the browser is to be told of its remember cookie.
    line: Mutex<Option<String>>,
}

/// From where a request comes, if anybody wants to know.
struct Visitor {
    protection: Protection,
    forwarded_for: Option<HeaderValue>,
    address: Option<String>,
    user_agent: Option<HeaderValue>,
}

impl Visitor {
    fn identifier(&self) -> String {
        let bytes =
            |value: &'_ Option<HeaderValue>| value.as_ref().map(|it| it.as_bytes().to_vec());
        let [forwarded_for, user_agent] = [&self.forwarded_for, &self.user_agent].map(bytes);
        let address = self.address.as_ref().map(String::as_bytes);
        auth::identifier(forwarded_for.as_deref(), address, user_agent.as_deref())
    }
}

impl<U> Identity<U> {
    pub(super) fn new<B>(settings: &Arc<Settings<U>>, request: &Request<B>) -> Self {
        let header = |name| request.headers().get(name).cloned();
        let visitor = settings.protection.as_ref().map(|(protection, address)| Visitor {
            protection: *protection,
            forwarded_for: header(HeaderName::from_static("x-forwarded-for")),
            address: address(request.headers(), request.extensions()),
            user_agent: header(USER_AGENT),
        });
        let settings = Arc::clone(settings);
        let shown = settings.remember.as_ref().and_then(|remembering| {
            let lines = request.headers().get_all(COOKIE).iter().map(HeaderValue::as_bytes);
            cookie::find_in(lines, remembering.name()).map(Cow::into_owned)
        });
        let original = request.extensions().get().map(|OriginalUri(uri)| uri);
        let uri = original.unwrap_or_else(|| request.uri()).clone();
        let (user, line) = Default::default();
        Self { settings, uri, visitor, user, shown, line }
    }

    pub(super) fn shown(&self) -> Option<&[u8]> {
        self.shown.as_deref()
    }

    /// Takes what the browser is to be told of its remember cookie.
    pub(super) fn take_line(&self) -> Option<String> {
        self.line.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    /// Returns the identifier of the sender, where log-ins are watched.
    pub(super) fn identifier(&self) -> Option<String> {
        self.visitor.as_ref().map(Visitor::identifier)
    }
}

impl<U: User> Identity<U> {
    /// Finds what the manager around a handler has given the request.
    pub(super) fn of(parts: &Parts) -> Result<Arc<Self>, LoginRejection> {
        parts.extensions.get().cloned().ok_or(LoginRejection::NoLoginManager)
    }

    pub(super) async fn user(&self, parts: &Parts) -> Result<Option<U>, LoginRejection> {
        self.user.get_or_try_init(|| self.load(parts)).await.cloned()
    }

    /// Answers who is not logged in, as the app has chosen.
    pub(super) async fn stranger(&self, parts: &Parts) -> LoginRejection {
        let Some(login_view) = &self.settings.login_view else {
            return LoginRejection::Unauthorized;
        };
        let next = way_back(&parts.method, &self.uri);
        if let Err(error) = self.note_stranger(parts, next).await {
            return error.into();
        }
        let next = next.filter(|_| !self.settings.next_in_session);
        LoginRejection::LogIn { location: with_next(login_view, next) }
    }

    /// Puts into the session what is for the page of the log-in.
    async fn note_stranger(&self, parts: &Parts, next: Option<&str>) -> Result<(), Error> {
        if let Some((category, text)) = &self.settings.message {
            session(parts).await?.flash(category.as_str(), text.as_str())?;
        }
        match next {
            _ if !self.settings.next_in_session => {}
            Some(next) => session(parts).await?.insert(NEXT, next)?,
            None => _ = session(parts).await?.remove(NEXT)?,
        }
        Ok(())
    }

    async fn load(&self, parts: &Parts) -> Result<Option<U>, LoginRejection> {
        let session = session(parts).await?;
        let is_read_only = session.request().lock().session.read_only().is_some();
        if let Some(visitor) = self.visitor.as_ref().filter(|_| !is_read_only) {
            let core = &mut session.request().lock().session;
            visitor.protection.check(core, &visitor.identifier()).map_err(Error::from)?;
        }
        if let Some(id) = session.user_id()
            && let Some(user) = self.find(&id).await?
        {
            return Ok(Some(user));
        }
        if is_read_only { Ok(None) } else { self.remembered(&session).await }
    }

    /// Logs in whom the browser remembers, though not fresh.
    ///
    /// DIFFERENCE: Flask-Login notes the id in the session before it knows whether there is such a user,
    /// and leaves the anonymous session as it was.
    async fn remembered(&self, session: &Session) -> Result<Option<U>, LoginRejection> {
        let Some(remembering) = &self.settings.remember else { return Ok(None) };
        let is_forgotten =
            session.value(REMEMBER).is_some_and(|wish| wish.as_str() == Some("clear"));
        let Some(value) = self.shown.as_deref().filter(|_| !is_forgotten) else { return Ok(None) };
        let id = match remembering {
            Remembering::FlaskLogin(cookie) => cookie.signer().decode(value),
            Remembering::Series(series) => {
                let now = session.request().interface().now();
                let returned = series.returned(value, now).await.map_err(unavailable)?;
                *self.line.lock().unwrap_or_else(PoisonError::into_inner) = returned.line;
                returned.user_id
            }
        };
        let Some(id) = id else { return Ok(None) };
        let user = self.find(&id).await?;
        if user.is_some() {
            let how = LogIn::new().with_fresh(false).keeping(self.settings.kept.iter().cloned());
            session.log_in_with(id, &how)?;
        }
        Ok(user)
    }

    async fn find(&self, id: &str) -> Result<Option<U>, LoginRejection> {
        self.settings.find(id).await.map_err(LoginRejection::Loader)
    }
}

fn unavailable(error: StoreError) -> Error {
    EngineError::Store(Arc::new(error)).into()
}

async fn session(parts: &Parts) -> Result<Session, Error> {
    let request = parts.extensions.get::<RequestSession>().ok_or(NoSessionLayer)?;
    request.session().await
}
