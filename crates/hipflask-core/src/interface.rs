//! Opens a session from a cookie and decides how to save it: two pure functions.
//!
//! The last stage of the core. Time is an argument; what to send is a [`SaveAction`], which a thin
//! adapter carries out. Rules: Flask's [`SecureCookieSessionInterface`][py].
//!
//! [py]: https://flask.palletsprojects.com/en/stable/api/#flask.sessions.SecureCookieSessionInterface

use std::time::Duration;

use crate::{
    cookie::{self, Attributes},
    reason::Reason,
    serializer::{self, Limits, PayloadError, WriteError},
    session::{ReadOnly, Session},
    signing::{Digest, KeyDerivation, KeyRing, Signer, TimedError, TimedSigner},
};

/// The salt of Flask's session cookie.
pub const SALT: &str = "cookie-session";

/// Opens and saves sessions that live in a signed cookie.
///
/// ```
/// use std::time::Duration;
/// use hipflask_core::{interface::{Interface, SaveAction}, reason::Reason, signing::KeyRing};
///
/// let now = Duration::from_secs(1_763_692_800);
/// let interface = Interface::new(&KeyRing::new("k"));
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
pub struct Interface {
    signer: Option<TimedSigner>,
    name: String,
    attributes: Attributes,
    lifetime: Duration,
    refresh_each_request: bool,
    limits: Limits,
    max_cookie_size: usize,
}

/// How cookies are signed, where an application differs from Flask's own choice.
///
/// ```
/// use hipflask_core::{interface::{Interface, Signing}, signing::{Digest, KeyRing}};
///
/// let signing = Signing::default().with_digest(Digest::Sha256).with_salt("my-session");
/// let interface = Interface::signed_with(&KeyRing::new("k"), &signing);
/// assert_eq!(interface.name(), "session");
/// ```
#[derive(Clone, Debug)]
pub struct Signing {
    digest: Digest,
    key_derivation: KeyDerivation,
    salt: Vec<u8>,
    strict: bool,
}

impl Default for Signing {
    fn default() -> Self {
        Self {
            digest: Digest::Sha1,
            key_derivation: KeyDerivation::Hmac,
            salt: SALT.into(),
            strict: false,
        }
    }
}

impl Signing {
    /// Sets the digest, of the key and of the signature.
    #[must_use]
    #[doc(alias = "digest_method")]
    pub const fn with_digest(mut self, digest: Digest) -> Self {
        self.digest = digest;
        self
    }

    /// Sets how the signing key is derived from the secret key.
    #[must_use]
    pub const fn with_key_derivation(mut self, key_derivation: KeyDerivation) -> Self {
        self.key_derivation = key_derivation;
        self
    }

    /// Sets the salt, which keeps cookies of different purposes apart.
    #[must_use]
    pub fn with_salt(mut self, salt: impl AsRef<[u8]>) -> Self {
        self.salt = salt.as_ref().to_vec();
        self
    }

    /// Refuses other spellings of a right signature, which Python accepts and nobody writes.
    #[must_use]
    pub const fn with_strict(mut self, strict: bool) -> Self {
        self.strict = strict;
        self
    }

    /// Builds the signer.
    pub fn signer(&self, ring: &KeyRing) -> TimedSigner {
        let builder = Signer::builder(ring, &self.salt)
            .with_digest(self.digest)
            .with_key_derivation(self.key_derivation)
            .with_strict(self.strict);
        TimedSigner::new(builder.build())
    }
}

/// A session and how it came to be.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Opened {
    /// The session; empty unless the reason is a verified one.
    pub session: Session,
    /// Why the session is what it is.
    pub reason: Reason,
    /// What is known of the cookie, if one was offered.
    pub cookie: Option<CookieFacts>,
}

/// What may be told of a cookie: nothing of its content.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
#[non_exhaustive]
pub struct CookieFacts {
    /// The age in seconds, if a key confirmed the time.
    pub age: Option<i64>,
    /// The time of signing in Unix seconds, if a key confirmed it.
    pub signed_at: Option<u64>,
    /// The position of the key that confirmed it: 0 is the current one, then the fallbacks.
    pub key: Option<usize>,
    /// The length of the value in bytes.
    pub len: usize,
    /// The payload was compressed; known once it was verified.
    pub compressed: bool,
}

/// What the adapter has to do after the handler is done.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct Saved {
    /// What to do about the cookie.
    pub action: SaveAction,
    /// The response depends on the cookie: add `Vary: Cookie`.
    pub vary: bool,
}

/// What to do about the cookie.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum SaveAction {
    /// Send this `Set-Cookie`, which makes the browser forget the cookie.
    Delete(String),
    /// Send nothing.
    Keep,
    /// Send this `Set-Cookie`.
    Set(String),
}

/// Why a session cannot be sent.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum SaveError {
    /// The expiry would lie after the year 9999.
    #[error("the session would expire after the year 9999: shorten PERMANENT_SESSION_LIFETIME")]
    ExpiresOutOfRange,
    /// Browsers drop cookies of this size without a word.
    #[error(
        "the session cookie is too large: the header has {size} bytes, browsers keep {limit}; \
         largest keys: {}", largest.join(", ")
    )]
    TooLarge {
        /// The length of the whole header in bytes.
        size: usize,
        /// The greatest length that is sent.
        limit: usize,
        /// The largest keys with the length of their values.
        largest: Vec<String>,
    },
    /// A value cannot be written.
    #[error("the session cannot be written: {0}")]
    Write(#[from] WriteError),
}

impl SaveError {
    /// Returns the reason code to report, if there is one.
    pub const fn reason(&self) -> Option<Reason> {
        match self {
            Self::TooLarge { .. } => Some(Reason::TooLarge),
            _ => None,
        }
    }
}

impl Interface {
    /// What browsers keep of one cookie, as the length of the whole header; RFC 6265bis has 4,096
    /// bytes for name and value.
    pub const MAX_COOKIE_SIZE: usize = 4096;

    /// Opens and saves Flask's own cookies with Flask's default configuration.
    pub fn new(ring: &KeyRing) -> Self {
        Self::signed_with(ring, &Signing::default())
    }

    /// As [`new`](Self::new), for an application that signs in its own way.
    pub fn signed_with(ring: &KeyRing, signing: &Signing) -> Self {
        Self { signer: Some(signing.signer(ring)), ..Self::without_key() }
    }

    /// Opens sessions that can be read, are empty, and refuse to be changed: Flask's `NullSession`.
    #[doc(alias = "NullSession")]
    pub fn without_key() -> Self {
        Self {
            signer: None,
            name: "session".into(),
            attributes: Attributes::new(),
            lifetime: Duration::from_secs(31 * 24 * 60 * 60),
            refresh_each_request: true,
            limits: Limits::default(),
            max_cookie_size: Self::MAX_COOKIE_SIZE,
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

    /// Sets whether a permanent session is sent again although nothing changed.
    #[must_use]
    #[doc(alias = "SESSION_REFRESH_EACH_REQUEST")]
    pub const fn with_refresh_each_request(mut self, refresh: bool) -> Self {
        self.refresh_each_request = refresh;
        self
    }

    /// Sets how much a payload may hold.
    #[must_use]
    pub const fn with_limits(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }

    /// Sets the greatest length of the whole header; 0 is no limit.
    #[must_use]
    #[doc(alias = "MAX_COOKIE_SIZE")]
    pub const fn with_max_cookie_size(mut self, bytes: usize) -> Self {
        self.max_cookie_size = bytes;
        self
    }

    /// Returns the name of the cookie.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Returns the attributes of the cookie.
    pub const fn attributes(&self) -> &Attributes {
        &self.attributes
    }

    /// Opens the session of a cookie's value, `now` being the time since 1970.
    ///
    /// Whatever is wrong with the cookie, the session is empty and the reason says why. DIFFERENCE:
    /// Flask answers 500 to a signed payload that does not decode.
    #[doc(alias = "open_session")]
    pub fn open(&self, cookie: Option<&[u8]>, now: Duration) -> Opened {
        let Some(signer) = &self.signer else {
            let mut session = Session::new();
            session.set_read_only(ReadOnly::NoSecretKey);
            return Opened { session, reason: Reason::NoSecretKey, cookie: None };
        };
        let Some(cookie) = cookie.filter(|cookie| !cookie.is_empty()) else {
            return Opened { session: Session::new(), reason: Reason::NoCookie, cookie: None };
        };
        let mut facts = CookieFacts { len: cookie.len(), ..CookieFacts::default() };
        let (session, reason) = match self.verify(signer, cookie, now, &mut facts) {
            Ok(session) if facts.key == Some(0) => (session, Reason::Verified),
            Ok(session) => (session, Reason::VerifiedByFallbackKey),
            Err(reason) => (Session::new(), reason),
        };
        Opened { session, reason, cookie: Some(facts) }
    }

    fn verify(
        &self,
        signer: &TimedSigner,
        cookie: &[u8],
        now: Duration,
        facts: &mut CookieFacts,
    ) -> Result<Session, Reason> {
        let max_age = i64::try_from(self.lifetime.as_secs()).unwrap_or(i64::MAX);
        let timed = signer.unsign(cookie, now.as_secs(), Some(max_age)).map_err(|error| {
            facts.age = age_of(&error);
            error.reason()
        })?;
        facts.age = Some(now.as_secs().cast_signed() - timed.signed_at.cast_signed());
        facts.signed_at = Some(timed.signed_at);
        facts.key = Some(timed.key);
        let (json, compressed) = serializer::decode_payload(timed.value, self.limits.inflated())
            .map_err(|error| match error {
                PayloadError::TooLarge => Reason::TooLarge,
                _ => Reason::BadPayload,
            })?;
        facts.compressed = compressed;
        Session::from_json(json, self.limits).map_err(|_| Reason::BadPayload)
    }

    /// Decides how to save a session, `now` being the time since 1970.
    ///
    /// # Errors
    ///
    /// [`SaveError`] when the session cannot be sent; nothing was decided then.
    #[doc(alias = "save_session")]
    pub fn save(&self, session: &Session, now: Duration) -> Result<Saved, SaveError> {
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
        if !(session.is_modified() || permanent && self.refresh_each_request) {
            return Ok(keep);
        }
        let expires = permanent.then(|| self.expires(now)).transpose()?;
        let value = value_of(signer, session, now)?;
        let header = cookie::write(&self.name, &value, &self.attributes, expires, None)
            .map_err(|_| SaveError::ExpiresOutOfRange)?;
        self.check_size(&header, session)?;
        Ok(Saved { action: SaveAction::Set(header), vary: true })
    }

    /// Returns only the value of the cookie that holds a session.
    ///
    /// # Errors
    ///
    /// [`SaveError::Write`] when a value cannot be written.
    pub fn sign(&self, session: &Session, now: Duration) -> Result<Option<String>, SaveError> {
        self.signer.as_ref().map(|signer| value_of(signer, session, now)).transpose()
    }

    fn expires(&self, now: Duration) -> Result<i64, SaveError> {
        let expires = now.checked_add(self.lifetime).ok_or(SaveError::ExpiresOutOfRange)?;
        i64::try_from(expires.as_secs()).map_err(|_| SaveError::ExpiresOutOfRange)
    }

    fn check_size(&self, header: &str, session: &Session) -> Result<(), SaveError> {
        if self.max_cookie_size == 0 || header.len() <= self.max_cookie_size {
            return Ok(());
        }
        let largest = session.sizes().into_iter().take(3);
        Err(SaveError::TooLarge {
            size: header.len(),
            limit: self.max_cookie_size,
            largest: largest.map(|(key, size)| format!("{key} ({size} bytes)")).collect(),
        })
    }
}

fn value_of(signer: &TimedSigner, session: &Session, now: Duration) -> Result<String, SaveError> {
    let json = session.to_json()?;
    let mut value = Vec::with_capacity(json.len() * 4 / 3 + 64);
    serializer::encode_payload(&json, &mut value);
    signer.sign_to(&mut value, now.as_secs());
    // Base64 and dots are ASCII.
    Ok(String::from_utf8(value).unwrap_or_default())
}

const fn age_of(error: &TimedError<'_>) -> Option<i64> {
    match error {
        TimedError::Expired { age, .. } | TimedError::NotYetValid { age, .. } => Some(*age),
        _ => None,
    }
}
