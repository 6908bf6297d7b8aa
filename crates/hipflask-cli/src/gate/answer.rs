//! Answers one request of a proxy: opens the session, has it judged, extends it, and says who it is.

use std::time::Instant;

use hipflask::{SaveError, SessionInterface};
use hipflask_core::{
    UnixTime, cookie::find_joined, engine::EngineError, interface::SaveAction, session::Session,
    visit::Visit,
};
use hyper::{
    HeaderMap, Request, Response, StatusCode,
    header::{CACHE_CONTROL, COOKIE, HeaderValue, LOCATION, SET_COOKIE},
};

use super::{
    count::Counts,
    decision::{Policy, Verdict},
    proxy::{Asked, Network},
};

/// All that answering needs.
pub(super) struct Gate {
    pub(super) sessions: SessionInterface,
    pub(super) policy: Policy,
    pub(super) trusted: Vec<Network>,
    /// Extend sessions that are used: those in a store, or in cookies that are sent.
    pub(super) extends: bool,
    pub(super) sets_cookie: bool,
    /// For operators, if there is somewhere to show it.
    pub(super) counts: Option<Counts>,
}

/// The session could not be had: nobody gets in.
const UNAVAILABLE: u16 = 503;

impl Gate {
    /// Answers; whatever the request's body is, it is not read.
    pub(super) async fn answer<B>(&self, request: &Request<B>, asked: &Asked) -> Response<String> {
        let start = Instant::now();
        let mut headers = HeaderMap::new();
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        let (status, reason) = match self.decide(request, asked, &mut headers).await {
            Ok((status, reason)) => (status, Some(reason)),
            Err(_) => (UNAVAILABLE, None),
        };
        if let Some(counts) = &self.counts {
            counts.add(status, reason, start.elapsed());
        }
        let mut response = Response::new(String::new());
        // Every status that is decided is one.
        *response.status_mut() =
            StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        *response.headers_mut() = headers;
        response
    }

    async fn decide<B>(
        &self,
        request: &Request<B>,
        asked: &Asked,
        headers: &mut HeaderMap,
    ) -> Result<(u16, &'static str), EngineError> {
        let now = self.sessions.now();
        let lines = request.headers().get_all(COOKIE).iter().map(HeaderValue::as_bytes);
        // Envoy joins lines with a comma.
        let mut values = lines.filter_map(|line| find_joined(line, self.sessions.cookie_name()));
        let opened = self.sessions.open_at(values.next().as_deref(), None, now).await?;
        let (mut session, visit) = opened.into_parts();
        let reason = visit.reason().code();
        let mut verdict = self.policy.judge(&asked.page, |key| session.value(key));
        if verdict == Verdict::Allowed {
            for (name, text) in self.policy.identity(|key| session.value(key)) {
                // What cannot stand in a header was escaped.
                headers.insert(
                    name,
                    HeaderValue::try_from(text).unwrap_or(const { HeaderValue::from_static("") }),
                );
            }
            if self.extends && !session.is_empty() {
                match self.extend(&mut session, visit, now).await {
                    Ok(cookie) => headers.extend(cookie.map(|cookie| (SET_COOKIE, cookie))),
                    // It was ended meanwhile.
                    Err(StatusCode::CONFLICT) => verdict = Verdict::Unknown,
                    Err(_) => return Ok((UNAVAILABLE, reason)),
                }
            }
        }
        let (status, location) = self.policy.answer(verdict, asked);
        if let Some(location) = location.and_then(|it| HeaderValue::try_from(it).ok()) {
            headers.insert(LOCATION, location);
        }
        Ok((status, reason))
    }

    /// Extends a session as using it does, and returns its cookie if that is to be sent.
    async fn extend(
        &self,
        session: &mut Session,
        visit: Visit,
        now: UnixTime,
    ) -> Result<Option<HeaderValue>, StatusCode> {
        session.set_accessed(true);
        let mut entropy = vec![0; visit.entropy_len(session)];
        getrandom::fill(&mut entropy).map_err(|_| StatusCode::INTERNAL_SERVER_ERROR)?;
        let closing = visit.close(session, &entropy, now).map_err(SaveError::from);
        let saved = match closing {
            Ok(closing) => self.sessions.save(closing).await,
            Err(error) => Err(error),
        };
        let saved = saved.map_err(|error| error.status())?;
        Ok(match saved.action {
            SaveAction::Set(cookie) if self.sets_cookie => cookie.try_into().ok(),
            _ => None,
        })
    }
}
