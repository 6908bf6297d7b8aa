//! The session as handlers have it: a handle that many parts of a request can share.
//!
//! Every method is synchronous: the extractor has opened the session already, and saving happens
//! once, before the response head leaves.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use hipflask_core::{
    flash::Flash,
    interface::{CookieFacts, Saved},
    reason::Reason,
    server_side::{Found, Held},
    session::{ReadOnly, Session as Core, SessionError},
    store::StoreError,
    value::{self, Text, Value, ValueError},
};
use serde::{Serialize, de::DeserializeOwned};

use crate::{Result, SaveFailure, layer::Shared, report};

/// Flask's session: a dict that lives as long as the visitor comes back.
///
/// In axum it is an extractor, and asking for it is the access: the response then carries
/// `Vary: Cookie`. Clones are handles to the same session.
///
/// ```
/// use hipflask::Session;
///
/// async fn count(session: Session) -> hipflask::Result<String> {
///     match session.get::<u64>("count")? {
///         Some(n) => {
///             session.insert("count", n + 1)?;
///             Ok((n + 1).to_string())
///         }
///         None => Ok("No counter set!".into()),
///     }
/// }
/// # let _ = count;
/// ```
#[derive(Clone)]
pub struct Session(Arc<Opened>);

struct Opened {
    session: Mutex<Core>,
    reason: Reason,
    cookie: Option<CookieFacts>,
    stored: Option<Stored>,
}

/// What a session that lies in a store has besides.
struct Stored {
    shared: Arc<Shared>,
    /// What the store has of it. Whoever changes the record or saves it holds the lock.
    held: tokio::sync::Mutex<Option<Held>>,
}

impl Session {
    /// Opens the session of a request; `accessed` if that is because a handler asks for it.
    pub(crate) fn open(shared: &Shared, cookie: Option<&[u8]>, accessed: bool) -> Self {
        let mut opened = shared.interface.open(cookie, shared.now());
        opened.session.set_accessed(accessed);
        report::opened(opened.reason, opened.cookie, &shared.fingerprints);
        let (reason, cookie) = (opened.reason, opened.cookie);
        let session = Mutex::new(opened.session);
        Self(Arc::new(Opened { session, reason, cookie, stored: None }))
    }

    /// Loads the session of a request, because a handler asks for it.
    pub(crate) async fn load(
        shared: &Arc<Shared>,
        cookie: Option<&[u8]>,
    ) -> Result<Self, Arc<StoreError>> {
        let Some(backend) = &shared.backend else { return Ok(Self::open(shared, cookie, true)) };
        let Found { mut session, reason, cookie, held, .. } =
            backend.load(cookie, shared.now()).await?;
        session.set_accessed(true);
        report::opened(reason, cookie, &shared.fingerprints);
        let stored = Stored { shared: Arc::clone(shared), held: held.into() };
        let session = Mutex::new(session);
        Ok(Self(Arc::new(Opened { session, reason, cookie, stored: Some(stored) })))
    }

    /// Saves the session in its store, for the last time: whoever still holds it can only read.
    pub(crate) fn save(&self) -> impl Future<Output = Result<Saved, SaveFailure>> + Send + use<> {
        let this = self.clone();
        let session = self.close(Core::clone);
        async move {
            let Some(Stored { shared, held }) = &this.0.stored else {
                return Ok(Saved::keep(session.is_accessed()));
            };
            let Some(backend) = &shared.backend else {
                return Ok(Saved::keep(session.is_accessed()));
            };
            let held = held.lock().await.take();
            backend.save(&session, this.0.reason, held, None, shared.now()).await
        }
    }

    /// Decides about the session for the last time; whoever still holds it can only read.
    pub(crate) fn close<R>(&self, decide: impl FnOnce(&Core) -> R) -> R {
        let mut session = self.lock();
        let decided = decide(&session);
        session.set_read_only(ReadOnly::ResponseStarted);
        decided
    }

    pub(crate) fn note_access(&self) {
        self.lock().set_accessed(true);
    }

    /// Returns the value of `key` as any type that serde can deserialize.
    ///
    /// # Errors
    ///
    /// [`Error`](crate::Error) when the value has another shape than `T`.
    pub fn get<T: DeserializeOwned>(&self, key: &str) -> Result<Option<T>> {
        Ok(self.lock().get(key)?)
    }

    /// Returns the value of `key` as it is.
    pub fn value(&self, key: &str) -> Option<Value> {
        self.lock().value(key)
    }

    /// Sets `key`. As in Flask this marks the session as modified, also for an equal value.
    ///
    /// # Errors
    ///
    /// [`Error`](crate::Error) when serde cannot serialize the value, or when the session is
    /// read-only because the response has started.
    pub fn insert<T: Serialize>(&self, key: impl Into<Text>, value: T) -> Result<()> {
        // The type's own `Serialize` runs without the lock: it may use this very session.
        let key = key.into();
        let value = value::to_value(&value)
            .map_err(|error| SessionError::from(error.with_key(&key.to_string_lossy())))?;
        self.set(key, value)
    }

    /// Sets `key` to a [`Value`], which may be of a kind that serde does not know.
    ///
    /// # Errors
    ///
    /// [`Error`](crate::Error) when the session is read-only.
    pub fn set(&self, key: impl Into<Text>, value: impl Into<Value>) -> Result<()> {
        Ok(self.lock().set(key, value)?)
    }

    /// Appends to the list of `key`, which is made if there is none.
    ///
    /// In a store, what other requests append to it at the same time stays, too, also if the list is
    /// new. Of two requests that [`insert`](Self::insert) a new list, one overwrites the other's.
    ///
    /// ```
    /// # fn add(session: hipflask::Session) -> hipflask::Result<()> {
    /// session.push("cart", "tea")?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// [`Error`](crate::Error) when the key holds something else than a list, when serde cannot
    /// serialize the value, or when the session is read-only.
    #[doc(alias = "append")]
    #[doc(alias = "setdefault")]
    pub fn push<T: Serialize>(&self, key: impl Into<Text>, value: T) -> Result<()> {
        let value = value::to_value(&value).map_err(SessionError::from)?;
        Ok(self.lock().push(key, value)?)
    }

    /// Changes the value of `key` in place; the session counts as modified if it then differs.
    ///
    /// ```
    /// # fn add(session: hipflask::Session) -> hipflask::Result<()> {
    /// session.modify("cart", |cart| cart.as_list_mut().map(|items| items.push("tea".into())))?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// What `change` itself sets under the same key is overwritten.
    ///
    /// # Errors
    ///
    /// [`Error`](crate::Error) when the session is read-only.
    pub fn modify<R>(&self, key: &str, change: impl FnOnce(&mut Value) -> R) -> Result<Option<R>> {
        let before = {
            let session = self.lock();
            session.check_writable()?;
            session.value(key)
        };
        let Some(before) = before else { return Ok(None) };
        let mut after = before.clone();
        let result = change(&mut after);
        if after != before {
            self.lock().modify(key, |value| *value = after)?;
        }
        Ok(Some(result))
    }

    /// Removes `key` and returns its value.
    ///
    /// # Errors
    ///
    /// [`Error`](crate::Error) when the session is read-only.
    #[doc(alias = "pop")]
    pub fn remove(&self, key: &str) -> Result<Option<Value>> {
        Ok(self.lock().remove(key)?)
    }

    /// Removes all keys, so that the cookie is deleted.
    ///
    /// # Errors
    ///
    /// [`Error`](crate::Error) when the session is read-only.
    pub fn clear(&self) -> Result<()> {
        Ok(self.lock().clear()?)
    }

    /// Returns the whole session as one type.
    ///
    /// # Errors
    ///
    /// [`Error`](crate::Error) when the content has another shape than `T`.
    pub fn extract<T: DeserializeOwned>(&self) -> Result<T> {
        Ok(value::from_content(|| self.lock().to_dict()).map_err(SessionError::from)?)
    }

    /// Replaces the whole content by the fields of one value. Every other key is gone, those of
    /// Flask and its extensions included (`_permanent`, `_flashes`, `_user_id`): keep them with a
    /// field `#[serde(flatten)] rest: BTreeMap<String, Value>`.
    ///
    /// # Errors
    ///
    /// [`Error`](crate::Error) when the value is no struct or map, or the session is read-only.
    pub fn replace<T: Serialize>(&self, content: &T) -> Result<()> {
        let content = value::to_value(content).map_err(SessionError::from)?;
        Ok(self.lock().set_all(content)?)
    }

    /// Reports whether `key` is there.
    pub fn contains(&self, key: &str) -> bool {
        self.lock().contains(key)
    }

    /// Returns the keys in order.
    pub fn keys(&self) -> Vec<Text> {
        self.lock().keys().collect()
    }

    /// Returns a copy of the content, in order.
    #[doc(alias = "items")]
    pub fn iter(&self) -> impl Iterator<Item = (Text, Value)> + use<> {
        self.lock().to_dict().into_iter()
    }

    /// Returns the number of keys.
    pub fn len(&self) -> usize {
        self.lock().len()
    }

    /// Reports whether there is no key.
    pub fn is_empty(&self) -> bool {
        self.lock().is_empty()
    }

    /// Reports whether the session did not come from a cookie.
    pub fn is_new(&self) -> bool {
        self.lock().is_new()
    }

    /// Reports whether the session was changed.
    pub fn is_modified(&self) -> bool {
        self.lock().is_modified()
    }

    /// Overrides whether the session counts as changed: `false` keeps it from being saved.
    ///
    /// # Errors
    ///
    /// [`Error`](crate::Error) when the session is read-only.
    pub fn set_modified(&self, modified: bool) -> Result<()> {
        let mut session = self.lock();
        session.check_writable()?;
        session.set_modified(modified);
        Ok(())
    }

    /// Reports whether the session outlives the browser's.
    pub fn is_permanent(&self) -> bool {
        self.lock().is_permanent()
    }

    /// Makes the session outlive the browser's, for `PERMANENT_SESSION_LIFETIME`, or not.
    ///
    /// # Errors
    ///
    /// [`Error`](crate::Error) when the session is read-only.
    pub fn set_permanent(&self, permanent: bool) -> Result<()> {
        Ok(self.lock().set_permanent(permanent)?)
    }

    /// Keeps a message for the next page. Flask's default category is `message`.
    ///
    /// # Errors
    ///
    /// [`Error`](crate::Error) when the session is read-only.
    pub fn flash(&self, category: impl Into<Value>, message: impl Into<Value>) -> Result<()> {
        Ok(self.lock().flash(category, message)?)
    }

    /// Takes all messages out of the session; later calls in the same request return them again.
    ///
    /// # Errors
    ///
    /// [`Error`](crate::Error) when there are messages and the session is read-only.
    #[doc(alias = "get_flashed_messages")]
    pub fn take_flashes(&self) -> Result<Vec<Flash>> {
        Ok(self.lock().take_flashes()?)
    }

    /// Takes all messages and returns those of the given categories; the others are gone, too.
    ///
    /// # Errors
    ///
    /// As [`take_flashes`](Self::take_flashes).
    #[doc(alias = "category_filter")]
    pub fn take_flashes_of(&self, categories: &[&str]) -> Result<Vec<Flash>> {
        Ok(self.lock().take_flashes_of(categories)?)
    }

    /// Gives the session a new id when it is saved, and ends the old one: for the moment when a
    /// visitor becomes a user, or gets more rights. In a signed cookie there is no id, and nothing
    /// changes: who has a copy of it keeps that.
    ///
    /// # Errors
    ///
    /// [`Error`](crate::Error) when the session is read-only.
    #[doc(alias = "regenerate")]
    pub fn renew(&self) -> Result<()> {
        Ok(self.lock().renew()?)
    }

    /// Ends the session: for log-out. What is set afterwards is a new session. A signed cookie is
    /// only deleted in this browser: a copy of it stays valid until it expires.
    ///
    /// # Errors
    ///
    /// [`Error`](crate::Error) when the session is read-only.
    pub fn destroy(&self) -> Result<()> {
        Ok(self.lock().destroy()?)
    }

    /// Changes one value so that no other request's change of it is lost, and returns it. That holds
    /// between Hipflask's own requests: plain Flask-Session still overwrites.
    ///
    /// In a store the change is there when this returns, and `change` runs again if another request
    /// was in the way: it should do nothing else. In a signed cookie, and in a session that is not
    /// yet in its store, nobody else can have it, and it is saved with the rest; so is what this
    /// request itself has changed before.
    ///
    /// ```
    /// # async fn hit(session: hipflask::Session) -> hipflask::Result<()> {
    /// let count = session.update("count", |count: Option<u64>| count.unwrap_or(0) + 1).await?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// [`Error`](crate::Error) when the value has another shape than `T`, when the store does not
    /// answer, when the session has ended meanwhile, or when it is read-only.
    pub async fn update<T>(
        &self,
        key: &str,
        mut change: impl FnMut(Option<T>) -> T + Send,
    ) -> Result<T>
    where
        T: Serialize + DeserializeOwned,
    {
        self.lock().check_writable()?;
        let of_key = |error: ValueError| SessionError::from(error.with_key(key));
        let mut apply = |old: Option<Value>| -> Result<Value> {
            let old = old.map(value::from_value).transpose().map_err(of_key)?;
            Ok(value::to_value(&change(old)).map_err(of_key)?)
        };
        let value = match &self.0.stored {
            Some(stored) => self.update_stored(stored, key, &mut apply).await?,
            None => None,
        };
        let value = match value {
            Some(value) => value,
            None => {
                let value = apply(self.value(key))?;
                self.set(key, value.clone())?;
                value
            }
        };
        Ok(value::from_value(value).map_err(of_key)?)
    }

    /// `None` if the store does not have what this request sees: no record of the session yet, or
    /// another value.
    async fn update_stored(
        &self,
        stored: &Stored,
        key: &str,
        apply: &mut (impl FnMut(Option<Value>) -> Result<Value> + Send),
    ) -> Result<Option<Value>> {
        let mut held = stored.held.lock().await;
        let (Some(held), Some(backend)) = (held.as_mut(), &stored.shared.backend) else {
            return Ok(None);
        };
        if self.value(key).as_ref() != held.snapshot().content().get(key) {
            return Ok(None);
        }
        let base = held.snapshot().content().clone();
        let value = backend.update(held, key, apply, stored.shared.now()).await;
        let mut session = self.lock();
        held.bring_up_to_date(&mut session, &base);
        let value = value?;
        session.set(key, value.clone())?;
        Ok(Some(value))
    }

    /// Returns why the session is what it is.
    pub fn reason(&self) -> Reason {
        self.0.reason
    }

    /// Returns what is known of the cookie that the request offered.
    pub fn cookie_facts(&self) -> Option<CookieFacts> {
        self.0.cookie
    }

    /// A handler that panicked cannot leave a session half changed: each method is one step.
    fn lock(&self) -> MutexGuard<'_, Core> {
        self.0.session.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl std::fmt::Debug for Session {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Session").field("reason", &self.0.reason).finish_non_exhaustive()
    }
}
