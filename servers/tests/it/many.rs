//! Stores that write many records in one step, whose conformance says only that they need not.

use std::time::Duration;

use hipflask::store::{Creation, RecordKey, Store};

pub(crate) async fn assert_written(store: &impl Store) {
    let keys = ["many:a", "many:b", "many:c"].map(RecordKey::new);
    let creation = |key| Creation { key, payload: b"payload", ttl: Duration::from_secs(60) };
    let written = store.create_many(&keys.each_ref().map(creation)).await;
    assert_eq!(written.expect("they are new"), [true; 3]);
}
