//! The service: looks at each request before its handler, and at each response after it.

use std::{
    future::Future,
    mem::replace,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use axum_core::response::{IntoResponse, Response};
use hipflask_core::{
    cookie, encoding,
    reason::Reason,
    session::{Fate, Session as Core},
};
use http::{HeaderMap, Request};
use tower_service::Service;

use super::{
    DeviceBinding,
    bond::{self, Bond},
    endpoint, format,
    settings::Settings,
    tokens::Tokens,
};
use crate::{RequestSession, rejection::NoSessionLayer, respond};

/// How many random bytes name a bound session.
const ID_LEN: usize = 16;

/// A service whose sessions are bound to devices. [`DbscLayer`](super::DbscLayer) makes it.
#[derive(Clone, Debug)]
pub struct DbscService<S> {
    pub(super) inner: S,
    pub(super) settings: Arc<Settings>,
}

impl<S, B> Service<Request<B>> for DbscService<S>
where
    S: Service<Request<B>, Response = Response> + Clone + Send + 'static,
    S::Future: Send,
    B: Send + 'static,
{
    type Response = Response;
    type Error = S::Error;
    type Future = Pin<Box<dyn Future<Output = Result<Response, S::Error>> + Send>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, mut request: Request<B>) -> Self::Future {
        // The clone has not been asked whether it is ready.
        let clone = self.inner.clone();
        let mut inner = replace(&mut self.inner, clone);
        let settings = Arc::clone(&self.settings);
        Box::pin(async move {
            let Some(session) = request.extensions().get::<RequestSession>().cloned() else {
                return Ok(NoSessionLayer.into_response());
            };
            let path = request.uri().path();
            if path == settings.registration || path == settings.refresh {
                let (parts, _) = request.into_parts();
                return Ok(endpoint::respond(&settings, session, parts).await);
            }
            let visit = Visit::begin(&settings, session, request.headers()).await;
            request.extensions_mut().insert(visit.binding);
            let mut response = inner.call(request).await?;
            visit.finish(response.headers_mut());
            Ok(response)
        })
    }
}

/// What is known of a request until its response leaves.
struct Visit<'a> {
    settings: &'a Settings,
    session: RequestSession,
    binding: DeviceBinding,
    has_cookie: bool,
    /// The user before the handler ran.
    user: Option<String>,
}

impl<'a> Visit<'a> {
    async fn begin(settings: &'a Settings, session: RequestSession, headers: &HeaderMap) -> Self {
        let has_cookie = settings.cookie(headers).is_some();
        let mut visit =
            Self { settings, session, has_cookie, binding: DeviceBinding::Unproven, user: None };
        // A handler that asks for a session whose store is away is told so.
        if visit.session.open(false).await.is_ok() {
            let interface = visit.session.interface();
            let shown = settings.shown(headers, interface);
            let core = &mut visit.session.lock().session;
            visit.binding = bond::judge(core, shown.as_ref(), interface.now());
        }
        if visit.binding == DeviceBinding::Unproven {
            visit.session.withhold(Reason::DbscUnproven);
        }
        visit.user = user(&visit.session, &visit.session.lock().session);
        visit
    }

    /// Offers a key to who has just logged in, and takes the cookie from who has no bound session any more.
    fn finish(self, headers: &mut HeaderMap) {
        let interface = self.session.interface();
        let changed = self.session.if_open(|core| match Bond::of(core) {
            Ok(Some(bond)) if bond.is_in_force() => Ok((None, true)),
            Ok(bond) => {
                let user = user(&self.session, core);
                let is_new = core.fate() != Fate::Kept || user != self.user;
                let offer = (user.is_some() && is_new).then(|| self.offer(core)).transpose();
                offer.map(|offer| (offer.flatten(), bond.is_some()))
            }
            Err(error) => Err(error.into()),
        });
        match changed {
            Some(Ok((offer, has_bond))) => {
                offer.map(|offer| headers.insert(format::REGISTRATION, offer));
                if self.has_cookie && !has_bond {
                    let attributes = self.settings.attributes(interface);
                    let line = cookie::write_deletion(&self.settings.cookie_name, &attributes);
                    respond::add_cookie(headers, line);
                }
            }
            Some(Err(error)) => {
                tracing::error!(target: "hipflask", "a log-in is not bound: {error}")
            }
            None => {}
        }
    }

    fn offer(&self, core: &mut Core) -> crate::Result<Option<http::HeaderValue>> {
        let mut id = [0; ID_LEN];
        getrandom::fill(&mut id).map_err(|_| crate::error::Kind::NoEntropy)?;
        let bond = Bond::offered(encoding::encode_url(&id));
        bond.keep(core)?;
        let interface = self.session.interface();
        let tokens = Tokens::new(&interface.live().ring);
        let challenge = tokens.challenge(&bond.id, bond.n, interface.now());
        Ok(format::registration(&self.settings.registration, &challenge))
    }
}

fn user(session: &RequestSession, core: &Core) -> Option<String> {
    session.interface().user_of(|key| core.value(key))
}
