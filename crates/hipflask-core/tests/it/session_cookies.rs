//! Sessions against what Flask 3.1 makes of them: tagged JSON, cookie, and the way back.

use hipflask_core::{
    UnixTime,
    interface::CookieSessions,
    reason::Reason,
    serializer::{Limits, from_json, to_json},
    session::Session,
    signing::KeyRing,
    value::Value,
    visit::{Difference, Sessions},
};

use crate::{
    notation,
    vectors::{Row, Vectors},
};

#[test]
fn session_cookies_are_those_of_flask() {
    Vectors::load("session_cookies")
        .differ(
            [118, 119],
            "a dict with keys of several kinds: written, since keys are sorted as texts",
        )
        .differ([125], "a dataclass: what a Rust struct becomes is for serde to say")
        .differ([653, 654], "Markup of a list or a dict: refused instead of spelled as in Python")
        .differ([728, 730], "unsorted keys of Flask without an application: never in a cookie")
        .check("session", check_written)
        .check("loads", check_loads)
        .check("dumps_no_app_context", check_without_context)
        .finish();
}

#[test]
fn cookies_of_flask_are_read() {
    Vectors::load("session_cookies")
        .check("session", check_read)
        .leave("loads", "see above")
        .leave("dumps_no_app_context", "no cookies")
        .finish();
}

fn check_written(row: &Row) {
    let described = notation::read(row.field("session"));
    if !row.field("dump_error").is_null() {
        // What Flask cannot write, Rust cannot hold or cannot write either.
        let written = described.map(|value| to_json(&value).is_ok());
        assert!(!written.unwrap_or(false), "written in {row:?}");
        return;
    }
    let session = session_of(&described.unwrap_or_else(|reason| panic!("{reason} in {row:?}")));
    let json = session.to_json().unwrap_or_else(|error| panic!("{error} in {row:?}"));
    row.assert_eq(str::from_utf8(&json), Ok(row.text("json")));

    let cookie = interface(row).sign(&session, now(row)).expect("it was written before");
    row.assert_eq(cookie.as_deref(), Some(row.text("cookie")));
}

fn check_read(row: &Row) {
    let Some(cookie) = row.field("cookie").as_str() else { return };
    let opened = interface(row).open(Some(cookie.as_bytes()), now(row));
    row.assert_eq(opened.reason, Reason::Verified);
    let facts = opened.cookie.expect("there was a cookie");
    row.assert_eq(Some(facts.compressed), row.field("compressed").as_bool());
    row.assert_eq(facts.age, Some(0));
    let read_back = Value::Dict(opened.session.to_dict());
    let expected = notation::read(row.field("loads")).expect("JSON has only string keys");
    notation::assert_same(&read_back, &expected, row);
    notation::assert_same(&from_json(row.text("json"), Limits::default()).unwrap(), &expected, row);
    row.assert_eq(opened.session.to_json(), to_json(&expected).map(String::into_bytes));

    // Sent by Flask, it is what would be sent here: a large one is an error, a permanent one has a date, and an
    // empty session is deleted.
    let sessions = Sessions::from(interface(row));
    let again = sessions.open(Some(cookie.as_bytes()), now(row)).finish();
    let header = format!("session={cookie}; HttpOnly; Path=/");
    let expected = match opened.session.is_permanent() {
        _ if "session".len() + cookie.len() > 4096 => Some(Difference::LargeCookie),
        true => Some(Difference::SetCookie(vec!["expires".into()])),
        false if opened.session.is_empty() => {
            Some(Difference::SetCookie(vec!["expires".into(), "max-age".into()]))
        }
        false => None,
    };
    row.assert_eq(sessions.compare(&header, again, now(row)), expected);
}

fn check_loads(row: &Row) {
    let text = row.text("json");
    let answer = from_json(text, Limits::default());
    if row.field("value").is_null() {
        assert!(answer.is_err() || text.len() >= 5_000, "{answer:?} in {row:?}");
        row.assert_eq(row.field("error").is_null(), text.len() >= 5_000);
        return;
    }
    let value = answer.unwrap_or_else(|error| panic!("{error} in {row:?}"));
    let expected = notation::read(row.field("value")).expect("JSON has only string keys");
    notation::assert_same(&value, &expected, row);
}

fn check_without_context(row: &Row) {
    let value = notation::read(row.field("session")).unwrap_or_else(|reason| panic!("{reason}"));
    row.assert_eq(to_json(&value).as_deref(), Ok(row.text("json")));
}

fn interface(row: &Row) -> CookieSessions {
    CookieSessions::new(&KeyRing::new(row.bytes("secret_hex")))
}

fn now(row: &Row) -> UnixTime {
    UnixTime::from_secs(row.field("now").as_u64().expect("a time in seconds"))
}

/// Builds a session key by key, as a handler would.
fn session_of(value: &Value) -> Session {
    let mut session = Session::new();
    for (key, value) in value.as_dict().expect("a session is a dict").iter() {
        session.set(key.clone(), value.clone()).expect("a new session can be changed");
    }
    session
}
