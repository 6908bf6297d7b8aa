//! The store behind sessions: loads what the interface asks for and carries out what the engine says,
//! with a deadline for each operation.
//!
//! What the tower layer uses, for adapters of other frameworks. Knows no request and no response.

use std::{sync::Arc, time::Duration};

use hipflask_core::{
    engine::{Answer, EngineError, Outcome, Saving, Snapshot, Step},
    interface::Saved,
    reason::Reason,
    record,
    server_side::{Found, Held, Lookup, Offer, ServerSide, SessionId},
    session::Session,
    store::{Deleted, Record, RecordKey, Replaced, Store, StoreError},
    value::{Dict, Value},
};

use crate::{
    Error, SaveFailure,
    config::{ConfigError, OnOutage, SessionConfig},
    error::Kind,
    report,
    store::AnyStore,
};

/// Loading is tried this often within its deadline; nothing else is tried again.
const LOADS: usize = 2;

/// Opens and saves sessions that live in a store. Handlers use [`Session`](crate::Session); this is
/// for those who bring sessions to another framework.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use std::time::Duration;
/// use hipflask::{SecretKey, SessionConfig, backend::Backend, core::interface::SaveAction};
/// use hipflask::store::MemoryStore;
///
/// let config = SessionConfig::new(SecretKey::random()?);
/// let backend = Backend::new(&config, MemoryStore::new())?;
/// let now = Duration::from_secs(1_763_692_800);
///
/// let mut found = backend.load(None, now).await?; // no cookie, so the store is not asked
/// found.session.insert("count", 1)?;
/// let saved = backend.save(&found.session, found.reason, found.held, None, now).await?;
/// assert!(matches!(saved.action, SaveAction::Set(cookie) if cookie.starts_with("session=")));
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct Backend {
    interface: ServerSide,
    store: AnyStore,
    on_outage: OnOutage,
    deadline: Duration,
}

impl Backend {
    /// Checks a configuration and takes a store.
    ///
    /// # Errors
    ///
    /// [`ConfigError`] for the first mistake; its text says what to change.
    pub fn new(config: &SessionConfig, store: impl Store) -> Result<Self, ConfigError> {
        let interface = config.build_server_side()?;
        Ok(Self::with(interface, store, config.on_outage(), config.store_deadline()))
    }

    pub(crate) fn with(
        interface: ServerSide,
        store: impl Store,
        on_outage: OnOutage,
        deadline: Duration,
    ) -> Self {
        let interface = interface.with_format(store.record_format());
        Self { interface, store: AnyStore::new(store), on_outage, deadline }
    }

    /// Returns the name of the store's type.
    pub(crate) fn kind(&self) -> &'static str {
        self.store.kind()
    }

    /// Returns what opens and saves sessions without reaching the store.
    pub const fn interface(&self) -> &ServerSide {
        &self.interface
    }

    /// Opens the session of a cookie's value, `now` being the time since 1970.
    ///
    /// # Errors
    ///
    /// [`StoreError`] when the store does not answer, unless such requests are to be anonymous.
    pub async fn load(
        &self,
        cookie: Option<&[u8]>,
        now: Duration,
    ) -> Result<Found, Arc<StoreError>> {
        let offer = self.interface.identify(cookie);
        Ok(self.interface.session_of(self.find(offer, now).await?))
    }

    /// Finds the record of what a cookie [offers](ServerSide::identify), without making a session
    /// of it.
    ///
    /// # Errors
    ///
    /// As [`load`](Self::load).
    pub async fn find(&self, offer: Offer, now: Duration) -> Result<Lookup, Arc<StoreError>> {
        let Ok(id) = &offer.id else {
            return Ok(self.interface.find(offer, None, now));
        };
        match self.read_either(id).await {
            Ok(record) => Ok(self.interface.find(offer, record, now)),
            Err(error) => {
                report::store_failed("load", &error);
                match self.on_outage {
                    OnOutage::Anonymous => Ok(Lookup::unavailable(&offer)),
                    OnOutage::Refuse => Err(Arc::new(error)),
                }
            }
        }
    }

    /// Reads the record of an id, also from where it lay earlier.
    async fn read_either(&self, id: &SessionId) -> Result<Option<(RecordKey, Record)>, StoreError> {
        let key = self.interface.key_of(id);
        let Some(earlier) = self.interface.earlier_key_of(id) else { return self.read(key).await };
        if let Some(found) = self.read(key.clone()).await? {
            return Ok(Some(found));
        }
        let found = self.read(earlier).await?;
        if found.as_ref().is_some_and(|(_, record)| record.is_retired()) {
            // Another request may have moved it between the two.
            let moved = self.read(key).await?;
            return Ok(moved.or(found));
        }
        Ok(found)
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

    /// Saves what a handler has left, and decides what the browser is told. `reason` and `held` are
    /// as they were loaded; a new id is made of `entropy`, which must be random bytes that were
    /// never used before, or of bytes from the operating system.
    ///
    /// # Errors
    ///
    /// [`SaveFailure`] when the session is not saved, or may not be.
    pub async fn save(
        &self,
        session: &Session,
        reason: Reason,
        held: Option<Held>,
        entropy: Option<Vec<u8>>,
        now: Duration,
    ) -> Result<Saved, SaveFailure> {
        let entropy = match entropy {
            Some(entropy) => entropy,
            None => self.entropy(session, held.is_some())?,
        };
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
    fn entropy(&self, session: &Session, is_held: bool) -> Result<Vec<u8>, SaveFailure> {
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

    /// Changes one key of a stored session, atomically, and returns what is in the store then. The
    /// change may be asked for several times, each time with what is there.
    ///
    /// # Errors
    ///
    /// What `change` returns, or as [`try_update`](Self::try_update).
    pub async fn update<E: From<Error>>(
        &self,
        held: &mut Held,
        key: &str,
        mut change: impl FnMut(Option<Value>) -> Result<Value, E>,
        now: Duration,
    ) -> Result<Value, E> {
        let mut attempt = 0;
        loop {
            let value = change(held.snapshot().content().get(key).cloned())?;
            if self.try_update(held, key, value.clone(), attempt, now).await? {
                return Ok(value);
            }
            attempt += 1;
        }
    }

    /// Sets one key of a stored session if the store has what is held; else takes over what is there,
    /// and returns `false`. `attempt` says how often that has been, so as to make way for others.
    ///
    /// # Errors
    ///
    /// [`Error`] when the store does not answer, when the session has ended, or after too many
    /// attempts.
    pub async fn try_update(
        &self,
        held: &mut Held,
        key: &str,
        value: Value,
        attempt: u32,
        now: Duration,
    ) -> Result<bool, Error> {
        if attempt > MAX_UPDATES {
            return Err(Error(EngineError::Contended.into()));
        }
        back_off(attempt).await;
        let mut content = held.snapshot().content().clone();
        content.insert(key, value);
        let is_updated = self.replace(held, content, now).await.map_err(Error)?;
        if is_updated {
            report::conflicts(attempt);
        }
        Ok(is_updated)
    }

    /// Writes `content` over what is held, or else takes over what is there.
    async fn replace(&self, held: &mut Held, content: Dict, now: Duration) -> Result<bool, Kind> {
        let settings = self.interface.settings();
        let snapshot = held.snapshot();
        let payload = record::encode(&content, settings.format).map_err(EngineError::from)?;
        let ttl = self.interface.time_to_live(&content, now);
        let at = snapshot.key().clone();
        let replacing = self.store.replace(&at, snapshot.record(), &payload, ttl);
        match self.in_time(replacing).await? {
            Replaced::Replaced(revision) => {
                let record = Record::new(payload).with_revision(revision);
                held.set_snapshot(Snapshot::written(at, record, content));
                Ok(true)
            }
            Replaced::Gone => Err(Kind::Gone),
            Replaced::Conflict(current) => {
                let read = Snapshot::read(at, current, settings.format, settings.limits);
                held.set_snapshot(read.ok().flatten().ok_or(Kind::Gone)?);
                Ok(false)
            }
        }
    }

    /// Removes up to `limit` records that have expired, and returns how many; 0 where the store does
    /// so by itself.
    ///
    /// # Errors
    ///
    /// [`StoreError`] when the store does not answer in its own time: there may be much to remove.
    pub async fn purge(&self, limit: usize) -> Result<usize, StoreError> {
        self.store.purge(limit).await
    }

    /// Ends the session of an id, for instance one that was stolen, and reports whether there was
    /// one. Requests under way do not bring it back.
    ///
    /// # Errors
    ///
    /// [`StoreError`] when the store does not answer.
    pub async fn revoke(&self, id: &SessionId) -> Result<bool, StoreError> {
        let mut was_there = false;
        let keys = [Some(self.interface.key_of(id)), self.interface.earlier_key_of(id)];
        for key in keys.iter().flatten() {
            was_there |= self.in_time(self.store.delete(key)).await? == Deleted::Deleted;
        }
        Ok(was_there)
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

/// Waits a random time before every other attempt, longer the more often other requests were in the
/// way. What was read is outdated after a wait, so that the attempt that follows can hardly do more
/// than read again; the next one is made at once, with as good a chance as anybody's.
async fn back_off(attempts: u32) {
    if attempts == 0 || !attempts.is_multiple_of(2) {
        return;
    }
    let most = 1_u64 << attempts.min(4); // at most 16 ms
    let millis = getrandom::u64().unwrap_or(most) % most;
    tokio::time::sleep(Duration::from_millis(millis)).await;
}
