//! Sessions whose content lies in a store, and whose cookie holds only an id.
//!
//! The counterpart of `interface` for stores, and as pure: the adapter asks the store what
//! `key_of` and `Plan` say, and sends what `finish` decides. Rules: [Flask-Session][py] 0.8.
//!
//! [py]: https://flask-session.readthedocs.io/en/latest/

mod id;
mod other_side;
mod plan;
mod settings;

use std::time::Duration;

use sha2::{Digest as _, Sha256};

pub use id::SessionId;
pub use plan::Plan;
pub use settings::{IdStorage, SALT, Settings};

pub use crate::session::STARTED;

use crate::{
    cookie, encoding,
    engine::{Changes, Snapshot},
    interface::{CookieFacts, SaveError},
    reason::Reason,
    record::{DecodeError, Format},
    session::{ReadOnly, Session},
    signing::UnsignError,
    store::{Record, RecordKey, Touch},
    value::Dict,
};
use settings::SHORTEST;

/// Opens and saves sessions that live in a store.
///
/// ```
/// use std::time::Duration;
/// use hipflask_core::{reason::Reason, server_side::{ServerSide, Settings}, store::Record};
///
/// let interface = ServerSide::new(Settings::default());
/// let offer = interface.identify(Some(b"SSSSSSSSSSSSSSSSSSSSSSSSSSSSSSSSSSSSSSSSSSS"));
/// let record = Record::new(b"\x81\xa1a\x01"); // What the store has under `key_of`.
/// let found = interface.open(offer, Some(record), Duration::from_secs(1_763_692_800));
/// assert_eq!(found.reason, Reason::Found);
/// assert_eq!(found.session.get::<i32>("a")?, Some(1));
/// # Ok::<(), hipflask_core::session::SessionError>(())
/// ```
#[derive(Clone, Debug)]
#[doc(alias = "ServerSideSessionInterface")]
pub struct ServerSide {
    settings: Settings,
}

/// What a cookie says about its session, before the store was asked.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Offer {
    /// The id, or why there is none to look up.
    pub id: Result<SessionId, Reason>,
    /// What is known of the cookie, if one was offered.
    pub cookie: Option<CookieFacts>,
}

/// What the store has for a cookie.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Lookup {
    /// The record, or why there is no session.
    pub held: Result<Held, Reason>,
    /// What is known of the cookie, if one was offered.
    pub cookie: Option<CookieFacts>,
    /// What is wrong with a record that cannot be read.
    pub fault: Option<DecodeError>,
}

impl Lookup {
    /// The store did not answer.
    pub const fn unavailable(offer: &Offer) -> Self {
        Self { held: Err(Reason::StoreUnavailable), cookie: offer.cookie, fault: None }
    }

    /// Returns why the session is what it is.
    pub fn reason(&self) -> Reason {
        match (&self.held, self.cookie.and_then(|facts| facts.key)) {
            (Err(reason), _) => *reason,
            (Ok(_), None) => Reason::Found,
            (Ok(_), Some(0)) => Reason::Verified,
            (Ok(_), Some(_)) => Reason::VerifiedByFallbackKey,
        }
    }
}

/// A session and how it came to be.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Found {
    /// The session; new unless the store has it.
    pub session: Session,
    /// Why the session is what it is.
    pub reason: Reason,
    /// What is known of the cookie, if one was offered.
    pub cookie: Option<CookieFacts>,
    /// What the store has of it.
    pub held: Option<Held>,
}

/// A session that the store has.
#[derive(Clone, Debug)]
pub struct Held {
    id: SessionId,
    snapshot: Snapshot,
    touched: bool,
}

impl Held {
    /// Returns what was read.
    pub const fn snapshot(&self) -> &Snapshot {
        &self.snapshot
    }

    /// Takes over what was written since.
    pub fn set_snapshot(&mut self, snapshot: Snapshot) {
        self.snapshot = snapshot;
    }

    /// Returns the session's id.
    pub const fn id(&self) -> &SessionId {
        &self.id
    }

    /// Brings what other requests have written into a session that was opened from `base`. What this
    /// request has changed wins.
    pub fn bring_up_to_date(&self, session: &mut Session, base: &Dict) {
        let (mine, grown) = (session.to_dict(), session.grown());
        let changes = Changes::new(base, &mine).with_grown(&grown);
        session.rebase(changes.rebase(self.snapshot.content()));
    }
}

impl ServerSide {
    /// Takes the settings as they are.
    pub const fn new(settings: Settings) -> Self {
        Self { settings }
    }

    /// Writes records in another format, if there is one.
    #[must_use]
    pub fn with_format(mut self, format: Option<Format>) -> Self {
        self.settings.format = format.unwrap_or(self.settings.format);
        self
    }

    /// Returns the settings.
    pub const fn settings(&self) -> &Settings {
        &self.settings
    }

    /// Finds the id in a cookie's value.
    pub fn identify(&self, cookie: Option<&[u8]>) -> Offer {
        let Some(cookie) = cookie.filter(|cookie| !cookie.is_empty()) else {
            return Offer { id: Err(Reason::NoCookie), cookie: None };
        };
        let mut facts = CookieFacts { len: cookie.len(), ..CookieFacts::default() };
        let id = self.verify(cookie, &mut facts);
        Offer { id, cookie: Some(facts) }
    }

    fn verify(&self, cookie: &[u8], facts: &mut CookieFacts) -> Result<SessionId, Reason> {
        if let Some(reason) = other_side::recognise(&self.settings, cookie) {
            return Err(reason);
        }
        let id = match &self.settings.signer {
            None => cookie,
            Some(signer) => {
                let unsigned = signer.unsign(cookie).map_err(|error| match error {
                    UnsignError::NoSeparator { .. } => Reason::Malformed,
                    _ => Reason::BadSignature,
                })?;
                facts.key = Some(unsigned.key);
                unsigned.value
            }
        };
        SessionId::parse(id).ok_or(Reason::MalformedId)
    }

    /// Returns where the record of an id is kept.
    pub fn key_of(&self, id: &SessionId) -> RecordKey {
        match self.settings.id_storage {
            IdStorage::Plain => self.plain_key_of(id),
            IdStorage::Hashed | IdStorage::HashedFromPlain => {
                let digest = encoding::encode_url(&Sha256::digest(id.as_str()));
                // No id has a colon, so that no digest that was seen in the store serves as one.
                RecordKey::new([&self.settings.key_prefix, "sha256:", digest.as_str()].concat())
            }
        }
    }

    /// Returns where the record may lie if [`key_of`](Self::key_of) has none.
    pub fn earlier_key_of(&self, id: &SessionId) -> Option<RecordKey> {
        let is_moving = self.settings.id_storage == IdStorage::HashedFromPlain;
        is_moving.then(|| self.plain_key_of(id))
    }

    fn plain_key_of(&self, id: &SessionId) -> RecordKey {
        RecordKey::new([&self.settings.key_prefix, id.as_str()].concat())
    }

    /// Returns when reading extends a session's life.
    pub fn touch(&self) -> Option<Touch> {
        let ttl = self.settings.idle();
        let when_below = ttl.as_secs_f64() * (1.0 - self.settings.touch_after).clamp(0.0, 1.0);
        let when_below = Duration::try_from_secs_f64(when_below).unwrap_or(ttl);
        self.settings.refresh_each_request.then_some(Touch { ttl, when_below })
    }

    /// Opens the session of a record, which was read under [`key_of`](Self::key_of) the offered id.
    ///
    /// Whatever is wrong, the session is new and the reason says why. An id that the store does not
    /// know is never adopted. DIFFERENCE: Flask-Session answers 500 to a record it cannot read.
    pub fn open(&self, offer: Offer, record: Option<Record>, now: Duration) -> Found {
        let key = offer.id.as_ref().ok().map(|id| self.key_of(id));
        self.open_at(offer, key.zip(record), now)
    }

    /// As [`open`](Self::open), for a record that was read under another key.
    pub fn open_at(
        &self,
        offer: Offer,
        record: Option<(RecordKey, Record)>,
        now: Duration,
    ) -> Found {
        self.session_of(self.find(offer, record, now))
    }

    /// Finds out what a record that was read is, without making a session of it.
    pub fn find(&self, offer: Offer, record: Option<(RecordKey, Record)>, now: Duration) -> Lookup {
        let (cookie, mut fault) = (offer.cookie, None);
        Lookup { held: self.read(offer, record, now, &mut fault), cookie, fault }
    }

    /// Makes the session of what was found; an empty one that cannot be changed if the store does not
    /// answer.
    pub fn session_of(&self, lookup: Lookup) -> Found {
        let (reason, cookie) = (lookup.reason(), lookup.cookie);
        let mut session = match &lookup.held {
            Ok(held) => Session::from_stored(held.snapshot.content().clone()),
            Err(_) => Session::new_stored(self.settings.permanent),
        };
        if reason == Reason::StoreUnavailable {
            session.set_read_only(ReadOnly::StoreUnavailable);
        }
        Found { session, reason, cookie, held: lookup.held.ok() }
    }

    fn read(
        &self,
        offer: Offer,
        record: Option<(RecordKey, Record)>,
        now: Duration,
        fault: &mut Option<DecodeError>,
    ) -> Result<Held, Reason> {
        let id = offer.id?;
        let (key, record) = record.ok_or(Reason::UnknownId)?;
        let touched = record.touched;
        let snapshot = Snapshot::read(key, record, self.settings.format, self.settings.limits)
            .map_err(|error| {
                *fault = Some(error);
                Reason::CorruptRecord
            })?
            .ok_or(Reason::Renewed)?;
        match self.time_left(snapshot.content(), now) {
            Some(Duration::ZERO) => Err(Reason::Expired),
            _ => Ok(Held { id, snapshot, touched }),
        }
    }

    /// Returns how much is left of the absolute timeout, if that is known.
    fn time_left(&self, content: &Dict, now: Duration) -> Option<Duration> {
        let started = content.get(STARTED)?.as_i64()?;
        let started = Duration::from_secs(u64::try_from(started).unwrap_or(0));
        // A start in the future, of a clock that was wrong, counts as now.
        let age = now.saturating_sub(started);
        Some(self.settings.absolute_timeout?.saturating_sub(age))
    }

    /// Notes the start of a session with an absolute timeout, unless it is known from `earlier`.
    /// Neither activity nor `clear` moves it.
    fn stamp(&self, content: &mut Dict, earlier: Option<&Dict>, now: Duration) {
        if self.settings.absolute_timeout.is_some() {
            let earlier = earlier.filter(|earlier| self.time_left(earlier, now).is_some());
            let started = earlier.and_then(|earlier| earlier.get(STARTED)).cloned();
            content.insert(STARTED, started.unwrap_or_else(|| now.as_secs().into()));
        }
    }

    /// Returns how long a record of this content is to live.
    pub fn time_to_live(&self, content: &Dict, now: Duration) -> Duration {
        let idle = self.settings.idle();
        let left = self.time_left(content, now).unwrap_or(idle);
        idle.min(left).max(SHORTEST)
    }

    fn write_cookie(
        &self,
        id: &SessionId,
        permanent: bool,
        now: Duration,
    ) -> Result<String, SaveError> {
        let Settings { name, attributes, signer, lifetime, .. } = &self.settings;
        let value = match signer {
            None => id.as_str().to_owned(),
            // Base64 and dots are ASCII.
            Some(signer) => {
                String::from_utf8(signer.sign(id.as_str().as_bytes())).unwrap_or_default()
            }
        };
        let expires = now.checked_add(*lifetime).map(|at| i64::try_from(at.as_secs()));
        let expires = expires.and_then(Result::ok).ok_or(SaveError::ExpiresOutOfRange)?;
        cookie::write(name, &value, attributes, permanent.then_some(expires), None)
            .map_err(|_| SaveError::ExpiresOutOfRange)
    }
}
