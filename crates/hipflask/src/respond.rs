//! Carries out what was decided, on the headers of a response.

use std::mem::take;

use hipflask_core::{
    cookie::{HeaderEdit, cache_control, vary},
    interface::{SaveAction, Saved},
};
use http::{
    HeaderMap, HeaderName, HeaderValue,
    header::{CACHE_CONTROL, SET_COOKIE, VARY},
};

use crate::{PendingRequest, SaveError, report, saving::Finished};

/// The headers of a response that saving its session reads and writes.
const HEADERS: [HeaderName; 3] = [SET_COOKIE, VARY, CACHE_CONTROL];

impl PendingRequest {
    /// [Finishes](Self::finish) the request, and puts what was decided into the response's headers, of
    /// which it reads and writes only `Set-Cookie`, `Vary` and `Cache-Control`.
    ///
    /// # Errors
    ///
    /// [`SaveError`] when the session cannot be saved. The response is to become an error then, with
    /// its [`status`](SaveError::status), no body, and the headers that are left.
    pub async fn finish_into(self, headers: &mut HeaderMap) -> Result<(), SaveError> {
        let interface = self.interface().clone();
        answer(interface.cookie_name(), self.finish().await, headers)
    }
}

/// Puts what was decided into the headers; if the session was not saved, they are those of the error.
pub(crate) fn answer(
    name: &str,
    finished: Finished,
    headers: &mut HeaderMap,
) -> Result<(), SaveError> {
    match finished {
        Ok(None) => {}
        Ok(Some(saved)) => apply(name, saved, headers),
        Err(failure) => {
            report::save_failed(&failure);
            refuse(name, headers);
            return Err(failure);
        }
    }
    Ok(())
}

fn refuse(name: &str, headers: &mut HeaderMap) {
    let failed = take(headers);
    // What another layer has sent must arrive, or its session would be lost.
    for name in HEADERS {
        for line in failed.get_all(&name) {
            headers.append(name.clone(), line.clone());
        }
    }
    drop_cookie(headers, name);
    edit(headers, VARY, vary::add_cookie(lines(headers, VARY)));
}

fn apply(name: &str, saved: Saved, headers: &mut HeaderMap) {
    if saved.vary {
        edit(headers, VARY, vary::add_cookie(lines(headers, VARY)));
    }
    let (SaveAction::Set(cookie) | SaveAction::Delete(cookie)) = saved.action else { return };
    drop_cookie(headers, name);
    add_cookie(headers, cookie);
}

/// Adds a cookie, whose response no shared cache may keep.
pub(crate) fn add_cookie(headers: &mut HeaderMap, cookie: String) {
    edit(headers, CACHE_CONTROL, cache_control::make_private(lines(headers, CACHE_CONTROL)));
    // The configuration has refused names and attributes that are no header text.
    if let Ok(cookie) = HeaderValue::try_from(cookie) {
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
