//! What opens and saves the sessions of one configuration: the rules, the store, the clock.
//!
//! Carries out what the core's machine says, with a deadline, and decides nothing. The tower layer
//! uses it, and adapters of other frameworks do.

use std::{
    fmt,
    sync::Arc,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use hipflask_core::{
    UnixTime,
    auth::user_of,
    engine::EngineError,
    interface::Saved,
    listing::device_of,
    store::{Store, StoreError},
    stored::SessionId,
    value::Value,
    visit::{Closing, Machine, Opened, Opening, Sessions, Step},
};
use tokio::time::{Instant, sleep};
use tracing::{Instrument, Span};

use crate::{
    SaveError,
    config::{ConfigError, SessionConfig},
    live::{Live, Watched},
    pace,
    report::{self, Built},
    spans,
    store::{self, AnyStore, ConnectError},
    waking::Watches,
};

type Clock = dyn Fn() -> UnixTime + Send + Sync;

/// Flask's session interface: opens and saves the sessions of one configuration.
///
/// [`SessionLayer`](crate::SessionLayer) has one. This is for those who bring sessions to another
/// framework than tower: a [`request`](Self::request) gives its handlers their session, and is
/// finished before the response leaves. `examples/actix` is a whole adapter.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use hipflask::{SecretKey, SessionConfig, SessionInterface};
///
/// let sessions = SessionInterface::signed(&SessionConfig::new(SecretKey::random()?))?;
///
/// let request = sessions.request([b"theme=dark".as_slice()]); // the request's `Cookie` lines
/// let session = request.session().await?; // what the handler asks for
/// session.insert("count", 1)?;
///
/// let mut headers = http::HeaderMap::new(); // of the response
/// request.finish_into(&mut headers).await?;
/// assert!(headers["set-cookie"].to_str()?.starts_with("session="));
/// assert_eq!(headers["vary"], "Cookie");
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct SessionInterface(Arc<Shared>);

#[derive(Clone)]
struct Shared {
    /// What was made at first.
    live: Arc<Live>,
    /// What is made anew when the keys change.
    watched: Option<Arc<Watched>>,
    /// Who answers what the sessions ask; those in signed cookies ask nothing.
    store: Option<AnyStore>,
    deadline: Duration,
    /// Open the session of every request that carries a cookie, asked for or not.
    refreshes_untouched: bool,
    /// The session's keys that name its user.
    user_keys: Vec<String>,
    clock: Option<Arc<Clock>>,
    built: Built,
    /// The sessions that are watched in this process after their requests.
    watches: Arc<Watches>,
}

impl SessionInterface {
    /// Keeps sessions in Flask's signed cookie.
    ///
    /// # Errors
    ///
    /// [`ConfigError`] for every mistake in the configuration, and [`ConfigError::NoStore`] or
    /// [`ConfigError::NoRevocations`] if its `SESSION_TYPE` or `SESSION_REVOCATIONS` asks for a store.
    pub fn signed(config: &SessionConfig) -> Result<Self, ConfigError> {
        match config.revocations() {
            _ if config.wants_store() => Err(ConfigError::NoStore),
            Some(_) => Err(ConfigError::NoRevocations),
            None => Self::build(config),
        }
    }

    /// Keeps sessions in Flask's signed cookie, and in a store what of them is refused before it expires:
    /// a log-out is final, and [`revoke_user`](Self::revoke_user) ends all sessions of a user. The cookies
    /// stay Flask's, byte for byte, and those that Flask has written can be revoked.
    ///
    /// The store is asked when a session is opened, unless this process has asked shortly before
    /// ([`SessionConfig::with_revocation_delay`]), and whenever a cookie is signed anew.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// use hipflask::{SecretKey, SessionInterface, config::SessionConfig, store::connect};
    ///
    /// let config = SessionConfig::new(SecretKey::new("9f3c6a52be0d47c1886d1f7a0cb35e24"));
    /// let interface = SessionInterface::revocable(&config, connect("memory:").await?)?;
    /// interface.revoke_user("7").await?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// [`ConfigError`] for every mistake in the configuration, and [`ConfigError::NoStore`] if its
    /// `SESSION_TYPE` asks for a store.
    pub fn revocable(config: &SessionConfig, store: impl Store) -> Result<Self, ConfigError> {
        if config.wants_store() {
            return Err(ConfigError::NoStore);
        }
        let rules = config.build_revocable()?.for_store(&store);
        let (interface, store) = (Self::build(config)?, Some(AnyStore::new(store)));
        Ok(interface.keeping(rules, |shared| Shared { store, ..shared }))
    }

    fn build(config: &SessionConfig) -> Result<Self, ConfigError> {
        let interface = config.build()?;
        let live = Arc::new(Live::signed(config)?);
        Ok(Self(Arc::new(Shared {
            built: Built::of(config, &interface),
            watched: Watched::new(config, &live).map(Arc::new),
            live,
            store: None,
            deadline: config.store_deadline(),
            refreshes_untouched: config.refresh_untouched(),
            user_keys: config.user_keys().to_vec(),
            clock: None,
            watches: Arc::default(),
        })))
    }

    /// Keeps sessions in a store, as Flask-Session does.
    ///
    /// Requests that never ask for their session do not reach the store, whatever
    /// [`SessionConfig::with_refresh_untouched`] says.
    ///
    /// # Errors
    ///
    /// [`ConfigError`] for every mistake in the configuration.
    pub fn stored(config: &SessionConfig, store: impl Store) -> Result<Self, ConfigError> {
        Ok(Self::build(config)?.with_store(store))
    }

    /// Keeps sessions where an address says: in Flask's signed cookie at `cookie:`, else in the store
    /// that [`connect`](store::connect) finds there.
    ///
    /// What the store lacks is made, such as a table or an index: for programs that start at once. A
    /// program that may not, because its tables are made when it is deployed, connects by itself and
    /// calls [`stored`](Self::stored).
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// use hipflask::{SecretKey, SessionConfig, SessionInterface};
    ///
    /// let config = SessionConfig::new(SecretKey::random()?);
    /// let address = std::env::var("SESSIONS").unwrap_or("cookie:".into());
    /// let sessions = SessionInterface::connect(&config, &address).await?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// [`ConnectError`] when the store cannot be had, and for every mistake in the configuration.
    pub async fn connect(config: &SessionConfig, address: &str) -> Result<Self, ConnectError> {
        if address == "cookie:" {
            let Some(revocations) = config.revocations() else { return Ok(Self::signed(config)?) };
            let store = store::connect(revocations).await?;
            store.prepare().await?;
            return Ok(Self::revocable(config, store)?);
        }
        let store = store::connect(address).await?;
        store.prepare().await?;
        Ok(Self::stored(config, store)?)
    }

    /// Keeps sessions in a store instead of the cookie.
    pub(crate) fn with_store(self, store: impl Store) -> Self {
        let sessions = self.0.live.rules.clone().for_store(&store);
        let store = Some(AnyStore::new(store));
        self.keeping(sessions, |shared| Shared { store, refreshes_untouched: false, ..shared })
    }

    /// Keeps sessions elsewhere than before.
    fn keeping(self, sessions: impl Into<Sessions>, change: impl FnOnce(Shared) -> Shared) -> Self {
        let shared = Arc::unwrap_or_clone(self.0);
        let live = Arc::new(shared.live.with_sessions(sessions));
        let config = shared.watched.as_ref().map(|watched| watched.config());
        let watched = config.and_then(|config| Watched::new(&config, &live)).map(Arc::new);
        Self(Arc::new(change(Shared { live, watched, ..shared })))
    }

    /// Takes the time from `clock` instead of from the system. For tests.
    #[must_use]
    pub fn with_clock(self, clock: impl Fn() -> UnixTime + Send + Sync + 'static) -> Self {
        Self(Arc::new(Shared { clock: Some(Arc::new(clock)), ..Arc::unwrap_or_clone(self.0) }))
    }

    /// Ends the session of an id, for instance one that was stolen, and reports whether there was one.
    /// Requests under way do not bring it back.
    ///
    /// # Errors
    ///
    /// [`Error`](crate::Error) when the store does not answer, or when sessions are signed cookies,
    /// which nobody can take back.
    pub async fn revoke(&self, id: &SessionId) -> crate::Result<bool> {
        let mut revoking = self.live().sessions.revoke(id).ok_or_else(|| {
            let cannot = StoreError::Unsupported("end a session that lies in its cookie");
            EngineError::Store(Arc::new(cannot))
        })?;
        self.drive(&mut revoking).await?;
        Ok(revoking.was_there())
    }

    /// Removes up to `limit` records that have expired, and returns how many; 0 where the store does so
    /// by itself.
    ///
    /// # Errors
    ///
    /// [`StoreError`] when the store does not answer in its own time: there may be much to remove.
    pub async fn purge(&self, limit: usize) -> Result<usize, StoreError> {
        match &self.0.store {
            Some(store) => store.purge(limit).await,
            None => Ok(0),
        }
    }

    /// Returns the name of the cookie.
    pub fn cookie_name(&self) -> &str {
        self.sessions().name()
    }

    /// Tells operators once, in one line of the log, what these sessions are: when they are put around
    /// something.
    pub fn tell(&self) {
        let kind = self.0.store.as_ref().map(AnyStore::kind);
        match self.sessions() {
            Sessions::Stored(_) => self.0.built.tell(kind, None),
            _ => self.0.built.tell(None, kind),
        }
    }

    /// Returns the name of the user whose session has these values.
    pub(crate) fn user_of(&self, value: impl Fn(&str) -> Option<Value>) -> Option<String> {
        user_of(&self.0.user_keys, value)
    }

    pub(crate) fn sessions(&self) -> &Sessions {
        &self.0.live.sessions
    }

    /// Returns what opens and saves with the keys as they are now.
    pub(crate) fn live(&self) -> Arc<Live> {
        match &self.0.watched {
            Some(watched) => watched.live(self.0.store.as_ref()),
            None => Arc::clone(&self.0.live),
        }
    }

    /// Returns how long one operation of the store may take.
    pub(crate) fn deadline(&self) -> Duration {
        self.0.deadline
    }

    /// Returns what is watched in this process.
    pub(crate) fn watches(&self) -> &Watches {
        &self.0.watches
    }

    /// Reports whether the sessions of users are listed.
    pub(crate) fn lists_users(&self) -> bool {
        matches!(self.sessions(), Sessions::Stored(rules) if rules.settings().listing.is_some())
    }

    pub(crate) fn refreshes_untouched(&self) -> bool {
        self.0.refreshes_untouched
    }

    /// Reports whether both open and save each session alike: they are clones, or sign the same cookie
    /// in the same way. Of two stores nobody can tell.
    pub(crate) fn is_like(&self, other: &Self) -> bool {
        let alike = self.0.live.fingerprints == other.0.live.fingerprints
            && self.sessions().is_like(other.sessions());
        alike || Arc::ptr_eq(&self.0, &other.0)
    }

    /// Returns the time.
    pub fn now(&self) -> UnixTime {
        match &self.0.clock {
            Some(clock) => clock(),
            None => {
                let since = SystemTime::now().duration_since(UNIX_EPOCH);
                UnixTime::since_epoch(since.unwrap_or_default())
            }
        }
    }

    /// Opens the session of a cookie's value, for those who keep its content in an object of their own.
    /// `user_agent` is the request's, for the [list](SessionConfig::with_user_index) of its user's sessions.
    ///
    /// # Errors
    ///
    /// [`EngineError`] when the store does not answer, unless such requests are to be anonymous.
    pub async fn open_at(
        &self,
        cookie: Option<&[u8]>,
        user_agent: Option<&str>,
        now: UnixTime,
    ) -> Result<Opened, EngineError> {
        let span = spans::opening();
        let opening = span.in_scope(|| self.live().sessions.open(cookie, now));
        let device = user_agent.filter(|_| self.lists_users()).and_then(device_of);
        self.carry_on(opening.with_device(device), span).await
    }

    /// Goes on with an opening, and tells operators what is wrong.
    pub(crate) async fn carry_on(
        &self,
        mut opening: Opening,
        span: Span,
    ) -> Result<Opened, EngineError> {
        let driven = self.drive(&mut opening).instrument(span.clone()).await;
        Self::opened(opening, driven, &span)
    }

    /// Ends an opening that was driven, and tells operators what is wrong: for those who have a driver of
    /// their own.
    ///
    /// # Errors
    ///
    /// What driving it came to.
    pub fn end_opening(
        opening: Opening,
        driven: Result<(), EngineError>,
    ) -> Result<Opened, EngineError> {
        Self::opened(opening, driven, &Span::none())
    }

    /// Ends an opening, and its span.
    #[inline]
    pub(crate) fn opened(
        opening: Opening,
        driven: Result<(), EngineError>,
        span: &Span,
    ) -> Result<Opened, EngineError> {
        let _entered = span.enter();
        if let Err(error) = driven {
            spans::not_opened(span);
            report::open_failed(&error);
            return Err(error);
        }
        let opened = opening.finish();
        spans::opened(span, opened.visit());
        opened.visit().failure().into_iter().for_each(report::open_failed);
        opened.visit().fault().into_iter().for_each(report::record_refused);
        Ok(opened)
    }

    /// Saves what a request has left of its session, and decides what the browser is told.
    ///
    /// # Errors
    ///
    /// [`SaveError`] when the session is not saved.
    pub async fn save(&self, closing: Closing) -> Result<Saved, SaveError> {
        self.save_in(closing, spans::saving()).await
    }

    /// Saves, in a span that has begun.
    pub(crate) async fn save_in(
        &self,
        mut closing: Closing,
        span: Span,
    ) -> Result<Saved, SaveError> {
        let driven = self.drive(&mut closing).instrument(span.clone()).await;
        Self::saved(closing, driven, &span)
    }

    /// Ends a saving that was driven, and tells operators what became of it: for those who have a driver
    /// of their own.
    ///
    /// # Errors
    ///
    /// [`SaveError`] when the session is not saved.
    pub fn end_saving(
        closing: Closing,
        driven: Result<(), EngineError>,
    ) -> Result<Saved, SaveError> {
        Self::saved(closing, driven, &Span::none())
    }

    /// Ends a saving, and its span.
    #[inline]
    pub(crate) fn saved(
        closing: Closing,
        driven: Result<(), EngineError>,
        span: &Span,
    ) -> Result<Saved, SaveError> {
        let _entered = span.enter();
        let (outcome, attempts) = (closing.outcome(), closing.attempts());
        let dropped = closing.dropped();
        let saved = match driven {
            Ok(()) => {
                report::conflicts(attempts);
                dropped.into_iter().for_each(report::dropped);
                closing.reformatted().into_iter().for_each(report::reformatted);
                closing.finish()
            }
            Err(error) => Err(error),
        };
        match saved {
            Ok(saved) => {
                spans::saved(span, &saved, outcome, attempts, dropped.is_some());
                Ok(saved)
            }
            Err(error) => {
                let failure = SaveError::from(error);
                spans::not_saved(span, &failure);
                Err(failure)
            }
        }
    }

    /// Does what a machine says until it is done. Each question has a deadline, in which it may be asked
    /// again; it is given up 25 ms later at most.
    ///
    /// # Errors
    ///
    /// What the machine says.
    pub async fn drive(&self, machine: &mut impl Machine) -> Result<(), EngineError> {
        let mut deadline = None;
        loop {
            let answer = match machine.step() {
                Step::Done => return Ok(()),
                Step::Wait(most) => {
                    let most = u64::try_from(most.as_micros()).unwrap_or(u64::MAX).max(1);
                    let wait = getrandom::u64().unwrap_or(most) % most;
                    sleep(Duration::from_micros(wait)).await;
                    machine.waited();
                    continue;
                }
                Step::Ask(question) => {
                    let Some(store) = &self.0.store else { return Ok(()) };
                    let deadline =
                        *deadline.get_or_insert_with(|| Instant::now() + self.0.deadline);
                    let _waking = self.0.watches.wake_after(&question);
                    let asking = pace::until(deadline, question.ask(store));
                    let asking = async { asking.await.unwrap_or(Err(StoreError::Deadline)) };
                    spans::asking(store.system(), question, asking).await
                }
            };
            if answer.is_ok() {
                deadline = None;
            }
            machine.answer(answer)?;
        }
    }
}

impl fmt::Debug for SessionInterface {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("SessionInterface").field(&self.cookie_name()).finish()
    }
}
