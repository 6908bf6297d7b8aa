//! Why a session is what it is: the closed list of reason codes.
//!
//! Shared by the API, the log, the metrics and the command line; a code never changes its meaning.

use std::fmt;

/// Why a session opened as it did, or why it was not saved.
///
/// ```
/// use hipflask_core::reason::Reason;
///
/// assert_eq!(Reason::BadSignature.code(), "bad_signature");
/// assert!(!Reason::BadSignature.is_verified());
/// assert!(Reason::BadSignature.to_string().contains("SECRET_KEY"));
/// ```
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
#[non_exhaustive]
pub enum Reason {
    /// The signature is right, but the payload cannot be decoded.
    BadPayload,
    /// No key confirms the signature.
    BadSignature,
    /// The signature is right, but there is no usable time in the cookie.
    BadTimestamp,
    /// The store's record cannot be read.
    CorruptRecord,
    /// The cookie is older than `PERMANENT_SESSION_LIFETIME`, or the session older than allowed.
    Expired,
    /// The store has a record of the unsigned session id.
    Found,
    /// Another request ended the session while this one was under way.
    GoneDuringRequest,
    /// The cookie does not have the form `payload.time.signature`.
    Malformed,
    /// The cookie cannot be a session id.
    MalformedId,
    /// The request carries no cookie of this name, or an empty one.
    NoCookie,
    /// There is no key to sign with.
    NoSecretKey,
    /// The cookie's time lies ahead of this machine's clock.
    NotYetValid,
    /// Another request has given the session a new id.
    Renewed,
    /// The session was ended before its cookie expires: by a log-out, or for all sessions of its user.
    Revoked,
    /// The cookie is a signed session id, and ids are not signed here.
    SignedId,
    /// The store did not answer.
    StoreUnavailable,
    /// The cookie, or what it inflates to, is larger than the limit.
    TooLarge,
    /// The store has no record of the session id.
    UnknownId,
    /// The cookie is a session id without a signature, and ids are signed here.
    UnsignedId,
    /// The current key confirms the cookie.
    Verified,
    /// A fallback key confirms the cookie.
    VerifiedByFallbackKey,
}

impl Reason {
    /// Every reason, in alphabetical order of the variants.
    pub const ALL: [Self; 21] = [
        Self::BadPayload,
        Self::BadSignature,
        Self::BadTimestamp,
        Self::CorruptRecord,
        Self::Expired,
        Self::Found,
        Self::GoneDuringRequest,
        Self::Malformed,
        Self::MalformedId,
        Self::NoCookie,
        Self::NoSecretKey,
        Self::NotYetValid,
        Self::Renewed,
        Self::Revoked,
        Self::SignedId,
        Self::StoreUnavailable,
        Self::TooLarge,
        Self::UnknownId,
        Self::UnsignedId,
        Self::Verified,
        Self::VerifiedByFallbackKey,
    ];

    /// Returns the stable `snake_case` code for logs, metrics and scripts.
    pub const fn code(self) -> &'static str {
        match self {
            Self::BadPayload => "bad_payload",
            Self::BadSignature => "bad_signature",
            Self::BadTimestamp => "bad_timestamp",
            Self::CorruptRecord => "corrupt_record",
            Self::Expired => "expired",
            Self::Found => "found",
            Self::GoneDuringRequest => "gone_during_request",
            Self::Malformed => "malformed",
            Self::MalformedId => "malformed_id",
            Self::NoCookie => "no_cookie",
            Self::NoSecretKey => "no_secret_key",
            Self::NotYetValid => "not_yet_valid",
            Self::Renewed => "renewed",
            Self::Revoked => "revoked",
            Self::SignedId => "signed_id",
            Self::StoreUnavailable => "store_unavailable",
            Self::TooLarge => "too_large",
            Self::UnknownId => "unknown_id",
            Self::UnsignedId => "unsigned_id",
            Self::Verified => "verified",
            Self::VerifiedByFallbackKey => "verified_by_fallback_key",
        }
    }

    /// Reports whether the session's content came from a cookie that a key confirmed, or from the
    /// store.
    pub const fn is_verified(self) -> bool {
        matches!(self, Self::Found | Self::Verified | Self::VerifiedByFallbackKey)
    }

    /// Reports whether a cookie was offered and refused.
    pub const fn is_refusal(self) -> bool {
        !self.is_verified() && !matches!(self, Self::NoCookie | Self::NoSecretKey)
    }

    /// Returns what to do about it, for whoever runs the site; empty where there is nothing to do.
    ///
    /// ```
    /// use hipflask_core::reason::Reason;
    ///
    /// assert!(Reason::BadSignature.remedy().contains("SECRET_KEY_FALLBACKS"));
    /// assert!(Reason::Verified.remedy().is_empty());
    /// ```
    pub const fn remedy(self) -> &'static str {
        match self {
            Self::BadPayload => {
                "give one of the two programs another SESSION_COOKIE_NAME and another key"
            }
            Self::BadSignature => {
                "give all services the same SECRET_KEY; after a change of the key list the old one \
                 in SECRET_KEY_FALLBACKS"
            }
            Self::BadTimestamp => "give the other program another key",
            Self::CorruptRecord => {
                "see the log for what cannot be read; give other programs another \
                 SESSION_KEY_PREFIX, or the same SESSION_SERIALIZATION_FORMAT"
            }
            Self::Expired => {
                "nothing, if the visitor was away for that long; else set \
                 PERMANENT_SESSION_LIFETIME to the same on all services"
            }
            Self::GoneDuringRequest => {
                "nothing: a log-out stays a log-out; the response was sent as the handler made it"
            }
            Self::Malformed => "give the other program another SESSION_COOKIE_NAME",
            Self::MalformedId => {
                "nothing, after a move from signed cookies to a store, which \
                 SessionConfig::with_cookie_migration takes over; else give the other program \
                 another SESSION_COOKIE_NAME"
            }
            Self::NoSecretKey => "set SECRET_KEY; `hipflask secret` makes one",
            Self::NotYetValid => "set the clocks of all machines by NTP",
            Self::Renewed => "nothing: the next request has the new id",
            Self::Revoked => "nothing: the visitor logs in again",
            Self::SignedId | Self::UnsignedId => "set SESSION_USE_SIGNER to the same on both sides",
            Self::StoreUnavailable => {
                "see the log's line for the store's own error, and whether the store can be reached"
            }
            Self::TooLarge => {
                "nothing, if it is an attack; else put less into the session, or keep it in a store"
            }
            Self::UnknownId => {
                "nothing, if the session has ended; else compare store, database and \
                 SESSION_KEY_PREFIX of all services, and see whether the store evicts (Redis: \
                 maxmemory-policy)"
            }
            Self::VerifiedByFallbackKey => {
                "nothing: the session is signed anew when it is next saved"
            }
            Self::Found | Self::NoCookie | Self::Verified => "",
        }
    }

    const fn text(self) -> &'static str {
        match self {
            Self::BadPayload => {
                "the signature is right but the payload is not tagged JSON: another program signs \
                 with the same SECRET_KEY and salt, or a custom tag is in use"
            }
            Self::BadSignature => {
                "no key confirms the signature: the cookie was changed, or SECRET_KEY differs from \
                 the one that signed it and is not listed in SECRET_KEY_FALLBACKS"
            }
            Self::BadTimestamp => {
                "the signature is right but the time part is missing or out of range: the cookie \
                 was not written by Flask's session interface"
            }
            Self::CorruptRecord => {
                "the store's record is no session: another program uses the same keys, or the \
                 record is of another format or was cut"
            }
            Self::Expired => {
                "the cookie is older than PERMANENT_SESSION_LIFETIME, or the session older than \
                 its absolute timeout"
            }
            Self::Found => "the store has a record of the session id",
            Self::GoneDuringRequest => {
                "another request ended the session while this one was under way, so its changes \
                 were dropped"
            }
            Self::Malformed => {
                "the cookie does not have the form payload.time.signature: another program uses \
                 the same cookie name, or the value was cut"
            }
            Self::MalformedId => {
                "the cookie cannot be a session id: a signed cookie of before the store, another \
                 program's cookie of the same name, or a guess"
            }
            Self::NoCookie => "the request carries no session cookie",
            Self::NoSecretKey => "no SECRET_KEY is set, so sessions can be read but not written",
            Self::NotYetValid => {
                "the cookie was signed ahead of this machine's clock: the clocks of two machines \
                 differ"
            }
            Self::Renewed => {
                "another request has given the session a new id meanwhile, as on log-in, and the \
                 browser has the new cookie or is about to get it"
            }
            Self::Revoked => {
                "the signature is right, but the session was ended since: by a log-out, or with all \
                 sessions of its user"
            }
            Self::SignedId => {
                "the cookie is a signed session id: SESSION_USE_SIGNER is on where it was written, \
                 and off here"
            }
            Self::StoreUnavailable => "the session store did not answer: see the log for its error",
            Self::TooLarge => "the cookie, or what it inflates to, is larger than the limit",
            Self::UnknownId => {
                "the store has no record of the session id: it has expired, was ended or evicted, \
                 or lies in another store or under another SESSION_KEY_PREFIX"
            }
            Self::UnsignedId => {
                "the cookie is a session id without a signature: SESSION_USE_SIGNER is off where it \
                 was written, and on here"
            }
            Self::Verified => "the current key confirms the cookie",
            Self::VerifiedByFallbackKey => "a key of SECRET_KEY_FALLBACKS confirms the cookie",
        }
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.text())
    }
}
