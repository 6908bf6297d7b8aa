//! What of signed cookies is refused before it expires.
//!
//! A signed cookie cannot be ended, because whoever has a copy keeps it. So a store keeps *marks*: of
//! a user, or of one session, "refuse what was signed at or before this second". The cookies stay what
//! they are, byte for byte; also those that Flask wrote are refused.
//!
//! A mark is looked up when a session is opened, and once more before it is signed anew: a response
//! under way must not give a revoked session new life. The second look never relies on what this
//! process remembers.

mod mark;

use std::{fmt, time::Duration};

pub use mark::{CookieDigest, Mark};

use crate::{
    UnixTime,
    auth::{text, user_of},
    interface::CookieSessions,
    recent::Recent,
    record::Format,
    session::{AUTHENTICATED, CSRF_TOKEN, Session},
    store::{RecordKey, Store},
    stored::OnOutage,
};
use mark::digest;

/// How much longer than a cookie a mark is kept, because clocks differ.
const AFTERLIFE: Duration = Duration::from_secs(60 * 60);

/// How signed cookies are revoked. Nothing is checked here.
///
/// ```
/// use hipflask_core::revocation::Settings;
///
/// assert_eq!(Settings::default().user_keys, ["_user_id", "user_id"]);
/// ```
#[derive(Clone, Debug)]
#[expect(
    clippy::exhaustive_structs,
    reason = "each field is a setting, and starts with its default"
)]
pub struct Settings {
    /// The session's keys that name its user; the first that is there counts.
    pub user_keys: Vec<String>,
    /// How long a process relies on what it has looked up: so late a revocation on another node takes
    /// effect here. What this process revokes takes effect at once.
    pub delay: Duration,
    /// How far a mark of all sessions of a user reaches into the future. What was checked before the
    /// mark, and is signed after the moment that it names, must be refused, too: while the store is slow,
    /// or clocks differ. A log-in within that time is spared by name; one by plain Flask is not.
    pub margin: Duration,
    /// What becomes of a request whose session cannot be looked up.
    pub on_outage: OnOutage,
    /// What the keys of marks begin with.
    pub key_prefix: String,
    /// How marks are written.
    pub format: Format,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            user_keys: vec!["_user_id".into(), "user_id".into()],
            delay: Duration::from_secs(1),
            margin: Duration::from_secs(10),
            on_outage: OnOutage::Refuse,
            key_prefix: "revoked:".into(),
            format: Format::MsgPack,
        }
    }
}

/// Sessions in signed cookies that can be revoked.
///
/// ```
/// use hipflask_core::{
///     interface::CookieSessions, revocation::{RevocableSessions, Settings}, signing::KeyRing, visit::Sessions,
/// };
///
/// let cookies = CookieSessions::new(&KeyRing::new("k"));
/// let sessions = Sessions::from(RevocableSessions::new(cookies, Settings::default()));
/// assert_eq!(sessions.name(), "session");
/// ```
pub struct RevocableSessions {
    cookies: CookieSessions,
    settings: Settings,
    recent: Recent<Option<Mark>>,
}

/// Where the marks of a session lie.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Identity {
    /// The one of all sessions of its user, if it has one.
    pub(crate) user: Option<RecordKey>,
    /// Its own.
    pub(crate) session: RecordKey,
    /// What tells it from another one of its user.
    pub(crate) told_by: ToldBy,
}

/// What tells a session from another one of its user.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum ToldBy {
    /// Only the cookie itself: signed anew, it is another session.
    Cookie,
    /// Flask-WTF's secret, which lives through a log-out and another log-in.
    CsrfToken,
    /// When the user has logged in.
    LogIn,
}

impl Identity {
    pub(crate) fn keys(&self) -> impl Iterator<Item = &RecordKey> {
        self.user.iter().chain([&self.session])
    }
}

impl RevocableSessions {
    /// Adds revocation to signed cookies.
    pub fn new(cookies: CookieSessions, settings: Settings) -> Self {
        Self { cookies, settings, recent: Recent::default() }
    }

    /// Follows what a store needs: its format of records.
    #[must_use]
    pub fn for_store(self, store: &(impl Store + ?Sized)) -> Self {
        self.with_record_format(store.record_format())
    }

    /// Sets the store's only format of records, if it has one.
    #[must_use]
    pub fn with_record_format(mut self, format: Option<Format>) -> Self {
        self.settings.format = format.unwrap_or(self.settings.format);
        self
    }

    /// Returns what opens and signs the cookies.
    pub const fn cookies(&self) -> &CookieSessions {
        &self.cookies
    }

    /// Returns the settings.
    pub const fn settings(&self) -> &Settings {
        &self.settings
    }

    /// Returns the name of the session's user, as text.
    ///
    /// ```
    /// # use hipflask_core::{interface::CookieSessions, session::Session, signing::KeyRing};
    /// # use hipflask_core::revocation::{RevocableSessions, Settings};
    /// let rules = RevocableSessions::new(CookieSessions::new(&KeyRing::new("k")), Settings::default());
    /// let mut session = Session::new();
    /// assert_eq!(rules.user_of(&session), None);
    /// session.insert("user_id", 7)?;
    /// assert_eq!(rules.user_of(&session).as_deref(), Some("7"));
    /// # Ok::<(), hipflask_core::session::SessionError>(())
    /// ```
    pub fn user_of(&self, session: &Session) -> Option<String> {
        user_of(&self.settings.user_keys, |key| session.value(key))
    }

    /// Returns where the mark of a user lies.
    pub(crate) fn key_of_user(&self, user: &str) -> RecordKey {
        self.key(&["user", user])
    }

    /// Names a session. What tells it from another one of its user is when it has logged in, else
    /// Flask-WTF's secret, else only the cookie itself.
    pub(crate) fn identify(&self, session: &Session, cookie: &CookieDigest) -> Identity {
        let user = self.user_of(session);
        let mut own = [(AUTHENTICATED, ToldBy::LogIn), (CSRF_TOKEN, ToldBy::CsrfToken)].into_iter();
        let own = own.find_map(|(key, told_by)| Some((text(&session.value(key)?), told_by)));
        let (own, told_by) = own.unwrap_or_else(|| (cookie.to_string(), ToldBy::Cookie));
        let kind = format!("{told_by:?}");
        Identity {
            told_by,
            session: self.key(&["session", user.as_deref().unwrap_or_default(), &kind, &own]),
            user: user.map(|user| self.key_of_user(&user)),
        }
    }

    /// What refuses all that is signed up to now, or was checked before the mark is there.
    pub(crate) fn mark(&self, now: UnixTime) -> Mark {
        Mark::up_to(now.checked_add(self.settings.margin).unwrap_or(now))
    }

    /// A key says nothing of whom it is about.
    fn key(&self, parts: &[&str]) -> RecordKey {
        RecordKey::new(format!("{}{}", self.settings.key_prefix, digest(parts)))
    }

    /// How long a mark must be kept: until all that it refuses has expired.
    pub(crate) fn ttl(&self) -> Duration {
        self.cookies.lifetime().saturating_add(AFTERLIFE)
    }

    /// What was looked up so shortly ago that it still counts.
    pub(crate) fn recent(&self, key: &RecordKey, now: UnixTime) -> Option<Option<Mark>> {
        self.recent.get(key, now, self.settings.delay)
    }

    pub(crate) fn remember(&self, key: &RecordKey, mark: Option<&Mark>, now: UnixTime) {
        self.recent.put(key, mark.cloned(), now, self.settings.delay);
    }
}

impl fmt::Debug for RevocableSessions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { cookies, settings, .. } = self;
        f.debug_struct("RevocableSessions")
            .field("cookies", cookies)
            .field("settings", settings)
            .finish_non_exhaustive()
    }
}
