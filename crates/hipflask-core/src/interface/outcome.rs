//! What opening and saving come to: values for the adapter, and nothing done yet.

use crate::{
    UnixTime,
    reason::Reason,
    record::Taken,
    serializer::WriteError,
    session::Session,
    signing::{Digest, Sealer, Signer, age},
};

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
    /// The digest of the signature, if a key confirmed it.
    pub digest: Option<Digest>,
    /// The time of signing in Unix seconds, if a key confirmed it.
    pub signed_at: Option<u64>,
    /// The position of the key that confirmed it: 0 is the current one, then the fallbacks.
    pub key: Option<usize>,
    /// The length of the value in bytes.
    pub len: usize,
    /// The payload was compressed; known once it was verified.
    pub compressed: bool,
    /// It is encrypted, and not only signed.
    pub encrypted: bool,
    /// It is to be sent again although nothing has changed: signed with the current key and digest.
    pub outdated: bool,
}

impl CookieFacts {
    /// Returns what is known of a cookie of another package.
    pub(crate) fn of_taken(taken: &Taken, len: usize, now: UnixTime) -> Self {
        let (signed_at, key) = (Some(taken.signed_at), Some(taken.key));
        let age = Some(age(taken.signed_at, now));
        Self { age, signed_at, key, len, outdated: true, ..Self::default() }
    }

    /// Reports whether a fallback key or digest of the signer has signed it.
    pub(crate) fn is_of_another(&self, signer: &Signer) -> bool {
        self.key != Some(0) || self.digest.is_some_and(|digest| digest != signer.digest())
    }
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

impl Saved {
    /// Leaves the cookie as it is.
    pub const fn keep(vary: bool) -> Self {
        Self { action: SaveAction::Keep, vary }
    }
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

impl SaveAction {
    /// Returns the `Set-Cookie` to send, if there is one.
    pub fn header(&self) -> Option<&str> {
        match self {
            Self::Delete(header) | Self::Set(header) => Some(header),
            Self::Keep => None,
        }
    }

    /// Returns the value of the cookie that is sent, if one is.
    ///
    /// ```
    /// use hipflask_core::interface::SaveAction;
    ///
    /// let action = SaveAction::Set("session=abc; Path=/".into());
    /// assert_eq!(action.value(), Some("abc"));
    /// ```
    pub fn value(&self) -> Option<&str> {
        let Self::Set(header) = self else { return None };
        let (_, value) = header.split_once('=')?;
        value.split(';').next()
    }
}

/// Why a session cannot be sent.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum CookieError {
    /// The expiry would lie after the year 9999.
    #[error("the session would expire after the year 9999: shorten PERMANENT_SESSION_LIFETIME")]
    ExpiresOutOfRange,
    /// Browsers drop cookies of this size without a word.
    #[error(
        "the session cookie is too large: name and value have {size} bytes, browsers keep {limit}; \
         largest keys: {}", largest.join(", ")
    )]
    TooLarge {
        /// The bytes of name and value together.
        size: usize,
        /// The greatest length that is sent.
        limit: usize,
        /// The largest keys, each with the length of what it takes.
        largest: Vec<String>,
    },
    /// An encrypted cookie takes random bytes, and there are none.
    #[error("an encrypted cookie takes {} random bytes", Sealer::NONCE_LEN)]
    NoEntropy,
    /// A value cannot be written.
    #[error(transparent)]
    Write(#[from] WriteError),
}

impl CookieError {
    /// Returns the reason code to report, if there is one.
    pub const fn reason(&self) -> Option<Reason> {
        match self {
            Self::TooLarge { .. } => Some(Reason::TooLarge),
            _ => None,
        }
    }
}
