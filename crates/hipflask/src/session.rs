//! The session as handlers have it: a handle that many parts of a request can share.
//!
//! Every method but `update` is synchronous: the extractor has opened the session already, and saving
//! happens once, before the response head leaves.

use std::future::Future;

use hipflask_core::{
    csrf,
    flash::Flash,
    interface::CookieFacts,
    reason::Reason,
    session::SessionError,
    value::{self, Text, Value, ValueError},
};
use serde::{Serialize, de::DeserializeOwned};

use crate::{
    Result, SessionWatch,
    error::Kind,
    report,
    request::{Place, RequestSession, State},
};

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
pub struct Session(RequestSession);

impl RequestSession {
    /// Returns the session, which is opened if nobody has asked for it yet. This is the access: the
    /// response then carries `Vary: Cookie`.
    ///
    /// # Errors
    ///
    /// [`Error`](crate::Error) when its store does not answer.
    pub async fn session(&self) -> crate::Result<Session> {
        self.open(true).await?;
        Ok(Session::new(self.clone()))
    }
}

impl Session {
    /// Takes the session of a request, which was opened.
    pub(crate) const fn new(request: RequestSession) -> Self {
        Self(request)
    }

    pub(crate) const fn request(&self) -> &RequestSession {
        &self.0
    }

    /// Returns the value of `key` as any type that serde can deserialize.
    ///
    /// ```
    /// # fn show(session: &hipflask::Session) -> hipflask::Result<()> {
    /// let name = session.get::<String>("name")?.unwrap_or_else(|| "stranger".into());
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// [`Error`](crate::Error) when the value has another shape than `T`.
    pub fn get<T: DeserializeOwned>(&self, key: &str) -> Result<Option<T>> {
        Ok(self.0.lock().session.get(key)?)
    }

    /// Returns the value of `key` as it is.
    ///
    /// ```
    /// # fn show(session: &hipflask::Session) -> hipflask::Result<()> {
    /// // Another program may write this key: what is no number counts as absent.
    /// let id = session.value("user_id").and_then(|value| value.as_i64());
    /// # Ok(())
    /// # }
    /// ```
    pub fn value(&self, key: &str) -> Option<Value> {
        self.0.lock().session.value(key)
    }

    /// Sets `key`. As in Flask this marks the session as modified, also for an equal value.
    ///
    /// ```
    /// # fn show(session: &hipflask::Session) -> hipflask::Result<()> {
    /// session.insert("user_id", 7)?;
    /// session.insert("cart", vec!["tea", "milk"])?;
    /// # Ok(())
    /// # }
    /// ```
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
    /// ```
    /// # fn show(session: &hipflask::Session) -> hipflask::Result<()> {
    /// use hipflask::value::Value;
    ///
    /// session.set("nothing", Value::Null)?;
    /// session.set("bytes", Value::Bytes(vec![0, 255]))?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// [`Error`](crate::Error) when the session is read-only.
    pub fn set(&self, key: impl Into<Text>, value: impl Into<Value>) -> Result<()> {
        Ok(self.0.lock().session.set(key, value)?)
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
        Ok(self.0.lock().session.push(key, value)?)
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
            let session = &self.0.lock().session;
            session.check_writable()?;
            session.value(key)
        };
        let Some(before) = before else { return Ok(None) };
        let mut after = before.clone();
        let result = change(&mut after);
        if after != before {
            self.0.lock().session.modify(key, |value| *value = after)?;
        }
        Ok(Some(result))
    }

    /// Removes `key` and returns its value.
    ///
    /// ```
    /// # fn show(session: &hipflask::Session) -> hipflask::Result<()> {
    /// let theme = session.remove("theme")?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// [`Error`](crate::Error) when the session is read-only.
    #[doc(alias = "pop")]
    pub fn remove(&self, key: &str) -> Result<Option<Value>> {
        Ok(self.0.lock().session.remove(key)?)
    }

    /// Removes all keys, so that the cookie is deleted.
    ///
    /// ```
    /// # fn show(session: &hipflask::Session) -> hipflask::Result<()> {
    /// session.clear()?;
    /// assert!(session.is_empty());
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// [`Error`](crate::Error) when the session is read-only.
    pub fn clear(&self) -> Result<()> {
        Ok(self.0.lock().session.clear()?)
    }

    /// Returns the whole session as one type.
    ///
    /// ```
    /// # fn show(session: &hipflask::Session) -> hipflask::Result<()> {
    /// #[derive(serde::Deserialize)]
    /// struct Visitor {
    ///     name: Option<String>,
    /// }
    ///
    /// let visitor: Visitor = session.extract()?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// [`Error`](crate::Error) when the content has another shape than `T`.
    pub fn extract<T: DeserializeOwned>(&self) -> Result<T> {
        let content = || self.0.lock().session.to_dict();
        Ok(value::from_content(content).map_err(SessionError::from)?)
    }

    /// Replaces the whole content by the fields of one value. Every other key is gone, those of
    /// Flask and its extensions included (`_permanent`, `_flashes`, `_user_id`): keep them with a
    /// field `#[serde(flatten)] rest: BTreeMap<String, Value>`.
    ///
    /// ```
    /// # fn show(session: &hipflask::Session) -> hipflask::Result<()> {
    /// use std::collections::BTreeMap;
    /// use hipflask::value::Value;
    ///
    /// #[derive(serde::Deserialize, serde::Serialize)]
    /// struct Visitor {
    ///     name: String,
    ///     #[serde(flatten)]
    ///     rest: BTreeMap<String, Value>,
    /// }
    ///
    /// let mut visitor: Visitor = session.extract()?;
    /// visitor.name = visitor.name.to_uppercase();
    /// session.replace(&visitor)?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// [`Error`](crate::Error) when the value is no struct or map, or the session is read-only.
    pub fn replace<T: Serialize>(&self, content: &T) -> Result<()> {
        let content = value::to_value(content).map_err(SessionError::from)?;
        Ok(self.0.lock().session.set_all(content)?)
    }

    /// Reports whether `key` is there.
    ///
    /// ```
    /// # fn show(session: &hipflask::Session) -> hipflask::Result<()> {
    /// if !session.contains("user_id") {
    ///     session.flash("message", "Log in to see your orders.")?;
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub fn contains(&self, key: &str) -> bool {
        self.0.lock().session.contains(key)
    }

    /// Returns the keys in order.
    ///
    /// ```
    /// # fn show(session: &hipflask::Session) -> hipflask::Result<()> {
    /// session.insert("b", 1)?;
    /// session.insert("a", 2)?;
    /// let keys: Vec<String> = session.keys().iter().map(|key| key.to_string_lossy()).collect();
    /// # Ok(())
    /// # }
    /// ```
    pub fn keys(&self) -> Vec<Text> {
        self.0.lock().session.keys().collect()
    }

    /// Returns a copy of the content, in order.
    ///
    /// ```
    /// # fn show(session: &hipflask::Session) -> hipflask::Result<()> {
    /// for (key, value) in session.iter() {
    ///     println!("{key:?} is {value:?}");
    /// }
    /// # Ok(())
    /// # }
    /// ```
    #[doc(alias = "items")]
    pub fn iter(&self) -> impl Iterator<Item = (Text, Value)> + use<> {
        self.0.lock().session.to_dict().into_iter()
    }

    /// Returns the number of keys.
    ///
    /// ```
    /// # fn show(session: &hipflask::Session) -> hipflask::Result<()> {
    /// println!("{} keys", session.len());
    /// # Ok(())
    /// # }
    /// ```
    pub fn len(&self) -> usize {
        self.0.lock().session.len()
    }

    /// Reports whether there is no key.
    ///
    /// ```
    /// # fn show(session: &hipflask::Session) -> hipflask::Result<()> {
    /// if session.is_empty() {
    ///     println!("a stranger");
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub fn is_empty(&self) -> bool {
        self.0.lock().session.is_empty()
    }

    /// Reports whether the session did not come from a cookie.
    ///
    /// ```
    /// # fn show(session: &hipflask::Session) -> hipflask::Result<()> {
    /// if session.is_new() {
    ///     session.insert("landed_at", "/spring-sale")?;
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub fn is_new(&self) -> bool {
        self.0.lock().session.is_new()
    }

    /// Reports whether the session was changed.
    ///
    /// ```
    /// # fn show(session: &hipflask::Session) -> hipflask::Result<()> {
    /// session.insert("theme", "dark")?;
    /// assert!(session.is_modified());
    /// # Ok(())
    /// # }
    /// ```
    pub fn is_modified(&self) -> bool {
        self.0.lock().session.is_modified()
    }

    /// Overrides whether the session counts as changed: `false` keeps it from being saved.
    ///
    /// ```
    /// # fn show(session: &hipflask::Session) -> hipflask::Result<()> {
    /// session.insert("draft", "…")?;
    /// session.set_modified(false)?; // on second thoughts
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// [`Error`](crate::Error) when the session is read-only.
    pub fn set_modified(&self, modified: bool) -> Result<()> {
        let session = &mut self.0.lock().session;
        session.check_writable()?;
        session.set_modified(modified);
        Ok(())
    }

    /// Reports whether the session outlives the browser's.
    ///
    /// ```
    /// # fn show(session: &hipflask::Session) -> hipflask::Result<()> {
    /// let text = if session.is_permanent() { "Stay logged in" } else { "Until I close the browser" };
    /// # Ok(())
    /// # }
    /// ```
    pub fn is_permanent(&self) -> bool {
        self.0.lock().session.is_permanent()
    }

    /// Makes the session outlive the browser's, for `PERMANENT_SESSION_LIFETIME`, or not.
    ///
    /// ```
    /// # fn show(session: &hipflask::Session) -> hipflask::Result<()> {
    /// session.set_permanent(true)?; // the box "stay logged in" was ticked
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// [`Error`](crate::Error) when the session is read-only.
    pub fn set_permanent(&self, permanent: bool) -> Result<()> {
        Ok(self.0.lock().session.set_permanent(permanent)?)
    }

    /// Keeps a message for the next page. Flask's default category is `message`.
    ///
    /// ```
    /// # fn show(session: &hipflask::Session) -> hipflask::Result<()> {
    /// session.flash("error", "Wrong name or password.")?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// [`Error`](crate::Error) when the session is read-only.
    pub fn flash(&self, category: impl Into<Value>, message: impl Into<Value>) -> Result<()> {
        Ok(self.0.lock().session.flash(category, message)?)
    }

    /// Takes all messages out of the session; later calls in the same request return them again.
    ///
    /// ```
    /// # fn show(session: &hipflask::Session) -> hipflask::Result<()> {
    /// for flash in session.take_flashes()? {
    ///     println!("{}: {}", flash.category(), flash.message());
    /// }
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// [`Error`](crate::Error) when there are messages and the session is read-only.
    #[doc(alias = "get_flashed_messages")]
    pub fn take_flashes(&self) -> Result<Vec<Flash>> {
        Ok(self.0.lock().session.take_flashes()?)
    }

    /// Takes all messages and returns those of the given categories; the others are gone, too.
    ///
    /// ```
    /// # fn show(session: &hipflask::Session) -> hipflask::Result<()> {
    /// let errors = session.take_flashes_of(&["error"])?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// As [`take_flashes`](Self::take_flashes).
    #[doc(alias = "category_filter")]
    pub fn take_flashes_of(&self, categories: &[&str]) -> Result<Vec<Flash>> {
        Ok(self.0.lock().session.take_flashes_of(categories)?)
    }

    /// Returns a token for a form or a script of this session: Flask-WTF's, which
    /// [`CsrfLayer`](crate::csrf::CsrfLayer) and Flask-WTF itself accept.
    ///
    /// The session gets the token's other half when it is first asked for one.
    ///
    /// ```
    /// # fn show(session: &hipflask::Session) -> hipflask::Result<()> {
    /// let field = format!(r#"<input type="hidden" name="csrf_token" value="{}">"#, session.csrf_token()?);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// [`Error`](crate::Error) when the session has no secret yet and is read-only, or the operating
    /// system has no randomness.
    #[doc(alias = "generate_csrf")]
    pub fn csrf_token(&self) -> Result<String> {
        let interface = self.0.interface();
        let live = interface.live();
        let (tokens, field) = (&live.csrf.0, &*live.csrf.1);
        let session = &mut self.0.lock().session;
        if let Some(secret) = session.value(field).as_ref().and_then(Value::as_str) {
            return Ok(tokens.encode(secret, interface.now()));
        }
        let mut entropy = [0; csrf::SECRET_ENTROPY];
        getrandom::fill(&mut entropy).map_err(|_| Kind::NoEntropy)?;
        let secret = csrf::new_secret(&entropy);
        session.set(field, &*secret)?;
        Ok(tokens.encode(&secret, interface.now()))
    }

    /// Gives the session a new id when it is saved, and ends the old one: for the moment when a
    /// visitor becomes a user, or gets more rights. In a signed cookie there is no id, and nothing
    /// changes: who has a copy of it keeps that.
    ///
    /// ```
    /// # fn show(session: &hipflask::Session) -> hipflask::Result<()> {
    /// // The password was right.
    /// session.renew()?;
    /// session.insert("user_id", 7)?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// [`Error`](crate::Error) when the session is read-only.
    #[doc(alias = "regenerate")]
    pub fn renew(&self) -> Result<()> {
        Ok(self.0.lock().session.renew()?)
    }

    /// Ends the session: for log-out. What is set afterwards is a new session. A signed cookie is
    /// only deleted in this browser: a copy of it stays valid until it expires, unless cookies can be
    /// [revoked](crate::SessionInterface::revocable).
    ///
    /// ```
    /// # fn show(session: &hipflask::Session) -> hipflask::Result<()> {
    /// session.destroy()?;
    /// session.flash("message", "Good-bye!")?; // lies in a new session
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// [`Error`](crate::Error) when the session is read-only.
    pub fn destroy(&self) -> Result<()> {
        Ok(self.0.lock().session.destroy()?)
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
    /// It may run in a task of its own: it has its place before saving from the moment in which it is
    /// called.
    ///
    /// # Errors
    ///
    /// [`Error`](crate::Error) when the value has another shape than `T`, when the store does not
    /// answer, when the session has ended meanwhile, or when it is read-only.
    pub fn update<T, F>(
        &self,
        key: &str,
        change: F,
    ) -> impl Future<Output = Result<T>> + Send + use<T, F>
    where
        T: Serialize + DeserializeOwned,
        F: FnMut(Option<T>) -> T + Send,
    {
        let (request, key, place) = (self.0.clone(), key.to_owned(), self.place());
        let mut apply = change;
        async move {
            let place = place?;
            let _turn = place.wait().await;
            let value = self::change(&request, &key, |old| {
                let old = old.map(value::from_value).transpose();
                let new = apply(old.map_err(|error| of_key(error, &key))?);
                Ok(Some(value::to_value(&new).map_err(|error| of_key(error, &key))?))
            });
            let value = value.await?.unwrap_or(Value::Null);
            Ok(value::from_value(value).map_err(|error| of_key(error, &key))?)
        }
    }

    /// Takes a value out, which exactly one request gets, on all nodes: for what may be used once, such
    /// as the `state` of a log-in elsewhere, or a challenge.
    ///
    /// In a store the value is gone when this returns, and of requests that overlap one gets it. In a
    /// signed cookie it is gone from this browser only: who sends an old copy of the cookie gets it
    /// again. So it is in a session that is not yet in its store, where only this request has it.
    ///
    /// ```
    /// # async fn back_from_elsewhere(session: hipflask::Session, state: String) -> hipflask::Result<bool> {
    /// let expected = session.take::<String>("oauth_state").await?;
    /// let is_ours = expected.is_some_and(|expected| expected == state);
    /// # Ok(is_ours)
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// [`Error`](crate::Error) when the store does not answer, when the session has ended meanwhile, or
    /// when it is read-only; and when the value has another shape than `T`: it is gone then, too.
    #[doc(alias = "pop")]
    pub fn take<T: DeserializeOwned>(
        &self,
        key: &str,
    ) -> impl Future<Output = Result<Option<T>>> + Send + use<T> {
        let (request, key, place) = (self.0.clone(), key.to_owned(), self.place());
        async move {
            let place = place?;
            let _turn = place.wait().await;
            let mut taken = None;
            self::change(&request, &key, |value| {
                taken = value;
                Ok(None)
            })
            .await?;
            let typed = taken.map(value::from_value).transpose();
            Ok(typed.map_err(|error| of_key(error, &key))?)
        }
    }

    /// Takes a place before saving, for what goes on after the call.
    fn place(&self) -> Result<Place> {
        self.0.lock().session.check_writable()?;
        Ok(self.0.enter().ok_or(SessionError::ResponseStarted)?)
    }

    /// Watches this session after its request: for a WebSocket, server-sent events, or any task that must
    /// end when the session does. Take it in the handler, and give it to what outlives that.
    ///
    /// Taken later, when the response has left, it watches the session as the request has found it.
    ///
    /// ```
    /// # use hipflask::Session;
    /// async fn work(session: Session) {
    ///     let watch = session.watch();
    ///     tokio::spawn(async move {
    ///         println!("the session has ended: {}", watch.ended().await);
    ///     });
    /// }
    /// # let _ = work;
    /// ```
    pub fn watch(&self) -> SessionWatch {
        self.0.watch()
    }

    /// Returns why the session is what it is.
    ///
    /// ```
    /// # fn show(session: &hipflask::Session) -> hipflask::Result<()> {
    /// println!("{}: {}", session.reason().code(), session.reason());
    /// # Ok(())
    /// # }
    /// ```
    pub fn reason(&self) -> Reason {
        self.0.lock().reason
    }

    /// Returns what is known of the cookie that the request offered.
    ///
    /// ```
    /// # fn show(session: &hipflask::Session) -> hipflask::Result<()> {
    /// if let Some(age) = session.cookie_facts().and_then(|facts| facts.age) {
    ///     println!("signed {age} seconds ago");
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub fn cookie_facts(&self) -> Option<CookieFacts> {
        self.0.lock().cookie
    }
}

fn of_key(error: ValueError, key: &str) -> SessionError {
    error.with_key(key).into()
}

/// Changes one key in the store, or, if nobody else can have the session, in the request. What `change`
/// makes `None` of is removed.
async fn change(
    request: &RequestSession,
    key: &str,
    mut change: impl FnMut(Option<Value>) -> Result<Option<Value>> + Send,
) -> Result<Option<Value>> {
    let interface = request.interface();
    let (seen, updating) = {
        let State { session, visit, .. } = &*request.lock();
        let (seen, now) = (session.value(key), interface.now());
        let updating =
            visit.as_ref().and_then(|visit| visit.update(session.fate(), key, seen.as_ref(), now));
        (seen, updating)
    };
    let Some(mut updating) = updating else {
        let value = change(seen)?;
        let session = &mut request.lock().session;
        match &value {
            Some(value) => session.set(key, value.clone())?,
            None => drop(session.remove(key)?),
        }
        return Ok(value);
    };
    let result = loop {
        let Some(current) = updating.current() else { break Ok(()) };
        let current = current.cloned();
        let was_there = current.is_some();
        let changed = match change(current) {
            Ok(Some(value)) => updating.apply(value).map_err(Into::into),
            Ok(None) if was_there => updating.remove().map_err(Into::into),
            Ok(None) => break Ok(()),
            Err(error) => Err(error),
        };
        if let Err(error) = changed {
            break Err(error);
        }
        if let Err(error) = interface.drive(&mut updating).await {
            break Err(error.into());
        }
    };
    report::conflicts(updating.attempts());
    let value = updating.value().cloned();
    let State { session, visit, .. } = &mut *request.lock();
    if let Some(visit) = visit {
        updating.finish(session, visit);
    }
    result.map(|()| value)
}

impl std::fmt::Debug for Session {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Session").field("reason", &self.reason()).finish_non_exhaustive()
    }
}
