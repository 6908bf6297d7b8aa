//! Records of server-side sessions against what Flask-Session and cachelib store.

use hipflask_core::{
    record::{DecodeError, Decoded, Format, decode, empty, encode},
    serializer::Limits,
    value::{Dict, Value},
};

use crate::{
    notation,
    vectors::{Row, Vectors, from_hex},
};

#[test]
fn encode_writes_what_flask_session_writes() {
    let elsewhere = "not the core's: keys, headers and statements of the stores";
    [
        "key",
        "signed_sid",
        "cachelib_expiry",
        "cachelib_count",
        "memcached",
        "sqlalchemy_ddl",
        "redis",
        "mongodb_doc",
    ]
    .into_iter()
    .fold(Vectors::load("flask_session_store"), |vectors, kind| vectors.leave(kind, elsewhere))
    .check("encode", check_encoded)
    .check("decode", check_decoded)
    .check("cachelib_file", check_pickled)
    .finish();
}

fn check_encoded(row: &Row) {
    let content = dict(row.field("session"));
    let msgpack = encode(&content, Format::MsgPack).ok();
    row.assert_eq(msgpack, row.bytes_if_any("msgpack_hex"));
    let json = encode(&content, Format::Json).ok().map(|json| String::from_utf8(json).unwrap());
    row.assert_eq(json.as_deref(), row.field("json").as_str());
}

fn check_decoded(row: &Row) {
    for (expected, name) in [(Format::MsgPack, "msgpack"), (Format::Json, "json")] {
        let decoded = decode(&row.bytes("in_hex"), expected, Limits::default());
        if row.field(name).is_null() {
            assert!(decoded.is_err(), "{decoded:?} in {row:?}");
            continue;
        }
        match notation::read(row.field(name)).unwrap() {
            Value::Null => row.assert_eq(decoded.unwrap().content, None),
            Value::Dict(dict) => row.assert_eq(decoded.unwrap().content, Some(dict)),
            _ => row.assert_eq(decoded, Err(DecodeError::NotDict)),
        }
    }
}

fn check_pickled(row: &Row) {
    let content = dict(row.field("value"));
    let pickle = encode(&content, Format::Pickle).unwrap();
    row.assert_eq(pickle, row.bytes("pickle_hex"));
}

fn dict(described: &serde_json::Value) -> Dict {
    match notation::read(described) {
        Ok(Value::Dict(dict)) => dict,
        other => panic!("no dict: {other:?}"),
    }
}
