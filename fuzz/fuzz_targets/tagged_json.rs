//! Reads any text as tagged JSON: the session, which keeps the text, and the reader, which builds
//! values, agree on what it holds and on what is written for it.

#![no_main]

use std::collections::BTreeMap;

use hipflask_core::{
    serializer::{Limits, from_json, to_json},
    session::Session,
    value::{Value, from_value, to_value},
};
use libfuzzer_sys::fuzz_target;

/// A type is the same whether it is read from the text or from the values.
macro_rules! check_get {
    ($session:expr, $values:expr, $key:expr, $($type:ty),* $(,)?) => {$(
        // NaN is not equal to itself, but prints the same.
        let of_values = format!("{:?}", $values.get::<$type>($key));
        assert_eq!(format!("{:?}", $session.get::<$type>($key)), of_values);
    )*};
}

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
        let values = Session::from_stored(session.to_dict());
        for (key, _) in session.iter() {
            let Some(key) = key.as_str() else { continue };
            check_get!(
                session, values, key, String, f64, Option<i64>, Vec<String>, Vec<Option<f64>>,
                Vec<Value>, Vec<Vec<Value>>, BTreeMap<String, Value>, BTreeMap<String, String>,
                BTreeMap<String, Vec<f64>>, Vec<BTreeMap<String, Value>>,
            );
        }
    }
});
