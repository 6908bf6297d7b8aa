//! What a process has looked up lately, and how long it may rely on it.

use std::{
    collections::HashMap,
    fmt,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use crate::{UnixTime, store::RecordKey};

/// So many records are remembered; about 200 bytes each.
const MOST: usize = 1 << 16;

/// What was found under each key, and when.
pub(crate) struct Recent<T>(Mutex<HashMap<RecordKey, (UnixTime, T)>>);

impl<T: Clone> Recent<T> {
    pub(crate) fn get(&self, key: &RecordKey, now: UnixTime, delay: Duration) -> Option<T> {
        let map = self.lock();
        let (at, value) = map.get(key)?;
        // A clock that was set back must not make anything last.
        let is_recent = *at <= now && now.since(*at) < delay;
        is_recent.then(|| value.clone())
    }

    pub(crate) fn put(&self, key: &RecordKey, value: T, now: UnixTime, delay: Duration) {
        if delay.is_zero() {
            return;
        }
        let mut map = self.lock();
        // Who has asked for a long time does not overwrite what was learnt meanwhile.
        if map.get(key).is_some_and(|(at, _)| *at > now && at.since(now) < delay) {
            return;
        }
        if map.len() >= MOST {
            map.retain(|_, (at, _)| now.since(*at) < delay);
        }
        if map.len() < MOST {
            map.insert(key.clone(), (now, value));
        }
    }

    pub(crate) fn clear(&self) {
        self.lock().clear();
    }
}

impl<T> Recent<T> {
    fn lock(&self) -> MutexGuard<'_, HashMap<RecordKey, (UnixTime, T)>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<T> Default for Recent<T> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

impl<T> fmt::Debug for Recent<T> {
    /// Shows how much there is; what is there is about sessions.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Recent").field(&self.lock().len()).finish()
    }
}
