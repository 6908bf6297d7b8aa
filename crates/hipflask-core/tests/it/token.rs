//! Tokens against what the serializers of itsdangerous write and accept.

use hipflask_core::{
    UnixTime,
    serializer::{Limits, compress_payload, encode_payload, from_json},
    signing::{Digest, KeyRing, LATEST_TIME, Signer, TimedError, TimedSigner, UnverifiedTime},
    token::{Form, TimedToken, Token, TokenError},
    value::Value,
};

use crate::{
    notation,
    vectors::{Row, Vectors},
};

#[test]
fn tokens_are_those_of_itsdangerous() {
    let others = ["b64decode", "b64encode", "int", "rotation", "sep", "signer", "unsign"];
    let others = others.into_iter().chain(["unsign_none_algorithm"]);
    others
        .fold(Vectors::load("signing"), |vectors, kind| vectors.leave(kind, "see signing.rs"))
        .check("serializer", |row| check_token(row, Form::Json))
        .check("urlsafe", |row| check_token(row, Form::UrlSafe))
        .check("compress", check_compress)
        .check("load_payload", check_payload)
        .finish();
}

#[test]
fn timed_tokens_are_judged_as_by_itsdangerous() {
    Vectors::load("timed")
        .leave("sign", "see signing.rs")
        .leave("unsign", "see signing.rs")
        .check("serializer", check_timed)
        .finish();
}

fn check_token(row: &Row, form: Form) {
    let signer = Signer::builder(&KeyRing::new(row.bytes("secret_hex")), row.bytes("salt_hex"))
        .with_digest(row.text("digest").parse().unwrap())
        .with_key_derivation(row.text("derivation").parse().unwrap())
        .build();
    let token = Token::signed_by(signer).with_form(form);
    let value = from_json(row.text("obj_json"), Limits::default()).unwrap();
    row.assert_eq(token.encode(&value).as_deref(), Ok(row.text("token")));
    row.assert_eq(token.decode::<Value>(row.text("token").as_bytes()), Ok(value));
}

fn check_compress(row: &Row) {
    let json = row.bytes("in_hex");
    let deflated = compress_payload(&json);
    row.assert_eq(Some(deflated.is_some()), row.field("compressed").as_bool());
    if let Some(deflated) = deflated {
        row.assert_eq(Some(deflated.len() as u64), row.field("zlib_len").as_u64());
    }
    let mut payload = Vec::new();
    encode_payload(&json, &mut payload);
    row.assert_eq(str::from_utf8(&payload), Ok(row.text("payload")));
}

fn check_payload(row: &Row) {
    let signer = Signer::new(&KeyRing::new("k"), "s");
    let signed = signer.sign(&row.bytes("payload_hex"));
    match Token::signed_by(signer).decode::<Value>(&signed) {
        Ok(value) => {
            notation::assert_same(&value, &notation::read(row.field("value")).unwrap(), row);
        }
        Err(error) => {
            assert!(error.is_bad_payload() && !error.is_bad_signature(), "{error} in {row:?}");
            row.assert_eq(row.field("error")["cls"].as_str(), Some("BadPayload"));
        }
    }
}

fn check_timed(row: &Row) {
    let list = |name| {
        let items = row.field(name).as_array().unwrap().iter();
        items.map(|item| item.as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    let ring = KeyRing::from_oldest_first(list("keys")).unwrap();
    let signer = |digest: Digest| {
        let signer = Signer::builder(&ring, row.text("salt")).with_digest(digest);
        let derivation = row.text("derivation").parse().unwrap();
        TimedSigner::new(signer.with_key_derivation(derivation).build())
    };
    let mut token = TimedToken::signed_by(signer(row.text("digest").parse().unwrap()));
    for digest in list("fallbacks") {
        token = token.with_fallback_signer(signer(digest.parse().unwrap()));
    }
    let now = UnixTime::from_secs(row.field("now").as_u64().unwrap());
    let text = row.text("token").as_bytes();
    match token.decode_with_time::<Value>(text, now, row.field("max_age").as_i64()) {
        Ok((value, signed_at)) => {
            notation::assert_same(&value, &notation::read(row.field("value")).unwrap(), row);
            row.assert_eq(Some(signed_at), row.field("ts").as_u64());
        }
        Err(error) => check_error(row, &error),
    }
}

fn check_error(row: &Row, error: &TokenError<'_>) {
    let expected = row.object("error").unwrap_or_else(|| panic!("{error} in {row:?}"));
    let late = |time: u64| time > LATEST_TIME;
    let (class, payload) = match *error {
        TokenError::Payload(_) | TokenError::Read(_) => ("BadPayload", None),
        TokenError::TimedSignature(error) => match error {
            TimedError::Expired { timed, .. } | TimedError::NotYetValid { timed, .. } => {
                ("SignatureExpired", Some(timed.value))
            }
            TimedError::MalformedTimestamp(unsigned) => ("BadTimeSignature", Some(unsigned.value)),
            TimedError::Mismatch { unverified_value, unverified_time } => {
                assert!(!matches!(unverified_time, UnverifiedTime::At(time) if late(time)));
                ("BadTimeSignature", Some(unverified_value))
            }
            TimedError::DateOutOfRange { timed, .. } => {
                assert!(late(timed.signed_at));
                let class = expected.text("cls");
                assert!(["ValueError", "OverflowError", "OSError"].contains(&class));
                return assert!(!error.is_bad_signature());
            }
            other => panic!("{other} in {row:?}"),
        },
        _ => panic!("{error} in {row:?}"),
    };
    row.assert_eq(class, expected.text("cls"));
    row.assert_eq(payload.map(<[u8]>::to_vec), expected.bytes_if_any("payload_hex"));
    row.assert_eq(Some(error.is_bad_signature()), expected.field("is_bad_signature").as_bool());
}

/// What no row covers: text outside ASCII, and values that are no JSON.
#[test]
fn forms_write_as_pythons_json_does() {
    #[track_caller]
    fn check(value: &Value, form: Form, expected: Option<&str>) {
        let token = Token::new(&KeyRing::new("k"), "s").with_form(form);
        let json = token.encode(value).ok().map(|text| {
            let payload = text.rsplit_once('.').unwrap().0;
            match form {
                Form::Json => payload.to_owned(),
                _ => String::from_utf8(
                    hipflask_core::encoding::decode_url(payload.as_bytes()).unwrap(),
                )
                .unwrap(),
            }
        });
        assert_eq!(json.as_deref(), expected);
    }
    let value = from_json(
        r#"{"b":{" t":["\u00e9\u007f\u0001\"",{" m":"<>"}]},"a":{" t":[]}}"#,
        Limits::default(),
    );
    let value = value.unwrap();
    check(&value, Form::UrlSafe, Some("{\"b\":[\"é\u{7f}\\u0001\\\"\",\"<>\"],\"a\":[]}"));
    check(&value, Form::Json, Some(r#"{"b": ["\u00e9\u007f\u0001\"", "<>"], "a": []}"#));
    let lone = from_json(r#""\ud800""#, Limits::default()).unwrap();
    check(&lone, Form::UrlSafe, None);
    check(&lone, Form::Json, Some(r#""\ud800""#));
    check(&Value::Bytes(vec![]), Form::Json, None);
    check(&Value::Uuid(hipflask_core::value::Uuid::nil()), Form::UrlSafe, None);
}

#[test]
fn tokens_leave_tags_alone() {
    let token = Token::new(&KeyRing::new("k"), "s");
    let dict = [(" t".to_owned(), vec![1])];
    let dict = std::collections::BTreeMap::from(dict);
    let text = token.encode(&dict).unwrap();
    assert_eq!(token.decode(text.as_bytes()), Ok(dict));
}
