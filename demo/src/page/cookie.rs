//! Takes the visitor's session cookie apart, and breaks it on request.
//!
//! The parts come from the text alone and prove nothing: what the session layer thinks of the
//! cookie is its reason. Neither page changes the session itself.

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
use hipflask::{CookieFacts, Reason, Session, config::CookieSessions, value::Value};
use serde::Serialize;

use crate::{
    error::Result,
    guard::{Onlooker, Visitor},
    indent::indent,
    redirect::redirect,
    site::Site,
    time::duration,
};

/// A browser keeps 4 KiB; even well compressed no honest session is larger than this.
const MAX_INFLATED: usize = 64 << 10;

/// The three parts of a cookie, as text.
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

pub(crate) async fn show(
    Onlooker(visitor): Onlooker,
    headers: HeaderMap,
    State(site): State<Site>,
) -> Result<Page> {
    let cookie = session_cookie(&headers, site.cookie());
    let session = &visitor.session;
    let context = context! {
        is_there => cookie.is_some(),
        len => cookie.as_ref().map(Vec::len),
        parts => Serde(cookie.as_deref().and_then(take_apart)),
        verified => Serde(verified(&visitor)),
        refusal => Serde(refusal(session)),
        reason => session.reason().code(),
        stored => (session.reason() == Reason::Found).then(|| stored(session)),
    };
    visitor.page(&site, "cookie.html", context)
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

/// Changes the first character, which is part of the payload, signed data of which no bit is spare,
/// or of the id.
fn change_first(cookie: &str) -> Option<String> {
    let mut characters = cookie.chars();
    let other = if characters.next()? == 'A' { 'B' } else { 'A' };
    Some(format!("{other}{}", characters.as_str()))
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

/// What the store keeps for the visitor, as tagged JSON.
fn stored(session: &Session) -> String {
    let content = Value::Dict(session.iter().collect());
    to_json(&content).map(|json| readable(&json)).unwrap_or_default()
}

fn readable(json: &str) -> String {
    indent(&json.replace(char::is_control, "\u{fffd}"))
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

fn verified(visitor: &Visitor) -> Option<Verified> {
    let CookieFacts { age: Some(age), key: Some(key), .. } = visitor.session.cookie_facts()? else {
        return None;
    };
    visitor.session.reason().is_verified().then(|| Verified { age: duration(age), key })
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
