//! Temporary.
use std::{collections::HashMap, sync::{Arc, Mutex}, time::{Duration, Instant}};
use hipflask_core::record::Format;
use super::*;
/// Sessions in this process.
#[derive(Clone, Debug, Default)]
pub struct MemoryStore(Arc<Mutex<HashMap<RecordKey, (Vec<u8>, Instant)>>>);
impl MemoryStore {
    /// New.
    pub fn new() -> Self { Self::default() }
    fn get(&self, key: &RecordKey) -> Option<Vec<u8>> {
        self.0.lock().unwrap().get(key).filter(|(_, at)| *at > Instant::now()).map(|(p, _)| p.clone())
    }
}
impl Store for MemoryStore {
    fn record_format(&self) -> Option<Format> { None }
    async fn load(&self, key: &RecordKey, _: Option<Touch>) -> Result<Option<Record>, StoreError> { Ok(self.get(key).map(Record::new)) }
    async fn create(&self, key: &RecordKey, payload: &[u8], ttl: Duration) -> Result<Created, StoreError> {
        if self.get(key).is_some() { return Ok(Created::Exists); }
        self.0.lock().unwrap().insert(key.clone(), (payload.to_vec(), Instant::now() + ttl)); Ok(Created::Created(Revision::default()))
    }
    async fn replace(&self, key: &RecordKey, current: &Record, payload: &[u8], ttl: Duration) -> Result<Replaced, StoreError> {
        let mut map = self.0.lock().unwrap();
        match map.get_mut(key) { None => Ok(Replaced::Gone), Some(r) if r.0 != current.payload => Ok(Replaced::Conflict(Record::new(r.0.clone()))),
          Some(r) => { *r = (payload.to_vec(), Instant::now() + ttl); Ok(Replaced::Replaced(Revision::default())) } }
    }
    async fn renew(&self, renewal: Renewal<'_>) -> Result<Replaced, StoreError> { renew_in_two_steps(self, renewal).await }
    async fn touch(&self, key: &RecordKey, _: Duration) -> Result<Touched, StoreError> { Ok(if self.get(key).is_some() { Touched::Touched } else { Touched::Gone }) }
    async fn delete(&self, key: &RecordKey) -> Result<Deleted, StoreError> { Ok(if self.0.lock().unwrap().remove(key).is_some() { Deleted::Deleted } else { Deleted::Gone }) }
    async fn scan(&self, _: &str, _: Option<&str>, _: usize) -> Result<Page, StoreError> { Ok(Page::default()) }
    async fn purge(&self, _: usize) -> Result<usize, StoreError> { Ok(0) }
}
