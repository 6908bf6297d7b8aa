//! How a session cookie is signed: Flask's choice, or an application's own.

use crate::{
    UnixTime,
    signing::{Digest, KeyDerivation, KeyRing, Sealer, Signer, TimedSigner},
};

/// The salt of Flask's session cookie.
pub const FLASK_SALT: &str = "cookie-session";

/// How cookies are signed, where an application differs from Flask's own choice.
///
/// ```
/// use hipflask_core::{interface::{CookieSessions, Signing}, signing::{Digest, KeyRing}};
///
/// let signing = Signing::default().with_digest(Digest::Sha256).with_salt("my-session");
/// let interface = CookieSessions::signed_with(&KeyRing::new("k"), &signing);
/// assert_eq!(interface.name(), "session");
/// ```
#[derive(Clone, Debug)]
pub struct Signing {
    digest: Digest,
    fallback_digests: Vec<(Digest, Option<UnixTime>)>,
    key_derivation: KeyDerivation,
    salt: Vec<u8>,
    strict: bool,
}

impl Default for Signing {
    fn default() -> Self {
        Self {
            digest: Digest::Sha1,
            fallback_digests: Vec::new(),
            key_derivation: KeyDerivation::Hmac,
            salt: FLASK_SALT.into(),
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

    /// Accepts what another digest has signed, too: before the time `until`, or for ever.
    ///
    /// ```
    /// use hipflask_core::{UnixTime, interface::{CookieSessions, Signing}, reason::Reason, signing::{Digest, KeyRing}};
    ///
    /// let [now, until] = [1_763_692_800, 1_763_692_900].map(UnixTime::from_secs);
    /// let signing = Signing::default().with_digest(Digest::Sha256).with_fallback_digest(Digest::Sha1, until);
    /// let interface = CookieSessions::signed_with(&KeyRing::new("k"), &signing);
    /// let cookie = b"eyJhIjoxfQ.aR_RAA.VYsLQ_U2fgKvqx9fBqYtUdliftw"; // Flask signed this with SHA-1.
    /// assert_eq!(interface.open(Some(cookie), now).reason, Reason::Verified);
    /// assert_eq!(interface.open(Some(cookie), until).reason, Reason::BadSignature);
    /// ```
    #[must_use]
    pub fn with_fallback_digest(
        mut self,
        digest: Digest,
        until: impl Into<Option<UnixTime>>,
    ) -> Self {
        self.fallback_digests.push((digest, until.into()));
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
        TimedSigner::new(self.signer_without_time(ring))
    }

    /// Builds what seals cookies that nobody is to read.
    pub fn sealer(&self, ring: &KeyRing) -> Sealer {
        Sealer::new(ring, &self.salt)
    }

    /// Builds a signer for what has no time, such as the id of a session.
    pub(crate) fn signer_without_time(&self, ring: &KeyRing) -> Signer {
        let builder = Signer::builder(ring, &self.salt)
            .with_digest(self.digest)
            .with_key_derivation(self.key_derivation)
            .with_strict(self.strict);
        let fallbacks = self.fallback_digests.iter();
        fallbacks
            .fold(builder, |builder, &(digest, until)| builder.with_fallback_digest(digest, until))
            .build()
    }
}
