//! Renewing a session where a store cannot change two keys in one step.

use super::{Created, Renewal, Replaced, Store, StoreError};

/// Writes the new record and then retires the old one, by compare-and-swap.
///
/// Nobody knows the new key before it returns, so whatever happens in between there is no session
/// too many that anybody could use: if it stops after the first step, the old session goes on and
/// the new record expires unseen.
///
/// # Errors
///
/// [`StoreError`] as of [`Store::renew`].
pub async fn renew_in_two_steps(
    store: &dyn Store,
    renewal: Renewal<'_>,
) -> Result<Replaced, StoreError> {
    let Renewal { old, current, new, payload, ttl, retired, retired_ttl } = renewal;
    let Created::Created(revision) = store.create(new, payload, ttl).await? else {
        return Err(StoreError::Key("the new session id is taken"));
    };
    match store.replace(old, current, retired, retired_ttl).await {
        Ok(Replaced::Replaced(_)) => Ok(Replaced::Replaced(revision)),
        Ok(other) => {
            store.delete(new).await?;
            Ok(other)
        }
        Err(error) => {
            // It expires by itself if it cannot be removed now.
            let _ = store.delete(new).await;
            Err(error)
        }
    }
}
