//! Says an answer in Python's words: exception class, message and attributes.

use hipflask_core::signing::UnsignError;

use super::{LATEST_TIME, Row, Timed, TimedError, UnverifiedTime};

/// An exception of the `BadSignature` family.
#[derive(Debug, Eq, PartialEq)]
pub(super) struct BadSignature {
    class: &'static str,
    message: String,
    payload: Option<Vec<u8>>,
    date_signed: Option<u64>,
}

impl BadSignature {
    fn check(&self, row: &Row) {
        let expected = row.object("error").unwrap_or_else(|| panic!("accepted in {row:?}"));
        row.assert_eq(self.class, expected.text("cls"));
        row.assert_eq(self.message.as_str(), expected.text("msg"));
        row.assert_eq(self.payload.clone(), expected.bytes_if_any("payload_hex"));
        row.assert_eq(self.date_signed, expected.field("date_signed").as_str().map(seconds));
        row.assert_eq(expected.field("is_bad_signature").as_bool(), Some(true));
    }
}

pub(super) fn from_unsign(error: UnsignError<'_>, signed: &[u8], separator: &[u8]) -> BadSignature {
    let bad_signature = |message, payload| BadSignature {
        class: "BadSignature",
        message,
        payload,
        date_signed: None,
    };
    match error {
        UnsignError::Mismatch { unverified_value } => bad_signature(
            mismatch_message(&signed[unverified_value.len() + separator.len()..]),
            Some(unverified_value.to_vec()),
        ),
        _ => bad_signature(format!("No {} found in value", repr(separator)), None),
    }
}

pub(super) fn check_unsign(row: &Row, answer: Result<Vec<u8>, BadSignature>) {
    match answer {
        Ok(value) => row.assert_eq(Some(value), row.bytes_if_any("value_hex")),
        Err(error) => error.check(row),
    }
}

/// Checks the answers both to `unsign(…)` and to `unsign(…, return_timestamp=True)`.
pub(super) fn check_timed_unsign(
    row: &Row,
    answer: Result<Timed<'_>, TimedError<'_>>,
    signed: &[u8],
    max_age: Option<i64>,
) {
    let plain = row.object("unsign").expect("the answer without the time");
    let with_time = row.object("unsign_ts").expect("the answer with the time");
    match answer {
        Ok(timed) => {
            plain.assert_eq(Some(timed.value.to_vec()), plain.bytes_if_any("value_hex"));
            with_time.assert_eq(Some(timed.value.to_vec()), with_time.bytes_if_any("value_hex"));
            with_time.assert_eq(timed.signed_at.to_string().as_str(), with_time.text("ts"));
            with_time.assert_eq(timed.signed_at, seconds(with_time.text("dt")));
        }
        Err(TimedError::DateOutOfRange { timed, age }) => {
            check_other_error(&with_time);
            // Python does not make a date, and so does not fail, where nobody asks for one.
            if max_age.is_none_or(|max_age| (0..=max_age).contains(&age)) {
                plain.assert_eq(Some(timed.value.to_vec()), plain.bytes_if_any("value_hex"));
            } else {
                check_other_error(&plain);
            }
        }
        Err(error) => {
            let error = from_timed(error, signed);
            error.check(&plain);
            error.check(&with_time);
        }
    }
}

fn check_other_error(row: &Row) {
    let error = row.object("error").unwrap_or_else(|| panic!("accepted in {row:?}"));
    let is_other = matches!(error.text("cls"), "OSError" | "OverflowError" | "ValueError");
    row.assert_eq((is_other, error.field("is_bad_signature").as_bool()), (true, None));
}

fn from_timed(error: TimedError<'_>, signed: &[u8]) -> BadSignature {
    let signature = signed.rsplit(|byte| *byte == b'.').next().unwrap_or_default();
    let (class, message, payload, date_signed) = match error {
        TimedError::Expired { timed, age, max_age } => (
            "SignatureExpired",
            format!("Signature age {age} > {max_age} seconds"),
            Some(timed.value),
            Some(timed.signed_at),
        ),
        TimedError::NotYetValid { timed, age } => (
            "SignatureExpired",
            format!("Signature age {age} < 0 seconds"),
            Some(timed.value),
            Some(timed.signed_at),
        ),
        TimedError::MalformedTimestamp(unsigned) => {
            ("BadTimeSignature", "Malformed timestamp".to_owned(), Some(unsigned.value), None)
        }
        TimedError::TimestampMissing(unsigned) => {
            ("BadTimeSignature", "timestamp missing".to_owned(), Some(unsigned.value), None)
        }
        TimedError::Mismatch { unverified_value, unverified_time } => {
            let message = mismatch_message(signature);
            let (class, message, date) = match unverified_time {
                UnverifiedTime::Missing => ("BadSignature", message, None),
                UnverifiedTime::At(time) if time > LATEST_TIME => {
                    ("BadTimeSignature", "Malformed timestamp".to_owned(), None)
                }
                UnverifiedTime::At(time) => ("BadTimeSignature", message, Some(time)),
                _ => ("BadTimeSignature", message, None),
            };
            (class, message, Some(unverified_value), date)
        }
        _ => ("BadSignature", format!("No {} found in value", repr(b".")), None, None),
    };
    BadSignature { class, message, payload: payload.map(<[u8]>::to_vec), date_signed }
}

fn mismatch_message(signature: &[u8]) -> String {
    format!("Signature {} does not match", repr(signature))
}

/// Writes bytes as Python's `repr` does.
fn repr(bytes: &[u8]) -> String {
    let quote = if bytes.contains(&b'\'') && !bytes.contains(&b'"') { '"' } else { '\'' };
    let mut text = format!("b{quote}");
    for &byte in bytes {
        match byte {
            b'\t' => text += "\\t",
            b'\n' => text += "\\n",
            b'\r' => text += "\\r",
            b'\\' => text += "\\\\",
            b' '..=b'~' if char::from(byte) == quote => text.extend(['\\', quote]),
            b' '..=b'~' => text.push(byte.into()),
            _ => text += &format!("\\x{byte:02x}"),
        }
    }
    text.push(quote);
    text
}

/// Reads `2025-11-21T02:40:00+00:00`.
#[track_caller]
fn seconds(date: &str) -> u64 {
    let (date, offset) = date.split_at(19);
    assert_eq!(offset, "+00:00");
    let number = |range: std::ops::Range<usize>| date[range].parse::<u16>().expect("digits");
    let [month, day, hour, minute, second] =
        [5, 8, 11, 14, 17].map(|at| u8::try_from(number(at..at + 2)).expect("two digits"));
    let month = time::Month::try_from(month).expect("a month");
    let date = time::Date::from_calendar_date(number(0..4).into(), month, day).expect("a date");
    let date = date.with_hms(hour, minute, second).expect("a time of day").assume_utc();
    date.unix_timestamp().try_into().expect("after 1970")
}
