//! The store behind a layer: loads what the interface asks for and carries out what the engine says,
//! with a deadline for each operation.

use std::{sync::Arc, time::Duration};

use hipflask_core::{
    engine::{Answer, EngineError, Outcome, Saving, Snapshot, Step},
    interface::Saved,
    reason::Reason,
    record,
    server_side::{Found, Held, ServerSide},
    session::Session as Core,
    store::{Record, RecordKey, Replaced, Store, StoreError},
    value::Value,
};

use super::respond::SaveFailure;
use crate::{config::OnOutage, error::Kind, report, store::AnyStore};

/// Loading is tried this often within its deadline; nothing else is tried again.
const LOADS: usize = 2;

#[derive(Clone)]
pub(crate) struct Backend {
    pub(crate) interface: ServerSide,
    pub(crate) store: AnyStore,
    pub(crate) on_outage: OnOutage,
    pub(crate) deadline: Duration,
}

impl Backend {
    /// Asks the store for the session of a request.
    pub(crate) async fn load(
        &self,
        cookie: Option<&[u8]>,
        now: Duration,
    ) -> Result<Found, Arc<StoreError>> {
        let offer = self.interface.identify(cookie);
        let Ok(id) = &offer.id else {
            return Ok(self.interface.open(offer, None, now));
        };
        let key = self.interface.key_of(id);
        let earlier = self.interface.earlier_key_of(id);
        let mut found = self.read(key.clone()).await;
        if let (Ok(None), Some(earlier)) = (&found, earlier) {
            found = self.read(earlier).await;
            if matches!(&found, Ok(Some((_, record))) if record.is_retired()) {
                // Another request may have moved it between the two.
                let moved = self.read(key).await;
                found = if matches!(moved, Ok(None)) { found } else { moved };
            }
        }
        match found {
            Ok(record) => Ok(self.interface.open_at(offer, record, now)),
            Err(error) => {
                report::store_failed("load", &error);
                match self.on_outage {
                    OnOutage::Anonymous => Ok(self.interface.unavailable(&offer)),
                    OnOutage::Refuse => Err(Arc::new(error)),
                }
            }
        }
    }

    async fn read(&self, key: RecordKey) -> Result<Option<(RecordKey, Record)>, StoreError> {
        let touch = self.interface.touch();
        let reading = async {
            let mut result = Err(StoreError::Deadline);
            for _ in 0..LOADS {
                result = self.store.load(&key, touch).await;
                if !matches!(&result, Err(error) if error.is_transient()) {
                    break;
                }
            }
            result
        };
        let record = self.in_time(reading).await?;
        Ok(record.map(|record| (key, record)))
    }

    /// Saves what a handler has left, and decides what the browser is told.
    pub(crate) async fn save(
        &self,
        session: &Core,
        reason: Reason,
        held: Option<Held>,
        now: Duration,
    ) -> Result<Saved, SaveFailure> {
        let entropy = self.entropy(session, held.is_some())?;
        let plan = self.interface.plan(session, reason, held, &entropy, now)?;
        let Some(mut plan) = plan else {
            return Ok(Saved::keep(session.is_accessed()));
        };
        if let Some(ending) = &mut plan.ending {
            self.drive(ending).await?;
        }
        let outcome = self.drive(&mut plan.saving).await?;
        match outcome {
            Outcome::Gone => report::dropped(Reason::GoneDuringRequest),
            Outcome::RenewedElsewhere => report::dropped(Reason::Renewed),
            _ => {}
        }
        Ok(self.interface.finish(&plan, outcome, now)?)
    }

    /// Returns random bytes if a new id may be needed.
    fn entropy(&self, session: &Core, is_held: bool) -> Result<Vec<u8>, SaveFailure> {
        if !session.is_modified() || is_held && session.fate() == Default::default() {
            return Ok(Vec::new());
        }
        let mut bytes = vec![0; self.interface.settings().id_length];
        getrandom::fill(&mut bytes).map_err(|_| SaveFailure::no_entropy())?;
        Ok(bytes)
    }

    async fn drive(&self, saving: &mut Saving) -> Result<Outcome, Kind> {
        loop {
            let answer = match saving.step() {
                Step::Done(outcome) => {
                    report::conflicts(saving.attempts());
                    return Ok(outcome);
                }
                Step::Create { key, payload, ttl } => {
                    Answer::Created(self.in_time(self.store.create(key, payload, ttl)).await?)
                }
                Step::Delete { key } => {
                    Answer::Deleted(self.in_time(self.store.delete(key)).await?)
                }
                Step::Load { key } => {
                    Answer::Loaded(self.in_time(self.store.load(key, None)).await?)
                }
                Step::Renew(renewal) => {
                    Answer::Replaced(self.in_time(self.store.renew(renewal)).await?)
                }
                Step::Replace { key, current, payload, ttl } => {
                    let replacing = self.store.replace(key, current, payload, ttl);
                    Answer::Replaced(self.in_time(replacing).await?)
                }
            };
            let attempts = saving.attempts();
            saving.answer(answer)?;
            if saving.attempts() > attempts {
                back_off(saving.attempts()).await;
            }
        }
    }

    /// Changes one key of a stored session, atomically, and returns what is in the store then.
    pub(crate) async fn update(
        &self,
        held: &mut Held,
        key: &str,
        mut change: impl FnMut(Option<Value>) -> Result<Value, Kind>,
        now: Duration,
    ) -> Result<Value, Kind> {
        let settings = self.interface.settings();
        for attempt in 0.. {
            let snapshot = held.snapshot();
            let mut content = snapshot.content().clone();
            let value = change(content.get(key).cloned())?;
            content.insert(key, value.clone());
            let payload = record::encode(&content, settings.format).map_err(EngineError::from)?;
            let ttl = self.interface.time_to_live(&content, now);
            let at = snapshot.key().clone();
            let replacing = self.store.replace(&at, snapshot.record(), &payload, ttl);
            match self.in_time(replacing).await? {
                Replaced::Replaced(revision) => {
                    let record = Record::new(payload).with_revision(revision);
                    held.set_snapshot(Snapshot::written(at, record, content));
                    report::conflicts(attempt);
                    return Ok(value);
                }
                Replaced::Gone => return Err(Kind::Gone),
                Replaced::Conflict(current) => {
                    let read = Snapshot::read(at, current, settings.format, settings.limits);
                    held.set_snapshot(read.ok().flatten().ok_or(Kind::Gone)?);
                }
            }
            if attempt >= MAX_UPDATES {
                break;
            }
            back_off(attempt + 1).await;
        }
        Err(EngineError::Contended.into())
    }

    async fn in_time<T>(
        &self,
        operation: impl Future<Output = Result<T, StoreError>>,
    ) -> Result<T, StoreError> {
        tokio::time::timeout(self.deadline, operation).await.unwrap_or(Err(StoreError::Deadline))
    }
}

/// How often an update meets another request's change before it gives up.
const MAX_UPDATES: u32 = 256;

/// Waits a random time, longer the more often other requests were in the way; the first time, not.
async fn back_off(attempts: u32) {
    if attempts < 2 {
        return;
    }
    let most = 1_u64 << attempts.min(6); // at most 64 ms
    let millis = getrandom::u64().unwrap_or(most) % most;
    tokio::time::sleep(Duration::from_millis(millis)).await;
}
