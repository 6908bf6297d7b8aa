//! Reads a store page by page, so that neither the server nor this process holds everything at once.

use std::{future::Future, time::Duration};

use hipflask::store::{AnyStore, Entry, Store, StoreError};
use tokio::time::{sleep, timeout};

/// About how many records a page has.
const PAGE: usize = 1000;

/// How long one call of a store may take.
const DEADLINE: Duration = Duration::from_secs(30);

/// How long is waited before each further try.
const WAITS: [Duration; 4] = [
    Duration::from_millis(100),
    Duration::from_millis(500),
    Duration::from_secs(2),
    Duration::from_secs(8),
];

/// The records whose keys start with a prefix.
pub(super) struct Walk<'a> {
    store: &'a AnyStore,
    prefix: &'a str,
    cursor: Option<String>,
    is_done: bool,
}

impl<'a> Walk<'a> {
    pub(super) const fn new(store: &'a AnyStore, prefix: &'a str) -> Self {
        Self { store, prefix, cursor: None, is_done: false }
    }

    /// Returns the next page, which may be empty; `None` at the end.
    pub(super) async fn next(&mut self) -> Result<Option<Vec<Entry>>, StoreError> {
        if self.is_done {
            return Ok(None);
        }
        let cursor = self.cursor.as_deref();
        let page = patiently(|| self.store.scan(self.prefix, cursor, PAGE)).await?;
        self.is_done = page.next.is_none();
        self.cursor = page.next;
        Ok(Some(page.entries))
    }
}

/// Calls a store, and again where that may help. What was done and not answered is done again.
pub(super) async fn patiently<T, F>(mut call: impl FnMut() -> F) -> Result<T, StoreError>
where
    F: Future<Output = Result<T, StoreError>>,
{
    let mut waits = WAITS.iter();
    loop {
        let answer = timeout(DEADLINE, call()).await.unwrap_or(Err(StoreError::Deadline));
        match (answer, waits.next()) {
            (Err(error), Some(wait)) if error.is_transient() => sleep(*wait).await,
            (answer, _) => return answer,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;

    #[tokio::test(flavor = "current_thread")]
    async fn call_is_made_again_only_where_that_may_help() {
        let calls = Cell::new(0);
        let answer = patiently(|| async {
            calls.set(calls.get() + 1);
            if calls.get() < 3 { Err(StoreError::Deadline) } else { Ok(calls.get()) }
        });
        assert_eq!(answer.await.ok(), Some(3));
        let calls = Cell::new(0);
        let answer = patiently(|| async {
            calls.set(calls.get() + 1);
            Err::<(), _>(StoreError::refused("no"))
        });
        assert!(answer.await.is_err());
        assert_eq!(calls.get(), 1);
    }
}
