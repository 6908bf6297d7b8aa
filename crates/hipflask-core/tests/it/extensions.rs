//! What Flask-Login keeps, and the dates of headers: the recorded answers of real ones. The kinds of rows
//! that other tests check are named here, and no other kind is left out.

use hipflask_core::{
    auth::{RememberCookie, RememberKeyError, RememberSigner, identifier},
    cookie,
    http_date::http_date,
    serializer::{Limits, from_json},
    signing::{Key, KeyRing},
    value::Value,
};
use serde_json::Value as Json;

use crate::{
    notation,
    vectors::{Row, Vectors, from_hex},
};

fn key(row: &Row) -> Key {
    match &row.field("secret")["hex"] {
        Json::String(hex) => Key::from(from_hex(hex)),
        _ => Key::from(row.text("secret")),
    }
}

fn signer(row: &Row) -> Result<RememberSigner, RememberKeyError> {
    RememberSigner::new(&KeyRing::new(key(row)))
}

#[test]
fn answers_are_those_of_flask_login_and_werkzeug() {
    Vectors::load("extensions")
        .leave("login_flow", "the facade's login_flow.rs")
        .leave("csrf_flow", "the facade's csrf.rs")
        .leave("csrf_token", "csrf.rs")
        .leave("csrf_same_origin", "csrf.rs")
        .leave("password_hash", "the facade's passwords.rs")
        .leave("password_check", "the facade's passwords.rs")
        .leave("bcrypt", "the facade's passwords.rs")
        .check("http_date", |row| {
            let Value::DateTime(time) = notation::read(row.field("datetime")).unwrap() else {
                panic!("no time in {row:?}")
            };
            let date = row.text("http_date");
            row.assert_eq(http_date(time.unix_seconds()).as_deref(), Some(date));
            let back = from_json(&format!(r#"{{" d":"{date}"}}"#), Limits::default()).unwrap();
            row.assert_eq(back, notation::read(row.field("parsed_back")).unwrap());
        })
        .check("remember_token", |row| match signer(row) {
            Err(error) => {
                assert!(error.to_string().contains("Latin-1"));
                row.assert_eq(row.field("error")["cls"].as_str(), Some("UnicodeEncodeError"));
            }
            Ok(signer) => {
                let (id, value) = (row.text("user_id"), row.text("value"));
                row.assert_eq(signer.encode(id).as_str(), value);
                row.assert_eq(signer.decode(value.as_bytes()).as_deref(), Some(id));
                let attributes = cookie::Attributes::new().with_http_only(false);
                let header = cookie::write("remember_token", value, &attributes, None, None);
                row.assert_eq(header.unwrap().as_str(), row.text("set_cookie"));
            }
        })
        // Flask-Login raises where this says that it is nobody's.
        .check("remember_decode", |row| {
            let user_id = signer(row).unwrap().decode(row.text("cookie").as_bytes());
            row.assert_eq(user_id.as_deref(), row.field("payload").as_str());
        })
        .check("session_identifier", |row| {
            let header = |name: &str| {
                let text = row.field(name).as_str()?;
                Some(text.chars().map(|char| u8::try_from(char).unwrap()).collect::<Vec<_>>())
            };
            let [forwarded, remote, agent] =
                ["x_forwarded_for", "remote_addr", "user_agent_latin1"].map(header);
            let made = identifier(forwarded.as_deref(), remote.as_deref(), agent.as_deref());
            row.assert_eq(made.as_str(), row.text("identifier"));
        })
        .finish();
}

#[test]
fn remember_cookie_of_a_fallback_key_is_believed_and_a_foreign_one_is_not() {
    let before = RememberCookie::new(RememberSigner::new(&KeyRing::new("before")).unwrap());
    let value = before.signer().encode("7");
    let ring = KeyRing::new("now").with_fallbacks(["\u{43a}", "before"]);
    let signer = RememberSigner::new(&ring).unwrap();
    assert_eq!(signer.decode(value.as_bytes()).as_deref(), Some("7"));
    assert_ne!(signer.encode("7"), value);
    assert_eq!(RememberSigner::new(&KeyRing::new("other")).unwrap().decode(value.as_bytes()), None);
    assert_eq!(signer.decode(b"7|\xff"), None);
}
