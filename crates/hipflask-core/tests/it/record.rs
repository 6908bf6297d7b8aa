//! Records of server-side sessions against what Flask-Session and cachelib store.

use std::thread;

use hipflask_core::{
    record::{DecodeError, Decoded, EncodeError, Format, decode, empty, encode},
    serializer::Limits,
    value::{DateTime, Dict, Int, Text, Uuid, Value},
};
use proptest::{collection::vec, prelude::*};
use serde_json::{Value as Json, json};

use crate::{
    codec::{any_text, any_value},
    notation,
    vectors::{Row, Vectors, from_hex},
};

const FORMATS: [Format; 3] = [Format::Json, Format::MsgPack, Format::Pickle];

fn vectors() -> Vectors {
    let elsewhere = "keys, headers and statements of the stores, which the core does not have";
    let kinds = ["key", "signed_sid", "cachelib_expiry", "cachelib_count", "memcached"];
    let kinds = kinds.into_iter().chain(["sqlalchemy_ddl", "redis", "mongodb_doc"]);
    kinds.fold(Vectors::load("flask_session_store"), |vectors, kind| vectors.leave(kind, elsewhere))
}

#[test]
fn msgpack_is_that_of_flask_session() {
    vectors()
        .check("encode", |row| {
            let msgpack = row.bytes_if_any("msgpack_hex");
            check_encode(row, Format::MsgPack, msgpack);
        })
        .leave("decode", "below")
        .leave("cachelib_file", "below")
        .finish();
}

#[test]
fn json_is_that_of_flask_session() {
    vectors()
        .check("encode", |row| {
            let json = row.field("json").as_str().map(|json| json.as_bytes().to_vec());
            check_encode(row, Format::Json, json);
        })
        .leave("decode", "below")
        .leave("cachelib_file", "below")
        .finish();
}

#[test]
fn records_of_all_formats_are_read_as_flask_session_reads_them() {
    vectors()
        .leave("encode", "above")
        .check("decode", check_decode)
        .leave("cachelib_file", "below")
        .finish();
}

#[test]
fn pickles_are_those_of_cachelib() {
    vectors()
        .leave("encode", "above")
        .leave("decode", "above")
        .check("cachelib_file", |row| {
            let content = dict(stored(row.field("value")).unwrap());
            row.assert_eq(encode(&content, Format::Pickle), Ok(row.bytes("pickle_hex")));
        })
        .finish();
}

#[test]
fn pickles_of_cachelib_are_read() {
    vectors()
        .leave("encode", "above")
        .leave("decode", "above")
        .check("cachelib_file", |row| {
            let expected = dict(stored(row.field("value")).unwrap());
            let decoded = decode(&row.bytes("pickle_hex"), Format::Pickle, Limits::default());
            let decoded = decoded.unwrap();
            row.assert_eq(decoded.format, Format::Pickle);
            notation::assert_same(&decoded.content.unwrap().into(), &expected.into(), row);
        })
        .finish();
}

fn check_encode(row: &Row, format: Format, record: Option<Vec<u8>>) {
    let content = stored(row.field("session")).map(dict);
    let Some(record) = record else {
        // What msgspec refuses, Rust cannot hold or refuses too.
        let written = content.map(|content| encode(&content, format));
        assert!(!matches!(written, Ok(Ok(_))), "{written:?} in {row:?}");
        return;
    };
    row.assert_eq(encode(&content.unwrap(), format), Ok(record.clone()));
    let expected = notation::read(row.field(&format!("{format}_decoded"))).unwrap();
    let decoded = decode(&record, format, Limits::default()).unwrap();
    row.assert_eq(decoded.format, format);
    notation::assert_same(&decoded.content.unwrap().into(), &expected, row);
}

fn check_decode(row: &Row) {
    for expected in [Format::MsgPack, Format::Json] {
        let decoded = decode(&row.bytes("in_hex"), expected, Limits::default());
        let described = row.field(&expected.to_string());
        if described.is_null() {
            assert!(matches!(decoded, Err(DecodeError::Corrupt { .. })), "{decoded:?} in {row:?}");
            continue;
        }
        match notation::read(described).unwrap() {
            Value::Null => row.assert_eq(decoded.unwrap().content, None),
            Value::Dict(dict) => row.assert_eq(decoded.unwrap().content, Some(dict)),
            _ => row.assert_eq(decoded, Err(DecodeError::NotDict)),
        }
    }
}

/// Reads a described value as what a session holds of it after it was stored once.
fn stored(described: &Json) -> Result<Value, &'static str> {
    notation::read(&respelled(described))
}

fn respelled(described: &Json) -> Json {
    let content = &described["v"];
    let items = || content.as_array().unwrap().iter().map(respelled).collect::<Vec<_>>();
    match described["t"].as_str() {
        Some("list" | "set") => json!({"t": "list", "v": items()}),
        Some("tuple") => json!({"t": "tuple", "v": items()}),
        Some("dict") => {
            let pair = |pair: &Json| [pair[0].clone(), respelled(&pair[1])];
            let pairs: Vec<_> = content.as_array().unwrap().iter().map(pair).collect();
            json!({"t": "dict", "v": pairs})
        }
        Some("bytearray") => json!({"t": "bytes", "hex": described["hex"]}),
        Some("date" | "decimal") => json!({"t": "str", "v": content}),
        Some("datetime") if described["off"].is_null() => json!({"t": "str", "v": content}),
        Some("time") => {
            json!({"t": "str", "v": content.as_str().unwrap().replace("+00:00", "Z")})
        }
        _ => described.clone(),
    }
}

fn dict(value: Value) -> Dict {
    match value {
        Value::Dict(dict) => dict,
        other => panic!("no dict: {other:?}"),
    }
}
