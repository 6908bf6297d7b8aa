//! A store that counts what it is asked, and fails when told to.

use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use hipflask::{
    config::Format,
    store::{
        Created, Deleted, MemoryStore, Page, Record, RecordKey, Renewal, Replaced, Store,
        StoreError, Touch, async_trait,
    },
};

#[derive(Clone, Debug, Default)]
pub(crate) struct Watched {
    pub(crate) store: MemoryStore,
    log: Arc<Mutex<Vec<&'static str>>>,
    down: Arc<AtomicBool>,
    hung: Arc<AtomicBool>,
    slow: Arc<AtomicBool>,
}

impl Watched {
    /// Counts what a store is asked that others ask, too.
    pub(crate) fn over(store: MemoryStore) -> Self {
        Self { store, ..Self::default() }
    }

    /// Returns what the store was asked since the last time.
    pub(crate) fn asked(&self) -> Vec<&'static str> {
        std::mem::take(&mut self.log.lock().unwrap())
    }

    pub(crate) fn set_down(&self, down: bool) {
        self.down.store(down, Ordering::Relaxed);
    }

    pub(crate) fn set_hung(&self, hung: bool) {
        self.hung.store(hung, Ordering::Relaxed);
    }

    /// Lets others run for a while before each answer.
    pub(crate) fn set_slow(&self, slow: bool) {
        self.slow.store(slow, Ordering::Relaxed);
    }

    async fn note(&self, operation: &'static str) -> Result<(), StoreError> {
        self.log.lock().unwrap().push(operation);
        if self.hung.load(Ordering::Relaxed) {
            std::future::pending::<()>().await;
        }
        let turns = if self.slow.load(Ordering::Relaxed) { 100 } else { 0 };
        for _ in 0..turns {
            tokio::task::yield_now().await;
        }
        if self.down.load(Ordering::Relaxed) {
            return Err(StoreError::unavailable("it is down"));
        }
        Ok(())
    }
}

#[async_trait]
impl Store for Watched {
    fn record_format(&self) -> Option<Format> {
        self.store.record_format()
    }

    fn renews_at_once(&self) -> bool {
        self.store.renews_at_once()
    }

    async fn prepare(&self) -> Result<(), StoreError> {
        self.note("prepare").await?;
        self.store.prepare().await
    }

    async fn load(&self, key: &RecordKey, t: Option<Touch>) -> Result<Option<Record>, StoreError> {
        self.note("load").await?;
        self.store.load(key, t).await
    }

    async fn create(
        &self,
        key: &RecordKey,
        p: &[u8],
        ttl: Duration,
    ) -> Result<Created, StoreError> {
        self.note("create").await?;
        self.store.create(key, p, ttl).await
    }

    async fn replace(
        &self,
        key: &RecordKey,
        current: &Record,
        payload: &[u8],
        ttl: Duration,
    ) -> Result<Replaced, StoreError> {
        self.note("replace").await?;
        self.store.replace(key, current, payload, ttl).await
    }

    async fn renew(&self, renewal: Renewal<'_>) -> Result<Replaced, StoreError> {
        self.note("renew").await?;
        self.store.renew(renewal).await
    }

    async fn delete(&self, key: &RecordKey) -> Result<Deleted, StoreError> {
        self.note("delete").await?;
        self.store.delete(key).await
    }

    async fn scan(&self, p: &str, cursor: Option<&str>, n: usize) -> Result<Page, StoreError> {
        self.note("scan").await?;
        self.store.scan(p, cursor, n).await
    }

    async fn purge(&self, limit: usize) -> Result<usize, StoreError> {
        self.note("purge").await?;
        self.store.purge(limit).await
    }
}
