//! Sessions whose content lies in a store, and whose cookie holds only an id: the rules.
//!
//! The counterpart of `interface` for stores; `visit` asks the store what they say. Rules:
//! [Flask-Session][py] 0.8.
//!
//! [py]: https://flask-session.readthedocs.io/en/latest/

mod id;
mod other_side;
mod settings;

use std::{sync::Arc, time::Duration};

use sha2::{Digest as _, Sha256};

pub use id::SessionId;
pub(crate) use other_side::is_left_alone;
pub use settings::{FLASK_SESSION_SALT, IdStorage, OnOutage, Settings};

pub use crate::session::STARTED;

use crate::{
    UnixTime,
    auth::user_of,
    cookie, encoding,
    engine::{Changes, Snapshot},
    interface::{CookieError, CookieFacts, CookieSessions, Opened},
    listing::{self, UserIndex},
    reason::Reason,
    recent::Recent,
    record::{DecodeError, Format, TakeOver},
    session::Session,
    signing::UnsignError,
    store::{Entry, Record, RecordKey, Store, Touch},
    value::Dict,
};
use settings::SHORTEST;

/// How much longer than a session what is known of it is kept, because clocks differ.
const AFTERLIFE: Duration = Duration::from_secs(60 * 60);

/// The rules of sessions that live in a store.
///
/// ```
/// use hipflask_core::{UnixTime, stored::{StoredSessions, SessionId, Settings}};
///
/// let rules = StoredSessions::new(Settings::default());
/// let offer = rules.identify(Some(b"SSSSSSSSSSSSSSSSSSSSSSSSSSSSSSSSSSSSSSSSSSS"), UnixTime::from_secs(0));
/// let key = offer.id.map(|id| rules.key_of(&id));
/// assert!(key.is_ok_and(|key| key.as_str().starts_with("session:SSS")));
/// ```
#[derive(Clone, Debug)]
#[doc(alias = "ServerSideSessionInterface")]
pub struct StoredSessions {
    settings: Settings,
    renews_at_once: bool,
    migration: Option<Box<CookieSessions>>,
    /// The sessions whose use was noted lately.
    seen: Arc<Recent<()>>,
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

/// A session that the store has.
#[derive(Clone, Debug)]
pub struct Held {
    id: SessionId,
    snapshot: Snapshot,
    touched: bool,
}

/// Where a session of a user is listed.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct ListedAs {
    /// Where the index of the user's sessions lies.
    pub(crate) index: RecordKey,
    /// Where the session's record lies.
    pub(crate) key: RecordKey,
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
    pub(crate) fn bring_up_to_date(&self, session: &mut Session, base: &Dict) {
        let (mine, grown) = (session.to_dict(), session.grown());
        let changes = Changes::new(base, &mine).with_grown(&grown);
        let theirs = self.snapshot.content();
        session.rebase(changes.rebase(theirs));
        changes.grown_anew(theirs).for_each(|key| session.note_grown(key));
    }

    pub(crate) fn into_snapshot(self) -> Snapshot {
        self.snapshot
    }
}

impl StoredSessions {
    /// Takes the settings as they are.
    pub fn new(settings: Settings) -> Self {
        Self { settings, renews_at_once: true, migration: None, seen: Arc::default() }
    }

    /// Returns what a record holds that was found in the store; `None` if it is retired or cannot be read.
    pub fn content_of(&self, entry: &Entry, now: UnixTime) -> Option<Dict> {
        let coding = self.settings.coding(now);
        coding.decode(&entry.record.payload, entry.key.as_str()).ok()?.content
    }

    /// Follows what a store needs: its format of records, and how it moves one.
    #[must_use]
    pub fn for_store(self, store: &(impl Store + ?Sized)) -> Self {
        self.with_record_format(store.record_format()).with_renewal_at_once(store.renews_at_once())
    }

    /// Sets the store's only format of records, if it has one.
    #[must_use]
    pub fn with_record_format(mut self, format: Option<Format>) -> Self {
        self.settings.format = format.unwrap_or(self.settings.format);
        self
    }

    /// Sets whether the store moves a record in one step.
    #[must_use]
    pub const fn with_renewal_at_once(mut self, at_once: bool) -> Self {
        self.renews_at_once = at_once;
        self
    }

    /// Reads the sessions of another package, too.
    #[must_use]
    pub fn with_take_over(mut self, take_over: TakeOver) -> Self {
        self.settings.take_over = Some(Arc::new(take_over));
        self
    }

    /// Returns where a record is to lie that another package keeps under a key; `None` if it is none of its.
    pub fn key_of_taken(&self, key: &RecordKey) -> Option<RecordKey> {
        let id = self.settings.take_over.as_ref()?.package().id_in(key.as_str())?;
        Some(self.key_of(&SessionId::parse(id.as_bytes())?))
    }

    /// Takes over sessions that lie in signed cookies of the same name: each moves into the store when
    /// it is first used.
    #[must_use]
    pub fn with_cookie_migration(mut self, cookies: CookieSessions) -> Self {
        self.migration = Some(Box::new(cookies));
        self
    }

    /// Reports whether the store moves a record in one step.
    pub(crate) const fn renews_at_once(&self) -> bool {
        self.renews_at_once
    }

    /// Opens a signed cookie of before the store, if such are taken over and this is one.
    pub(crate) fn open_earlier(&self, cookie: &[u8], now: UnixTime) -> Option<Opened> {
        if let Some(take_over) = &self.settings.take_over
            && let Some(taken) = take_over.content_of(cookie, now, self.settings.limits)
        {
            let facts = CookieFacts::of_taken(&taken, cookie.len(), now);
            let mut session = Session::from_stored(taken.content);
            session.set_modified(true);
            return Some(Opened { session, reason: Reason::Verified, cookie: Some(facts) });
        }
        let opened = self.migration.as_ref()?.open(Some(cookie), now);
        opened.reason.is_verified().then(|| {
            let mut session = Session::from_stored(opened.session.to_dict());
            session.set_modified(true);
            Opened { session, ..opened }
        })
    }

    /// Returns the settings.
    pub const fn settings(&self) -> &Settings {
        &self.settings
    }

    /// Finds the id in a cookie's value.
    pub fn identify(&self, cookie: Option<&[u8]>, now: UnixTime) -> Offer {
        let Some(cookie) = cookie.filter(|cookie| !cookie.is_empty()) else {
            return Offer { id: Err(Reason::NoCookie), cookie: None };
        };
        let mut facts = CookieFacts { len: cookie.len(), ..CookieFacts::default() };
        let id = self.verify(cookie, now, &mut facts);
        let id =
            id.map_err(|reason| other_side::recognise(&self.settings, cookie).unwrap_or(reason));
        Offer { id, cookie: Some(facts) }
    }

    fn verify(
        &self,
        cookie: &[u8],
        now: UnixTime,
        facts: &mut CookieFacts,
    ) -> Result<SessionId, Reason> {
        let take_over = self.settings.take_over.as_deref();
        if let Some((id, key)) = take_over.and_then(|it| it.signed_id(cookie)) {
            // It is sent again as ids are here.
            (facts.key, facts.outdated) = (Some(key), true);
            return SessionId::parse(&id).ok_or(Reason::MalformedId);
        }
        let id = match &self.settings.signer {
            Some(_)
                if !cookie.contains(&b'.')
                    && take_over.is_some_and(|it| it.package().has_plain_ids()) =>
            {
                facts.outdated = true;
                cookie
            }
            None => cookie,
            Some(signer) => {
                let unsigned = signer.unsign_at(cookie, now).map_err(|error| match error {
                    UnsignError::NoSeparator { .. } => Reason::Malformed,
                    _ => Reason::BadSignature,
                })?;
                facts.key = Some(unsigned.key);
                facts.digest = Some(unsigned.digest);
                facts.outdated = self.settings.resign && facts.is_of_another(signer);
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
        let foreign =
            self.settings.take_over.as_ref().and_then(|it| it.package().key_of(id.as_str()));
        let is_moving = self.settings.id_storage == IdStorage::HashedFromPlain;
        foreign.map(RecordKey::new).or_else(|| is_moving.then(|| self.plain_key_of(id)))
    }

    /// Returns where another request may have moved a record to that was read here.
    pub(crate) fn moved_from(&self, id: &SessionId, read: &RecordKey) -> Option<RecordKey> {
        // In two steps, others could change the record at its new place before it has left the old one.
        Some(self.key_of(id)).filter(|key| self.renews_at_once && key != read)
    }

    fn plain_key_of(&self, id: &SessionId) -> RecordKey {
        RecordKey::new([&self.settings.key_prefix, id.as_str()].concat())
    }

    /// Returns the user of a session, and where the index of its sessions lies, if they are listed.
    pub(crate) fn listed_as(&self, content: &Dict, key: &RecordKey) -> Option<ListedAs> {
        self.settings.listing.as_ref()?;
        Some(ListedAs { index: self.index_of(&self.user_of(content)?), key: key.clone() })
    }

    /// Returns the name of the user of a session that holds this.
    pub(crate) fn user_of(&self, content: &Dict) -> Option<String> {
        user_of(&self.settings.user_keys, |name| content.get(name).cloned())
    }

    /// Returns what a record says that lies at [`index_of`](Self::index_of) a user; `None` if it is damaged.
    pub fn read_index(&self, user: &str, record: &Record, now: UnixTime) -> Option<UserIndex> {
        UserIndex::decode(record, &self.settings.coding(now), &self.index_of(user))
    }

    /// Returns where the index of a user's sessions lies, if sessions are listed.
    ///
    /// ```
    /// use hipflask_core::stored::{Settings, StoredSessions};
    ///
    /// let rules = StoredSessions::new(Settings::default());
    /// assert!(rules.index_of("7").as_str().starts_with("sessions_of:session:"));
    /// ```
    pub fn index_of(&self, user: &str) -> RecordKey {
        listing::key_of(&self.settings.key_prefix, user)
    }

    /// Returns how long a record of a session, or of what is known of it, can matter.
    pub(crate) fn longest(&self) -> Duration {
        self.settings.idle().max(self.settings.lifetime).saturating_add(AFTERLIFE)
    }

    /// Reports whether the use of a session was noted so shortly ago that it need not be noted again.
    pub(crate) fn was_seen(&self, key: &RecordKey, now: UnixTime) -> bool {
        let every = self.settings.listing.as_ref().map_or(Duration::ZERO, |it| it.seen_every);
        self.seen.get(key, now, every).is_some()
    }

    pub(crate) fn note_seen(&self, key: &RecordKey, now: UnixTime) {
        let every = self.settings.listing.as_ref().map_or(Duration::ZERO, |it| it.seen_every);
        self.seen.put(key, (), now, every);
    }

    /// Looks at every session once more, because some of them were ended.
    pub(crate) fn forget_seen(&self) {
        self.seen.clear();
    }

    /// Returns when reading extends a session's life.
    pub fn touch(&self) -> Option<Touch> {
        let ttl = self.settings.idle();
        let when_below = ttl.as_secs_f64() * (1.0 - self.settings.touch_after).clamp(0.0, 1.0);
        let when_below = Duration::try_from_secs_f64(when_below).unwrap_or(ttl);
        self.settings.refresh_each_request.then_some(Touch { ttl, when_below })
    }

    /// Finds out what a record is that was read for an offer, and says why if it is no session.
    ///
    /// An id that the store does not know is never adopted. DIFFERENCE: Flask-Session answers 500 to a
    /// record it cannot read.
    pub(crate) fn read(
        &self,
        offer: Offer,
        record: Option<(RecordKey, Record)>,
        now: UnixTime,
        fault: &mut Option<DecodeError>,
    ) -> Result<Held, Reason> {
        let id = offer.id?;
        let (key, record) = record.ok_or(Reason::UnknownId)?;
        let touched = record.touched;
        let snapshot = Snapshot::read(key, record, &self.settings.coding(now))
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
    pub(crate) fn time_left(&self, content: &Dict, now: UnixTime) -> Option<Duration> {
        let started = content.get(STARTED)?.as_i64()?;
        let started = UnixTime::from_secs(u64::try_from(started).unwrap_or(0));
        // A start in the future, of a clock that was wrong, counts as now.
        let age = now.since(started);
        Some(self.settings.absolute_timeout?.saturating_sub(age))
    }

    /// Notes the start of a session with an absolute timeout, unless it is known from `earlier`.
    /// Neither activity nor `clear` moves it.
    pub(crate) fn stamp(&self, content: &mut Dict, earlier: Option<&Dict>, now: UnixTime) {
        if self.settings.absolute_timeout.is_some() {
            let earlier = earlier.filter(|earlier| self.time_left(earlier, now).is_some());
            let started = earlier.and_then(|earlier| earlier.get(STARTED)).cloned();
            content.insert(STARTED, started.unwrap_or_else(|| now.as_secs().into()));
        }
    }

    /// Reports whether a session that was only read has something to save: it was touched, so that
    /// its cookie is to live longer, too, or the start of its absolute timeout is not yet known.
    pub(crate) fn is_due(&self, held: &Held, now: UnixTime) -> bool {
        let is_timed = self.settings.absolute_timeout.is_some();
        held.touched || is_timed && self.time_left(held.snapshot.content(), now).is_none()
    }

    /// Returns how long a record of this content is to live.
    pub fn time_to_live(&self, content: &Dict, now: UnixTime) -> Duration {
        let idle = self.settings.idle();
        let left = self.time_left(content, now).unwrap_or(idle);
        idle.min(left).max(SHORTEST)
    }

    pub(crate) fn write_cookie(
        &self,
        id: &SessionId,
        permanent: bool,
        now: UnixTime,
    ) -> Result<String, CookieError> {
        let Settings { name, attributes, signer, lifetime, .. } = &self.settings;
        let value = match signer {
            None => id.as_str().to_owned(),
            // Base64 and dots are ASCII.
            Some(signer) => {
                String::from_utf8(signer.sign(id.as_str().as_bytes())).unwrap_or_default()
            }
        };
        let expires = now.checked_add(*lifetime).map(|at| i64::try_from(at.as_secs()));
        let expires = expires.and_then(Result::ok).ok_or(CookieError::ExpiresOutOfRange)?;
        cookie::write(name, &value, attributes, permanent.then_some(expires), None)
            .map_err(|_| CookieError::ExpiresOutOfRange)
    }
}
