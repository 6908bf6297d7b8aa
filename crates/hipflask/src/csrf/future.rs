//! The response future: the handler's, or that of a request which is looked at first.

use std::{
    future::Future,
    pin::Pin,
    task::{Context, Poll},
};

use axum_core::response::Response;
use pin_project_lite::pin_project;

pin_project! {
    /// The future of [`CsrfService`](super::CsrfService).
    #[project = Projected]
    pub struct CsrfFuture<F, E> {
        #[pin]
        kind: Kind<F, E>,
    }
}

pin_project! {
    #[project = KindProjected]
    enum Kind<F, E> {
        Passed { #[pin] inner: F },
        // Boxed, because it reads a form and a session; few requests need it.
        Checked { checked: Checked<E> },
    }
}

type Checked<E> = Pin<Box<dyn Future<Output = Result<Response, E>> + Send>>;

impl<F, E> CsrfFuture<F, E> {
    pub(super) const fn passed(inner: F) -> Self {
        Self { kind: Kind::Passed { inner } }
    }

    pub(super) fn checked(
        checked: impl Future<Output = Result<Response, E>> + Send + 'static,
    ) -> Self {
        Self { kind: Kind::Checked { checked: Box::pin(checked) } }
    }
}

impl<F: Future<Output = Result<Response, E>>, E> Future for CsrfFuture<F, E> {
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        match self.project().kind.project() {
            KindProjected::Passed { inner } => inner.poll(cx),
            KindProjected::Checked { checked } => checked.as_mut().poll(cx),
        }
    }
}

impl<F, E> std::fmt::Debug for CsrfFuture<F, E> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("CsrfFuture").finish_non_exhaustive()
    }
}
