//! Carries out what `save` decided, on the response.

use std::mem::replace;

use hipflask_core::{
    cookie::{HeaderEdit, cache_control, vary},
    interface::{SaveAction, SaveError, Saved},
};
use http::{
    HeaderMap, HeaderName, HeaderValue, Response, StatusCode,
    header::{CACHE_CONTROL, SET_COOKIE, VARY},
};

use super::Shared;
use crate::{report, session::Session};

/// Why a response became a 500: the session that the handler left could not be sent.
///
/// It is in the response's extensions, for a layer outside that renders errors.
///
/// ```
/// use hipflask::SaveFailure;
///
/// fn explain<B>(response: &http::Response<B>) -> Option<String> {
///     response.extensions().get::<SaveFailure>().map(ToString::to_string)
/// }
/// ```
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error(transparent)]
pub struct SaveFailure(SaveError);

impl SaveFailure {
    /// Returns what is wrong with the session.
    pub const fn error(&self) -> &SaveError {
        &self.0
    }
}

/// Saves a session that was asked for, and closes it: later changes are errors.
pub(super) fn save<B: Default>(shared: &Shared, session: &Session, response: &mut Response<B>) {
    match session.close(|session| shared.interface.save(session, shared.now())) {
        Ok(saved) => apply(shared.interface.name(), saved, response.headers_mut()),
        Err(error) => {
            report::save_failed(&error);
            let failed = replace(response, Response::new(B::default()));
            *response.status_mut() = StatusCode::INTERNAL_SERVER_ERROR;
            let headers = response.headers_mut();
            // What another layer has sent must arrive, or its session would be lost.
            for name in [SET_COOKIE, VARY, CACHE_CONTROL] {
                for line in failed.headers().get_all(&name) {
                    headers.append(name.clone(), line.clone());
                }
            }
            drop_cookie(headers, shared.interface.name());
            edit(headers, VARY, vary::add_cookie(lines(headers, VARY)));
            response.extensions_mut().insert(SaveFailure(error));
        }
    }
}

fn apply(name: &str, saved: Saved, headers: &mut HeaderMap) {
    if saved.vary {
        edit(headers, VARY, vary::add_cookie(lines(headers, VARY)));
    }
    let (SaveAction::Set(cookie) | SaveAction::Delete(cookie)) = saved.action else { return };
    edit(headers, CACHE_CONTROL, cache_control::make_private(lines(headers, CACHE_CONTROL)));
    // The configuration has refused names and attributes that are no header text.
    if let Ok(cookie) = HeaderValue::try_from(cookie) {
        drop_cookie(headers, name);
        headers.append(SET_COOKIE, cookie);
    }
}

/// Changes a header as a pure function of its lines decided.
fn edit(headers: &mut HeaderMap, name: HeaderName, edit: HeaderEdit) {
    match edit {
        HeaderEdit::Add(value) => {
            headers.insert(name, HeaderValue::from_static(value));
        }
        HeaderEdit::Replace(value) => {
            if let Ok(value) = HeaderValue::try_from(value) {
                headers.insert(name, value);
            }
        }
        _ => {}
    }
}

fn lines(headers: &HeaderMap, name: HeaderName) -> impl Iterator<Item = &[u8]> {
    headers.get_all(name).into_iter().map(HeaderValue::as_bytes)
}

/// Takes out a cookie of the session's name that a handler has set by hand: browsers would keep
/// either of the two. DIFFERENCE: Flask sends both.
fn drop_cookie(headers: &mut HeaderMap, name: &str) {
    let is_ours = |line: &HeaderValue| {
        line.as_bytes().strip_prefix(name.as_bytes()).is_some_and(|rest| rest.starts_with(b"="))
    };
    if headers.get_all(SET_COOKIE).iter().any(is_ours) {
        let others: Vec<_> =
            headers.get_all(SET_COOKIE).iter().filter(|line| !is_ours(line)).cloned().collect();
        headers.remove(SET_COOKIE);
        for line in others {
            headers.append(SET_COOKIE, line);
        }
    }
}
