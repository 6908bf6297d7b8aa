//! The draft's headers and its JSON.
//!
//! Headers are structured fields (RFC 9651), of which the draft uses strings. What the server writes into them is
//! base64url, dots, and a path. Chromium sends its own strings without quotation marks, so both forms are read.

use http::{HeaderMap, HeaderName, HeaderValue};
use serde_json::json;

use super::settings::Settings;

pub(super) const CHALLENGE: HeaderName = HeaderName::from_static("secure-session-challenge");
pub(super) const REGISTRATION: HeaderName = HeaderName::from_static("secure-session-registration");
pub(super) const RESPONSE: HeaderName = HeaderName::from_static("secure-session-response");
pub(super) const SESSION_ID: HeaderName = HeaderName::from_static("sec-secure-session-id");

/// Returns the string of a header, without its parameters. None of the strings that are expected has an escape.
pub(super) fn string<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<&'a str> {
    let text = headers.get(name)?.to_str().ok()?.trim();
    let Some(quoted) = text.strip_prefix('"') else { return Some(text) };
    let (text, parameters) = quoted.split_once('"')?;
    (parameters.is_empty() || parameters.starts_with(';')).then_some(text)
}

/// Asks a browser to make a key.
pub(super) fn registration(path: &str, challenge: &str) -> Option<HeaderValue> {
    header(format!(r#"(ES256);path="{path}";challenge="{challenge}""#))
}

/// Asks a browser for a proof.
pub(super) fn challenge(id: &str, challenge: &str) -> Option<HeaderValue> {
    header(format!(r#""{challenge}";id="{id}""#))
}

fn header(text: String) -> Option<HeaderValue> {
    HeaderValue::try_from(text).ok()
}

/// Tells a browser which cookie it is to keep fresh, where, and for which paths.
pub(super) fn instructions(settings: &Settings, id: &str, attributes: &str) -> String {
    let exclude = |path: &String| json!({"type": "exclude", "domain": "*", "path": path});
    let excluded: Vec<_> = settings.excluded.iter().map(exclude).collect();
    json!({
        "session_identifier": id,
        "refresh_url": settings.refresh,
        "scope": {"include_site": false, "scope_specification": excluded},
        "credentials": [{"type": "cookie", "name": settings.cookie_name, "attributes": attributes}],
    })
    .to_string()
}
