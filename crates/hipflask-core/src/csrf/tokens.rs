//! Flask-WTF's tokens: the session's secret, signed together with the time.

use sha1::{Digest, Sha1};
use subtle::ConstantTimeEq;

use super::CsrfError;
use crate::{
    UnixTime,
    signing::{KeyRing, TimedError},
    token::{TimedToken, TokenError},
    value::Value,
};

/// The form's field, and the key in the session: `WTF_CSRF_FIELD_NAME`.
pub const FIELD: &str = "csrf_token";
/// For how many seconds a form may stay open: `WTF_CSRF_TIME_LIMIT`.
pub const TIME_LIMIT: i64 = 3600;
/// How many random bytes a secret is made of.
pub const SECRET_ENTROPY: usize = 64;

const SALT: &str = "wtf-csrf-token";

/// Makes the secret that a session keeps.
///
/// ```
/// use hipflask_core::csrf::new_secret;
///
/// let random = [7; 64]; // from the operating system
/// assert_eq!(new_secret(&random), "6b4d5b862bba704d0fafe932e3f334c5f1bb7128");
/// ```
pub fn new_secret(entropy: &[u8; SECRET_ENTROPY]) -> String {
    Sha1::digest(entropy).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Makes the tokens that forms carry, and judges them.
///
/// DIFFERENCE: tokens signed by a fallback key are accepted, too, so that a new key spoils no form
/// that is open; Flask-WTF knows only the current key.
///
/// ```
/// use hipflask_core::{UnixTime, csrf::{CsrfError, CsrfTokens}, signing::KeyRing};
///
/// let [now, too_late] = [1_763_692_800, 1_763_696_401].map(UnixTime::from_secs);
/// let tokens = CsrfTokens::new(&KeyRing::new("9f3c6a52be0d47c1886d1f7a0cb35e24"));
/// let secret = "2fd4e1c67a2d28fced849ee1bb76e7391b93eb12"; // session["csrf_token"]
/// let token = tokens.encode(secret, now);
/// assert_eq!(tokens.check(token.as_bytes(), Some(&secret.into()), now), Ok(()));
/// let late = tokens.check(token.as_bytes(), Some(&secret.into()), too_late);
/// assert_eq!(late, Err(CsrfError::TokenExpired));
/// ```
#[derive(Clone, Debug)] // safe to print: `TimedToken` redacts its keys
#[doc(alias = "WTF_CSRF_SECRET_KEY")]
pub struct CsrfTokens {
    token: TimedToken,
    time_limit: Option<i64>,
}

impl CsrfTokens {
    /// Creates tokens that live for an hour.
    pub fn new(ring: &KeyRing) -> Self {
        Self { token: TimedToken::new(ring, SALT), time_limit: Some(TIME_LIMIT) }
    }

    /// Sets for how many seconds a form may stay open; `None` is no limit.
    #[must_use]
    #[doc(alias = "WTF_CSRF_TIME_LIMIT")]
    pub const fn with_time_limit(mut self, seconds: Option<i64>) -> Self {
        self.time_limit = seconds;
        self
    }

    /// Returns a token for the secret of a session.
    #[doc(alias = "generate_csrf")]
    pub fn encode(&self, secret: &str, now: UnixTime) -> String {
        // Every text can be written; if one could not, nobody would accept the empty token.
        self.token.encode(secret, now).unwrap_or_default()
    }

    /// Confirms that a page of this session has made the token; an empty token is a missing one.
    ///
    /// # Errors
    ///
    /// [`CsrfError`]. DIFFERENCE: a token whose value is no text is invalid, and a secret that is no
    /// text matches nothing; Flask-WTF fails with 500.
    #[doc(alias = "validate_csrf")]
    pub fn check(
        &self,
        token: &[u8],
        secret: Option<&Value>,
        now: UnixTime,
    ) -> Result<(), CsrfError> {
        if token.is_empty() {
            return Err(CsrfError::TokenMissing);
        }
        let secret = secret.ok_or(CsrfError::SessionTokenMissing)?;
        let value =
            self.token.decode(token, now, self.time_limit).map_err(|error| match error {
                TokenError::TimedSignature(
                    TimedError::Expired { .. } | TimedError::NotYetValid { .. },
                ) => CsrfError::TokenExpired,
                _ => CsrfError::TokenInvalid,
            })?;
        match (value, secret) {
            (Value::Str(token), Value::Str(secret)) => {
                let is_equal = token.as_bytes().ct_eq(secret.as_bytes());
                if is_equal.into() { Ok(()) } else { Err(CsrfError::TokenMismatch) }
            }
            (Value::Str(_), _) => Err(CsrfError::TokenMismatch),
            _ => Err(CsrfError::TokenInvalid),
        }
    }
}
