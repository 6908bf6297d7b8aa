//! What only this server can have made: the short-lived cookie, and the challenges.
//!
//! Pure; signed by the session's keys and their fallbacks, each with a salt of its own, and with the time.

use std::time::Duration;

use hipflask_core::{
    UnixTime,
    signing::{Digest, KeyDerivation, KeyRing, Signer, TimedError, TimedSigner},
    token::{TimedToken, TokenError},
};
use serde::{Deserialize, Serialize, de::DeserializeOwned};

use super::{DbscError, proof::PublicKey};

/// How far two machines' clocks may differ, and how long a request may be under way.
pub(super) const LEEWAY: Duration = Duration::from_secs(60);
/// For how long a challenge can be proved. A device may take seconds to sign.
const CHALLENGE_LIFE: Duration = Duration::from_secs(120);

/// What the short-lived cookie says.
#[derive(Deserialize, Serialize)]
pub(super) struct Shown {
    pub(super) id: String,
    pub(super) key: PublicKey,
}

pub(super) struct Tokens {
    cookie: TimedToken,
    challenge: TimedToken,
}

impl Tokens {
    pub(super) fn new(ring: &KeyRing) -> Self {
        let token = |salt| {
            let signer = Signer::builder(ring, salt)
                .with_digest(Digest::Sha256)
                .with_key_derivation(KeyDerivation::Hmac);
            TimedToken::signed_by(TimedSigner::new(signer.build()))
        };
        Self { cookie: token("hipflask-dbsc-cookie"), challenge: token("hipflask-dbsc-challenge") }
    }

    /// Returns the value of the short-lived cookie.
    pub(super) fn cookie(&self, shown: &Shown, now: UnixTime) -> String {
        // All of it is text, which can be written; nobody would accept an empty one.
        self.cookie.encode(shown, now).unwrap_or_default()
    }

    pub(super) fn shown(&self, cookie: &[u8], life: Duration, now: UnixTime) -> Option<Shown> {
        decode(&self.cookie, cookie, life, now).ok()
    }

    /// Returns a challenge for a session, which is good until `n` has changed.
    pub(super) fn challenge(&self, id: &str, n: u64, now: UnixTime) -> String {
        self.challenge.encode(&(id, n), now).unwrap_or_default()
    }

    pub(super) fn check(
        &self,
        challenge: &str,
        id: &str,
        n: u64,
        now: UnixTime,
    ) -> Result<(), DbscError> {
        let (of, number): (String, u64) =
            decode(&self.challenge, challenge.as_bytes(), CHALLENGE_LIFE, now).map_err(
                |error| match error {
                    TokenError::TimedSignature(
                        TimedError::Expired { .. } | TimedError::NotYetValid { .. },
                    ) => DbscError::ChallengeExpired,
                    _ => DbscError::ChallengeMismatch,
                },
            )?;
        if of == id && number == n { Ok(()) } else { Err(DbscError::ChallengeMismatch) }
    }
}

fn decode<'a, T: DeserializeOwned>(
    token: &TimedToken,
    text: &'a [u8],
    life: Duration,
    now: UnixTime,
) -> Result<T, TokenError<'a>> {
    let latest = now.checked_add(LEEWAY).unwrap_or(now);
    let max_age = life.saturating_add(2 * LEEWAY).as_secs();
    token.decode(text, latest, Some(i64::try_from(max_age).unwrap_or(i64::MAX)))
}
