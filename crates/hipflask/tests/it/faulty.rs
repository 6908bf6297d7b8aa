//! Stores with one fault each, to show that the conformance suite can fail.

use std::time::Duration;

use hipflask::{
    core::record::Format,
    store::{
        Created, Creation, Deleted, MemoryStore, Page, Record, RecordKey, Renewal, Replaced,
        Revision, Store, StoreError, Touch, async_trait,
    },
};

/// What is wrong with a store.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Fault {
    ConflictWithoutRecord,
    CreateManyOverwrites,
    CreateOverwrites,
    CreateRaces,
    DeleteIgnored,
    EmptyIsAbsent,
    FewerKeys,
    KeysFolded,
    KeysPattern,
    KeysShortened,
    LifeEndless,
    LoadNeverTouches,
    LoadTouchesAlways,
    None,
    Panics,
    PayloadsText,
    PayloadsTruncated,
    PrepareEmpties,
    PurgeTakesLive,
    PurgeTakesTooMany,
    Refuses,
    ReplaceCreates,
    ReplaceKeepsLife,
    ReplaceOverwrites,
    ReplaceRaces,
    RenewDropsOld,
    RenewIgnoresCurrent,
    RenewLeavesNew,
    RenewLeavesOld,
    RenewOverwrites,
    RenewRaces,
    RetiredTouched,
    ScanOnePage,
    ScanWithoutEnd,
    ScanTakesAll,
    TouchCreates,
    TouchIgnored,
}

/// A store with a fault.
#[derive(Clone, Debug)]
pub(crate) struct Faulty {
    pub(crate) store: MemoryStore,
    pub(crate) fault: Fault,
}

/// What the suite gives to records that are to stay.
const LONG: Duration = Duration::from_secs(600);

impl Faulty {
    fn has(&self, fault: Fault) -> bool {
        self.fault == fault
    }

    fn key(&self, key: &RecordKey) -> RecordKey {
        let text = key.as_str();
        RecordKey::new(match self.fault {
            Fault::KeysFolded => text.to_lowercase(),
            Fault::KeysPattern => text.replace('%', "_"),
            Fault::KeysShortened => text.chars().take(128).collect(),
            Fault::FewerKeys => text.replace("99", "98"),
            _ => text.to_owned(),
        })
    }

    fn payload(&self, payload: &[u8]) -> Vec<u8> {
        match self.fault {
            Fault::PayloadsText => String::from_utf8_lossy(payload).into_owned().into_bytes(),
            Fault::PayloadsTruncated => payload[..payload.len().min(65_535)].to_vec(),
            _ => payload.to_vec(),
        }
    }

    fn ttl(&self, ttl: Duration) -> Duration {
        if self.has(Fault::LifeEndless) { LONG } else { ttl }
    }

    /// Writes whatever is there.
    async fn overwrite(
        &self,
        key: &RecordKey,
        payload: &[u8],
        ttl: Duration,
    ) -> Result<(), StoreError> {
        self.store.delete(key).await?;
        self.store.create(key, payload, ttl).await?;
        Ok(())
    }
}

#[async_trait]
impl Store for Faulty {
    fn record_format(&self) -> Option<Format> {
        None
    }

    fn renews_at_once(&self) -> bool {
        format!("{:?}", self.fault).starts_with("Renew")
    }

    async fn prepare(&self) -> Result<(), StoreError> {
        if self.has(Fault::PrepareEmpties) {
            for entry in self.store.scan("", None, 1_000).await?.entries {
                self.store.delete(&entry.key).await?;
            }
        }
        Ok(())
    }

    async fn load(
        &self,
        key: &RecordKey,
        touch: Option<Touch>,
    ) -> Result<Option<Record>, StoreError> {
        let key = self.key(key);
        let touch = match (self.fault, touch) {
            (Fault::LoadNeverTouches, _) => None,
            (Fault::LoadTouchesAlways, Some(touch)) => {
                Some(Touch { when_below: LONG * 2, ..touch })
            }
            (Fault::RetiredTouched, Some(touch)) => {
                let found = self.store.load(&key, None).await?;
                if let Some(record) = found.filter(Record::is_retired) {
                    self.overwrite(&key, &record.payload, touch.ttl).await?;
                }
                Some(touch)
            }
            (Fault::TouchCreates, Some(touch)) => {
                self.store.create(&key, b"", touch.ttl).await?;
                Some(touch)
            }
            (Fault::TouchIgnored, Some(_)) => {
                let found = self.store.load(&key, None).await?;
                return Ok(found.map(|record| {
                    let is_retired = record.is_retired();
                    record.with_touched(!is_retired)
                }));
            }
            (Fault::Panics, _) => panic!("the store has a bug"),
            (Fault::Refuses, _) => return Err(StoreError::refused("credentials")),
            (_, touch) => touch,
        };
        let found = self.store.load(&key, touch).await?;
        Ok(found.filter(|found| !self.has(Fault::EmptyIsAbsent) || !found.payload.is_empty()))
    }

    async fn create(
        &self,
        key: &RecordKey,
        payload: &[u8],
        ttl: Duration,
    ) -> Result<Created, StoreError> {
        let (key, payload, ttl) = (self.key(key), self.payload(payload), self.ttl(ttl));
        let is_free = self.store.load(&key, None).await?.is_none();
        if self.has(Fault::CreateRaces) {
            tokio::task::yield_now().await;
        }
        if self.has(Fault::CreateOverwrites) || self.has(Fault::CreateRaces) && is_free {
            self.overwrite(&key, &payload, ttl).await?;
            return Ok(Created::Created(Revision::default()));
        }
        self.store.create(&key, &payload, ttl).await
    }

    async fn create_many(&self, records: &[Creation<'_>]) -> Result<Vec<bool>, StoreError> {
        for Creation { key, payload, ttl } in records {
            if self.has(Fault::CreateManyOverwrites) {
                self.overwrite(key, payload, *ttl).await?;
            }
        }
        Ok(vec![self.has(Fault::CreateManyOverwrites); records.len()])
    }

    async fn replace(
        &self,
        key: &RecordKey,
        current: &Record,
        payload: &[u8],
        ttl: Duration,
    ) -> Result<Replaced, StoreError> {
        let (key, payload, ttl) = (self.key(key), self.payload(payload), self.ttl(ttl));
        let found = self.store.load(&key, None).await?;
        let is_same = found.as_ref().is_some_and(|found| found.payload == current.payload);
        let overwrites = match self.fault {
            Fault::ReplaceCreates => found.is_none(),
            Fault::ReplaceOverwrites => found.is_some(),
            Fault::ReplaceRaces => {
                tokio::task::yield_now().await;
                is_same
            }
            Fault::ReplaceKeepsLife if is_same => {
                let page = self.store.scan(key.as_str(), None, 1).await?;
                let left = page.entries.first().and_then(|entry| entry.expires_in).unwrap();
                return self.store.replace(&key, current, &payload, left).await;
            }
            _ => false,
        };
        if overwrites {
            self.overwrite(&key, &payload, ttl).await?;
            return Ok(Replaced::Replaced(Revision::default()));
        }
        Ok(match self.store.replace(&key, current, &payload, ttl).await? {
            Replaced::Conflict(_) if self.has(Fault::ConflictWithoutRecord) => {
                Replaced::Conflict(Record::default())
            }
            answer => answer,
        })
    }

    async fn renew(&self, renewal: Renewal<'_>) -> Result<Replaced, StoreError> {
        let Renewal { old, current, new, payload, ttl, .. } = renewal;
        let found = self.store.load(old, None).await?;
        let is_same = found.is_some_and(|found| found.payload == current.payload);
        match self.fault {
            Fault::RenewDropsOld if is_same => {
                self.store.delete(old).await?;
                self.overwrite(new, payload, ttl).await?;
            }
            Fault::RenewIgnoresCurrent => self.overwrite(new, payload, ttl).await?,
            Fault::RenewLeavesNew => {
                self.store.create(new, payload, ttl).await?;
                return self.store.replace(old, current, renewal.retired, ttl).await;
            }
            Fault::RenewLeavesOld if is_same => self.overwrite(new, payload, ttl).await?,
            Fault::RenewOverwrites => {
                self.store.delete(new).await?;
                return self.store.renew(renewal).await;
            }
            Fault::RenewRaces if is_same && self.store.load(new, None).await?.is_none() => {
                tokio::task::yield_now().await;
                self.overwrite(new, payload, ttl).await?;
                self.overwrite(old, renewal.retired, renewal.retired_ttl).await?;
            }
            _ => return self.store.renew(renewal).await,
        }
        Ok(Replaced::Replaced(Revision::default()))
    }

    async fn delete(&self, key: &RecordKey) -> Result<Deleted, StoreError> {
        let key = self.key(key);
        if self.has(Fault::DeleteIgnored) {
            let found = self.store.load(&key, None).await?;
            return Ok(found.map_or(Deleted::Gone, |_| Deleted::Deleted));
        }
        self.store.delete(&key).await
    }

    async fn scan(
        &self,
        prefix: &str,
        cursor: Option<&str>,
        limit: usize,
    ) -> Result<Page, StoreError> {
        let prefix = if self.has(Fault::ScanTakesAll) { "" } else { prefix };
        let mut page = self.store.scan(prefix, cursor, limit).await?;
        match self.fault {
            Fault::ScanOnePage => page.next = None,
            Fault::ScanWithoutEnd => page.next = Some(prefix.to_owned()),
            _ => {}
        }
        Ok(page)
    }

    async fn purge(&self, limit: usize) -> Result<usize, StoreError> {
        match self.fault {
            Fault::PurgeTakesLive => {
                for entry in self.store.scan("", None, 1_000).await?.entries {
                    if entry.record.payload == b"long" {
                        self.store.delete(&entry.key).await?;
                    }
                }
            }
            Fault::PurgeTakesTooMany => {
                return Ok(self.store.purge(usize::MAX).await?.max(limit + 1));
            }
            _ => {}
        }
        self.store.purge(limit).await
    }
}
