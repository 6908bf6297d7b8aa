//! The response future: keeps the slot between polls and saves the session at the end.

use std::{
    future::Future,
    pin::Pin,
    task::{Context, Poll, ready},
};

use http::Response;
use pin_project_lite::pin_project;

use super::{
    respond,
    slot::{self, Slot},
};

pin_project! {
    /// The future of [`SessionService`](super::SessionService).
    pub struct SessionFuture<F> {
        #[pin]
        pub(super) inner: F,
        pub(super) slot: Option<Slot>,
    }
}

impl<F> std::fmt::Debug for SessionFuture<F> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SessionFuture").finish_non_exhaustive()
    }
}

impl<F, ResBody, E> Future for SessionFuture<F>
where
    F: Future<Output = Result<Response<ResBody>, E>>,
    ResBody: Default,
{
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        let polled = match this.slot.take() {
            Some(slot) => {
                let (slot, polled) = slot::scope(slot, || this.inner.poll(cx));
                *this.slot = slot;
                polled
            }
            None => this.inner.poll(cx),
        };
        let mut response = ready!(polled)?;
        if let Some(mut slot) = this.slot.take()
            && let Some(session) = slot.session.take()
        {
            respond::save(&slot.shared, &session, &mut response);
        }
        Poll::Ready(Ok(response))
    }
}
