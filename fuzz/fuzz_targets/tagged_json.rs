//! Reads any text as tagged JSON: the session, which keeps the text, and the reader, which builds
//! values, agree on what it holds and on what is written for it.

#![no_main]

use std::{collections::BTreeMap, fmt::Debug};

use hipflask_core::{
    serializer::{Limits, from_json, to_json},
    session::{Session, SessionError},
    value::{Value, from_value, to_value},
};
use libfuzzer_sys::fuzz_target;
use serde::de::DeserializeOwned;

fuzz_target!(|text: &str| {
    let session = Session::from_json(text.to_owned(), Limits::default());
    let Ok(value) = from_json(text, Limits::default()) else {
        assert!(session.is_err(), "only the session accepts it");
        return;
    };
    if let Ok(json) = to_json(&value) {
        let read = from_json(&json, Limits::default()).expect("it was just written");
        let written = to_json(&read).expect("it was written before");
        // Years before 100 are read as two digits, so that one round may change a date.
        assert!(written == json || json.contains(r#"{" d":"#));
    }
    assert_eq!(to_value(&value).as_ref(), Ok(&value));
    assert_eq!(from_value::<Value>(value.clone()).as_ref(), Ok(&value));
    if let Value::Dict(_) = value {
        let session = session.expect("a dict is a session");
        let written = session.to_json().map(|json| String::from_utf8(json).expect("ASCII"));
        assert_eq!(written, to_json(&value));
        assert_eq!(Value::Dict(session.to_dict()), value);
        for (key, value) in session.iter() {
            let Some(key) = key.as_str() else { continue };
            check_get::<Vec<Loose>>(&session, key, value.clone());
            check_get::<BTreeMap<String, Loose>>(&session, key, value);
        }
    }
});

/// What any JSON fits, so that it is read to its end.
#[derive(Debug, serde::Deserialize)]
#[serde(untagged)]
enum Loose {
    #[expect(dead_code, reason = "it is printed to be compared")]
    List(Vec<Self>),
    #[expect(dead_code, reason = "it is printed to be compared")]
    Map(BTreeMap<String, Self>),
    #[expect(dead_code, reason = "it is printed to be compared")]
    Scalar(Option<String>),
    Other(serde::de::IgnoredAny),
}

/// A type is the same whether it is read from the text or from the value.
fn check_get<T: Debug + DeserializeOwned>(session: &Session, key: &str, value: Value) {
    let expected = from_value::<T>(value).map(Some).map_err(SessionError::from);
    assert_eq!(format!("{:?}", session.get::<T>(key)), format!("{expected:?}"));
}
