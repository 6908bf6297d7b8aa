//! Opens a session from a cookie and decides how to save it: two pure functions.
//!
//! The last stage of the core. Time is an argument; what to send is a [`SaveAction`], which a thin
//! adapter carries out. Rules: Flask's [`SecureCookieSessionInterface`][py].
//!
//! [py]: https://flask.palletsprojects.com/en/stable/api/#flask.sessions.SecureCookieSessionInterface

mod outcome;
mod reading;
mod signing;

use std::{sync::Arc, time::Duration};

pub use outcome::{CookieError, CookieFacts, Opened, SaveAction, Saved};
pub use signing::{FLASK_SALT, Signing};

use crate::{
    UnixTime,
    cookie::{self, Attributes},
    reason::Reason,
    record::TakeOver,
    serializer::{self, Limits},
    session::{ReadOnly, Session},
    signing::{Digest, KeyRing, Sealer, TimedSigner},
    value,
};

/// Opens and saves sessions that live in a signed cookie.
///
/// ```
/// use hipflask_core::{UnixTime, interface::{CookieSessions, SaveAction}, reason::Reason, signing::KeyRing};
///
/// let now = UnixTime::from_secs(1_763_692_800);
/// let interface = CookieSessions::new(&KeyRing::new("k"));
/// let cookie = b"eyJhIjoxfQ.aR_RAA.VYsLQ_U2fgKvqx9fBqYtUdliftw"; // Flask wrote this.
///
/// let mut opened = interface.open(Some(cookie), now);
/// assert_eq!(opened.reason, Reason::Verified);
/// assert_eq!(opened.session.get::<i32>("a")?, Some(1));
///
/// opened.session.insert("a", 2)?;
/// let saved = interface.save(&opened.session, now)?;
/// assert!(matches!(saved.action, SaveAction::Set(header) if header.starts_with("session=eyJ")));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
#[doc(alias = "SecureCookieSessionInterface")]
pub struct CookieSessions {
    signer: Option<TimedSigner>,
    /// Opens what is encrypted, also where cookies are not encrypted.
    sealer: Option<Sealer>,
    encryption: Option<Encryption>,
    name: String,
    attributes: Attributes,
    lifetime: Duration,
    refresh_each_request: bool,
    limits: Limits,
    max_cookie_size: usize,
    resign: bool,
    take_over: Option<Arc<TakeOver>>,
}

/// Cookies are encrypted.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
struct Encryption {
    accept_plain_until: Option<UnixTime>,
}

impl CookieSessions {
    /// What browsers keep of one cookie: bytes of name and value together, whatever the attributes.
    pub const MAX_COOKIE_SIZE: usize = 4096;

    /// Opens and saves Flask's own cookies with Flask's default configuration.
    pub fn new(ring: &KeyRing) -> Self {
        Self::signed_with(ring, &Signing::default())
    }

    /// As [`new`](Self::new), for an application that signs in its own way.
    pub fn signed_with(ring: &KeyRing, signing: &Signing) -> Self {
        Self {
            signer: Some(signing.signer(ring)),
            sealer: Some(signing.sealer(ring)),
            ..Self::without_key()
        }
    }

    /// Opens sessions that can be read, are empty, and refuse to be changed: Flask's `NullSession`.
    #[doc(alias = "NullSession")]
    pub fn without_key() -> Self {
        Self {
            signer: None,
            sealer: None,
            encryption: None,
            name: "session".into(),
            attributes: Attributes::new(),
            lifetime: Duration::from_secs(31 * 24 * 60 * 60),
            refresh_each_request: true,
            limits: Limits::default(),
            max_cookie_size: Self::MAX_COOKIE_SIZE,
            resign: false,
            take_over: None,
        }
    }

    /// Sets the name and the attributes of the cookie; nothing is checked here.
    #[must_use]
    #[doc(alias = "SESSION_COOKIE_NAME")]
    pub fn with_cookie(mut self, name: impl Into<String>, attributes: Attributes) -> Self {
        self.name = name.into();
        self.attributes = attributes;
        self
    }

    /// Sets how long a cookie is accepted and how long a permanent one lives.
    #[must_use]
    #[doc(alias = "PERMANENT_SESSION_LIFETIME")]
    pub const fn with_lifetime(mut self, lifetime: Duration) -> Self {
        self.lifetime = lifetime;
        self
    }

    /// Returns how long a cookie is accepted.
    pub const fn lifetime(&self) -> Duration {
        self.lifetime
    }

    /// Sets whether a permanent session is sent again although nothing changed.
    #[must_use]
    #[doc(alias = "SESSION_REFRESH_EACH_REQUEST")]
    pub const fn with_refresh_each_request(mut self, refresh: bool) -> Self {
        self.refresh_each_request = refresh;
        self
    }

    /// Reports whether a permanent session is sent again although nothing changed.
    pub const fn refreshes_each_request(&self) -> bool {
        self.refresh_each_request
    }

    /// Sets how much a payload may hold.
    #[must_use]
    pub const fn with_limits(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }

    /// Sets how many bytes name and value may have together; 0 is no limit.
    #[must_use]
    #[doc(alias = "MAX_COOKIE_SIZE")]
    pub const fn with_max_cookie_size(mut self, bytes: usize) -> Self {
        self.max_cookie_size = bytes;
        self
    }

    /// Sets whether what a fallback key or digest has signed is sent again as soon as it is read.
    #[must_use]
    #[doc(alias = "SESSION_RESIGN")]
    pub const fn with_resign(mut self, resign: bool) -> Self {
        self.resign = resign;
        self
    }

    /// Reads the cookies of another package, too, and sends each again as one of ours.
    ///
    /// ```
    /// use std::sync::Arc;
    /// use hipflask_core::{
    ///     UnixTime, interface::CookieSessions, reason::Reason, record::{Package, TakeOver}, signing::KeyRing,
    /// };
    ///
    /// let (now, ring) = (UnixTime::from_secs(1_763_692_800), KeyRing::new("k"));
    /// let cookie = b"eyJhIjogMX0=.aR_RAA.Za0uPT9_wMVmZ_kvpdAPoPFX5o4"; // Starlette wrote this.
    ///
    /// let take_over = Arc::new(TakeOver::new(Package::Starlette, &ring));
    /// let interface = CookieSessions::new(&ring).with_take_over(take_over);
    /// let opened = interface.open(Some(cookie), now);
    /// assert_eq!(opened.reason, Reason::Verified);
    /// assert_eq!(opened.session.get::<i32>("a")?, Some(1));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    #[doc(alias = "SESSION_TAKE_OVER")]
    pub fn with_take_over(self, take_over: impl Into<Option<Arc<TakeOver>>>) -> Self {
        Self { take_over: take_over.into(), ..self }
    }

    /// Encrypts cookies, so that nobody can read them. DIFFERENCE: Flask cannot read them either.
    ///
    /// Those that are only signed are accepted before the time `accept_plain_until`, and become
    /// encrypted ones when they are next saved. Encrypted ones are read whether this is set or not, so
    /// that it can be turned on for one service after the other.
    ///
    /// ```
    /// use hipflask_core::{UnixTime, interface::CookieSessions, reason::Reason, session::Session, signing::KeyRing};
    ///
    /// let now = UnixTime::from_secs(1_763_692_800);
    /// let interface = CookieSessions::new(&KeyRing::new("k")).with_encryption(None);
    /// let mut session = Session::new();
    /// session.insert("a", 1)?;
    /// // Random bytes, in an application.
    /// let cookie = interface.write(&session, &[7; 12], now)?.unwrap_or_default();
    /// assert!(cookie.starts_with("e1."));
    /// assert_eq!(interface.open(Some(cookie.as_bytes()), now).reason, Reason::Verified);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[cfg(feature = "encryption")]
    #[must_use]
    #[doc(alias = "SESSION_ENCRYPTION")]
    pub const fn with_encryption(mut self, accept_plain_until: Option<UnixTime>) -> Self {
        self.encryption = Some(Encryption { accept_plain_until });
        self
    }

    /// Reports whether both sign, name, send and limit cookies alike. Fallback keys are not compared.
    pub fn is_like(&self, other: &Self) -> bool {
        let signed = |it: &Self| {
            let mut probe = b"probe".to_vec();
            it.signer.as_ref().map(|signer| {
                signer.sign_to(&mut probe, UnixTime::default());
                probe
            })
        };
        let rest = |it: &Self| {
            (it.lifetime, it.refresh_each_request, it.limits, it.max_cookie_size, it.encryption)
        };
        (&self.name, &self.attributes, rest(self)) == (&other.name, &other.attributes, rest(other))
            && signed(self) == signed(other)
    }

    /// Returns the digests that are accepted at `now`, first the one that signs; none without a key.
    pub fn digests(&self, now: UnixTime) -> impl Iterator<Item = Digest> {
        self.signer.iter().flat_map(move |signer| signer.signer().digests(now))
    }

    /// Returns the name of the cookie.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Returns the attributes of the cookie.
    pub const fn attributes(&self) -> &Attributes {
        &self.attributes
    }

    /// Opens the session of a cookie's value.
    ///
    /// Whatever is wrong with the cookie, the session is empty and the reason says why. DIFFERENCE:
    /// Flask answers 500 to a signed payload that does not decode.
    #[doc(alias = "open_session")]
    pub fn open(&self, cookie: Option<&[u8]>, now: UnixTime) -> Opened {
        let Some(signer) = &self.signer else {
            let mut session = Session::new();
            session.set_read_only(ReadOnly::NoSecretKey);
            return Opened { session, reason: Reason::NoSecretKey, cookie: None };
        };
        let Some(cookie) = cookie.filter(|cookie| !cookie.is_empty()) else {
            return Opened { session: Session::new(), reason: Reason::NoCookie, cookie: None };
        };
        let mut facts = CookieFacts { len: cookie.len(), ..CookieFacts::default() };
        let (mut session, reason) = match self.verify(signer, cookie, now, &mut facts) {
            Ok(session) if facts.key == Some(0) => (session, Reason::Verified),
            Ok(session) => (session, Reason::VerifiedByFallbackKey),
            Err(reason) => match self.take(cookie, now, &mut facts) {
                Some(session) => (session, Reason::Verified),
                None => (Session::new(), reason),
            },
        };
        session.set_modified(facts.outdated);
        Opened { session, reason, cookie: Some(facts) }
    }

    /// Decides how to save a session.
    ///
    /// # Errors
    ///
    /// [`CookieError`] when the session cannot be sent; nothing was decided then.
    #[doc(alias = "save_session")]
    pub fn save(&self, session: &Session, now: UnixTime) -> Result<Saved, CookieError> {
        self.save_with(session, &[], now)
    }

    /// As [`save`](Self::save), with the random bytes that an encrypted cookie takes: as many as
    /// [`entropy_len`](Self::entropy_len) says.
    ///
    /// # Errors
    ///
    /// As [`save`](Self::save).
    pub fn save_with(
        &self,
        session: &Session,
        entropy: &[u8],
        now: UnixTime,
    ) -> Result<Saved, CookieError> {
        let keep = Saved { action: SaveAction::Keep, vary: session.is_accessed() };
        let Some(signer) = &self.signer else {
            return Ok(Saved { vary: false, ..keep });
        };
        if session.is_empty() {
            if !session.is_modified() {
                return Ok(keep);
            }
            let header = cookie::write_deletion(&self.name, &self.attributes);
            return Ok(Saved { action: SaveAction::Delete(header), vary: true });
        }
        let permanent = session.is_permanent();
        if !self.is_sent(session) {
            return Ok(keep);
        }
        let expires = permanent.then(|| self.expires(now)).transpose()?;
        let value = self.value_of(signer, session, entropy, now)?;
        let header = cookie::write(&self.name, &value, &self.attributes, expires, None)
            .map_err(|_| CookieError::ExpiresOutOfRange)?;
        self.check_size(&header, session)?;
        Ok(Saved { action: SaveAction::Set(header), vary: true })
    }

    /// Returns only the value of the cookie that holds a session.
    ///
    /// # Errors
    ///
    /// [`CookieError::Write`] when a value cannot be written.
    pub fn sign(&self, session: &Session, now: UnixTime) -> Result<Option<String>, CookieError> {
        self.write(session, &[], now)
    }

    /// As [`sign`](Self::sign), with the random bytes that an encrypted cookie takes.
    ///
    /// # Errors
    ///
    /// As [`sign`](Self::sign).
    pub fn write(
        &self,
        session: &Session,
        entropy: &[u8],
        now: UnixTime,
    ) -> Result<Option<String>, CookieError> {
        let signer = self.signer.as_ref();
        signer.map(|signer| self.value_of(signer, session, entropy, now)).transpose()
    }

    /// Returns how many random bytes saving needs; 0 unless it makes an encrypted cookie.
    pub fn entropy_len(&self, session: &Session) -> usize {
        let seals = self.encryption.is_some() && !session.is_empty() && self.is_sent(session);
        if seals { Sealer::NONCE_LEN } else { 0 }
    }

    fn is_sent(&self, session: &Session) -> bool {
        session.is_modified() || session.is_permanent() && self.refresh_each_request
    }

    fn value_of(
        &self,
        signer: &TimedSigner,
        session: &Session,
        entropy: &[u8],
        now: UnixTime,
    ) -> Result<String, CookieError> {
        let json = session.to_json()?;
        let value = match &self.sealer {
            // Not compressed: the length would tell how much of the content is alike.
            Some(sealer) if self.encryption.is_some() => {
                let nonce = entropy.first_chunk().ok_or(CookieError::NoEntropy)?;
                sealer.seal(&json, self.name.as_bytes(), nonce, now)
            }
            _ => {
                let mut value = Vec::with_capacity(json.len() * 4 / 3 + 64);
                serializer::encode_payload(&json, &mut value);
                signer.sign_to(&mut value, now);
                value
            }
        };
        // Base64 and dots are ASCII.
        Ok(String::from_utf8(value).unwrap_or_default())
    }

    fn expires(&self, now: UnixTime) -> Result<i64, CookieError> {
        let expires = now.checked_add(self.lifetime).ok_or(CookieError::ExpiresOutOfRange)?;
        i64::try_from(expires.as_secs()).map_err(|_| CookieError::ExpiresOutOfRange)
    }

    fn check_size(&self, header: &str, session: &Session) -> Result<(), CookieError> {
        let Some(size) = cookie::oversize(header, self.max_cookie_size) else { return Ok(()) };
        let largest = session.sizes().into_iter().take(3);
        Err(CookieError::TooLarge {
            size,
            limit: self.max_cookie_size,
            largest: largest
                .map(|(key, size)| format!("{} ({size} bytes)", value::shown_key(&key)))
                .collect(),
        })
    }
}
