//! A request's session in the hands of whoever answers the request, who finishes it.

use std::ops::Deref;

use hipflask_core::interface::Saved;
use http::HeaderValue;

use crate::{
    RequestSession, Result, SaveError, SessionInterface, error::Kind, request::Cookies,
    saving::Finish,
};

/// A request's session, for whoever answers the request: [`SessionInterface`] has an example.
///
/// It is finished before the response leaves. Dropped before, because the request has come to a bad
/// end, it is not saved; whoever else has the session can only read then.
#[derive(Debug)]
#[must_use = "what is not finished is not saved"]
pub struct PendingRequest {
    session: RequestSession,
    is_closed: bool,
}

impl SessionInterface {
    /// Starts a request that carries these lines of `Cookie`.
    pub fn request<'a>(&self, cookies: impl IntoIterator<Item = &'a [u8]>) -> PendingRequest {
        PendingRequest::new(self.clone(), copied(cookies), None)
    }

    /// Starts a request that has passed another layer, if `outer` is what that one has made. There is
    /// nothing to start, `None`, when `outer` has the very same session.
    ///
    /// # Errors
    ///
    /// [`Error`](crate::Error) when `outer` has a cookie of the same name and other settings: each
    /// would overwrite the other's session.
    pub fn request_within<'a>(
        &self,
        outer: Option<&RequestSession>,
        cookies: impl IntoIterator<Item = &'a [u8]>,
    ) -> Result<Option<PendingRequest>> {
        self.start(outer, copied(cookies))
    }

    pub(crate) fn start(
        &self,
        outer: Option<&RequestSession>,
        cookies: Cookies,
    ) -> Result<Option<PendingRequest>> {
        match outer.and_then(|outer| outer.named(self.cookie_name())) {
            Some(same) if same.interface().is_like(self) => Ok(None),
            Some(_) => Err(Kind::SameCookieName(self.cookie_name().to_owned()).into()),
            None => Ok(Some(PendingRequest::new(self.clone(), cookies, outer.cloned()))),
        }
    }
}

fn copied<'a>(cookies: impl IntoIterator<Item = &'a [u8]>) -> Cookies {
    cookies.into_iter().filter_map(|line| HeaderValue::from_bytes(line).ok()).collect()
}

impl PendingRequest {
    fn new(interface: SessionInterface, cookies: Cookies, outer: Option<RequestSession>) -> Self {
        let refreshes = interface.refreshes_untouched();
        let session = RequestSession::new(interface, cookies, outer);
        if refreshes {
            session.open_untouched();
        }
        Self { session, is_closed: false }
    }

    /// Says what the request's `User-Agent` is, for the [list](crate::SessionConfig::with_user_index) of its
    /// user's sessions: before anybody asks for the session.
    ///
    /// ```
    /// # fn start(sessions: &hipflask::SessionInterface, headers: &http::HeaderMap) {
    /// let request = sessions.request([b"".as_slice()]);
    /// let request = match headers.get("user-agent") {
    ///     Some(agent) => request.with_user_agent(agent.as_bytes()),
    ///     None => request,
    /// };
    /// # }
    /// ```
    pub fn with_user_agent(self, user_agent: &[u8]) -> Self {
        self.session.set_user_agent(user_agent);
        self
    }

    /// Saves the session, if anybody has asked for it, after those who are still changing it; whoever
    /// holds it later can only read. What is returned belongs into the response:
    /// [`finish_into`](Self::finish_into) puts it there.
    ///
    /// Once begun, saving is carried out also if nobody waits for it any more.
    ///
    /// # Errors
    ///
    /// [`SaveError`] when it cannot be saved: the response is to be an error then.
    pub async fn finish(mut self) -> Result<Option<Saved>, SaveError> {
        match self.close() {
            Finish::Done(finished) => finished,
            Finish::Wait(saving) => saving.await,
        }
    }

    pub(crate) fn close(&mut self) -> Finish {
        self.is_closed = true;
        self.session.close()
    }
}

impl Deref for PendingRequest {
    type Target = RequestSession;

    fn deref(&self) -> &RequestSession {
        &self.session
    }
}

impl Drop for PendingRequest {
    fn drop(&mut self) {
        if !self.is_closed {
            self.session.abandon();
        }
    }
}
