//! An item as Flask-Session lays it out ⇄ a record and how long it lives.
//!
//! DIFFERENCE: Flask-Session writes the time of expiry with a fraction, and off by its host's UTC
//! offset. Both are read as they are; what is written here is the true time, in whole seconds
//! rounded down, because DynamoDB promises to remove expired items for whole seconds only.
//! DIFFERENCE: an item that has expired, or has no `val`, is absent; Flask-Session serves the first
//! and answers 500 to the second. One that nothing says the expiry of lives.

use std::{
    collections::HashMap,
    time::{Duration, SystemTime},
};

use aws_sdk_dynamodb::{primitives::Blob, types::AttributeValue};

use super::{Record, RecordKey, StoreError};

/// DynamoDB takes 409,600 bytes in an item; the rest is for the key, the names, and attributes that
/// others may have added.
const PAYLOAD_LIMIT: usize = 390_000;
/// What it takes as a key.
const KEY_LIMIT: usize = 2048;

pub(super) type Item = HashMap<String, AttributeValue>;

/// A record that is there.
pub(super) struct Found {
    pub(super) record: Record,
    /// How long it still lives; `None` if nothing says when it ends.
    pub(super) left: Option<Duration>,
}

/// Takes an item apart; `None` if it holds no record, or one that has expired.
pub(super) fn found(item: Option<Item>, now: Now) -> Option<Found> {
    let mut item = item?;
    let record = match item.remove("val")? {
        AttributeValue::B(payload) => Record::new(payload.into_inner()),
        _ => Record::unreadable(),
    };
    let Some(expiration) = item.get("expiration") else {
        return Some(Found { record, left: None });
    };
    let left = expiration.as_n().ok()?.parse::<f64>().ok()? - now.0.as_secs_f64();
    let left = (left > 0.0).then(|| Duration::try_from_secs_f64(left).unwrap_or(Duration::MAX))?;
    Some(Found { record, left: Some(left) })
}

/// The time of a question, which its answer is judged by.
#[derive(Clone, Copy)]
pub(super) struct Now(Duration);

impl Now {
    pub(super) fn read() -> Self {
        Self(SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default())
    }

    pub(super) fn number(self) -> AttributeValue {
        self.plus(Duration::ZERO)
    }

    /// Returns the exact time that is `duration` later.
    pub(super) fn plus(self, duration: Duration) -> AttributeValue {
        let time = self.0.saturating_add(duration);
        AttributeValue::N(format!("{}.{:09}", time.as_secs(), time.subsec_nanos()))
    }

    /// Returns the time of expiry of what lives for `ttl`: a whole second that is yet to come.
    pub(super) fn after(self, ttl: Duration) -> AttributeValue {
        let second = self.0.saturating_add(ttl).as_secs();
        AttributeValue::N(second.max(self.0.as_secs().saturating_add(1)).to_string())
    }
}

pub(super) fn bytes(bytes: &[u8]) -> AttributeValue {
    AttributeValue::B(Blob::new(bytes))
}

pub(super) fn text(text: &str) -> AttributeValue {
    AttributeValue::S(text.to_owned())
}

pub(super) fn key_of(key: &RecordKey) -> Result<AttributeValue, StoreError> {
    match key.as_str().len() {
        1..=KEY_LIMIT => Ok(text(key.as_str())),
        0 => Err(StoreError::Key("it is empty")),
        _ => Err(StoreError::Key("it is longer than 2048 bytes")),
    }
}

pub(super) fn check_size(payload: &[u8]) -> Result<(), StoreError> {
    let (size, limit) = (payload.len(), PAYLOAD_LIMIT);
    if size <= limit { Ok(()) } else { Err(StoreError::TooLarge { size, limit }) }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Now = Now(Duration::new(1_700_000_000, 500_000_000));

    #[track_caller]
    fn check(expiration: AttributeValue, expected: Option<Duration>) {
        let item = [("val".into(), bytes(b"v")), ("expiration".into(), expiration)];
        let found = found(Some(item.into()), NOW);
        assert_eq!(found.map(|found| found.left), expected.map(Some));
    }

    #[test]
    fn expiration_tells_how_long_an_item_lives() {
        let number = |text: &str| AttributeValue::N(text.into());
        check(number("1700000001"), Some(Duration::from_millis(500)));
        // As Python's Decimal writes a time: with every digit of the binary fraction.
        check(number("1700000010.5"), Some(Duration::from_secs(10)));
        check(
            number("1700000001.7500000000000000000000000000"),
            Some(Duration::from_millis(1_250)),
        );
        check(number("1.70000001E9"), Some(Duration::from_millis(9_500)));
        check(number("9.9E125"), Some(Duration::MAX));
        check(number("1700000000.5"), None);
        check(number("1700000000"), None);
        check(number("-1"), None);
        check(number("NaN"), None);
        check(number(""), None);
        check(text("1700000001"), None);
    }

    #[test]
    fn item_without_val_is_absent() {
        let expiration = || ("expiration".to_owned(), AttributeValue::N("1700000001".into()));
        assert!(found(Some([expiration()].into()), NOW).is_none());
    }

    #[test]
    fn item_is_there_with_a_val_of_any_type_and_without_an_expiration() {
        let item = found(Some([("val".into(), text("v"))].into()), NOW).unwrap();
        assert_eq!((item.record, item.left), (Record::unreadable(), None));
        let item = found(Some([("val".into(), bytes(b"v"))].into()), NOW).unwrap();
        assert_eq!((item.record, item.left), (Record::new(b"v"), None));
    }

    #[test]
    fn expiration_is_written_in_whole_seconds_to_come() {
        let number = |text: &str| AttributeValue::N(text.into());
        assert_eq!(NOW.after(Duration::from_millis(1)), number("1700000001"));
        assert_eq!(NOW.after(Duration::from_millis(500)), number("1700000001"));
        assert_eq!(NOW.after(Duration::from_millis(1_499)), number("1700000001"));
        assert_eq!(NOW.after(Duration::from_millis(1_500)), number("1700000002"));
        assert_eq!(NOW.after(Duration::MAX), number(&u64::MAX.to_string()));
    }

    #[test]
    fn retired_payloads_of_the_condition_are_the_cores() {
        for payload in [&b"\xc0"[..], b"null", b"\x80\x05N."] {
            assert!(Record::new(payload).is_retired());
        }
    }
}
