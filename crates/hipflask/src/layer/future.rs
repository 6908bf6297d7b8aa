//! The response future: saves the session at the end.

use std::{
    future::Future,
    mem::{replace, take},
    pin::Pin,
    task::{Context, Poll, ready},
};

use http::Response;
use pin_project_lite::pin_project;

use crate::{
    Error, PendingRequest,
    request::{Finish, Finished, Saving},
    respond,
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
        rest: Rest<B>,
    }
}

/// What is left to do when the handler is done.
enum Rest<B> {
    None,
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
        Self { session, inner: Some(inner), rest: Rest::None }
    }

    /// Answers a request that has passed another layer whose cookie has the same name.
    pub(super) fn refused(error: &Error) -> Self {
        tracing::error!(target: "hipflask", "{error}");
        let mut response = Response::new(B::default());
        *response.status_mut() = error.status();
        Self { session: None, inner: None, rest: Rest::Refused(response) }
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
            let Some(session) = this.session.take() else { return Poll::Ready(Ok(response)) };
            let interface = session.interface().clone();
            let name = interface.cookie_name();
            match session.close() {
                Finish::Done(finished) => {
                    answer(name, finished, &mut response);
                    return Poll::Ready(Ok(response));
                }
                Finish::Wait(saving) => {
                    *this.rest = Rest::Saving { name: name.to_owned(), saving, response };
                }
            }
        }
        let finished = match this.rest {
            Rest::Saving { saving, .. } => Some(ready!(Pin::new(saving).poll(cx))),
            _ => None,
        };
        match (replace(this.rest, Rest::None), finished) {
            (Rest::Saving { name, mut response, .. }, Some(finished)) => {
                answer(&name, finished, &mut response);
                Poll::Ready(Ok(response))
            }
            (Rest::Refused(response), _) => Poll::Ready(Ok(response)),
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
