//! Reads what a cookie holds, signed or encrypted, and notes what is known of it.

use super::{CookieFacts, CookieSessions};
use crate::{
    UnixTime,
    reason::Reason,
    serializer::{self, PayloadError},
    session::Session,
    signing::{Digest, Sealer, Timed, TimedError, TimedSigner, Unsealed, age},
};

impl CookieSessions {
    pub(super) fn verify(
        &self,
        signer: &TimedSigner,
        cookie: &[u8],
        now: UnixTime,
        facts: &mut CookieFacts,
    ) -> Result<Session, Reason> {
        let unsealed = self.unseal(cookie);
        facts.encrypted = unsealed.is_some();
        let session = match unsealed {
            Some(unsealed) => self.read_sealed(unsealed?, now, facts)?,
            None => self.read_signed(signer, cookie, now, facts)?,
        };
        let is_outdated = facts.encrypted != self.encryption.is_some();
        facts.outdated = self.resign && (is_outdated || facts.is_of_another(signer.signer()));
        Ok(session)
    }

    /// Opens what is encrypted; `None` if the cookie is not.
    fn unseal(&self, cookie: &[u8]) -> Option<Result<Unsealed, Reason>> {
        let sealer = self.sealer.as_ref().filter(|_| Sealer::is_sealed(cookie))?;
        Some(sealer.unseal(cookie, self.name.as_bytes()).ok_or(Reason::BadSignature))
    }

    fn read_sealed(
        &self,
        unsealed: Unsealed,
        now: UnixTime,
        facts: &mut CookieFacts,
    ) -> Result<Session, Reason> {
        let Unsealed { key, signed_at, value } = unsealed;
        let timed = Timed { digest: Digest::Sha256, key, signed_at, value: &value };
        Self::note(timed.within(now, Some(self.max_age())), now, facts)?;
        if value.len() > self.limits.inflated() {
            return Err(Reason::TooLarge);
        }
        let json = String::from_utf8(value).map_err(|_| Reason::BadPayload)?;
        Session::from_json(json, self.limits).map_err(|_| Reason::BadPayload)
    }

    fn read_signed(
        &self,
        signer: &TimedSigner,
        cookie: &[u8],
        now: UnixTime,
        facts: &mut CookieFacts,
    ) -> Result<Session, Reason> {
        if self.encryption.is_some_and(|it| it.accept_plain_until.is_none_or(|until| now >= until))
        {
            return Err(Reason::BadSignature);
        }
        let timed = Self::note(signer.unsign(cookie, now, Some(self.max_age())), now, facts)?;
        facts.digest = Some(timed.digest);
        let (json, compressed) = serializer::decode_payload(timed.value, self.limits.inflated())
            .map_err(|error| match error {
                PayloadError::TooLarge => Reason::TooLarge,
                _ => Reason::BadPayload,
            })?;
        facts.compressed = compressed;
        Session::from_json(json, self.limits).map_err(|_| Reason::BadPayload)
    }

    /// Opens a cookie of another package, if such are taken over.
    pub(super) fn take(
        &self,
        cookie: &[u8],
        now: UnixTime,
        facts: &mut CookieFacts,
    ) -> Option<Session> {
        let taken = self.take_over.as_ref()?.content_of(cookie, now, self.limits)?;
        *facts = CookieFacts::of_taken(&taken, cookie.len(), now);
        Some(Session::of(taken.content))
    }

    fn max_age(&self) -> i64 {
        i64::try_from(self.lifetime.as_secs()).unwrap_or(i64::MAX)
    }

    /// Notes what is known once a key has confirmed the time.
    fn note<'a>(
        timed: Result<Timed<'a>, TimedError<'a>>,
        now: UnixTime,
        facts: &mut CookieFacts,
    ) -> Result<Timed<'a>, Reason> {
        let timed = timed.map_err(|error| {
            facts.age = age_of(&error);
            error.reason()
        })?;
        facts.age = Some(age(timed.signed_at, now));
        facts.signed_at = Some(timed.signed_at);
        facts.key = Some(timed.key);
        Ok(timed)
    }
}

const fn age_of(error: &TimedError<'_>) -> Option<i64> {
    match error {
        TimedError::Expired { age, .. } | TimedError::NotYetValid { age, .. } => Some(*age),
        _ => None,
    }
}
