//! Properties of tagged JSON, sessions and cookies that hold for every input.

use hipflask_core::{
    UnixTime,
    encoding::decode_url,
    interface::{CookieSessions, Signing},
    reason::Reason,
    serializer::{Limits, decode_payload, encode_payload, from_json, to_json},
    session::Session,
    signing::KeyRing,
    value::{DateTime, Dict, Int, Text, Uuid, Value},
};
use proptest::{collection::vec, prelude::*, sample::select};

const NOW: UnixTime = UnixTime::from_secs(1_763_692_800);

/// Any string of Python's: all planes, control characters, surrogates that stand alone.
pub(crate) fn any_text() -> impl Strategy<Value = Text> {
    let point = prop_oneof![
        4 => 0x20_u32..0x7f,
        1 => 0_u32..0x100,
        1 => 0xd700_u32..0xe100,
        1 => 0_u32..0x11_0000,
    ];
    vec(point, 0..12).prop_map(Text::from_code_points)
}

/// A key that looks like a tag more often than not.
fn any_key() -> impl Strategy<Value = Text> {
    let telling = select(&["", " t", " b", " m", " u", " d", " di", " t__", " x", "a", "b"][..]);
    prop_oneof![telling.prop_map(Text::from), any_text()]
}

/// Any value that survives the way through JSON: whole seconds, years that Python reads again.
pub(crate) fn any_value() -> impl Strategy<Value = Value> {
    let int = prop_oneof![
        any::<i64>().prop_map(Int::from),
        any::<u128>().prop_map(Int::from),
        "-?[1-9][0-9]{20,80}".prop_map(|digits| Int::parse(&digits).unwrap()),
    ];
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        int.prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        (-1000_i32..1000).prop_map(|tenths| Value::from(f64::from(tenths) / 10.0)),
        select(&[f64::NAN, f64::INFINITY, f64::NEG_INFINITY, -0.0, 1e16, 1e-5][..])
            .prop_map(Value::from),
        any_text().prop_map(Value::Str),
        any_text().prop_map(Value::Markup),
        any::<Vec<u8>>().prop_map(Value::Bytes),
        any::<u128>().prop_map(|bits| Value::Uuid(Uuid::from_u128(bits))),
        (-59_000_000_000_i64..253_402_300_800)
            .prop_map(|seconds| Value::DateTime(DateTime::from_unix(seconds, 0).unwrap())),
    ];
    leaf.prop_recursive(5, 40, 5, |inner| {
        prop_oneof![
            vec(inner.clone(), 0..5).prop_map(Value::List),
            vec(inner.clone(), 0..5).prop_map(Value::Tuple),
            vec((any_key(), inner), 0..4)
                .prop_map(|entries| Value::Dict(entries.into_iter().collect())),
        ]
    })
}

fn any_dict() -> impl Strategy<Value = Dict> {
    vec((any_key(), any_value()), 0..6).prop_map(|entries| entries.into_iter().collect())
}

/// JSON in all spellings that Python reads, ours among them, and now and then a fault.
pub(crate) fn json_like() -> impl Strategy<Value = String> {
    let number = select(
        &[
            "0",
            "-0",
            "7",
            "-12",
            "1.0",
            "1.50",
            "0.1",
            "-0.0",
            "1e5",
            "1E+400",
            "1e-400",
            "1e16",
            "123456789012345.6",
            "1234567890123456.5",
            "12345678901234.5",
            "10.0",
            "10.00",
            "0.5",
            "12345678901234567890",
            "0.0001",
            "0.00001",
            "NaN",
            "Infinity",
            "-Infinity",
            "true",
            "false",
            "null",
        ][..],
    );
    let inside = select(
        &[
            "",
            "a",
            "é",
            "\u{7f}",
            "😀",
            "/",
            "<",
            r"\/",
            r"\n",
            r"\u000a",
            r"\u0041",
            r"\u00e9",
            r"\u00E9",
            r"\u007f",
            r"\u001f",
            r"\u0008",
            r"\ud800",
            r"\udc00",
            r"\ud83d\ude00",
            r#"\""#,
            r"\\",
            r"\t",
            "b c",
        ][..],
    );
    let string = vec(inside, 0..4).prop_map(|parts| format!("\"{}\"", parts.concat()));
    let key = prop_oneof![
        4 => select(&["a", "b", "ab", "", " t", " di", " m", " d", " x", " t__"][..])
            .prop_map(|key| format!("\"{key}\"")),
        1 => string.clone(),
    ];
    let blank = || select(&["", "", "", " ", "\n", "\t "][..]);
    let leaf = prop_oneof![number.prop_map(str::to_owned), string];
    let json = leaf.prop_recursive(4, 30, 4, move |inner| {
        let item = (blank(), inner, blank()).prop_map(|(a, item, b)| format!("{a}{item}{b}"));
        let entry = (blank(), key.clone(), blank(), item.clone())
            .prop_map(|(a, key, b, item)| format!("{a}{key}{b}:{item}"));
        let sorted = (vec(entry.clone(), 0..4), any::<bool>()).prop_map(|(mut entries, sort)| {
            if sort {
                entries.sort();
            }
            entries
        });
        prop_oneof![
            vec(item, 0..4).prop_map(|items| format!("[{}]", items.join(","))),
            sorted.prop_map(|entries| format!("{{{}}}", entries.join(","))),
        ]
    });
    let fault =
        (any::<prop::sample::Index>(), select(&["", "", "", ",", "}", "\"", "1", "\u{b}"][..]));
    (json, fault).prop_map(|(mut text, (index, fault))| {
        let places: Vec<_> = text.char_indices().map(|(at, _)| at).collect();
        text.insert_str(*index.get(&places), fault);
        text
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, ..ProptestConfig::default() })]

    #[test]
    fn from_json_reverses_to_json(value in any_value()) {
        let json = to_json(&value).unwrap();
        prop_assert!(json.is_ascii());
        prop_assert_eq!(from_json(&json, Limits::default()), Ok(value));
    }

    #[test]
    fn open_reverses_sign(dict in any_dict()) {
        let mut session = Session::new();
        for (key, value) in dict.clone() {
            session.set(key, value).unwrap();
        }
        let interface = CookieSessions::new(&KeyRing::new("k"));
        let cookie = interface.sign(&session, NOW).unwrap().unwrap();
        let opened = interface.open(Some(cookie.as_bytes()), NOW);
        prop_assert_eq!(opened.reason, Reason::Verified);
        prop_assert_eq!(opened.session.to_dict(), dict);
        // Nothing was changed, so the same text comes out, although nothing was read.
        prop_assert_eq!(interface.sign(&opened.session, NOW).unwrap().unwrap(), cookie);
    }

    #[test]
    fn session_holds_what_from_json_reads(text in json_like()) {
        check_session(&text);
    }

    #[test]
    fn reading_accepts_any_text(text in any::<String>()) {
        check_session(&text);
    }

    #[test]
    fn decode_payload_reverses_encode_payload(
        json in prop_oneof!["\\PC{0,80}", "[ab]{0,400}", "[a-f]{0,4000}"],
    ) {
        let mut payload = Vec::new();
        encode_payload(json.as_bytes(), &mut payload);
        let compressed = payload.first() == Some(&b'.');
        prop_assert_eq!(decode_payload(&payload, json.len()), Ok((json, compressed)));
    }

    #[test]
    fn decode_payload_accepts_any_bytes(payload in any::<Vec<u8>>(), limit in 0_usize..64) {
        for payload in [&payload[..], &[b".eJx", &payload[..]].concat()] {
            if let Ok((text, _)) = decode_payload(payload, limit) {
                prop_assert!(text.len() <= limit);
            }
        }
    }

    #[test]
    fn open_refuses_a_changed_cookie(
        dict in any_dict(), at in any::<prop::sample::Index>(), byte in any::<u8>(), how in 0..3,
    ) {
        let mut session = Session::new();
        for (key, value) in dict.clone() {
            session.set(key, value).unwrap();
        }
        let ring = KeyRing::new("k");
        let interface = CookieSessions::new(&ring);
        let cookie = interface.sign(&session, NOW).unwrap().unwrap().into_bytes();
        let mut changed = cookie.clone();
        let at = at.index(cookie.len());
        match how {
            0 => changed[at] = byte,
            1 => changed.insert(at, byte),
            _ => drop(changed.remove(at)),
        }
        let opened = interface.open(Some(&changed), NOW);
        if opened.reason.is_verified() {
            // Only the text of the signature has other spellings, for the same bytes.
            let split = |cookie: &[u8]| {
                let dot = cookie.iter().rposition(|byte| *byte == b'.').unwrap();
                (cookie[..dot].to_vec(), decode_url(&cookie[dot + 1..]))
            };
            prop_assert_eq!(split(&changed), split(&cookie));
            prop_assert_eq!(opened.session.to_dict(), dict);
        } else {
            prop_assert!(opened.session.is_empty());
        }
        let strict = CookieSessions::signed_with(&ring, &Signing::default().with_strict(true));
        let verdict = strict.open(Some(&changed), NOW).reason.is_verified();
        prop_assert_eq!(verdict, changed == cookie);
    }
}

/// The session, which does not build values before they are asked for, must agree with the reader
/// that builds them all, also in what it writes.
#[track_caller]
fn check_session(text: &str) {
    let session = Session::from_json(text.to_owned(), Limits::default());
    match (from_json(text, Limits::default()), session) {
        (Ok(value @ Value::Dict(_)), Ok(session)) => {
            let dict = Value::Dict(session.to_dict());
            assert_eq!(dict, value);
            assert_eq!(format!("{dict:?}"), format!("{value:?}"), "another order");
            let written = session.to_json().map(|json| String::from_utf8(json).unwrap());
            assert_eq!(written, to_json(&value), "{text}");
        }
        // What `dict()` takes besides: nothing, or a sequence of pairs.
        (Ok(Value::Null | Value::List(_) | Value::Tuple(_)), Ok(_)) => {}
        (Ok(Value::Str(text) | Value::Markup(text)), Ok(session)) => {
            assert!(text.is_empty() && session.is_empty());
        }
        (Ok(Value::Bytes(bytes)), Ok(session)) => assert!(bytes.is_empty() && session.is_empty()),
        (Ok(Value::Dict(_) | Value::Null), Err(error)) => panic!("{error}: {text}"),
        (Ok(_) | Err(_), Err(_)) => {}
        (value, Ok(_)) => panic!("only the session accepts {text}: {value:?}"),
    }
}
