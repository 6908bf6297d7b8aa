//! Flask-Login's remember cookie: `user_id|hmac`, for who comes back after the session has ended.
//!
//! Nothing in it expires, and nothing revokes it: it is good until the key or the user's id changes. The
//! browser is told to forget it.
//! Byte for byte what [`flask_login.encode_cookie`][py] writes: `tests/it/extensions.rs` is the proof.
//!
//! [py]: https://flask-login.readthedocs.io/en/latest/#flask_login.encode_cookie

use std::time::Duration;

use super::{
    hex,
    log_in::{REMEMBER, REMEMBER_SECONDS, id_text},
};
use crate::{
    UnixTime,
    cookie::{self, Attributes, SetCookieError},
    session::{Session, SessionError},
    signing::{Digest, Key, KeyDerivation, KeyRing, derive_key},
    value::Value,
};

/// Signs users' ids as Flask-Login does, and believes every key of the ring.
///
/// ```
/// use hipflask_core::{auth::RememberSigner, signing::KeyRing};
///
/// let signer = RememberSigner::new(&KeyRing::new("k"))?;
/// let cookie = signer.encode("7");
/// assert!(cookie.starts_with("7|") && cookie.len() == 2 + 128);
/// assert_eq!(signer.decode(cookie.as_bytes()).as_deref(), Some("7"));
/// assert_eq!(signer.decode(b"8|0123"), None);
/// # Ok::<(), hipflask_core::auth::RememberKeyError>(())
/// ```
#[derive(Clone, Debug)] // safe to print: `Key` redacts itself
pub struct RememberSigner {
    current: Key,
    fallbacks: Vec<Key>,
}

/// Why a key cannot sign remember cookies.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error(
    "Flask-Login cannot sign remember cookies with this SECRET_KEY: expected no characters beyond U+00FF \
     (Latin-1); letters and digits of ASCII will do"
)]
#[non_exhaustive]
pub struct RememberKeyError;

impl RememberSigner {
    /// Takes the keys of a ring.
    ///
    /// Flask-Login takes a text's Latin-1, and Flask its UTF-8. A key that is valid UTF-8 counts as
    /// text here.
    ///
    /// DIFFERENCE: Flask-Login does not believe fallback keys.
    ///
    /// # Errors
    ///
    /// [`RememberKeyError`] if the current key is a text that Latin-1 cannot write. Such a fallback has
    /// signed nothing, and is left out.
    pub fn new(ring: &KeyRing) -> Result<Self, RememberKeyError> {
        Ok(Self {
            current: latin1(ring.current()).ok_or(RememberKeyError)?,
            fallbacks: ring.fallbacks().iter().filter_map(latin1).collect(),
        })
    }

    /// Returns the value of a cookie that says who the user is.
    #[doc(alias = "encode_cookie")]
    pub fn encode(&self, user_id: &str) -> String {
        format!("{user_id}|{}", digest(&self.current, user_id))
    }

    /// Returns the user's id in a cookie's value, if a key of the ring confirms it.
    ///
    /// DIFFERENCE: a digest that is no ASCII is refused, where Flask-Login raises a `TypeError`.
    #[doc(alias = "decode_cookie")]
    pub fn decode(&self, value: &[u8]) -> Option<String> {
        let (user_id, offered) = std::str::from_utf8(value).ok()?.rsplit_once('|')?;
        let offered = Key::from(offered); // which compares in constant time
        let confirms = |key: &Key| Key::from(digest(key, user_id)) == offered;
        let is_confirmed = confirms(&self.current) || self.fallbacks.iter().any(confirms);
        is_confirmed.then(|| user_id.to_owned())
    }
}

fn digest(key: &Key, user_id: &str) -> String {
    let bare = derive_key(Digest::Sha512, KeyDerivation::Hmac, user_id.as_bytes(), key.as_bytes());
    hex(bare.as_bytes())
}

fn latin1(key: &Key) -> Option<Key> {
    let Ok(text) = std::str::from_utf8(key.as_bytes()) else { return Some(key.clone()) };
    let bytes: Option<Vec<u8>> = text.chars().map(|char| u8::try_from(char).ok()).collect();
    bytes.map(Key::from)
}

/// The remember cookie as a browser gets it: name, life, attributes.
///
/// ```
/// use hipflask_core::{UnixTime, auth::{RememberCookie, RememberSigner}, signing::KeyRing};
///
/// let cookie = RememberCookie::new(RememberSigner::new(&KeyRing::new("k"))?);
/// let header = cookie.write("7", None, UnixTime::from_secs(1_763_692_800))?;
/// assert!(header.starts_with("remember_token=7|"));
/// assert!(header.ends_with("; Expires=Sat, 21 Nov 2026 02:40:00 GMT; HttpOnly; Path=/"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct RememberCookie {
    signer: RememberSigner,
    name: String,
    life: Duration,
    refreshes: bool,
    attributes: Attributes,
}

/// What is to become of a browser's remember cookie.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub enum Remember {
    /// The browser is to forget it.
    Clear,
    /// The browser is to keep one for the user, for so many seconds if the log-in has said so.
    Set(Option<f64>),
}

impl RememberCookie {
    /// Starts with Flask-Login's defaults: `remember_token`, for 365 days, `HttpOnly`.
    pub fn new(signer: RememberSigner) -> Self {
        Self {
            signer,
            name: "remember_token".into(),
            life: Duration::from_secs(365 * 86_400),
            refreshes: false,
            attributes: Attributes::new(),
        }
    }

    /// Sets the cookie's name.
    #[doc(alias = "REMEMBER_COOKIE_NAME")]
    #[must_use]
    pub fn with_name(mut self, name: impl Into<String>) -> Self {
        self.name = name.into();
        self
    }

    /// Sets how long browsers keep it, if the log-in does not say so.
    #[doc(alias = "REMEMBER_COOKIE_DURATION")]
    #[must_use]
    pub const fn with_duration(mut self, life: Duration) -> Self {
        self.life = life;
        self
    }

    /// Returns how long browsers keep it, if the log-in does not say so.
    pub const fn life(&self) -> Duration {
        self.life
    }

    /// Sets whether the cookie's life starts anew with each response to a user who is logged in and has
    /// shown it.
    ///
    /// DIFFERENCE: Flask-Login also gives it to who has not asked to be remembered.
    #[doc(alias = "REMEMBER_COOKIE_REFRESH_EACH_REQUEST")]
    #[must_use]
    pub const fn with_refresh_each_request(mut self, refreshes: bool) -> Self {
        self.refreshes = refreshes;
        self
    }

    /// Sets the cookie's attributes.
    #[doc(alias = "REMEMBER_COOKIE_SECURE")]
    #[doc(alias = "REMEMBER_COOKIE_SAMESITE")]
    #[must_use]
    pub fn with_attributes(mut self, attributes: Attributes) -> Self {
        self.attributes = attributes;
        self
    }

    /// Returns the cookie's name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Returns what signs.
    pub const fn signer(&self) -> &RememberSigner {
        &self.signer
    }

    /// Returns the header text that has the browser remember the user.
    ///
    /// # Errors
    ///
    /// [`SetCookieError`] when it would be kept beyond the year 9999.
    pub fn write(
        &self,
        user_id: &str,
        seconds: Option<f64>,
        now: UnixTime,
    ) -> Result<String, SetCookieError> {
        let life = seconds.map_or(Ok(self.life), Duration::try_from_secs_f64).ok();
        let expires = life.and_then(|life| now.checked_add(life));
        let expires = expires.and_then(|at| i64::try_from(at.as_secs()).ok());
        let expires = expires.ok_or(SetCookieError::ExpiresOutOfRange)?;
        let value = self.signer.encode(user_id);
        cookie::write(&self.name, &value, &self.attributes, Some(expires), None)
    }

    /// Returns the header text that has the browser forget the user.
    ///
    /// DIFFERENCE: Flask-Login leaves out all attributes but `Domain` and `Path`, so that browsers
    /// refuse it for a name such as `__Host-…`.
    pub fn write_deletion(&self) -> String {
        cookie::write_deletion(&self.name, &self.attributes)
    }

    /// Takes out of a session what is to become of the cookie, when the response leaves.
    ///
    /// # Errors
    ///
    /// As [`Session::set`].
    pub fn take_wish(session: &mut Session) -> Result<Option<Remember>, SessionError> {
        let seconds = session.remove(REMEMBER_SECONDS)?.as_ref().and_then(as_seconds);
        take_wish(session, seconds)
    }

    /// Takes out of a session what is to become of the cookie, of which the request has shown this value:
    /// it may have to be [refreshed](Self::with_refresh_each_request).
    ///
    /// # Errors
    ///
    /// As [`Session::set`].
    pub fn take_wish_of(
        &self,
        session: &mut Session,
        shown: Option<&[u8]>,
    ) -> Result<Option<Remember>, SessionError> {
        if !self.refreshes {
            return Self::take_wish(session);
        }
        // It stays for the next response.
        let seconds = session.value(REMEMBER_SECONDS).as_ref().and_then(as_seconds);
        let shown = shown.and_then(|value| self.signer.decode(value));
        let is_own = shown.is_some() && shown == session.user_id().as_ref().and_then(id_text);
        Ok(take_wish(session, seconds)?.or(is_own.then_some(Remember::Set(seconds))))
    }
}

fn take_wish(
    session: &mut Session,
    seconds: Option<f64>,
) -> Result<Option<Remember>, SessionError> {
    let wish = session.remove(REMEMBER)?;
    Ok(match wish.as_ref().and_then(|wish| wish.as_str()) {
        Some("set") if session.user_id().is_some() => Some(Remember::Set(seconds)),
        Some("clear") => Some(Remember::Clear),
        _ => None,
    })
}

fn as_seconds(value: &Value) -> Option<f64> {
    match value {
        Value::Float(seconds) => Some(*seconds),
        other => other.as_i64().map(|seconds| seconds as f64),
    }
}
