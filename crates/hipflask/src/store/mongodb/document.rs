//! Documents as Flask-Session writes them, in both directions.

use std::time::Duration;

use mongodb::bson::{Binary, Bson, DateTime, Document, doc, spec::BinarySubtype};

use super::{Record, RecordKey, StoreError};
use crate::store::Entry;

/// A write names the old payload and the new one, and the server takes 16 MB for both.
const MAX_PAYLOAD: usize = 8 * 1024 * 1024 - 4096;

/// Returns the filter for a record that has not expired. One without a time of expiry lives.
///
/// DIFFERENCE: Flask-Session reads expired ones until the server removes them, a minute later.
pub(super) fn live(key: &RecordKey, now: DateTime) -> Document {
    let mut filter = unexpired(now);
    filter.insert("id", key.as_str());
    filter
}

/// Returns the filter for what has not expired.
pub(super) fn unexpired(now: DateTime) -> Document {
    doc! { "$or": [{ "expiration": { "$gt": now } }, { "expiration": null }] }
}

/// Returns a payload as Python's driver writes bytes.
pub(super) fn binary(payload: &[u8]) -> Result<Binary, StoreError> {
    if payload.len() > MAX_PAYLOAD {
        return Err(StoreError::TooLarge { size: payload.len(), limit: MAX_PAYLOAD });
    }
    Ok(generic(payload))
}

/// Returns the change that writes a record unless there is one.
pub(super) fn created(
    key: &RecordKey,
    payload: &[u8],
    ttl: Duration,
    now: DateTime,
) -> Result<Vec<Document>, StoreError> {
    // A literal, because a key may start with a dollar.
    let id = doc! { "$literal": key.as_str() };
    let new = doc! {
        "_id": { "$ifNull": ["$_id", id.clone()] },
        "id": id,
        "val": binary(payload)?,
        "expiration": later(now, ttl),
    };
    let unless_live = doc! { "$cond": [{ "$or": [
        { "$gt": ["$expiration", now] },
        // What has no time of expiry; a document that is not there yet has no `val` either.
        { "$and": [{ "$lte": ["$expiration", null] }, { "$gt": ["$val", null] }] },
    ] }, "$$ROOT", new] };
    Ok(vec![doc! { "$replaceWith": unless_live }])
}

/// Returns the payloads that are never touched.
pub(super) fn retired() -> Vec<Bson> {
    [b"\xc0".as_slice(), b"null", b"\x80\x05N."].map(|payload| generic(payload).into()).into()
}

pub(super) fn later(time: DateTime, by: Duration) -> DateTime {
    let by = i64::try_from(by.as_millis()).unwrap_or(i64::MAX);
    DateTime::from_millis(time.timestamp_millis().saturating_add(by))
}

/// Returns how long it is to a time: nothing, when it has passed.
pub(super) fn left(now: DateTime, time: DateTime) -> Duration {
    let left = time.timestamp_millis().saturating_sub(now.timestamp_millis());
    Duration::from_millis(u64::try_from(left).unwrap_or(0))
}

pub(super) fn record(document: &Document) -> Record {
    let payload = document.get_binary_generic("val");
    payload.map_or_else(|_| Record::unreadable(), |payload| Record::new(payload.as_slice()))
}

pub(super) fn entry(document: &Document, now: DateTime) -> Option<Entry> {
    let end = document.get_datetime("expiration").ok();
    Some(Entry {
        key: RecordKey::new(document.get_str("id").ok()?),
        record: record(document),
        expires_in: end.map(|end| left(now, *end)),
    })
}

fn generic(payload: &[u8]) -> Binary {
    Binary { subtype: BinarySubtype::Generic, bytes: payload.into() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn retired_lists_what_a_record_calls_so() {
        for payload in retired() {
            let document = doc! { "val": payload };
            assert!(record(&document).is_retired());
        }
    }

    #[test]
    fn binary_refuses_what_a_replacement_could_not_hold_twice() {
        assert!(binary(&vec![0; MAX_PAYLOAD]).is_ok());
        let error = binary(&vec![0; MAX_PAYLOAD + 1]).unwrap_err();
        assert!(matches!(error, StoreError::TooLarge { limit: MAX_PAYLOAD, .. }));
    }

    #[test]
    fn later_stops_at_the_end_of_time() {
        assert_eq!(later(DateTime::now(), Duration::MAX), DateTime::MAX);
    }
}
