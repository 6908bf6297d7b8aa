//! Renewing as the machine of sessions does it: in one step where the store can, else in two.

use crate::store::{Created, Renewal, Replaced, Store, StoreError};

/// Moves a record, in one step or in two.
///
/// ```
/// # #[cfg(feature = "memory")]
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), hipflask::store::StoreError> {
/// use std::time::Duration;
/// use hipflask::store::{MemoryStore, Record, RecordKey, Renewal, Replaced, conformance};
///
/// let (ttl, current) = (Duration::from_secs(60), &Record::new("one"));
/// let (old, new) = (&RecordKey::new("session:S"), &RecordKey::new("session:T"));
/// let renewal = Renewal {
///     old, current, new, payload: b"two", ttl, retired: b"\xc0", retired_ttl: ttl,
/// };
/// assert_eq!(conformance::renew(&MemoryStore::new(), renewal).await?, Replaced::Gone);
/// # Ok(())
/// # }
/// # #[cfg(not(feature = "memory"))] fn main() {}
/// ```
///
/// # Errors
///
/// [`StoreError::Key`] if the new key has a record, [`StoreError`] when the store cannot answer.
pub async fn renew(store: &dyn Store, renewal: Renewal<'_>) -> Result<Replaced, StoreError> {
    if store.renews_at_once() {
        return store.renew(renewal).await;
    }
    let Renewal { old, current, new, payload, ttl, retired, retired_ttl } = renewal;
    let Created::Created(revision) = store.create(new, payload, ttl).await? else {
        return Err(StoreError::Key("the new session id is taken"));
    };
    match store.replace(old, current, retired, retired_ttl).await? {
        Replaced::Replaced(_) => Ok(Replaced::Replaced(revision)),
        other => {
            store.delete(new).await?;
            Ok(other)
        }
    }
}
