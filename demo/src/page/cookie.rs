//! Takes the visitor's session cookie apart, and breaks it on request.
//!
//! The parts come from the text alone and prove nothing: what the session layer thinks of the
//! cookie is its reason. An encrypted cookie has no parts that anybody could name. The page itself
//! changes nothing in the session.

use axum::{
    extract::State,
    http::{
        HeaderMap, HeaderValue,
        header::{COOKIE, SET_COOKIE},
    },
    response::{AppendHeaders, IntoResponse},
};
use hipflask::core::{
    cookie,
    http_date::http_date,
    serializer::{decode_payload, to_json},
    signing::dangerous,
};
use hipflask::templates::{Page, Serde, context};
use hipflask::{CookieFacts, Session, config::CookieSessions, value::Value};
use serde::Serialize;

use crate::{
    error::Result, guard::View, indent::indent, redirect::redirect, site::Site, time::duration,
};

/// A browser keeps 4 KiB; even well compressed no honest session is larger than this.
const MAX_INFLATED: usize = 64 << 10;

/// What an encrypted cookie begins with.
const SEALED: &str = "e1.";

/// The three parts of a signed cookie, as text.
#[derive(Serialize)]
struct Parts {
    payload: String,
    time: String,
    signature: String,
    json: Option<String>,
    compressed: bool,
    signed_at: Option<String>,
}

/// What the session layer knows once it has verified the cookie.
#[derive(Serialize)]
struct Verified {
    age: String,
    key: usize,
}

/// Why the cookie was refused.
#[derive(Serialize)]
struct Refusal {
    code: &'static str,
    text: String,
}

pub(crate) async fn show(view: View, headers: HeaderMap, State(site): State<Site>) -> Result<Page> {
    let cookie = session_cookie(&headers, site.cookie());
    let session = &view.session;
    let sealed = cookie.as_deref().filter(|cookie| cookie.starts_with(SEALED.as_bytes()));
    let parts = cookie.as_deref().filter(|_| sealed.is_none()).and_then(take_apart);
    let is_ticket = !site.keeps_cookies() && session.reason().is_verified();
    let is_read = is_ticket || sealed.is_some() && session.reason().is_verified();
    let context = context! {
        is_there => cookie.is_some(),
        len => cookie.as_ref().map(Vec::len),
        parts => Serde(parts),
        sealed => sealed.map(text),
        verified => Serde(verified(session)),
        refusal => Serde(refusal(session)),
        reason => session.reason().code(),
        is_ticket,
        content => is_read.then(|| content(session)),
        encrypts => site.encrypts(),
        keeps_cookies => site.keeps_cookies(),
    };
    view.page("cookie.html", context)
}

/// Does not ask for the session, so that nothing but the broken cookie is sent.
pub(crate) async fn tamper(headers: HeaderMap, State(site): State<Site>) -> impl IntoResponse {
    let (name, attributes) = (site.cookie().name(), site.cookie().attributes());
    let broken = session_cookie(&headers, site.cookie())
        .and_then(|cookie| String::from_utf8(cookie).ok())
        .and_then(|cookie| change_first(&cookie))
        .and_then(|value| cookie::write(name, &value, attributes, None, None).ok())
        .and_then(|header| HeaderValue::try_from(header).ok());
    (AppendHeaders(broken.map(|header| (SET_COOKIE, header))), redirect("/cookie"))
}

fn session_cookie(headers: &HeaderMap, interface: &CookieSessions) -> Option<Vec<u8>> {
    let lines = headers.get_all(COOKIE).into_iter().map(HeaderValue::as_bytes);
    cookie::find_in(lines, interface.name()).map(Vec::from).filter(|cookie| !cookie.is_empty())
}

/// Changes the first character of what is sealed, of the payload, which is signed data, or of the id: no
/// bit of it is spare.
fn change_first(cookie: &str) -> Option<String> {
    let (form, rest) = match cookie.strip_prefix(SEALED) {
        Some(rest) => (SEALED, rest),
        None => ("", cookie),
    };
    let mut characters = rest.chars();
    let other = if characters.next()? == 'A' { 'B' } else { 'A' };
    Some(format!("{form}{other}{}", characters.as_str()))
}

fn take_apart(cookie: &[u8]) -> Option<Parts> {
    let parts = dangerous::split(cookie, b".")?;
    let decoded = decode_payload(parts.unverified_value, MAX_INFLATED).ok();
    let signed_at = parts.unverified_time().and_then(|time| http_date(time.try_into().ok()?));
    Some(Parts {
        payload: text(parts.unverified_value),
        time: text(parts.unverified_time_text),
        signature: text(parts.unverified_signature),
        compressed: parts.unverified_value.starts_with(b"."),
        json: decoded.map(|(json, _)| readable(&json)),
        signed_at,
    })
}

/// What only the server can read: what a store keeps, or what is sealed in the cookie, as tagged JSON.
fn content(session: &Session) -> String {
    let content = Value::Dict(session.iter().collect());
    to_json(&content).map(|json| readable(&json)).unwrap_or_default()
}

fn readable(json: &str) -> String {
    indent(&json.replace(char::is_control, "\u{fffd}"))
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

fn verified(session: &Session) -> Option<Verified> {
    let CookieFacts { age: Some(age), key: Some(key), .. } = session.cookie_facts()? else {
        return None;
    };
    session.reason().is_verified().then(|| Verified { age: duration(age), key })
}

fn refusal(session: &Session) -> Option<Refusal> {
    let reason = session.reason();
    reason.is_refusal().then(|| Refusal { code: reason.code(), text: reason.to_string() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn change_first_changes_exactly_one_character() {
        assert_eq!(change_first("eyJ.t.s").as_deref(), Some("AyJ.t.s"));
        assert_eq!(change_first("AyJ.t.s").as_deref(), Some("ByJ.t.s"));
        assert_eq!(change_first(".eJ.t.s").as_deref(), Some("AeJ.t.s"));
        assert_eq!(change_first("e1.AQw").as_deref(), Some("e1.BQw"));
        assert_eq!(change_first(""), None);
    }

    #[test]
    fn take_apart_inflates_what_is_compressed() {
        let mut cookie = Vec::new();
        let json = format!(r#"{{"a":"{}"}}"#, "b".repeat(100));
        hipflask::core::serializer::encode_payload(json.as_bytes(), &mut cookie);
        cookie.extend(b".aR_RAA.signature");
        let parts = take_apart(&cookie).unwrap();
        assert!(parts.compressed && parts.payload.starts_with(".eJ"));
        assert_eq!((&*parts.time, &*parts.signature), ("aR_RAA", "signature"));
        assert_eq!(parts.json.unwrap(), indent(&json));
        assert_eq!(parts.signed_at.as_deref(), Some("Fri, 21 Nov 2025 02:40:00 GMT"));
    }
}
