//! What every rule needs: a store, keys of its own, and short forms of the usual questions.

use std::{fmt::Debug, time::Duration};

use super::{Abilities, ensure, renew};
use crate::store::{Created, Page, Record, RecordKey, Renewal, Replaced, Store, StoreError, Touch};

/// Longer than any rule takes.
pub(super) const LONG: Duration = Duration::from_secs(600);

/// `None` as MessagePack writes it.
pub(super) const RETIRED: &[u8] = b"\xc0";

pub(super) type Outcome<T = ()> = Result<T, Failure>;

/// How a rule was broken.
#[derive(Debug, thiserror::Error)]
#[error("expected {expected}, found {found}")]
pub(super) struct Failure {
    expected: &'static str,
    /// The answer, whose `Debug` shows neither keys nor payloads.
    found: String,
    #[source]
    error: Option<StoreError>,
}

impl Failure {
    pub(super) fn new(expected: &'static str, found: &impl Debug) -> Self {
        Self { expected, found: format!("{found:?}"), error: None }
    }

    pub(super) const fn store_error(&self) -> Option<&StoreError> {
        self.error.as_ref()
    }
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        Self { expected: "an answer", found: error.to_string(), error: Some(error) }
    }
}

/// One rule's share of the store.
#[derive(Clone, Debug)]
pub(super) struct Case<S> {
    pub(super) store: S,
    pub(super) abilities: Abilities,
    prefix: String,
}

impl<S: Store + Clone> Case<S> {
    pub(super) fn new(store: &S, prefix: &str, rule: &str, abilities: Abilities) -> Self {
        Self { store: store.clone(), abilities, prefix: format!("{prefix}{rule}:") }
    }

    pub(super) fn key(&self, name: &str) -> RecordKey {
        RecordKey::new(self.prefix(name))
    }

    pub(super) fn prefix(&self, name: &str) -> String {
        format!("{}{name}", self.prefix)
    }

    /// Loads without touching.
    pub(super) async fn load(&self, key: &RecordKey) -> Outcome<Option<Record>> {
        Ok(self.store.load(key, None).await?)
    }

    /// Creates what must not be there yet, and returns it as it can be replaced.
    pub(super) async fn create(
        &self,
        key: &RecordKey,
        payload: &[u8],
        ttl: Duration,
    ) -> Outcome<Record> {
        match self.store.create(key, payload, ttl).await? {
            Created::Created(revision) => Ok(Record::new(payload).with_revision(revision)),
            found => Err(Failure::new("create to write where no record is", &found)),
        }
    }

    /// Replaces what must be there, and returns the new record as it can be replaced again.
    pub(super) async fn replace(
        &self,
        key: &RecordKey,
        current: &Record,
        payload: &[u8],
        ttl: Duration,
    ) -> Outcome<Record> {
        match self.store.replace(key, current, payload, ttl).await? {
            Replaced::Replaced(revision) => Ok(Record::new(payload).with_revision(revision)),
            found => Err(Failure::new("replace to write over what was read", &found)),
        }
    }

    pub(super) async fn renew(
        &self,
        old: &RecordKey,
        current: &Record,
        new: &RecordKey,
        payload: &[u8],
        retired_ttl: Duration,
    ) -> Result<Replaced, StoreError> {
        let (ttl, retired) = (LONG, RETIRED);
        let renewal = Renewal { old, current, new, payload, ttl, retired, retired_ttl };
        renew(&self.store, renewal).await
    }

    /// Reads a record in such a way that it gets `ttl`.
    pub(super) async fn touch(&self, key: &RecordKey, ttl: Duration) -> Outcome {
        let touch = Touch { ttl, when_below: LONG * 2 };
        let found = self.store.load(key, Some(touch)).await?;
        let told = found.as_ref().is_some_and(|record| record.touched);
        ensure(told, "the record, marked as touched", &found)
    }

    /// Checks that there is no record.
    pub(super) async fn absent(&self, key: &RecordKey, expected: &'static str) -> Outcome {
        let found = self.load(key).await?;
        ensure(found.is_none(), expected, &found)
    }

    /// Checks what is in a record, and returns it.
    pub(super) async fn holds(
        &self,
        key: &RecordKey,
        payload: &[u8],
        expected: &'static str,
    ) -> Outcome<Record> {
        let found = self.load(key).await?;
        let holds = found.as_ref().is_some_and(|record| record.payload == payload);
        ensure(holds, expected, &found)?;
        found.ok_or_else(|| Failure::new(expected, &"no record"))
    }

    pub(super) async fn page(&self, prefix: &str, cursor: Option<&str>) -> Outcome<Page> {
        Ok(self.store.scan(prefix, cursor, 7).await?)
    }
}
