//! Signing against the answers of itsdangerous.

mod properties;
mod python;

use hipflask_core::{
    UnixTime,
    encoding::{decode_url, encode_url},
    reason::Reason,
    signing::{
        Key, KeyRing, LATEST_TIME, Signer, SignerBuilder, Timed, TimedError, TimedSigner,
        UnverifiedTime, dangerous, decode_timestamp, derive_key, encode_timestamp,
    },
};

use crate::vectors::{Row, Vectors, from_hex};

const fn moment(seconds: u64) -> UnixTime {
    UnixTime::from_secs(seconds)
}

#[test]
fn signing_agrees_with_itsdangerous() {
    Vectors::load("signing")
        .check("signer", check_signer)
        .check("sep", check_separator)
        .check("int", check_timestamp)
        .check("b64decode", |row| {
            row.assert_eq(decode_url(&row.bytes("in_hex")), row.bytes_if_any("out_hex"));
        })
        .check("b64encode", |row| {
            row.assert_eq(encode_url(&row.bytes("in_hex")).as_str(), row.text("out"));
        })
        .check("unsign", check_unsign)
        .check("rotation", check_rotation)
        .leave("unsign_none_algorithm", "values without a signature are not offered")
        .leave("compress", "see token.rs")
        .leave("load_payload", "see token.rs")
        .leave("serializer", "see token.rs")
        .leave("urlsafe", "see token.rs")
        .finish();
}

#[test]
fn timed_signing_agrees_with_itsdangerous() {
    Vectors::load("timed")
        .check("sign", |row| {
            let signed = TimedSigner::new(signer(row)).sign(&row.bytes("value_hex"), now(row));
            row.assert_eq(signed, row.text_or_hex("token"));
        })
        .check("unsign", check_timed_unsign)
        .leave("serializer", "see token.rs")
        .finish();
}

fn check_signer(row: &Row) {
    let [key, salt] = ["secret_hex", "salt_hex"].map(|name| row.bytes(name));
    let derived = derive_key(parsed(row, "digest"), parsed(row, "derivation"), &salt, &key);
    row.assert_eq(derived, Key::new(row.bytes("key_hex")));
    let [value, token] = [row.bytes("payload_hex"), row.text_or_hex("token")];
    row.assert_eq(signer(row).sign(&value), token.clone());
    row.assert_eq(signer(row).unsign(&token).map(|unsigned| unsigned.value), Ok(&value[..]));
}

fn check_separator(row: &Row) {
    let ring = KeyRing::new("k");
    let answer = Signer::builder(&ring, "salt").with_separator(row.bytes("sep_hex"));
    row.assert_eq(Some(answer.is_ok()), row.field("ok").as_bool());
}

fn check_timestamp(row: &Row) {
    let seconds = row.text("int").parse().expect("the vectors stay within 64 bits");
    row.assert_eq(encode_timestamp(seconds).as_str(), row.text("b64"));
    row.assert_eq(decode_timestamp(row.text("b64").as_bytes()), Some(seconds));
    row.assert_eq(decode_url(row.text("b64").as_bytes()), Some(row.bytes("bytes_hex")));
}

fn check_unsign(row: &Row) {
    let signed = row.bytes("in_hex");
    let answer = signer(row).unsign(&signed);
    let answer = answer.map(|unsigned| unsigned.value.to_vec());
    python::check_unsign(row, answer.map_err(|error| python::from_unsign(error, &signed, b".")));
}

fn check_rotation(row: &Row) {
    let keys = row.field("keys_hex").as_array().expect("a list of keys");
    let keys = keys.iter().map(|key| from_hex(key.as_str().expect("a key in hexadecimal")));
    let Some(ring) = KeyRing::from_oldest_first(keys.clone()) else {
        // DIFFERENCE: a ring without a key is impossible; itsdangerous fails when it signs with it.
        row.assert_eq((keys.len(), row.field("value_hex").is_null()), (0, true));
        return;
    };
    let signer = Signer::new(&ring, "itsdangerous.Signer");
    row.assert_eq(signer.sign(b"v").as_slice(), row.text("signs_as").as_bytes());
    let token = row.text("token").as_bytes();
    let answer = signer.unsign(token);
    let position = keys.rev().position(|key| key == row.bytes("signed_with_hex"));
    row.assert_eq(answer.ok().map(|unsigned| unsigned.key), position);
    let answer = answer.map(|unsigned| unsigned.value.to_vec());
    python::check_unsign(row, answer.map_err(|error| python::from_unsign(error, token, b".")));
}

fn check_timed_unsign(row: &Row) {
    let token = row.text_or_hex("token");
    let max_age = row.field("max_age").as_i64();
    let answer = TimedSigner::new(signer(row)).unsign(&token, now(row), max_age);
    if let Err(error) = answer {
        row.assert_eq(
            error.is_bad_signature(),
            !matches!(error, TimedError::DateOutOfRange { .. }),
        );
    }
    python::check_timed_unsign(row, answer, &token, max_age);
}

fn signer(row: &Row) -> Signer {
    let ring = KeyRing::new(row.bytes("secret_hex"));
    let separator = row.bytes_if_any("sep_hex").unwrap_or(b".".to_vec());
    let builder: SignerBuilder<'_> = Signer::builder(&ring, row.bytes("salt_hex"))
        .with_digest(parsed(row, "digest"))
        .with_key_derivation(parsed(row, "derivation"));
    builder.with_separator(separator).expect("a valid separator").build()
}

fn parsed<T: std::str::FromStr>(row: &Row, name: &str) -> T {
    row.text(name).parse().unwrap_or_else(|_| panic!("unknown {name} in {row:?}"))
}

fn now(row: &Row) -> UnixTime {
    moment(row.field("now").as_u64().expect("a time in seconds"))
}

fn flask_signer() -> TimedSigner {
    TimedSigner::new(Signer::new(&KeyRing::new("k"), "cookie-session"))
}

#[test]
fn unsign_reports_the_reason() {
    #[track_caller]
    fn check(signed: &[u8], max_age: Option<i64>, expected: Reason) {
        let error =
            flask_signer().unsign(signed, moment(1_000), max_age).expect_err("it is refused");
        assert_eq!(error.reason(), expected);
    }
    let signer = flask_signer();
    check(b"", None, Reason::Malformed);
    check(b"value", None, Reason::Malformed);
    check(b"value.signature", None, Reason::Malformed);
    check(b"value.AQ.signature", None, Reason::BadSignature);
    check(&signer.signer().sign(b"value"), None, Reason::BadTimestamp);
    check(&signer.signer().sign(b"value.A"), None, Reason::BadTimestamp);
    check(&signer.sign(b"value", moment(LATEST_TIME + 1)), None, Reason::BadTimestamp);
    check(&signer.sign(b"value", moment(989)), Some(10), Reason::Expired);
    check(&signer.sign(b"value", moment(1_001)), Some(10), Reason::NotYetValid);
}

#[test]
fn unsign_accepts_the_whole_range_of_ages() {
    let signer = flask_signer();
    for (signed_at, now, max_age) in [(990, 1_000, Some(10)), (1_000, 1_000, Some(0))] {
        let signed = signer.sign(b"value", moment(signed_at));
        assert_eq!(
            signer.unsign(&signed, moment(now), max_age).map(|timed| timed.signed_at),
            Ok(signed_at)
        );
    }
    let signed = signer.sign(b"value", moment(LATEST_TIME));
    assert!(signer.unsign(&signed, moment(u64::MAX), None).is_ok());
    assert!(matches!(
        signer.unsign(&signed, moment(u64::MAX), Some(i64::MAX - 1)),
        Err(TimedError::Expired { age: i64::MAX, .. })
    ));
}

#[test]
fn strict_signer_refuses_every_other_text_of_a_signature() {
    let ring = KeyRing::new("k");
    let strict = Signer::builder(&ring, "salt").with_strict(true).build();
    let lenient = Signer::new(&ring, "salt");
    let signed = strict.sign(b"value");
    assert!(strict.unsign(&signed).is_ok());
    let with_tail = |tail: &[u8]| [&signed[..], tail].concat();
    let last = signed.len() - 1;
    let mut loose_bits = signed.clone();
    loose_bits[last] += 1; // the last character of 27 has two unused bits
    for malleable in [with_tail(b"="), with_tail(b"=zzz"), with_tail(b"!!"), loose_bits] {
        assert!(lenient.unsign(&malleable).is_ok(), "{}", malleable.escape_ascii());
        assert!(strict.unsign(&malleable).is_err(), "{}", malleable.escape_ascii());
    }
}

#[test]
fn errors_and_debug_show_neither_key_nor_value() {
    let ring = KeyRing::new("hunter2").with_fallback("hunter3");
    let signer = TimedSigner::new(Signer::new(&ring, "salt"));
    let mut shown = format!("{ring:?} {signer:?}");
    let signed = [
        signer.sign(b"private", moment(1)),
        signer.sign(b"private", moment(3_000)),
        signer.sign(b"private", moment(u64::MAX)),
        signer.signer().sign(b"private"),
        signer.signer().sign(b"private.A"),
        b"private.AQ.signature".to_vec(),
        b"private.signature".to_vec(),
        b"private".to_vec(),
    ];
    for signed in &signed {
        let error = signer.unsign(signed, moment(2_000), Some(1)).expect_err("each is refused");
        shown += &format!(" {error} {error:?}");
        shown +=
            &format!(" {:?} {:?}", signer.signer().unsign(signed), dangerous::split(signed, b"."));
    }
    for hidden in ["hunter", "private", "signature\"", "104, 117, 110", "112, 114, 105"] {
        assert!(!shown.contains(hidden), "{hidden} is in {shown}");
    }
}

#[test]
fn fingerprint_differs_from_a_plain_hash_of_the_key() {
    // SHA-256 of the key "k" starts with 8254c329.
    assert_ne!(Key::from("k").fingerprint(), "8254c329");
    assert_eq!(Key::from("k").fingerprint(), Key::from("k".to_owned()).fingerprint());
}
