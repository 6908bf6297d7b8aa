//! The response future: saves the session at the end.

use std::{
    future::Future,
    mem::take,
    pin::Pin,
    task::{Context, Poll, ready},
};

use http::Response;
use pin_project_lite::pin_project;

use crate::{
    Error, PendingRequest, respond,
    saving::{Finish, Finished, Saving},
};

pin_project! {
    /// The future of [`SessionService`](super::SessionService).
    pub struct SessionFuture<F, B> {
        // The first to be dropped, however the request ends: by an error, a panic or a client that
        // went away.
        session: Option<PendingRequest>,
        // Dropped as soon as it is done, and all that it has of the request with it.
        #[pin]
        inner: Option<F>,
        // Boxed, because few requests have any, and a router moves the future of each.
        rest: Option<Box<Rest<B>>>,
    }
}

/// What is left to do when the handler is done.
enum Rest<B> {
    /// There never was a handler.
    Refused(Response<B>),
    Saving {
        name: String,
        saving: Saving,
        response: Response<B>,
    },
}

impl<F, B: Default> SessionFuture<F, B> {
    pub(super) const fn new(inner: F, session: Option<PendingRequest>) -> Self {
        Self { session, inner: Some(inner), rest: None }
    }

    /// Answers a request that has passed another layer whose cookie has the same name.
    pub(super) fn refused(error: &Error) -> Self {
        tracing::error!(target: "hipflask", "{error}");
        let mut response = Response::new(B::default());
        *response.status_mut() = error.status();
        Self { session: None, inner: None, rest: Some(Box::new(Rest::Refused(response))) }
    }
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
        let mut this = self.project();
        if let Some(inner) = this.inner.as_mut().as_pin_mut() {
            let mut response = ready!(inner.poll(cx))?;
            this.inner.set(None);
            let Some(mut session) = this.session.take() else { return Poll::Ready(Ok(response)) };
            let finish = session.close();
            let name = session.interface().cookie_name();
            match finish {
                Finish::Done(finished) => {
                    answer(name, finished, &mut response);
                    return Poll::Ready(Ok(response));
                }
                Finish::Wait(saving) => {
                    let name = name.to_owned();
                    *this.rest = Some(Box::new(Rest::Saving { name, saving, response }));
                }
            }
        }
        let finished = match this.rest.as_deref_mut() {
            Some(Rest::Saving { saving, .. }) => Some(ready!(Pin::new(saving).poll(cx))),
            _ => None,
        };
        match (this.rest.take().map(|rest| *rest), finished) {
            (Some(Rest::Saving { name, mut response, .. }), Some(finished)) => {
                answer(&name, finished, &mut response);
                Poll::Ready(Ok(response))
            }
            (Some(Rest::Refused(response)), _) => Poll::Ready(Ok(response)),
            _ => panic!("a future was polled after it was done"),
        }
    }
}

/// Puts what was decided into the response, which becomes an error if the session was not saved.
fn answer<B: Default>(name: &str, finished: Finished, response: &mut Response<B>) {
    if let Err(failure) = respond::answer(name, finished, response.headers_mut()) {
        let headers = take(response.headers_mut());
        *response = Response::new(B::default());
        *response.status_mut() = failure.status();
        *response.headers_mut() = headers;
        response.extensions_mut().insert(failure);
    }
}
