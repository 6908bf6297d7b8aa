//! What ten releases of Flask wrote, 0.10.1 to 3.1.3: cookies are judged as 3.1.3 judges them, and
//! headers come out as those of 3.1.3.

use hipflask_core::{
    UnixTime,
    cookie::{Attributes, SameSite},
    interface::{CookieSessions, SaveAction},
    session::Session,
    signing::KeyRing,
};
use serde_json::{Value as Json, json};

use crate::{
    reject::{compare, now},
    vectors::{Row, Vectors},
};

#[test]
fn other_versions_cookies_are_judged_as_by_flask_3_1() {
    Vectors::load("xversion").check("cookie", check_cookie).leave("headers", "see below").finish();
}

#[test]
fn headers_are_those_of_flask_3_1() {
    Vectors::load("xversion")
        .differ(
            (21..=29).chain(50..=53).chain(55..=58).chain(79..=82).chain(84..=87),
            "Flask 0.10 to 1.0 with itsdangerous 0.24, whose times count from 2011",
        )
        .differ([109, 114, 138, 143], "1.1 and 2.0 delete without `HttpOnly` or `Vary`")
        .differ([110, 139], "1.1 and 2.0 read without `Vary`")
        .differ([111, 140, 169, 198, 227, 256], "up to 3.1.2, `in` is no access")
        .differ([113, 142, 171, 172], "up to 2.2, a leading dot of the domain is kept")
        .differ([115, 144, 173], "up to 2.2, SERVER_NAME sets the domain")
        .differ([261], "3.1.0 signs with a fallback key")
        .leave("cookie", "see above")
        .check("headers", check_headers)
        .finish();
}

fn check_cookie(row: &Row) {
    let cookie = row.text("cookie");
    let Some(verdict) = row.object("flask_3_1_3") else {
        // That version could not write this session, so there is no cookie.
        assert!(cookie.starts_with("EXC "), "no verdict in {row:?}");
        return;
    };
    let interface = CookieSessions::new(&KeyRing::new(row.text("secret")));
    let opened = interface.open(Some(cookie.as_bytes()), now(row));
    compare(&verdict, cookie.as_bytes(), &opened);
    if !row.field("ts").is_null() && opened.reason.is_verified() {
        row.assert_eq(opened.cookie.unwrap().signed_at, row.field("ts").as_u64());
    }
}

/// Does what the row's label names, and compares status, `Set-Cookie` and `Vary`.
fn check_headers(row: &Row) {
    let label = row.text("label");
    let ring = match label {
        "fallback_sign" => KeyRing::new("new").with_fallbacks(["f1", "f2"]),
        _ => KeyRing::new("k"),
    };
    let attributes = Attributes::new();
    let attributes = match label {
        "full" | "fullclear" => attributes
            .with_domain(".example.com")
            .unwrap()
            .with_secure(true)
            .with_same_site(SameSite::Lax)
            .with_path("/p"),
        _ => attributes,
    };
    let now = UnixTime::from_secs(1_763_692_800);
    let interface = CookieSessions::new(&ring).with_cookie("session", attributes);
    let mut session = match label {
        "contains" | "nop" => {
            Session::from_json(r#"{"a":1}"#.to_owned(), Default::default()).unwrap()
        }
        _ => Session::new(),
    };
    session.set_accessed(label != "nop");
    match label {
        "clear" | "fullclear" => session.clear().unwrap(),
        "set" | "full" | "servername" | "fallback_sign" => session.insert("a", 1).unwrap(),
        "contains" => assert!(session.contains("a")),
        "read" => assert_eq!(session.get::<i32>("a"), Ok(None)),
        _ => {}
    }
    let saved = interface.save(&session, now).unwrap();
    let set_cookie: Vec<String> = match saved.action {
        SaveAction::Set(header) | SaveAction::Delete(header) => vec![header],
        _ => vec![],
    };
    let vary: &[&str] = if saved.vary { &["Cookie"] } else { &[] };
    let actual: Json = json!([200, set_cookie, vary]);
    row.assert_eq(&actual, row.field("result"));
}
