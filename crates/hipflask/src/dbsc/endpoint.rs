//! The two addresses that the browser itself asks: for a first cookie, and for the next.

use axum_core::response::{IntoResponse, Response};
use hipflask_core::{UnixTime, cookie, visit::Sessions};
use http::{
    HeaderMap, HeaderName, HeaderValue, Method, StatusCode,
    header::{ALLOW, CACHE_CONTROL, CONTENT_TYPE, SET_COOKIE},
    request::Parts,
};

use super::{
    DbscError,
    bond::{Bond, KEY},
    format,
    proof::Proof,
    settings::Settings,
    tokens::{Shown, Tokens},
};
use crate::{Error, RequestSession, Session, rejection::answer, report};

const RESOURCE_POLICY: HeaderName = HeaderName::from_static("cross-origin-resource-policy");

/// Answers a request to one of the two addresses.
pub(super) async fn respond(
    settings: &Settings,
    request: RequestSession,
    parts: Parts,
) -> Response {
    let mut response = if parts.method == Method::POST {
        match request.session().await {
            Ok(session) => Exchange::new(settings, &session, &parts.headers).respond(&parts).await,
            Err(error) => error.into_response(),
        }
    } else {
        let text = "expected POST, which browsers send by themselves".to_owned();
        let mut response = answer(StatusCode::METHOD_NOT_ALLOWED, text);
        response.headers_mut().insert(ALLOW, HeaderValue::from_static("POST"));
        response
    };
    // Another site must not learn from it whether somebody is logged in here.
    response.headers_mut().insert(RESOURCE_POLICY, HeaderValue::from_static("same-origin"));
    response
}

struct Exchange<'a> {
    settings: &'a Settings,
    session: &'a Session,
    headers: &'a HeaderMap,
    tokens: Tokens,
    now: UnixTime,
}

enum Refusal {
    Proof(DbscError),
    /// The store is away, or another request is in the way.
    Session(Error),
}

impl From<DbscError> for Refusal {
    fn from(error: DbscError) -> Self {
        Self::Proof(error)
    }
}

impl From<Error> for Refusal {
    fn from(error: Error) -> Self {
        Self::Session(error)
    }
}

impl<'a> Exchange<'a> {
    fn new(settings: &'a Settings, session: &'a Session, headers: &'a HeaderMap) -> Self {
        let interface = session.request().interface();
        let (tokens, now) = (Tokens::new(&interface.live().ring), interface.now());
        Self { settings, session, headers, tokens, now }
    }

    async fn respond(&self, parts: &Parts) -> Response {
        let is_refresh = parts.uri.path() == self.settings.refresh;
        let result = if is_refresh { self.refresh().await } else { self.register().await };
        match result {
            Ok(response) => response,
            Err(Refusal::Session(error)) => error.into_response(),
            Err(Refusal::Proof(error)) => {
                let mut response = answer(error.status(), error.to_string());
                response.extensions_mut().insert(error);
                let retry = self.retry().filter(|_| is_refresh && error.status() == 403);
                report::dbsc_refused(error.reason(), retry.is_some());
                retry.map(|header| response.headers_mut().insert(format::CHALLENGE, header));
                response
            }
        }
    }

    async fn register(&self) -> Result<Response, Refusal> {
        let bond = self.bond().ok_or(DbscError::SessionUnknown)?;
        let proof = self.proof()?;
        let key = proof.own_key()?;
        // A challenge for an offer has another number than those for a key.
        self.tokens.check(&proof.confirmed_by(&key)?, &bond.id, 0, self.now)?;
        if bond.key.is_some() {
            return Err(DbscError::ChallengeMismatch.into());
        }
        self.accept(&bond, Shown { id: bond.id.clone(), key }).await
    }

    async fn refresh(&self) -> Result<Response, Refusal> {
        let id = format::string(self.headers, &format::SESSION_ID);
        let bond = self.bond().filter(|bond| Some(&*bond.id) == id);
        let bond = bond.ok_or(DbscError::SessionUnknown)?;
        let key = bond.key.clone().ok_or(DbscError::SessionUnknown)?;
        let challenge = self.proof()?.confirmed_by(&key)?;
        self.tokens.check(&challenge, &bond.id, bond.n, self.now)?;
        self.accept(&bond, Shown { id: bond.id.clone(), key }).await
    }

    fn bond(&self) -> Option<Bond> {
        Bond::of(&self.session.request().lock().session).ok().flatten()
    }

    fn proof(&self) -> Result<Proof<'_>, DbscError> {
        Proof::read(format::string(self.headers, &format::RESPONSE).ok_or(DbscError::ProofMissing)?)
    }

    /// Asks for another proof, if there is a key that could sign it.
    fn retry(&self) -> Option<HeaderValue> {
        let bond = self.bond().filter(|bond| bond.key.is_some())?;
        format::challenge(&bond.id, &self.tokens.challenge(&bond.id, bond.n, self.now))
    }

    /// Gives the browser its cookie, once for each challenge.
    async fn accept(&self, bond: &Bond, shown: Shown) -> Result<Response, Refusal> {
        let interface = self.session.request().interface();
        // A signed cookie is left alone: the answer would overwrite what another one has changed meanwhile. There
        // the first request that shows the new cookie notes the key, and only time ends a challenge.
        if matches!(interface.sessions(), Sessions::Stored(_)) {
            self.count(bond, &bond.proved(&shown.key)).await?;
        }
        let (name, life) = (&self.settings.cookie_name, self.settings.lifetime.as_secs());
        let attributes = self.settings.attributes(interface);
        let write = |value: &str, life| cookie::write(name, value, &attributes, None, life);
        let life = Some(i64::try_from(life).unwrap_or(i64::MAX));
        // Without a date nothing can be out of range.
        let line = write(&self.tokens.cookie(&shown, self.now), life).unwrap_or_default();
        let bare = write("", None).unwrap_or_default();
        let attributes = bare.split_once("; ").unwrap_or_default().1;
        let body = format::instructions(self.settings, &shown.id, attributes);
        let headers = [
            (CACHE_CONTROL, "no-store".to_owned()),
            (CONTENT_TYPE, "application/json".to_owned()),
            (SET_COOKIE, line),
        ];
        Ok((headers, body).into_response())
    }

    /// Notes in the store that a challenge was used; of requests that overlap, one can.
    async fn count(&self, seen: &Bond, next: &Bond) -> Result<(), Refusal> {
        let mut is_first = false;
        let counted = self.session.update(KEY, |now: Option<Option<Bond>>| {
            let now = now.flatten();
            is_first = now.as_ref().is_some_and(|now| (&now.id, now.n) == (&seen.id, seen.n));
            // What else has changed, such as that the bond has come into force, stays.
            let since = now.as_ref().and_then(|now| now.since);
            if is_first { Some(Bond { since, ..next.clone() }) } else { now }
        });
        counted.await?;
        if is_first { Ok(()) } else { Err(DbscError::ChallengeMismatch.into()) }
    }
}
