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
use hipflask::templates::{
    Page,
    minijinja::{context, value::Serde},
};
use hipflask::{CookieFacts, Session};
use hipflask_core::{
    cookie::{self, Attributes},
    http_date::http_date,
    serializer::decode_payload,
    signing::dangerous,
};
use serde::Serialize;

use crate::{
    error::Result,
    guard::{Onlooker, Visitor},
    indent::indent,
    site::Site,
    view::{page, redirect},
};

/// Flask's name for it, and the session layer's default.
const NAME: &str = "session";

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
    let cookie = session_cookie(&headers);
    let context = context! {
        is_there => cookie.is_some(),
        len => cookie.as_ref().map(Vec::len),
        parts => Serde(cookie.as_deref().and_then(take_apart)),
        verified => Serde(verified(&visitor)),
        refusal => Serde(refusal(&visitor.session)),
        reason => visitor.session.reason().code(),
    };
    page(&site, &visitor, "cookie.html", context)
}

/// Does not ask for the session, so that nothing but the broken cookie is sent.
pub(crate) async fn tamper(headers: HeaderMap) -> impl IntoResponse {
    let broken = session_cookie(&headers)
        .and_then(|cookie| String::from_utf8(cookie).ok())
        .and_then(|cookie| change_first(&cookie))
        .and_then(|value| cookie::write(NAME, &value, &Attributes::new(), None, None).ok())
        .and_then(|header| HeaderValue::try_from(header).ok());
    (AppendHeaders(broken.map(|header| (SET_COOKIE, header))), redirect("/cookie"))
}

fn session_cookie(headers: &HeaderMap) -> Option<Vec<u8>> {
    let lines = headers.get_all(COOKIE).into_iter().map(HeaderValue::as_bytes);
    cookie::find_in(lines, NAME).map(Vec::from).filter(|cookie| !cookie.is_empty())
}

/// Changes the first character of the payload: signed data, and no bit of it is spare.
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
        json: decoded.map(|(json, _)| indent(&json.replace(char::is_control, "\u{fffd}"))),
        signed_at,
    })
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

/// Says a number of seconds in its largest unit: `5 minutes`.
fn duration(seconds: i64) -> String {
    const UNITS: [(i64, &str); 4] =
        [(86_400, "day"), (3_600, "hour"), (60, "minute"), (1, "second")];
    let unit = UNITS.into_iter().find(|&(unit, _)| seconds >= unit);
    let (number, name) = unit.map_or((seconds, "second"), |(unit, name)| (seconds / unit, name));
    format!("{number} {name}{}", if number == 1 { "" } else { "s" })
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
    fn duration_uses_the_largest_unit() {
        let words = [-1, 0, 1, 59, 60, 7_200, 172_800].map(duration);
        let expected =
            ["-1 seconds", "0 seconds", "1 second", "59 seconds", "1 minute", "2 hours", "2 days"];
        assert_eq!(words, expected);
    }
}
