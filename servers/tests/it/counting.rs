//! A number in a record, on which many clients count at the same time.

use std::time::Duration;

use hipflask::store::{RecordKey, Replaced, Store, StoreError};

const HOUR: Duration = Duration::from_secs(3600);

/// Adds one to the number in a record, and returns the new one.
pub(crate) async fn increment(store: &impl Store, key: &RecordKey) -> Result<u64, StoreError> {
    let Some(mut current) = store.load(key, None).await? else {
        return Err(StoreError::unavailable("the record is gone"));
    };
    loop {
        let number: u64 = std::str::from_utf8(&current.payload).unwrap().parse().unwrap();
        let next = (number + 1).to_string();
        match store.replace(key, &current, next.as_bytes(), HOUR).await? {
            Replaced::Replaced(_) => return Ok(number + 1),
            Replaced::Conflict(found) => current = found,
            Replaced::Gone => return Err(StoreError::unavailable("the record is gone")),
        }
    }
}
