//! The service: opens what comes, and compares what is sent.

use std::{
    fmt,
    future::Future,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::Instant,
};

use http::{HeaderValue, Request, Response, header::COOKIE};
use tower_service::Service;

use super::look::Look;

/// The service that a [`ShadowLayer`](super::ShadowLayer) makes.
#[derive(Clone)]
pub struct ShadowService<S> {
    pub(super) inner: S,
    pub(super) look: Arc<Look>,
}

impl<S: fmt::Debug> fmt::Debug for ShadowService<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ShadowService").field("inner", &self.inner).finish_non_exhaustive()
    }
}

type Boxed<T> = Pin<Box<dyn Future<Output = T> + Send>>;

impl<S, ReqBody, ResBody> Service<Request<ReqBody>> for ShadowService<S>
where
    S: Service<Request<ReqBody>, Response = Response<ResBody>>,
    S::Future: Send + 'static,
    S::Error: Send,
    ResBody: Send,
{
    type Response = S::Response;
    type Error = S::Error;
    type Future = Boxed<Result<Self::Response, S::Error>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request<ReqBody>) -> Self::Future {
        if !self.look.draws() {
            return Box::pin(self.inner.call(request));
        }
        let look = self.look.clone();
        let lines: Vec<HeaderValue> = request.headers().get_all(COOKIE).iter().cloned().collect();
        let answering = self.inner.call(request);
        Box::pin(async move {
            let begun = Instant::now();
            let opened = look.open_lines(&lines).await;
            let asked = Instant::now();
            let response = answering.await?;
            let answered = Instant::now();
            look.compare(opened, response.extensions().get(), response.headers()).await;
            look.spend((asked - begun) + answered.elapsed(), answered - asked);
            Ok(response)
        })
    }
}
