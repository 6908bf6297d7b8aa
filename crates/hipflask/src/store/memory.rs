//! Sessions in this process: for tests, and for one process that may forget.
//!
//! A store as any other, and the simplest one: what the others must do can be read here.

use std::{
    collections::BTreeMap,
    fmt,
    ops::Bound,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, SystemTime},
};

use hipflask_core::record::Format;

use super::{
    ConnectError, Created, Deleted, Entry, Page, Record, RecordKey, Renewal, Replaced, Revision,
    Store, StoreError, Touch, address, async_trait,
};

/// How many records each write looks at, to remove what has expired.
const SWEEP: usize = 4;

/// Keeps sessions in memory. Clones are the same store; it ends with the process.
///
/// Its address is `memory:`.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), hipflask::store::StoreError> {
/// use std::time::Duration;
/// use hipflask::store::{MemoryStore, RecordKey, Store};
///
/// let (store, key) = (MemoryStore::new(), RecordKey::new("session:S"));
/// store.create(&key, b"\x80", Duration::from_secs(60)).await?;
/// assert!(store.load(&key, None).await?.is_some());
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct MemoryStore {
    records: Arc<Mutex<Records>>,
    clock: Arc<dyn Fn() -> Duration + Send + Sync>,
}

impl MemoryStore {
    /// Returns an empty store.
    pub fn new() -> Self {
        Self { records: Arc::default(), clock: Arc::new(since_1970) }
    }

    /// Returns an empty store for the address `memory:`.
    ///
    /// # Errors
    ///
    /// [`ConnectError::Address`] or [`ConnectError::Option`] when there is more in the address.
    #[expect(clippy::unused_async, reason = "other stores connect over the network")]
    pub async fn connect(address: &str) -> Result<Self, ConnectError> {
        match address::split_options(address)? {
            ("memory:", options) => address::refuse_options(options).map(|()| Self::new()),
            _ => Err(ConnectError::Address { expected: "memory:" }),
        }
    }

    /// Takes the time from `clock`, as the time since 1970, instead of from the system. For tests.
    #[must_use]
    pub fn with_clock(mut self, clock: impl Fn() -> Duration + Send + Sync + 'static) -> Self {
        self.clock = Arc::new(clock);
        self
    }

    /// Returns how many records it holds, with those that have expired and were not removed yet.
    pub fn len(&self) -> usize {
        self.lock().map.len()
    }

    /// Reports whether it holds no record.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    fn lock(&self) -> MutexGuard<'_, Records> {
        // No method leaves the map half changed, so it is whole even after a panic.
        self.records.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Default for MemoryStore {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for MemoryStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemoryStore").field("len", &self.len()).finish_non_exhaustive()
    }
}

#[async_trait]
impl Store for MemoryStore {
    fn system(&self) -> &'static str {
        "memory"
    }

    fn record_format(&self) -> Option<Format> {
        None
    }

    fn renews_at_once(&self) -> bool {
        true
    }

    async fn prepare(&self) -> Result<(), StoreError> {
        Ok(())
    }

    async fn load(
        &self,
        key: &RecordKey,
        touch: Option<Touch>,
    ) -> Result<Option<Record>, StoreError> {
        let now = (self.clock)();
        Ok(self.lock().live(key, now).map(|stored| {
            let record = Record::new(stored.payload.clone());
            let due = touch.filter(|touch| !record.is_retired() && touch.is_due(stored.left(now)));
            if let Some(touch) = due {
                stored.expires = now.saturating_add(touch.ttl);
            }
            record.with_touched(due.is_some())
        }))
    }

    async fn create(
        &self,
        key: &RecordKey,
        payload: &[u8],
        ttl: Duration,
    ) -> Result<Created, StoreError> {
        let now = (self.clock)();
        let mut records = self.lock();
        if records.live(key, now).is_some() {
            return Ok(Created::Exists);
        }
        records.insert(key, payload, ttl, now);
        Ok(Created::Created(Revision::default()))
    }

    async fn replace(
        &self,
        key: &RecordKey,
        current: &Record,
        payload: &[u8],
        ttl: Duration,
    ) -> Result<Replaced, StoreError> {
        let now = (self.clock)();
        let mut records = self.lock();
        if let Err(answer) = records.expect(key, current, now) {
            return Ok(answer);
        }
        records.insert(key, payload, ttl, now);
        Ok(Replaced::Replaced(Revision::default()))
    }

    async fn renew(&self, renewal: Renewal<'_>) -> Result<Replaced, StoreError> {
        let Renewal { old, current, new, payload, ttl, retired, retired_ttl } = renewal;
        let now = (self.clock)();
        let mut records = self.lock();
        if let Err(answer) = records.expect(old, current, now) {
            return Ok(answer);
        }
        if records.live(new, now).is_some() {
            return Err(StoreError::Key("the new session id is taken"));
        }
        records.insert(new, payload, ttl, now);
        records.insert(old, retired, retired_ttl, now);
        Ok(Replaced::Replaced(Revision::default()))
    }

    async fn delete(&self, key: &RecordKey) -> Result<Deleted, StoreError> {
        let now = (self.clock)();
        let removed = self.lock().map.remove(key);
        Ok(match removed.is_some_and(|stored| stored.is_live(now)) {
            true => Deleted::Deleted,
            false => Deleted::Gone,
        })
    }

    async fn scan(
        &self,
        prefix: &str,
        cursor: Option<&str>,
        limit: usize,
    ) -> Result<Page, StoreError> {
        let now = (self.clock)();
        let records = self.lock();
        let start = match cursor {
            Some(last) => Bound::Excluded(RecordKey::new(last)),
            None => Bound::Included(RecordKey::new(prefix)),
        };
        let entries: Vec<_> = records
            .map
            .range((start, Bound::Unbounded))
            .take_while(|(key, _)| key.as_str().starts_with(prefix))
            .filter(|(_, stored)| stored.is_live(now))
            .take(limit.max(1))
            .map(|(key, stored)| stored.entry(key, now))
            .collect();
        let is_full = entries.len() == limit.max(1);
        let last = entries.last().filter(|_| is_full);
        Ok(Page { next: last.map(|entry| entry.key.as_str().to_owned()), entries })
    }

    async fn purge(&self, limit: usize) -> Result<usize, StoreError> {
        let now = (self.clock)();
        let mut records = self.lock();
        let expired = records.map.iter().filter(|(_, stored)| !stored.is_live(now));
        let keys: Vec<_> = expired.take(limit).map(|(key, _)| key.clone()).collect();
        for key in &keys {
            records.map.remove(key);
        }
        Ok(keys.len())
    }
}

fn since_1970() -> Duration {
    SystemTime::UNIX_EPOCH.elapsed().unwrap_or_default()
}

#[derive(Default)]
struct Records {
    map: BTreeMap<RecordKey, Stored>,
    /// The last key that was looked at for having expired.
    swept: Option<RecordKey>,
}

impl Records {
    fn live(&mut self, key: &RecordKey, now: Duration) -> Option<&mut Stored> {
        self.map.get_mut(key).filter(|stored| stored.is_live(now))
    }

    /// Answers at once if there is no record, or another one than was read.
    fn expect(&mut self, key: &RecordKey, current: &Record, now: Duration) -> Result<(), Replaced> {
        match self.live(key, now) {
            None => Err(Replaced::Gone),
            Some(stored) if stored.payload == current.payload => Ok(()),
            Some(stored) => Err(Replaced::Conflict(Record::new(stored.payload.clone()))),
        }
    }

    fn insert(&mut self, key: &RecordKey, payload: &[u8], ttl: Duration, now: Duration) {
        let stored = Stored { payload: payload.to_vec(), expires: now.saturating_add(ttl) };
        self.map.insert(key.clone(), stored);
        self.sweep(now);
    }

    /// Looks at the next few records and removes those that have expired, so that they are never
    /// many more than the live ones.
    fn sweep(&mut self, now: Duration) {
        let start = self.swept.take().map_or(Bound::Unbounded, Bound::Excluded);
        let next = self.map.range((start, Bound::Unbounded)).take(SWEEP);
        let seen: Vec<_> = next.map(|(key, stored)| (key.clone(), stored.is_live(now))).collect();
        for (key, is_live) in seen {
            if !is_live {
                self.map.remove(&key);
            }
            self.swept = Some(key);
        }
    }
}

struct Stored {
    payload: Vec<u8>,
    expires: Duration,
}

impl Stored {
    fn is_live(&self, now: Duration) -> bool {
        now < self.expires
    }

    fn left(&self, now: Duration) -> Duration {
        self.expires.saturating_sub(now)
    }

    fn entry(&self, key: &RecordKey, now: Duration) -> Entry {
        let record = Record::new(self.payload.clone());
        Entry { key: key.clone(), record, expires_in: Some(self.left(now)) }
    }
}
