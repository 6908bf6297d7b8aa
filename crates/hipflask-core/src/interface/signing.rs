//! How a session cookie is signed: Flask's choice, or an application's own.

use crate::signing::{Digest, KeyDerivation, KeyRing, Signer, TimedSigner};

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
    key_derivation: KeyDerivation,
    salt: Vec<u8>,
    strict: bool,
}

impl Default for Signing {
    fn default() -> Self {
        Self {
            digest: Digest::Sha1,
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
