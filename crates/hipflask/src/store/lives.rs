//! How long records live, as far as this process knows: reading one that is not to be touched yet is
//! then a plain read, which costs the server a good deal less than one that may also write.

use std::{
    collections::HashMap,
    hash::{BuildHasher, RandomState},
    sync::{Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use super::{RecordKey, Touch};

/// More records than this are forgotten all at once, and looked at again.
const MOST: usize = 1 << 16;

/// When records end, by a hash of their keys. Another process may have changed that since: then a
/// touch comes later than it could, or there is nothing to touch.
#[derive(Default)]
pub(super) struct Lives {
    ends: Mutex<HashMap<u64, Instant>>,
    hasher: RandomState,
}

impl Lives {
    /// Reports whether a record is known to live so long that reading it would not touch it.
    pub(super) fn is_long(&self, key: &RecordKey, touch: Touch) -> bool {
        let end = self.lock().get(&self.hasher.hash_one(key)).copied();
        end.is_some_and(|end| !touch.is_due(end.saturating_duration_since(Instant::now())))
    }

    /// Notes that a record still lives for `left`.
    pub(super) fn note(&self, key: &RecordKey, left: Duration) {
        let Some(end) = Instant::now().checked_add(left) else { return };
        let mut ends = self.lock();
        if ends.len() >= MOST {
            ends.clear();
        }
        ends.insert(self.hasher.hash_one(key), end);
    }

    /// Forgets a record whose life is about to change.
    pub(super) fn forget(&self, key: &RecordKey) {
        self.lock().remove(&self.hasher.hash_one(key));
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<u64, Instant>> {
        self.ends.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
