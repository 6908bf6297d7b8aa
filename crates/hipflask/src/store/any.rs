//! A store whose kind is known only at run time.

use std::{fmt, future::Future, pin::Pin, sync::Arc, time::Duration};

use hipflask_core::record::Format;

use super::{
    Created, Deleted, Page, Record, RecordKey, Renewal, Replaced, Store, StoreError, Touch, Touched,
};

/// Any store.
#[derive(Clone)]
pub struct AnyStore(Arc<dyn Erased>);

impl fmt::Debug for AnyStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("AnyStore(..)")
    }
}

type Answer<'a, T> = Pin<Box<dyn Future<Output = Result<T, StoreError>> + Send + 'a>>;

trait Erased: Send + Sync {
    fn record_format(&self) -> Option<Format>;
    fn load<'a>(&'a self, key: &'a RecordKey, touch: Option<Touch>) -> Answer<'a, Option<Record>>;
    fn create<'a>(&'a self, key: &'a RecordKey, payload: &'a [u8], ttl: Duration) -> Answer<'a, Created>;
    fn replace<'a>(&'a self, key: &'a RecordKey, current: &'a Record, payload: &'a [u8], ttl: Duration) -> Answer<'a, Replaced>;
    fn renew<'a>(&'a self, renewal: Renewal<'a>) -> Answer<'a, Replaced>;
    fn touch<'a>(&'a self, key: &'a RecordKey, ttl: Duration) -> Answer<'a, Touched>;
    fn delete<'a>(&'a self, key: &'a RecordKey) -> Answer<'a, Deleted>;
    fn scan<'a>(&'a self, prefix: &'a str, cursor: Option<&'a str>, limit: usize) -> Answer<'a, Page>;
    fn purge(&self, limit: usize) -> Answer<'_, usize>;
}

impl<S: Store> Erased for S {
    fn record_format(&self) -> Option<Format> { Store::record_format(self) }
    fn load<'a>(&'a self, key: &'a RecordKey, touch: Option<Touch>) -> Answer<'a, Option<Record>> { Box::pin(Store::load(self, key, touch)) }
    fn create<'a>(&'a self, key: &'a RecordKey, payload: &'a [u8], ttl: Duration) -> Answer<'a, Created> { Box::pin(Store::create(self, key, payload, ttl)) }
    fn replace<'a>(&'a self, key: &'a RecordKey, current: &'a Record, payload: &'a [u8], ttl: Duration) -> Answer<'a, Replaced> { Box::pin(Store::replace(self, key, current, payload, ttl)) }
    fn renew<'a>(&'a self, renewal: Renewal<'a>) -> Answer<'a, Replaced> { Box::pin(Store::renew(self, renewal)) }
    fn touch<'a>(&'a self, key: &'a RecordKey, ttl: Duration) -> Answer<'a, Touched> { Box::pin(Store::touch(self, key, ttl)) }
    fn delete<'a>(&'a self, key: &'a RecordKey) -> Answer<'a, Deleted> { Box::pin(Store::delete(self, key)) }
    fn scan<'a>(&'a self, prefix: &'a str, cursor: Option<&'a str>, limit: usize) -> Answer<'a, Page> { Box::pin(Store::scan(self, prefix, cursor, limit)) }
    fn purge(&self, limit: usize) -> Answer<'_, usize> { Box::pin(Store::purge(self, limit)) }
}

impl AnyStore {
    /// Takes a store.
    pub fn new(store: impl Store) -> Self { Self(Arc::new(store)) }
}

impl Store for AnyStore {
    fn record_format(&self) -> Option<Format> { self.0.record_format() }
    async fn load(&self, key: &RecordKey, touch: Option<Touch>) -> Result<Option<Record>, StoreError> { self.0.load(key, touch).await }
    async fn create(&self, key: &RecordKey, payload: &[u8], ttl: Duration) -> Result<Created, StoreError> { self.0.create(key, payload, ttl).await }
    async fn replace(&self, key: &RecordKey, current: &Record, payload: &[u8], ttl: Duration) -> Result<Replaced, StoreError> { self.0.replace(key, current, payload, ttl).await }
    async fn renew(&self, renewal: Renewal<'_>) -> Result<Replaced, StoreError> { self.0.renew(renewal).await }
    async fn touch(&self, key: &RecordKey, ttl: Duration) -> Result<Touched, StoreError> { self.0.touch(key, ttl).await }
    async fn delete(&self, key: &RecordKey) -> Result<Deleted, StoreError> { self.0.delete(key).await }
    async fn scan(&self, prefix: &str, cursor: Option<&str>, limit: usize) -> Result<Page, StoreError> { self.0.scan(prefix, cursor, limit).await }
    async fn purge(&self, limit: usize) -> Result<usize, StoreError> { self.0.purge(limit).await }
}
