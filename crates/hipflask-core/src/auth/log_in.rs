//! The log-in itself: which keys make a session somebody's.
//!
//! `_user_id` does; `_fresh` alone does not, because Flask-Login writes it into anonymous sessions, too.

use std::time::Duration;

use crate::{
    UnixTime,
    session::{self, AUTHENTICATED, CSRF_TOKEN, Session, SessionError},
    value::{Dict, Text, Value},
};

/// Flask-Login's key of the user's id.
pub const USER_ID: &str = "_user_id";
/// Flask-Login's key of whether the user has given a password in this session.
pub const FRESH: &str = "_fresh";
/// Flask-Login's key of the [identifier](super::identifier()).
pub const IDENTIFIER: &str = "_id";
/// Flask-Login's key of what is to become of the remember cookie, until the response leaves.
pub const REMEMBER: &str = "_remember";
/// Flask-Login's key of how long the remember cookie is to live, until the response leaves.
pub const REMEMBER_SECONDS: &str = "_remember_seconds";

/// How a user is logged in.
///
/// ```
/// use hipflask_core::{UnixTime, auth::LogIn, session::Session};
///
/// let mut session = Session::new();
/// session.insert("cart", ["tea"])?;
/// session.insert("theme", "dark")?;
/// let how = LogIn::new().keeping(["cart"]);
/// session.log_in("7", &how, UnixTime::from_secs(1_763_692_800))?;
/// assert!(session.contains("cart") && !session.contains("theme"));
/// # Ok::<(), hipflask_core::session::SessionError>(())
/// ```
#[derive(Clone, Debug)]
pub struct LogIn {
    kept: Vec<Text>,
    identifier: Option<String>,
    fresh: bool,
    remembered: bool,
    remembered_for: Option<Duration>,
}

impl Default for LogIn {
    fn default() -> Self {
        Self::new()
    }
}

impl LogIn {
    /// Starts with the safe way: nothing of the anonymous visitor is kept, and the log-in is fresh.
    pub const fn new() -> Self {
        Self {
            kept: Vec::new(),
            identifier: None,
            fresh: true,
            remembered: false,
            remembered_for: None,
        }
    }

    /// Keeps what the anonymous visitor had under these keys. Somebody else may have put it there, if
    /// they have planted the session: a basket is fine, a permission is not.
    #[must_use]
    pub fn keeping<K: Into<Text>>(mut self, keys: impl IntoIterator<Item = K>) -> Self {
        self.kept.extend(keys.into_iter().map(Into::into));
        self
    }

    /// Notes from where the user logs in, for [`Protection`](super::Protection).
    #[must_use]
    pub fn with_identifier(mut self, identifier: impl Into<String>) -> Self {
        self.identifier = Some(identifier.into());
        self
    }

    /// Says whether the user has given a password just now. Who comes back by a cookie has not.
    #[must_use]
    pub const fn with_fresh(mut self, fresh: bool) -> Self {
        self.fresh = fresh;
        self
    }

    /// Asks for a remember cookie, which logs the user in again after the session has ended.
    #[must_use]
    pub const fn remembered(mut self) -> Self {
        self.remembered = true;
        self
    }

    /// Asks for a remember cookie of this life.
    #[must_use]
    pub const fn remembered_for(mut self, life: Duration) -> Self {
        self.remembered_for = Some(life);
        self.remembered()
    }

    fn keeps(&self, key: &Text) -> bool {
        const OWN: [&str; 7] =
            [USER_ID, FRESH, IDENTIFIER, AUTHENTICATED, REMEMBER, REMEMBER_SECONDS, CSRF_TOKEN];
        let is_own = OWN.iter().any(|own| *key == **own);
        !is_own && (*key == *"_permanent" || self.kept.contains(key))
    }
}

impl Session {
    /// Makes the session this user's: it gets a new id, loses what the anonymous visitor had, the CSRF
    /// secret included, and notes the time.
    ///
    /// The keys are Flask-Login's, so that its apps have the same user. A number is kept as its digits,
    /// as Flask-Login does, so that a user has one id.
    ///
    /// ```
    /// use hipflask_core::{UnixTime, auth::LogIn, session::Session, value::Value};
    ///
    /// let now = UnixTime::from_secs(1_763_692_800);
    /// let mut session = Session::new();
    /// session.log_in(7, &LogIn::new(), now)?;
    /// assert_eq!(session.user_id(), Some(Value::from("7")));
    /// assert!(session.is_fresh(None, now));
    /// # Ok::<(), hipflask_core::session::SessionError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// As [`set`](Self::set).
    #[doc(alias = "login_user")]
    pub fn log_in(
        &mut self,
        user_id: impl Into<Value>,
        how: &LogIn,
        now: UnixTime,
    ) -> Result<(), SessionError> {
        let grown = self.grown();
        let kept: Dict = self.iter().filter(|(key, _)| how.keeps(key)).collect();
        self.set_all(Value::Dict(kept))?;
        grown.iter().for_each(|key| self.note_grown(key));
        self.renew()?;
        let user_id = user_id.into();
        self.set(USER_ID, id_text(&user_id).map_or(user_id, Value::from))?;
        self.set(FRESH, how.fresh)?;
        if let Some(identifier) = &how.identifier {
            self.set(IDENTIFIER, identifier.as_str())?;
        }
        if how.fresh {
            self.set(AUTHENTICATED, now.as_millis())?;
        }
        if how.remembered {
            self.set(REMEMBER, "set")?;
            if let Some(life) = how.remembered_for {
                self.set(REMEMBER_SECONDS, life.as_secs_f64())?;
            }
        }
        Ok(())
    }

    /// Notes that the user has given the password once more: the session is fresh again, and gets a new
    /// id. Where nobody is logged in, nothing changes.
    ///
    /// DIFFERENCE: Flask-Login keeps the id, and makes fresh what is nobody's.
    ///
    /// ```
    /// use hipflask_core::{UnixTime, auth::LogIn, session::Session};
    ///
    /// let now = UnixTime::from_secs(1_763_692_800);
    /// let mut session = Session::new();
    /// session.log_in("7", &LogIn::new().with_fresh(false), now)?;
    /// session.confirm_login(now)?;
    /// assert!(session.is_fresh(None, now));
    /// # Ok::<(), hipflask_core::session::SessionError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// As [`set`](Self::set).
    pub fn confirm_login(&mut self, now: UnixTime) -> Result<(), SessionError> {
        if self.user_id().is_none() {
            return Ok(());
        }
        self.renew()?;
        self.remove(IDENTIFIER)?; // it may be that of where the user was before
        self.set(FRESH, true)?;
        self.set(AUTHENTICATED, now.as_millis())
    }

    /// Logs the user out: the session ends, as [`destroy`](Self::destroy) says, and with it all that
    /// Flask-Login takes out.
    ///
    /// DIFFERENCE: Flask-Login leaves the rest of the session, under the same id.
    ///
    /// # Errors
    ///
    /// As [`set`](Self::set).
    #[doc(alias = "logout_user")]
    pub fn log_out(&mut self) -> Result<(), SessionError> {
        self.destroy()
    }

    /// Returns the id of the user who is logged in, as it is: Flask-Login's apps keep text, mostly.
    /// [`id_text`] has it as text.
    pub fn user_id(&self) -> Option<Value> {
        self.value(USER_ID).filter(|id| *id != Value::Null)
    }

    /// Returns when the user has logged in; `None` for who came by a remember cookie, or was logged in
    /// by Flask.
    pub fn authenticated_at(&self) -> Option<UnixTime> {
        session::time_of(&self.value(AUTHENTICATED)?)
    }

    /// Reports whether the user has given a password in this session, and not longer than `max_age`
    /// ago. A log-in whose time is not known, such as Flask's, is older than any `max_age`.
    ///
    /// ```
    /// use std::time::Duration;
    /// use hipflask_core::{UnixTime, auth::LogIn, session::Session};
    ///
    /// let mut session = Session::new();
    /// session.log_in("7", &LogIn::new(), UnixTime::from_secs(1_763_692_800))?;
    /// let later = UnixTime::from_secs(1_763_693_400); // ten minutes
    /// assert!(session.is_fresh(Some(Duration::from_secs(900)), later));
    /// assert!(!session.is_fresh(Some(Duration::from_secs(300)), later));
    /// # Ok::<(), hipflask_core::session::SessionError>(())
    /// ```
    #[doc(alias = "login_fresh")]
    #[doc(alias = "fresh_login_required")]
    pub fn is_fresh(&self, max_age: Option<Duration>, now: UnixTime) -> bool {
        let is_young = |max_age| self.authenticated_at().is_some_and(|at| now.since(at) <= max_age);
        self.user_id().is_some()
            && self.value(FRESH).is_some_and(|fresh| fresh == Value::Bool(true))
            && max_age.is_none_or(is_young)
    }
}

/// Returns a user's id as text, as Flask-Login's `get_id` does: a number is its digits. What can be no
/// id is `None`.
///
/// ```
/// use hipflask_core::{auth::id_text, value::Value};
///
/// assert_eq!(id_text(&Value::from("ada")).as_deref(), Some("ada"));
/// assert_eq!(id_text(&Value::from(7)).as_deref(), Some("7"));
/// assert_eq!(id_text(&Value::Null), None);
/// ```
pub fn id_text(id: &Value) -> Option<String> {
    match id {
        Value::Int(int) => Some(int.to_string()),
        Value::Uuid(uuid) => Some(uuid.to_string()),
        other => other.as_str().map(str::to_owned),
    }
}
