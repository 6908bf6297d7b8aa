//! Saving a request's session: at once, or while somebody waits for it.

use std::{
    future::Future,
    pin::Pin,
    task::{Context, Poll},
};

use hipflask_core::interface::Saved;
use tokio::runtime::Handle;

use crate::SaveError;

/// How a request's session was saved: `None` if nobody has asked for it.
pub(crate) type Finished = Result<Option<Saved>, SaveError>;

/// Saving that goes on by itself when it is dropped: a client that hangs up must not keep, say, a
/// log-out from being carried out.
pub(crate) struct Saving(Option<Pin<Box<dyn Future<Output = Finished> + Send>>>);

/// What saving comes to.
pub(crate) enum Finish {
    Done(Finished),
    /// The store is to be asked, or others are still at work.
    Wait(Saving),
}

impl Saving {
    pub(crate) fn new(saving: impl Future<Output = Finished> + Send + 'static) -> Self {
        Self(Some(Box::pin(saving)))
    }
}

impl Future for Saving {
    type Output = Finished;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Finished> {
        let Some(saving) = &mut self.0 else { panic!("a future was polled after it was done") };
        let finished = saving.as_mut().poll(cx);
        if finished.is_ready() {
            self.0 = None;
        }
        finished
    }
}

impl Drop for Saving {
    fn drop(&mut self) {
        if let (Some(saving), Ok(runtime)) = (self.0.take(), Handle::try_current()) {
            runtime.spawn(saving);
        }
    }
}
