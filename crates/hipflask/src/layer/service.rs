//! The service: puts the session into the request.

use std::task::{Context, Poll};

use http::{
    Request, Response,
    header::{COOKIE, USER_AGENT},
};
use tower_service::Service;

use super::SessionFuture;
use crate::{RequestSession, SessionInterface};

/// A service whose requests can ask for their session. [`SessionLayer`](super::SessionLayer) makes
/// it.
#[derive(Clone)]
pub struct SessionService<S> {
    pub(super) inner: S,
    pub(super) interface: SessionInterface,
}

impl<S: std::fmt::Debug> std::fmt::Debug for SessionService<S> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SessionService").field("inner", &self.inner).finish_non_exhaustive()
    }
}

impl<S, ReqBody, ResBody> Service<Request<ReqBody>> for SessionService<S>
where
    S: Service<Request<ReqBody>, Response = Response<ResBody>>,
    ResBody: Default,
{
    type Response = S::Response;
    type Error = S::Error;
    type Future = SessionFuture<S::Future, ResBody>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, mut request: Request<ReqBody>) -> Self::Future {
        let cookies = request.headers().get_all(COOKIE).iter().cloned().collect();
        match self.interface.start(request.extensions().get::<RequestSession>(), cookies) {
            Ok(session) => {
                if let Some(session) = &session {
                    if let Some(agent) = request.headers().get(USER_AGENT)
                        && self.interface.lists_users()
                    {
                        session.set_user_agent(agent.as_bytes());
                    }
                    request.extensions_mut().insert(RequestSession::clone(session));
                }
                SessionFuture::new(self.inner.call(request), session)
            }
            Err(error) => SessionFuture::refused(&error),
        }
    }
}
