//! How sessions are kept in a store, under Flask-Session's names.

use std::time::Duration;

use hipflask_core::{
    engine::ConflictPolicy,
    interface::Signing,
    listing::{self, MOST_SESSIONS, OnUserLimit},
    record::{Format, Sealing},
    stored::{IdStorage, OnOutage, Settings, StoredSessions},
};

use super::{ConfigError, SessionConfig};

/// What only matters with a store.
#[derive(Clone, Debug)]
pub(super) struct Stored {
    /// Without what sessions in a cookie have, too.
    pub(super) settings: Settings,
    pub(super) use_signer: bool,
    pub(super) lists_users: bool,
    pub(super) listing: listing::Settings,
    pub(super) takes_cookies_over: bool,
    pub(super) deadline: Duration,
    /// `SESSION_TYPE` as it was written, if it names a store.
    pub(super) wanted: Option<String>,
}

impl Default for Stored {
    fn default() -> Self {
        Self {
            settings: Settings::default(),
            use_signer: false,
            lists_users: false,
            listing: listing::Settings::default(),
            takes_cookies_over: false,
            deadline: Duration::from_secs(2),
            wanted: None,
        }
    }
}

/// Settings of sessions in a store. In a signed cookie they have no effect, and the log says so.
impl SessionConfig {
    /// Returns the names of settings that have no effect unless sessions lie in a store; of signed
    /// cookies that can be revoked, those that are not about the store of revocations either.
    ///
    /// ```
    /// use std::time::Duration;
    /// use hipflask::{SecretKey, SessionConfig};
    ///
    /// let config = SessionConfig::new(SecretKey::random()?);
    /// let config = config.with_idle_timeout(Duration::from_secs(900));
    /// assert_eq!(config.needing_a_store(false), ["SESSION_IDLE_TIMEOUT"]);
    /// # Ok::<(), hipflask::ConfigError>(())
    /// ```
    pub fn needing_a_store(&self, is_revocable: bool) -> Vec<&'static str> {
        let (mine, default) = (&self.stored, Stored::default());
        let (ours, theirs) = (&mine.settings, &default.settings);
        [
            ("SESSION_ABSOLUTE_TIMEOUT", ours.absolute_timeout != theirs.absolute_timeout),
            ("SESSION_CONFLICT_POLICY", ours.conflict_policy != theirs.conflict_policy),
            ("SESSION_ID_STORAGE", ours.id_storage != theirs.id_storage),
            ("SESSION_IDLE_TIMEOUT", ours.idle_timeout != theirs.idle_timeout),
            ("SESSION_KEEP_FORMAT", ours.keep_format),
            ("SESSION_ON_OUTAGE", !is_revocable && ours.on_outage != theirs.on_outage),
            ("SESSION_STORE_DEADLINE", !is_revocable && mine.deadline != default.deadline),
            ("SESSION_TAKE_OVER", self.foreign.package.is_some_and(|it| !it.lies_in_cookie())),
            ("SESSION_TOUCH_AFTER", ours.touch_after.to_bits() != theirs.touch_after.to_bits()),
            ("SESSION_USER_INDEX", mine.lists_users),
            ("SESSION_USER_LIMIT", mine.listing.most.is_some()),
        ]
        .into_iter()
        .filter_map(|(name, is_changed)| is_changed.then_some(name))
        .collect()
    }

    /// Ends sessions this long after they began, or were last renewed, however active they are.
    ///
    /// The start is kept in the session, as `_hipflask_started`.
    #[must_use]
    #[doc(alias = "SESSION_ABSOLUTE_TIMEOUT")]
    pub fn with_absolute_timeout(mut self, timeout: Duration) -> Self {
        self.stored.settings.absolute_timeout = Some(timeout);
        self
    }

    /// Says what wins when two requests change the same key: the later one, as in Flask.
    ///
    /// Changes of different keys always merge.
    #[must_use]
    #[doc(alias = "SESSION_CONFLICT_POLICY")]
    pub fn with_conflict_policy(mut self, policy: ConflictPolicy) -> Self {
        self.stored.settings.conflict_policy = policy;
        self
    }

    /// Says whether the store sees session ids or only their digests: the ids, as in Flask-Session.
    #[must_use]
    #[doc(alias = "SESSION_ID_STORAGE")]
    pub fn with_id_storage(mut self, storage: IdStorage) -> Self {
        self.stored.settings.id_storage = storage;
        self
    }

    /// Sets how many random bytes an id has: 32.
    #[must_use]
    #[doc(alias = "SESSION_ID_LENGTH")]
    pub fn with_id_length(mut self, bytes: usize) -> Self {
        self.stored.settings.id_length = bytes;
        self
    }

    /// Ends sessions that saw no request for this long; without it, after the lifetime.
    #[must_use]
    #[doc(alias = "SESSION_IDLE_TIMEOUT")]
    pub fn with_idle_timeout(mut self, timeout: Duration) -> Self {
        self.stored.settings.idle_timeout = Some(timeout);
        self
    }

    /// Sets what the keys of records start with: `session:`.
    #[must_use]
    #[doc(alias = "SESSION_KEY_PREFIX")]
    pub fn with_key_prefix(mut self, prefix: impl Into<String>) -> Self {
        self.stored.settings.key_prefix = prefix.into();
        self
    }

    /// Says what happens while the store does not answer: 503.
    #[must_use]
    #[doc(alias = "SESSION_ON_OUTAGE")]
    pub fn with_on_outage(mut self, on_outage: OnOutage) -> Self {
        self.stored.settings.on_outage = on_outage;
        self
    }

    /// Says whether new sessions outlive the browser's: yes, as in Flask-Session.
    #[must_use]
    #[doc(alias = "SESSION_PERMANENT")]
    pub fn with_permanent(mut self, permanent: bool) -> Self {
        self.stored.settings.permanent = permanent;
        self
    }

    /// Sets how records are written: MessagePack. A store that Flask-Session fills with pickles is
    /// written with pickles; all formats are read.
    #[must_use]
    #[doc(alias = "SESSION_SERIALIZATION_FORMAT")]
    pub fn with_record_format(mut self, format: Format) -> Self {
        self.stored.settings.format = format;
        self
    }

    /// Writes each record back in the format in which it was read, while there are nodes that read no other:
    /// Flask-Session before 0.7, which knows pickles, or Quart-Session, which knows tagged JSON. What is
    /// new is written as [`with_record_format`](Self::with_record_format) says.
    #[must_use]
    #[doc(alias = "SESSION_KEEP_FORMAT")]
    pub const fn with_kept_format(mut self, keep: bool) -> Self {
        self.stored.settings.keep_format = keep;
        self
    }

    /// Sets how long one operation of the store may take: two seconds. What takes longer is given up at
    /// most 25 ms later.
    #[must_use]
    #[doc(alias = "SESSION_STORE_DEADLINE")]
    pub fn with_store_deadline(mut self, deadline: Duration) -> Self {
        self.stored.deadline = deadline;
        self
    }

    /// Lists the sessions of each user in a record beside them: what
    /// [`sessions_of`](crate::SessionInterface::sessions_of) and
    /// [`revoke_user`](crate::SessionInterface::revoke_user) find, also in files and in Memcached, which
    /// cannot be read through. A log-in costs three questions to the store more, and each session one or
    /// two in five minutes.
    ///
    /// ```
    /// use hipflask::{SecretKey, SessionConfig};
    ///
    /// let config = SessionConfig::new(SecretKey::random()?).with_user_index(true);
    /// # Ok::<(), hipflask::ConfigError>(())
    /// ```
    #[must_use]
    #[doc(alias = "SESSION_USER_INDEX")]
    pub fn with_user_index(mut self, lists: bool) -> Self {
        self.stored.lists_users = lists;
        self
    }

    /// Sets how many sessions a user may have, from 1 to 1000; turns on the
    /// [list](Self::with_user_index) of them.
    ///
    /// ```
    /// use hipflask::{OnUserLimit, SecretKey, SessionConfig};
    ///
    /// let config = SessionConfig::new(SecretKey::random()?).with_user_limit(5);
    /// let config = config.with_on_user_limit(OnUserLimit::Refuse);
    /// # Ok::<(), hipflask::ConfigError>(())
    /// ```
    #[must_use]
    #[doc(alias = "SESSION_USER_LIMIT")]
    pub fn with_user_limit(mut self, most: usize) -> Self {
        self.stored.listing.most = Some(most);
        self
    }

    /// Says what becomes of one session more than [allowed](Self::with_user_limit): the one ends that was
    /// not used for the longest time, or the log-in is refused with 403.
    #[must_use]
    #[doc(alias = "SESSION_ON_USER_LIMIT")]
    pub fn with_on_user_limit(mut self, on_user_limit: OnUserLimit) -> Self {
        self.stored.listing.on_user_limit = on_user_limit;
        self
    }

    /// Sets the part of the idle time, 0 to 1, that must have passed before reading a session
    /// extends its life: 0.1.
    #[must_use]
    #[doc(alias = "SESSION_TOUCH_AFTER")]
    pub fn with_touch_after(mut self, part: f64) -> Self {
        self.stored.settings.touch_after = part;
        self
    }

    /// Signs the ids in cookies, as Flask-Session does on demand.
    #[must_use]
    #[doc(alias = "SESSION_USE_SIGNER")]
    pub fn with_signed_ids(mut self, sign: bool) -> Self {
        self.stored.use_signer = sign;
        self
    }

    /// Takes over the sessions of visitors who still have Flask's signed cookie of the same name: each
    /// moves into the store when it is first used. Without this they start with an empty session.
    ///
    /// Until it expires, a signed cookie opens the session that it holds for whoever presents it again,
    /// also after a log-out.
    #[must_use]
    pub const fn with_cookie_migration(mut self, migrate: bool) -> Self {
        self.stored.takes_cookies_over = migrate;
        self
    }

    /// Checks every setting and builds what opens and saves sessions in a store.
    ///
    /// # Errors
    ///
    /// [`ConfigError`] for the first mistake; its text says what to change.
    pub fn build_stored(&self) -> Result<StoredSessions, ConfigError> {
        let interface = self.build()?;
        let stored = &self.stored;
        stored.faults().next().map_or(Ok(()), Err)?;
        let rules = StoredSessions::new(Settings {
            name: interface.name().to_owned(),
            attributes: interface.attributes().clone(),
            signer: stored.use_signer.then(|| {
                Settings::signer_as(self.secret_key.ring(), self.signed(Signing::default()))
            }),
            lifetime: self.lifetime,
            refresh_each_request: self.refresh_each_request,
            limits: self.limits,
            resign: self.resign,
            user_keys: self.user_keys().to_vec(),
            listing: stored.listing(),
            delay: self.revocations.settings.delay,
            sealing: Some(self.sealing()),
            take_over: self.take_over(),
            ..stored.settings.clone()
        });
        let takes_over = stored.takes_cookies_over;
        Ok(if takes_over { rules.with_cookie_migration(interface) } else { rules })
    }

    fn sealing(&self) -> Sealing {
        let sealing = Sealing::new(self.secret_key.ring());
        #[cfg(feature = "encryption")]
        if self.encryption {
            return sealing.with_encryption(self.accept_plain_until);
        }
        sealing
    }

    /// Reports whether `SESSION_TYPE` asks for a store.
    pub fn wants_store(&self) -> bool {
        self.stored.wanted.is_some()
    }

    /// Reports whether the ids in cookies are signed.
    pub fn signs_ids(&self) -> bool {
        self.stored.use_signer
    }

    /// Returns what happens while the store does not answer.
    pub const fn on_outage(&self) -> OnOutage {
        self.stored.settings.on_outage
    }

    /// Returns how long one operation of the store may take.
    pub fn store_deadline(&self) -> Duration {
        self.stored.deadline
    }
}

impl Stored {
    /// The shortest id that cannot be guessed: 128 bits.
    const MIN_ID_LENGTH: usize = 16;
    /// With a prefix and an id, what every store takes as a key.
    const MAX_PREFIX: usize = 100;

    /// Returns how the sessions of users are listed, if they are: also where there is a limit to them.
    fn listing(&self) -> Option<listing::Settings> {
        let lists = self.lists_users || self.listing.most.is_some();
        lists.then(|| self.listing.clone())
    }

    /// Returns what is wrong with the values, each by itself or together.
    pub(super) fn faults(&self) -> impl Iterator<Item = ConfigError> {
        let settings = &self.settings;
        let prefix = &settings.key_prefix;
        let is_key_text = prefix.bytes().all(|byte| byte.is_ascii_graphic());
        let timeouts = [settings.idle_timeout, settings.absolute_timeout];
        let is_below = |limit| timeouts.into_iter().flatten().any(|timeout| timeout < limit);
        let no_time = Duration::from_millis(1);
        [
            (
                !(Self::MIN_ID_LENGTH..=96).contains(&settings.id_length),
                "SESSION_ID_LENGTH",
                "16 to 96 random bytes",
            ),
            (
                !is_key_text || prefix.len() > Self::MAX_PREFIX,
                "SESSION_KEY_PREFIX",
                "at most 100 letters, digits or signs of ASCII, and no space",
            ),
            (
                !(0.0..=1.0).contains(&settings.touch_after),
                "SESSION_TOUCH_AFTER",
                "a part of the time to live, from 0 to 1",
            ),
            (
                self.listing.most.is_some_and(|most| !(1..=MOST_SESSIONS).contains(&most)),
                "SESSION_USER_LIMIT",
                "a number of sessions from 1 to 1000",
            ),
            (
                self.deadline < no_time || is_below(no_time),
                "each of SESSION_STORE_DEADLINE, SESSION_IDLE_TIMEOUT and SESSION_ABSOLUTE_TIMEOUT",
                "more than no time at all",
            ),
            (
                !is_below(no_time) && is_below(Duration::from_secs(1)),
                "each of SESSION_IDLE_TIMEOUT and SESSION_ABSOLUTE_TIMEOUT",
                "at least one second",
            ),
        ]
        .into_iter()
        .filter(|(is_wrong, ..)| *is_wrong)
        .map(|(_, name, expected)| ConfigError::Store { name: name.into(), expected })
    }
}
