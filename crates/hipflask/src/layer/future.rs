//! The response future: saves the session at the end.

use std::{
    future::Future,
    pin::Pin,
    task::{Context, Poll, ready},
};

use http::{Response, StatusCode};
use pin_project_lite::pin_project;

use super::respond;
use crate::{
    RequestSession,
    request::{Finish, Finished},
};

pin_project! {
    /// The future of [`SessionService`](super::SessionService).
    pub struct SessionFuture<F, B> {
        // Dropped as soon as it is done, and all that it has of the request with it.
        #[pin]
        inner: Option<F>,
        session: Option<RequestSession>,
        // Boxed, because few requests have any, and a router moves the future of each.
        rest: Option<Box<Rest<B>>>,
    }

    impl<F, B> PinnedDrop for SessionFuture<F, B> {
        fn drop(this: Pin<&mut Self>) {
            let this = this.project();
            // However the request ends: by an error, a panic or a client that went away.
            if let Some(session) = this.session.take() {
                session.abandon();
            }
            // A client that hangs up must not keep, say, a log-out from being carried out.
            if let Some(Rest::Saving { saving, .. }) = this.rest.take().map(|rest| *rest)
                && let Ok(runtime) = tokio::runtime::Handle::try_current()
            {
                runtime.spawn(saving);
            }
        }
    }
}

/// What is left to do when the handler is done.
enum Rest<B> {
    /// There never was a handler.
    Refused(Response<B>),
    Saving {
        name: String,
        saving: Pin<Box<dyn Future<Output = Finished> + Send>>,
        response: Response<B>,
    },
}

impl<F, B: Default> SessionFuture<F, B> {
    pub(super) const fn new(inner: F, session: Option<RequestSession>) -> Self {
        Self { inner: Some(inner), session, rest: None }
    }

    /// Answers a request that has passed another layer whose cookie has the same name.
    pub(super) fn refused(name: &str) -> Self {
        tracing::error!(
            target: "hipflask",
            "two session layers have the cookie name {name:?} and different settings, so that each \
             would overwrite the other's session: give one of them another SESSION_COOKIE_NAME, or \
             clone one layer"
        );
        let mut response = Response::new(B::default());
        *response.status_mut() = StatusCode::INTERNAL_SERVER_ERROR;
        Self { inner: None, session: None, rest: Some(Box::new(Rest::Refused(response))) }
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
            let name = session.interface().cookie_name();
            match session.close() {
                Finish::Done(finished) => {
                    respond::answer(name, finished, &mut response);
                    return Poll::Ready(Ok(response));
                }
                Finish::Wait(saving) => {
                    let name = name.to_owned();
                    *this.rest = Some(Box::new(Rest::Saving { name, saving, response }));
                }
            }
        }
        let finished = match this.rest.as_deref_mut() {
            Some(Rest::Saving { saving, .. }) => Some(ready!(saving.as_mut().poll(cx))),
            _ => None,
        };
        match (this.rest.take().map(|rest| *rest), finished) {
            (Some(Rest::Saving { name, mut response, .. }), Some(finished)) => {
                respond::answer(&name, finished, &mut response);
                Poll::Ready(Ok(response))
            }
            (Some(Rest::Refused(response)), _) => Poll::Ready(Ok(response)),
            _ => panic!("a future was polled after it was done"),
        }
    }
}
