//! The service: puts the session into the request.

use std::task::{Context, Poll};

use http::{Request, Response, header::COOKIE};
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
        let outer = request.extensions().get::<RequestSession>();
        match outer.and_then(|outer| outer.named(self.interface.cookie_name())) {
            // Two copies of one session would overwrite each other.
            Some(same) if same.interface().is_like(&self.interface) => {
                return SessionFuture::new(self.inner.call(request), None);
            }
            Some(_) => return SessionFuture::refused(self.interface.cookie_name()),
            None => {}
        }
        let cookies = request.headers().get_all(COOKIE).iter().cloned().collect();
        let session = RequestSession::new(self.interface.clone(), cookies, outer.cloned());
        if self.interface.refreshes_untouched() {
            session.open_untouched();
        }
        request.extensions_mut().insert(session.clone());
        SessionFuture::new(self.inner.call(request), Some(session))
    }
}
