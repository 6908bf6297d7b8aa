//! Records of server-side sessions against what Flask-Session and cachelib store.

use std::thread;

use hipflask_core::{
    record::{DecodeError, Decoded, EncodeError, Format, decode, empty, encode},
    serializer::Limits,
    value::{DateTime, Dict, Text, Value},
};
use proptest::{collection::vec, prelude::*};
use serde_json::{Value as Json, json};

use crate::{
    codec::{any_text, any_value},
    notation,
    vectors::{Row, Vectors, from_hex},
};

const FORMATS: [Format; 3] = [Format::Json, Format::MsgPack, Format::Pickle];

/// Rows that no record of ours can be the same as.
fn differences(vectors: Vectors) -> Vectors {
    vectors
        .differ(55..=60, "durations: texts from the start, as `clock` shows")
        .differ(65..=67, "a dataclass, enumerations: what becomes of Rust's is for serde to say")
        .differ(MARKUP, "Markup: a plain string, where msgspec raises")
}

const MARKUP: [u64; 21] = [
    70, 127, 138, 149, 151, 158, 159, 164, 167, 177, 182, 199, 208, 218, 228, 234, 240, 256, 260,
    262, 268,
];

/// Rows with a time that has an offset: UTC in Rust, which only JSON would tell apart.
const OFFSET: [u64; 19] =
    [40, 135, 161, 163, 165, 169, 183, 203, 206, 219, 220, 225, 237, 243, 246, 249, 253, 257, 267];

fn vectors() -> Vectors {
    let elsewhere = "keys, headers and statements of the stores, which the core does not have";
    let kinds = ["key", "signed_sid", "cachelib_expiry", "cachelib_count", "memcached"];
    let kinds = kinds.into_iter().chain(["sqlalchemy_ddl", "redis", "mongodb_doc"]);
    kinds.fold(Vectors::load("flask_session_store"), |vectors, kind| vectors.leave(kind, elsewhere))
}

#[test]
fn msgpack_is_that_of_flask_session() {
    differences(vectors())
        .differ(32..=34, "a dict whose keys are tuples, bytes or UUIDs: no text stands for them")
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
    differences(vectors())
        .differ(
            [29, 30],
            "a dict whose keys are truth values or None: written as Flask's JSON has them",
        )
        .differ([33, 34], "a dict whose keys are bytes or UUIDs: no text stands for them")
        .differ(OFFSET, "a time with an offset: in UTC")
        .differ([144, 215, 251], "Markup, beside an integer that msgpack refuses in both")
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
        .differ([291, 317], "an extension of msgpack: refused")
        .differ([316], "a tuple as a key: refused, since no text stands for it")
        .check("decode", check_decode)
        .leave("cachelib_file", "below")
        .finish();
}

#[test]
fn pickles_are_those_of_cachelib() {
    vectors()
        .leave("encode", "above")
        .leave("decode", "above")
        .differ([351, 353, 354], "a time of no zone, a Decimal, a set: a text or list once read")
        .differ([355], "one tuple twice: values have no identity")
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

/// What a value is after it was written and read, or why it is not written.
fn normalised(value: &Value, format: Format) -> Result<Value, EncodeError> {
    let of_items = |items: &[Value]| -> Result<Vec<_>, _> {
        items.iter().map(|item| normalised(item, format)).collect()
    };
    let plain = |text: &Text| match text.as_str() {
        None if format != Format::Pickle => Err(EncodeError::LoneSurrogate),
        _ => Ok(text.clone()),
    };
    Ok(match value {
        Value::Int(int) if format == Format::MsgPack => match int.as_i128() {
            Some(small) if (i64::MIN.into()..=u64::MAX.into()).contains(&small) => value.clone(),
            _ => return Err(EncodeError::IntTooLarge),
        },
        Value::Float(float) if format == Format::Json && !float.is_finite() => Value::Null,
        Value::Str(text) => Value::Str(plain(text)?),
        Value::List(items) => Value::List(of_items(items)?),
        Value::Dict(dict) => {
            let pair = |(key, value)| Ok((plain(key)?, normalised(value, format)?));
            Value::Dict(dict.iter().map(pair).collect::<Result<_, EncodeError>>()?)
        }
        Value::Tuple(items) if format == Format::Pickle => Value::Tuple(of_items(items)?),
        Value::Tuple(items) => Value::List(of_items(items)?),
        Value::Markup(text) if format != Format::Pickle => Value::Str(plain(text)?),
        Value::Uuid(uuid) if format != Format::Pickle => Value::from(uuid.to_string()),
        Value::Bytes(bytes) if format == Format::Json => {
            Value::from(hipflask_core::encoding::encode_standard(bytes))
        }
        Value::DateTime(time) if format == Format::Json => Value::from(time.to_string()),
        _ => value.clone(),
    })
}

fn any_content() -> impl Strategy<Value = Dict> {
    let time = (-62_135_596_800..253_402_300_800_i64, 0..1_000_000_u32);
    let time = time.prop_map(|(seconds, micros)| DateTime::from_unix(seconds, micros).unwrap());
    let value = prop_oneof![9 => any_value(), 1 => time.prop_map(Value::DateTime)];
    vec((any_text(), value), 0..6).prop_map(|entries| entries.into_iter().collect())
}

/// Pickles that are programs more often than noise is.
fn any_program() -> impl Strategy<Value = Vec<u8>> {
    let parts: &[&[u8]] = &[
        b"(",
        b"(",
        b"]",
        b"}",
        b"}",
        b")",
        b"N",
        b"\x88",
        b"\x89",
        b"a",
        b"e",
        b"s",
        b"u",
        b"d",
        b"l",
        b"t",
        b"\x85",
        b"\x86",
        b"\x87",
        b"\x8f",
        b"\x90",
        b"\x91",
        b"\x94",
        b"\x94",
        b"h\0",
        b"h\x01",
        b"h\x02",
        b"q\x01",
        b"0",
        b"1",
        b"2",
        b"2",
        b"K\x01",
        b"M\0\x01",
        b"J\xff\0\0\x80",
        b"\x8c\x01a",
        b"\x8c\x03int",
        b"X\x02\0\0\0\xc3\xa9",
        b"C\x02ab",
        b"U\x01b",
        b"I01\n",
        b"I7\n",
        b"L8L\n",
        b"F1.5\n",
        b"V\\u20ac\\\n",
        b"S'a\\x41'\n",
        b"\x8a\x01\xff",
        b"G?\xf8\0\0\0\0\0\0",
        b"R",
        b"R",
        b"\x81",
        b"b",
        b"o",
        b"\x93",
        b"cuuid\nUUID\n",
        b"cbuiltins\nset\n",
        b"cdatetime\ntimedelta\n",
        b"cdatetime\ntimezone\n",
        b"K\0K\0K\0\x87",
        b"cdatetime\ndatetime\n",
        b"C\x0a\x07\xe8\x02\x1d\x0c\x22\x38\0\0\0",
        b"cmarkupsafe\nMarkup\n",
        b"cdecimal\nDecimal\n",
        b"cbuiltins\nbytearray\n",
        b"c_codecs\nencode\n",
        b"\x8c\x06latin1",
        b"ibuiltins\nlist\n",
        b"ccollections\ndefaultdict\n",
        b"ccopyreg\n_reconstructor\n",
    ];
    vec(prop::sample::select(parts), 0..30).prop_map(|parts| [&parts.concat()[..], b"."].concat())
}

/// Reads with every expectation; what is read can be written and read again, to the same.
#[track_caller]
fn check_any(record: &[u8]) {
    for expected in FORMATS {
        let Ok(decoded) = decode(record, expected, Limits::default()) else { continue };
        let Some(content) = decoded.content else { continue };
        let pickle = encode(&content, Format::Pickle).unwrap();
        let again = decode(&pickle, Format::Pickle, Limits::default()).unwrap();
        assert_eq!(again.content, Some(content));
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1_000, ..ProptestConfig::default() })]

    #[test]
    fn decode_reverses_encode(content in any_content()) {
        for format in FORMATS {
            let expected = normalised(&content.clone().into(), format);
            match encode(&content, format) {
                Err(error) => prop_assert_eq!(Err(error), expected),
                Ok(record) => for expectation in FORMATS {
                    let decoded = decode(&record, expectation, Limits::default()).unwrap();
                    prop_assert_eq!(decoded.format, format);
                    let read: Value = decoded.content.unwrap().into();
                    prop_assert_eq!(format!("{read:?}"), format!("{:?}", expected.as_ref().unwrap()));
                },
            }
        }
    }

    #[test]
    fn decode_accepts_any_bytes(record in any::<Vec<u8>>(), protocol in 0_u8..6) {
        check_any(&record);
        check_any(&[&[0x80, protocol], &record[..]].concat());
    }

    #[test]
    fn decode_accepts_any_pickle(record in any_program()) {
        check_any(&record);
    }

    #[test]
    fn decode_accepts_broken_records(
        content in any_content(),
        edits in vec((any::<prop::sample::Index>(), any::<u8>(), 0..3_u8), 1..4),
    ) {
        for format in FORMATS {
            let Ok(mut record) = encode(&content, format) else { continue };
            for (at, byte, how) in &edits {
                let at = at.index(record.len());
                match how {
                    0 => record[at] = *byte,
                    1 => record.insert(at, *byte),
                    _ => drop(record.splice(at..(at + 3).min(record.len()), [])),
                }
                if record.is_empty() {
                    break;
                }
            }
            check_any(&record);
        }
    }
}

#[test]
fn commands_in_a_pickle_are_refused_and_named() {
    #[track_caller]
    fn check(record: &[u8], global: &str) {
        for expected in FORMATS {
            let refused = decode(record, expected, Limits::default());
            assert_eq!(refused, Err(DecodeError::Forbidden { global: global.into() }));
        }
    }
    check(b"cos\nsystem\n(S'true'\ntR.", "os.system");
    check(b"\x80\x04\x8c\x05posix\x8c\x06system\x93\x8c\x04true\x85R.", "posix.system");
    check(b"(S'true'\nios\nsystem\n.", "os.system");
    check(b"cbuiltins\neval\n(V1\ntR.", "builtins.eval");
    check(b"c__builtin__\ngetattr\n.", "__builtin__.getattr");
    check(b"c\x1b[31m\n\xc3\xa9\n.", "\\u{1b}[31m.é");
    check(&[b"cm\n", &[b'x'; 500][..], b"\n."].concat(), &format!("m.{}", "x".repeat(98)));
    check(b"csubprocess\nPopen\n(V1\ntR.", "subprocess.Popen");
    check(b"cshop.jobs\nrun\n(V1\ntR.", "shop.jobs.run");
    check(b"cshop\nJobs.run\n(V1\ntR.", "shop.Jobs.run");
    check(b"cshop\nJob\n(V1\nV2\ntR.", "shop.Job");
    check(b"cbuiltins\ngetattr\n(cshop\nJob\nVrun\ntR.", "builtins.getattr");
    check(b"ccopyreg\n_reconstructor\n(cshop\nJob\ncbuiltins\nobject\nNtR}Va\nV1\nsb.", "shop.Job");
    check(b"\x80\x04cshop\nJob\n)\x81}(Va\nV1\nub.", "shop.Job");
    check(b"\x80\x04cshop\nJob\n)\x81.", "shop.Job");
    // What is allowed can be called in no other way than a value needs.
    for record in [&b"cbuiltins\nint\n(V1\ntR."[..], b"cuuid\nUUID\n(V1\ntR.", b"Nb.", b"NNR."] {
        assert!(decode(record, Format::Pickle, Limits::default()).is_err());
    }
}

#[test]
fn objects_of_an_apps_own_classes_become_what_they_hold() {
    #[track_caller]
    fn check(pickle: &[u8], expected: Value) {
        let record = [b"\x80\x04}Va\n", pickle, b"s."].concat();
        let decoded = decode(&record, Format::Pickle, Limits::default()).unwrap();
        assert_eq!(decoded.content, Some(Dict::from_iter([("a".into(), expected)])));
    }
    check(b"cshop\nColour\nVred\n\x85R", "red".into());
    check(b"cshop\nOrder.Status\nK\x01\x85R", 1.into());
    check(b"chttp\nHTTPStatus\nM\x94\x01\x85R", 404.into());
    check(b"cshop\nName\nVada\n\x85\x81", "ada".into());
    check(b"cshop\nPoint\nK\x01K\x02\x86\x81", Value::Tuple(vec![1.into(), 2.into()]));
    check(b"cshop\nNames\n)\x81(K\x01K\x02e", Value::List(vec![1.into(), 2.into()]));
    check(
        b"cshop\nCart\n)\x81(Vn\nK\x01u",
        Value::Dict([("n".into(), 1.into())].into_iter().collect()),
    );
}

#[test]
fn small_records_do_not_become_large() {
    #[track_caller]
    fn check(record: &[u8], expected: DecodeError) {
        let limits = Limits::default().with_inflated(1 << 20);
        assert_eq!(decode(record, Format::MsgPack, limits), Err(expected));
    }
    // Each list holds the one before ten times.
    let tens: Vec<u8> = (0..40)
        .flat_map(|at| {
            [b"]q", &[at][..], b"(", &[b'h', at.wrapping_sub(1)].repeat(10), b"e"].concat()
        })
        .collect();
    let laughs = [b"\x80\x02]qEq\xff", &tens[..], b"."].concat();
    check(&laughs, DecodeError::TooLarge);
    // A list that is copied again and again, and so a text.
    let list = [b"(", &b"N".repeat(10_000)[..], b"l\x94"].concat();
    let copies = b"cbuiltins\nlist\nh\0\x85R".repeat(200);
    check(&[b"\x80\x04", &list[..], &copies, b"."].concat(), DecodeError::TooLarge);
    let text = [b"X\x10\x27\0\0", &b"x".repeat(10_000)[..], b"\x94"].concat();
    let copies = b"cmarkupsafe\nMarkup\nh\0\x85R".repeat(200);
    check(&[b"\x80\x04", &text[..], &copies, b"."].concat(), DecodeError::TooLarge);
    let many = b"\x80\x04cwerkzeug.datastructures\nCombinedMultiDict\n(](}(Va\n(";
    let many = [&many[..], &b"N".repeat(10_000), b"lu\x94", &b"h\0".repeat(200), b"etR."].concat();
    check(&many, DecodeError::TooLarge);
    // A dict that contains itself.
    check(b"\x80\x02}q\0U\x01ah\0s.", DecodeError::TooDeep);
    check(
        &b"\x81\xa1a\xdd\xff\xff\xff\xff".repeat(3),
        DecodeError::Corrupt { format: Format::MsgPack, at: 8 },
    );
    check(&[b' '; (1 << 20) + 1], DecodeError::TooLarge);
}

#[test]
fn nesting_up_to_the_limit_is_read_on_a_small_stack() {
    let test = || {
        let nested = |open: &[u8], middle: &[u8], close: &[u8], levels| {
            [&open.repeat(levels)[..], middle, &close.repeat(levels)].concat()
        };
        let shapes = [
            (Format::Json, &br#"{"a":"#[..], &b"1"[..], &b"}"[..]),
            (Format::MsgPack, b"\x81\xa1a", b"\x01", b""),
            (Format::Pickle, b"}U\x01a", b"N", b"s"),
        ];
        for (format, open, middle, close) in shapes {
            let record = |levels| {
                let end: &[u8] = if format == Format::Pickle { b"." } else { b"" };
                [&nested(open, middle, close, levels)[..], end].concat()
            };
            let read = |levels| decode(&record(levels), format, Limits::default());
            let Decoded { content, .. } = read(Limits::MAX_DEPTH).unwrap();
            assert_eq!(encode(&content.unwrap(), format), Err(EncodeError::TooDeep));
            assert_eq!(read(Limits::MAX_DEPTH + 1), Err(DecodeError::TooDeep));
            assert_eq!(read(100_000), Err(DecodeError::TooDeep));
            assert!(encode(&read(490).unwrap().content.unwrap(), format).is_ok());
        }
    };
    thread::Builder::new().stack_size(2 << 20).spawn(test).unwrap().join().unwrap();
}

#[test]
fn records_of_none_are_empty_and_others_are_dicts() {
    for format in FORMATS {
        let decoded = decode(empty(format), Format::MsgPack, Limits::default());
        assert_eq!(decoded, Ok(Decoded { content: None, format, key: None }));
    }
    for record in
        [&b""[..], b"[[\"a\",1]]", b"\x90", b"\x91\x92\xa1a\x01", b"\"\"", b"7", b"].", b"K\x01."]
    {
        assert!(decode(record, Format::MsgPack, Limits::default()).is_err());
    }
}

#[test]
fn keys_that_are_no_strings_become_the_text_of_json() {
    #[track_caller]
    fn check(msgpack: &str, expected: Result<&str, DecodeError>) {
        let decoded = decode(&from_hex(msgpack), Format::MsgPack, Limits::default());
        let json = decoded.map(|decoded| encode(&decoded.content.unwrap(), Format::Json).unwrap());
        assert_eq!(json, expected.map(|json| json.as_bytes().to_vec()));
    }
    check("84fbc0c301c202cb3ff800000000000003", Ok(r#"{"-5":null,"true":1,"false":2,"1.5":3}"#));
    check("82c001cf800000000000000002", Ok(r#"{"null":1,"9223372036854775808":2}"#));
    check("820101a13102", Err(DecodeError::Key));
    check("82a131010102", Err(DecodeError::Key));
    check("81c4017801", Err(DecodeError::Key));
}
