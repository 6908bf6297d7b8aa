//! Cookies of every kind against Flask's verdict: changed, cut, forged, foreign, old, and good.

use std::time::Duration;

use hipflask_core::{
    UnixTime,
    interface::{CookieSessions, Opened},
    reason::Reason,
    signing::KeyRing,
    value::Value,
};

use crate::{
    notation,
    vectors::{Row, Vectors},
};

#[test]
fn cookies_are_judged_as_by_flask() {
    Vectors::load("reject")
        .differ([568, 569], "pairs whose keys are no strings: refused, dicts have string keys")
        .differ(629..=633, "a negative lifetime: the type rules it out")
        .differ([664, 668], "a text as fallbacks: one key, not a key for each character")
        .check("", check_verdict)
        .finish();
}

fn check_verdict(row: &Row) {
    let ring = KeyRing::new(row.field("secret").as_str().unwrap_or("k"));
    let interface = CookieSessions::new(&with_fallbacks(ring, row.field("fallbacks")));
    let interface = match row.field("lifetime").as_i64() {
        Some(lifetime) => interface.with_lifetime(Duration::from_secs(
            lifetime.try_into().expect("no lifetime is negative in Rust"),
        )),
        None => interface,
    };
    let cookie = notation::text(row.field("cookie"));
    let opened = interface.open(Some(cookie.as_bytes()), now(row));
    compare(row, cookie.as_bytes(), &opened);
}

/// Compares with the fields `verdict`, `session` and `error`.
pub(crate) fn compare(row: &Row, cookie: &[u8], opened: &Opened) {
    match row.text("verdict") {
        "accept" => {
            assert!(opened.reason.is_verified(), "{} in {row:?}", opened.reason);
            let expected = notation::read(row.field("session")).expect("keys are strings in Rust");
            notation::assert_same(&Value::Dict(opened.session.to_dict()), &expected, row);
        }
        verdict => {
            assert!(opened.session.is_empty(), "not empty in {row:?}");
            let error = row.object("error").expect("a refusal has an error");
            let expected: &[Reason] = match (verdict, error.text("cls")) {
                ("reject", _) if cookie.is_empty() => &[Reason::NoCookie],
                ("reject", "BadSignature") => &[Reason::Malformed],
                ("reject", "BadTimeSignature") => &[Reason::BadSignature, Reason::BadTimestamp],
                ("reject", "SignatureExpired") => &[Reason::Expired, Reason::NotYetValid],
                // DIFFERENCE: these are errors that Flask does not catch, so that it answers 500.
                ("error", "BadPayload") => &[Reason::BadPayload],
                ("error", _) if !row.field("value").is_null() => &[Reason::BadPayload],
                ("error", "ValueError" | "OverflowError" | "OSError") => &[Reason::BadTimestamp],
                other => panic!("unknown verdict {other:?} in {row:?}"),
            };
            assert!(expected.contains(&opened.reason), "{:?} in {row:?}", opened.reason);
        }
    }
}

/// A text counts as one fallback; Python takes each of its characters for one.
pub(crate) fn with_fallbacks(ring: KeyRing, fallbacks: &serde_json::Value) -> KeyRing {
    match fallbacks {
        serde_json::Value::String(key) => ring.with_fallback(key.as_str()),
        serde_json::Value::Array(keys) => {
            // Flask tries the last one first; the order makes no difference to the verdict.
            ring.with_fallbacks(keys.iter().rev().map(|key| key.as_str().expect("a text")))
        }
        _ => ring,
    }
}

pub(crate) fn now(row: &Row) -> UnixTime {
    UnixTime::from_secs_f64(row.field("now").as_f64().expect("a time in seconds"))
}
