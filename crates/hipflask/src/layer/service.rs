//! The service: puts a slot around the inner service.

use std::{
    sync::Arc,
    task::{Context, Poll},
};

use http::{Request, Response};
use tower_service::Service;

use super::{
    SessionFuture,
    layer::Shared,
    slot::{self, Slot},
};

/// A service whose requests can ask for their session. [`SessionLayer`](super::SessionLayer) makes
/// it.
#[derive(Clone)]
pub struct SessionService<S> {
    pub(super) inner: S,
    pub(super) shared: Arc<Shared>,
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

    fn call(&mut self, request: Request<ReqBody>) -> Self::Future {
        if slot::is_named(self.shared.interface.name()) {
            // A layer of the same cookie is outside already: two copies would overwrite each other.
            return SessionFuture { inner: self.inner.call(request), slot: None, rest: None };
        }
        let mut slot = Slot::new(Arc::clone(&self.shared));
        if self.shared.refresh_untouched && self.shared.backend.is_none() {
            slot.open_untouched(request.headers());
        }
        let (slot, inner) = slot::scope(slot, || self.inner.call(request));
        SessionFuture { inner, slot, rest: None }
    }
}
