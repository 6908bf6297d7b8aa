//! The response future: keeps the slot between polls and saves the session at the end.

use std::{
    future::Future,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
};

use hipflask_core::interface::Saved;
use http::Response;
use pin_project_lite::pin_project;

use super::{
    Shared, respond,
    slot::{self, Slot},
};
use crate::SaveFailure;

type Saving = Pin<Box<dyn Future<Output = Result<Saved, SaveFailure>> + Send>>;

pin_project! {
    /// The future of [`SessionService`](super::SessionService).
    pub struct SessionFuture<F, B> {
        #[pin]
        pub(super) inner: F,
        pub(super) slot: Option<Slot>,
        pub(super) rest: Option<Rest<B>>,
    }

    impl<F, B> PinnedDrop for SessionFuture<F, B> {
        fn drop(this: Pin<&mut Self>) {
            // A client that hangs up must not keep, say, a log-out from being carried out.
            if let (Some(rest), Ok(runtime)) =
                (this.project().rest.take(), tokio::runtime::Handle::try_current())
            {
                runtime.spawn(rest.saving);
            }
        }
    }
}

/// What is left to do when the handler is done.
pub(super) struct Rest<B> {
    shared: Arc<Shared>,
    saving: Saving,
    response: Response<B>,
}

impl<F, B> std::fmt::Debug for SessionFuture<F, B> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SessionFuture").finish_non_exhaustive()
    }
}

impl<F, B, E> Future for SessionFuture<F, B>
where
    F: Future<Output = Result<Response<B>, E>>,
    B: Default,
{
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        if this.rest.is_none() {
            let polled = match this.slot.take() {
                Some(slot) => {
                    let (slot, polled) = slot::scope(slot, || this.inner.poll(cx));
                    *this.slot = slot;
                    polled
                }
                None => this.inner.poll(cx),
            };
            let mut response = ready!(polled)?;
            let Some(mut slot) = this.slot.take() else { return Poll::Ready(Ok(response)) };
            let Some(session) = slot.take_session() else { return Poll::Ready(Ok(response)) };
            let shared = Arc::clone(&slot.shared);
            if shared.backend.is_none() {
                let saved = respond::save(&shared, &session);
                respond::answer(shared.interface.name(), saved, &mut response);
                return Poll::Ready(Ok(response));
            }
            let saving = session.save();
            *this.rest = Some(Rest { shared, saving: Box::pin(saving), response });
        }
        let Some(rest) = this.rest.as_mut() else { return Poll::Pending };
        let saved = ready!(rest.saving.as_mut().poll(cx));
        let Some(Rest { shared, mut response, .. }) = this.rest.take() else {
            return Poll::Pending;
        };
        respond::answer(shared.interface.name(), saved, &mut response);
        Poll::Ready(Ok(response))
    }
}
