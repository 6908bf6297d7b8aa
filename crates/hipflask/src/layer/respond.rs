//! Carries out what was decided, on the response.

use std::mem::replace;

use hipflask_core::{
    cookie::{HeaderEdit, cache_control, vary},
    interface::{SaveAction, Saved},
};
use http::{
    HeaderMap, HeaderName, HeaderValue, Response,
    header::{CACHE_CONTROL, SET_COOKIE, VARY},
};

use crate::{SaveError, report, request::Finished};

/// Puts what was decided, or what went wrong, into the response.
pub(super) fn answer<B: Default>(name: &str, finished: Finished, response: &mut Response<B>) {
    match finished {
        Ok(None) => {}
        Ok(Some(saved)) => apply(name, saved, response.headers_mut()),
        Err(failure) => refuse(name, failure, response),
    }
}

fn refuse<B: Default>(name: &str, failure: SaveError, response: &mut Response<B>) {
    report::save_failed(&failure);
    let failed = replace(response, Response::new(B::default()));
    *response.status_mut() = failure.status();
    let headers = response.headers_mut();
    // What another layer has sent must arrive, or its session would be lost.
    for name in [SET_COOKIE, VARY, CACHE_CONTROL] {
        for line in failed.headers().get_all(&name) {
            headers.append(name.clone(), line.clone());
        }
    }
    drop_cookie(headers, name);
    edit(headers, VARY, vary::add_cookie(lines(headers, VARY)));
    response.extensions_mut().insert(failure);
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
