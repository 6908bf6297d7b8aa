//! The session: a dict that knows where it came from and whether it must be saved.
//!
//! Between serializer and handler; knows nothing of signing, cookies or HTTP. The rules are those
//! of Flask's [`SecureCookieSession`][py].
//!
//! [py]: https://flask.palletsprojects.com/en/stable/api/#flask.sessions.SecureCookieSession

mod convert;
mod entry;
mod in_place;
mod source;
mod whole;

use std::sync::Arc;

use serde::{Serialize, de::DeserializeOwned};

use crate::{
    UnixTime,
    serializer::{self, JsonStyle, Limits, ReadError, WriteError},
    value::{self, Dict, Text, Value, ValueError},
};
use entry::{Entry, Slot};
use source::Source;

const PERMANENT: &str = "_permanent";

/// Where a session with an absolute timeout notes its start, in Unix seconds. No app has a key of
/// this name.
pub const STARTED: &str = "_hipflask_started";

/// Where a log-in notes when it was, in Unix milliseconds.
pub const AUTHENTICATED: &str = "_hipflask_authenticated";

/// Reads a moment that is kept in Unix milliseconds, as under [`AUTHENTICATED`].
///
/// ```
/// use hipflask_core::{UnixTime, session::time_of, value::Value};
///
/// assert_eq!(time_of(&Value::from(1_500)), Some(UnixTime::from_millis(1_500)));
/// assert_eq!(time_of(&Value::from("yesterday")), None);
/// ```
pub fn time_of(millis: &Value) -> Option<UnixTime> {
    u64::try_from(millis.as_i64()?).ok().map(UnixTime::from_millis)
}

/// Where Flask-WTF keeps the secret of a session.
pub const CSRF_TOKEN: &str = "csrf_token";

/// A dict-like session.
///
/// Reading costs what is read: a session that was opened from a cookie keeps its text, and a value
/// is built when it is asked for.
///
/// ```
/// use hipflask_core::session::Session;
///
/// let mut session = Session::new();
/// session.insert("count", 1)?;
/// assert_eq!(session.get::<u32>("count")?, Some(1));
/// assert!(session.is_modified());
/// # Ok::<(), hipflask_core::session::SessionError>(())
/// ```
#[derive(Clone, Default)]
pub struct Session {
    source: Source,
    entries: Vec<Entry>,
    modified: bool,
    accessed: bool,
    opened: bool,
    read_only: Option<ReadOnly>,
    /// The content lies in a store, and follows the rules of Flask-Session.
    stored: bool,
    cleared: bool,
    fate: Fate,
    json_style: JsonStyle,
    /// What was taken out of `_flashes` in this request, as it was stored.
    pub(crate) taken_flashes: Option<Vec<Value>>,
}

/// Why a session cannot be changed.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum ReadOnly {
    /// There is no key to sign with.
    NoSecretKey,
    /// The response head has left, so a change could not reach the browser.
    ResponseStarted,
    /// The store did not answer, so a change could not be kept.
    StoreUnavailable,
}

/// What a handler wants to become of a session's id.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
#[non_exhaustive]
pub enum Fate {
    /// The session is over; what is set afterwards is a new one.
    Ended,
    /// It goes on as it is.
    #[default]
    Kept,
    /// It goes on under a new id.
    Renewed,
}

/// Why a session could not be read or changed as asked.
///
/// ```
/// use hipflask_core::session::{Session, SessionError};
///
/// let mut session = Session::new();
/// session.insert("count", "many")?;
/// assert!(matches!(session.get::<u32>("count"), Err(SessionError::Value(_))));
/// # Ok::<(), SessionError>(())
/// ```
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum SessionError {
    /// Something was pushed to what is no list.
    #[error("session[{key:?}] is no list, so nothing can be pushed to it")]
    NotList {
        /// The key.
        key: String,
    },
    /// There is no key to sign with.
    #[error("the session cannot be changed because no SECRET_KEY is set")]
    NoSecretKey,
    /// The response head has left.
    #[error("the session cannot be changed after the response has started, so change it before")]
    ResponseStarted,
    /// The store did not answer when the session was opened.
    #[error("the session cannot be changed because its store is unavailable")]
    StoreUnavailable,
    /// A value does not have the type asked for, or cannot be stored.
    #[error(transparent)]
    Value(#[from] ValueError),
}

impl From<ReadOnly> for SessionError {
    fn from(read_only: ReadOnly) -> Self {
        match read_only {
            ReadOnly::NoSecretKey => Self::NoSecretKey,
            ReadOnly::ResponseStarted => Self::ResponseStarted,
            ReadOnly::StoreUnavailable => Self::StoreUnavailable,
        }
    }
}

impl Session {
    /// Returns an empty session.
    pub fn new() -> Self {
        Self::default()
    }

    /// Returns a new session of a store; `permanent` is `SESSION_PERMANENT`.
    ///
    /// As in Flask-Session, a permanent one starts with `_permanent` and counts as blank until
    /// something else is in it.
    pub fn new_stored(permanent: bool) -> Self {
        let entries = permanent.then(|| Entry::from((Text::from(PERMANENT), Value::Bool(true))));
        Self { entries: entries.into_iter().collect(), stored: true, ..Self::default() }
    }

    /// Opens the content of a store's record, which others may have, too.
    pub fn from_stored(content: impl Into<Arc<Dict>>) -> Self {
        Self { stored: true, ..Self::of(content) }
    }

    /// Opens the content of another package's cookie.
    pub(crate) fn of(content: impl Into<Arc<Dict>>) -> Self {
        let content = content.into();
        let entries = (0..content.len()).map(Entry::shared).collect();
        Self { source: Source::Content(content), entries, opened: true, ..Self::default() }
    }

    /// Takes over content that was changed elsewhere meanwhile; nothing counts as modified by it.
    pub fn rebase(&mut self, content: Dict) {
        let grown = self.grown();
        self.entries = content.into_iter().map(Entry::from).collect();
        grown.iter().for_each(|key| self.note_grown(key));
    }

    /// Takes over a value that this request has put into the store already, also while it is saved.
    pub(crate) fn take_over(&mut self, key: Text, value: Value) {
        self.modified = true;
        match self.find_bytes(key.as_bytes()) {
            Some(at) => {
                let entry = &mut self.entries[at];
                (entry.slot, entry.grown) = (Slot::Value(value), false);
            }
            None => self.entries.push(Entry::from((key, value))),
        }
    }

    /// Takes out a value that this request has removed from the store already, also while it is saved.
    pub(crate) fn take_out(&mut self, key: &str) -> Option<Value> {
        let at = self.find(key)?;
        self.modified = true;
        Some(self.entries.remove(at).value(&self.source))
    }

    /// Opens the payload of a cookie.
    ///
    /// # Errors
    ///
    /// [`ReadError`] when it is not tagged JSON, or is nothing that Python's `dict()` takes.
    pub fn from_json(text: String, limits: Limits) -> Result<Self, ReadError> {
        let mut entries = Vec::with_capacity(4);
        if serializer::scan(&text, limits.depth(), |raw| entries.push(Entry::from(raw)))? {
            entries.iter_mut().try_for_each(|entry| entry.check(&text))?;
        } else {
            let value = serializer::read(&text, limits.depth())?;
            let dict = convert::into_dict(value).ok_or(ReadError::BadTag)?;
            entries = dict.into_iter().map(Entry::from).collect();
        }
        Ok(Self { source: Source::Text(text), entries, opened: true, ..Self::default() })
    }

    /// Returns the session as Flask's tagged JSON.
    ///
    /// # Errors
    ///
    /// [`WriteError`] for what Python could not read again.
    pub fn to_json(&self) -> Result<Vec<u8>, WriteError> {
        entry::write(&self.entries, &self.source, self.json_style)
    }

    /// Sets what is written into a cookie to what another app's JSON provider would write.
    pub const fn set_json_style(&mut self, style: JsonStyle) {
        self.json_style = style;
    }

    /// Returns the value of `key` as any type that serde can deserialize.
    ///
    /// # Errors
    ///
    /// [`SessionError::Value`] when the value has another shape than `T`.
    pub fn get<T: DeserializeOwned>(&self, key: &str) -> Result<Option<T>, SessionError> {
        let entry = self.find(key).map(|at| &self.entries[at]);
        let typed = entry.map(|entry| entry.get(&self.source)).transpose();
        typed.map_err(|error| error.with_key(key).into())
    }

    /// Returns the value of `key` as it is.
    pub fn value(&self, key: &str) -> Option<Value> {
        self.find(key).map(|at| self.entries[at].value(&self.source))
    }

    /// Sets `key`. As in Flask this marks the session as modified, also for an equal value.
    ///
    /// # Errors
    ///
    /// [`SessionError::Value`] when serde cannot serialize the value, else what
    /// [`set`](Self::set) returns.
    #[doc(alias = "__setitem__")]
    pub fn insert<T: Serialize>(
        &mut self,
        key: impl Into<Text>,
        value: T,
    ) -> Result<(), SessionError> {
        let key = key.into();
        let value =
            value::to_value(&value).map_err(|error| error.with_key(&key.to_string_lossy()))?;
        self.set(key, value)
    }

    /// Sets `key` to a [`Value`], which may be of a kind that serde does not know.
    ///
    /// # Errors
    ///
    /// [`SessionError::NoSecretKey`] or [`SessionError::ResponseStarted`] when it is read-only.
    pub fn set(
        &mut self,
        key: impl Into<Text>,
        value: impl Into<Value>,
    ) -> Result<(), SessionError> {
        self.check_writable()?;
        self.take_over(key.into(), value.into());
        Ok(())
    }

    /// Removes `key` and returns its value. Only a key that was there marks the session modified.
    ///
    /// # Errors
    ///
    /// As [`set`](Self::set).
    #[doc(alias = "pop")]
    pub fn remove(&mut self, key: &str) -> Result<Option<Value>, SessionError> {
        self.check_writable()?;
        Ok(self.take_out(key))
    }

    /// Removes all keys. As in Flask this marks the session as modified, also if it was empty.
    ///
    /// As in Flask-Session, a session in a store keeps `_permanent`, and ends if nothing else is set.
    ///
    /// # Errors
    ///
    /// As [`set`](Self::set).
    pub fn clear(&mut self) -> Result<(), SessionError> {
        self.check_writable()?;
        self.modified = true;
        let permanent = self.stored.then(|| self.value(PERMANENT).unwrap_or(Value::Bool(false)));
        self.entries.clear();
        self.entries.extend(permanent.map(|kept| Entry::from((Text::from(PERMANENT), kept))));
        self.cleared = true;
        Ok(())
    }

    /// Gives the session a new id when it is saved, and ends the old one: for the moment when a
    /// visitor becomes a user, or gets more rights.
    ///
    /// In a signed cookie there is no id, and nothing changes: who has a copy keeps it. Nor does this make a session of a
    /// blank one.
    ///
    /// # Errors
    ///
    /// As [`set`](Self::set).
    #[doc(alias = "regenerate")]
    pub fn renew(&mut self) -> Result<(), SessionError> {
        self.check_writable()?;
        self.modified |= !self.is_blank();
        if self.fate == Fate::Kept {
            self.fate = Fate::Renewed;
        }
        Ok(())
    }

    /// Ends the session: for log-out. What is set afterwards is a new session with a new id. A signed
    /// cookie cannot be ended, unless cookies can be [revoked](crate::revocation): a copy of it stays
    /// valid until it expires.
    ///
    /// # Errors
    ///
    /// As [`set`](Self::set).
    pub fn destroy(&mut self) -> Result<(), SessionError> {
        self.clear()?;
        self.fate = Fate::Ended;
        Ok(())
    }

    /// Returns what is to become of the session's id.
    pub const fn fate(&self) -> Fate {
        self.fate
    }

    /// Reports whether all keys were removed at once, which ends a session that stays blank.
    pub const fn is_cleared(&self) -> bool {
        self.cleared
    }

    /// Reports whether there is nothing to keep: no key, or in a store only `_permanent` and
    /// [`STARTED`].
    pub fn is_blank(&self) -> bool {
        let mut entries = self.entries.iter();
        entries.all(|entry| self.stored && is_about_session(entry.key.as_bytes(&self.source)))
    }

    /// Reports whether `key` is there.
    pub fn contains(&self, key: &str) -> bool {
        self.find(key).is_some()
    }

    /// Returns the keys in order.
    pub fn keys(&self) -> impl ExactSizeIterator<Item = Text> + '_ {
        self.entries.iter().map(|entry| entry.key.to_text(&self.source))
    }

    /// Returns keys and values in order.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (Text, Value)> + '_ {
        self.keys().zip(self.entries.iter().map(|entry| entry.value(&self.source)))
    }

    /// Returns the number of keys.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Reports whether there is no key.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Reports whether the session did not come from a cookie. (Flask's `new` is always `False`.)
    pub const fn is_new(&self) -> bool {
        !self.opened
    }

    /// Reports whether the session outlives the browser's: whether `_permanent` is truthy.
    pub fn is_permanent(&self) -> bool {
        self.value(PERMANENT).is_some_and(|value| !value.is_falsy())
    }

    /// Makes the session outlive the browser's, for `PERMANENT_SESSION_LIFETIME`, or not.
    ///
    /// # Errors
    ///
    /// As [`set`](Self::set).
    pub fn set_permanent(&mut self, permanent: bool) -> Result<(), SessionError> {
        self.set(PERMANENT, permanent)
    }

    /// Reports whether the session was changed.
    pub const fn is_modified(&self) -> bool {
        self.modified
    }

    /// Overrides whether the session counts as changed: `false` keeps it from being saved.
    pub const fn set_modified(&mut self, modified: bool) {
        self.modified = modified;
    }

    /// Reports whether a handler asked for the session.
    pub const fn is_accessed(&self) -> bool {
        self.accessed
    }

    /// Notes that a handler asked for the session, so that the response varies by cookie.
    pub const fn set_accessed(&mut self, accessed: bool) {
        self.accessed = accessed;
    }

    /// Returns why the session cannot be changed, if it cannot.
    pub const fn read_only(&self) -> Option<ReadOnly> {
        self.read_only
    }

    /// Refuses all changes from here on.
    pub const fn set_read_only(&mut self, why: ReadOnly) {
        self.read_only = Some(why);
    }

    /// Returns each key with the bytes that it and its value take as JSON, the largest first.
    pub fn sizes(&self) -> Vec<(String, usize)> {
        let size = |entry: &Entry| {
            let json = serializer::to_json(&entry.value(&self.source)).unwrap_or_default();
            let key = entry.key.to_text(&self.source);
            (key.to_string_lossy(), key.as_bytes().len() + json.len())
        };
        let mut sizes: Vec<_> = self.entries.iter().map(size).collect();
        sizes.sort_by_key(|(_, size)| std::cmp::Reverse(*size));
        sizes
    }

    /// Checks that the session can be changed, before work that would be in vain.
    ///
    /// # Errors
    ///
    /// [`SessionError::NoSecretKey`] or [`SessionError::ResponseStarted`] when it is read-only.
    pub fn check_writable(&self) -> Result<(), SessionError> {
        self.read_only.map_or(Ok(()), |why| Err(why.into()))
    }

    fn find(&self, key: &str) -> Option<usize> {
        self.find_bytes(key.as_bytes())
    }

    fn find_bytes(&self, key: &[u8]) -> Option<usize> {
        self.entries.iter().position(|entry| entry.key.as_bytes(&self.source) == key)
    }
}

/// Reports whether the content of a record is nothing to keep.
pub(crate) fn is_blank(content: &Dict) -> bool {
    content.iter().all(|(key, _)| is_about_session(key.as_bytes()))
}

/// Reports whether a session of this content outlives the browser's.
pub(crate) fn is_permanent(content: &Dict) -> bool {
    content.get(PERMANENT).is_some_and(|value| !value.is_falsy())
}

fn is_about_session(key: &[u8]) -> bool {
    [PERMANENT.as_bytes(), STARTED.as_bytes()].contains(&key)
}

impl std::fmt::Debug for Session {
    /// Shows keys and state; values may be private.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Session")
            .field("keys", &self.keys().collect::<Vec<_>>())
            .field("modified", &self.modified)
            .field("accessed", &self.accessed)
            .field("read_only", &self.read_only)
            .finish_non_exhaustive()
    }
}
