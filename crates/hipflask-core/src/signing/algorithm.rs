//! The digests and key derivations that itsdangerous offers, under its own names.
//!
//! Stage 2 of the flow: turns a configured key and a salt into the key of the HMAC. The formulas
//! are those of [`Signer.derive_key`][py].
//!
//! [py]: https://itsdangerous.palletsprojects.com/en/stable/signer/#itsdangerous.signer.Signer.derive_key

use std::{fmt, str::FromStr};

use super::Key;

/// Names the hash of the signature and of the key derivation.
///
/// ```
/// use hipflask_core::signing::Digest;
///
/// assert_eq!("sha256".parse(), Ok(Digest::Sha256));
/// assert_eq!(Digest::default().to_string(), "sha1");
/// ```
#[derive(Clone, Copy, Debug, Default, Eq, Hash, PartialEq)]
#[non_exhaustive]
pub enum Digest {
    /// MD5, only to read what an old application wrote.
    Md5,
    /// SHA-1, Flask's choice: its weakness to collisions does not touch HMAC.
    #[default]
    Sha1,
    /// SHA-224.
    Sha224,
    /// SHA-256.
    Sha256,
    /// SHA-384.
    Sha384,
    /// SHA-512.
    Sha512,
}

impl Digest {
    /// Every digest, shortest first.
    pub const ALL: [Self; 6] =
        [Self::Md5, Self::Sha1, Self::Sha224, Self::Sha256, Self::Sha384, Self::Sha512];

    /// Returns the name that Python's `hashlib` uses.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Md5 => "md5",
            Self::Sha1 => "sha1",
            Self::Sha224 => "sha224",
            Self::Sha256 => "sha256",
            Self::Sha384 => "sha384",
            Self::Sha512 => "sha512",
        }
    }

    /// Returns the length of a signature in bytes.
    pub const fn output_len(self) -> usize {
        match self {
            Self::Md5 => 16,
            Self::Sha1 => 20,
            Self::Sha224 => 28,
            Self::Sha256 => 32,
            Self::Sha384 => 48,
            Self::Sha512 => 64,
        }
    }

    pub(super) fn hash(self, parts: &[&[u8]]) -> Key {
        fn with<D: sha2::Digest>(parts: &[&[u8]]) -> Key {
            let hash = parts.iter().fold(D::new(), |hash, part| hash.chain_update(part));
            Key::new(hash.finalize())
        }
        match self {
            Self::Md5 => with::<md5::Md5>(parts),
            Self::Sha1 => with::<sha1::Sha1>(parts),
            Self::Sha224 => with::<sha2::Sha224>(parts),
            Self::Sha256 => with::<sha2::Sha256>(parts),
            Self::Sha384 => with::<sha2::Sha384>(parts),
            Self::Sha512 => with::<sha2::Sha512>(parts),
        }
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Digest {
    type Err = UnknownDigest;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        Self::ALL.into_iter().find(|digest| digest.name() == name).ok_or(UnknownDigest)
    }
}

/// The text names no [`Digest`].
///
/// ```
/// use hipflask_core::signing::Digest;
///
/// assert!("crc32".parse::<Digest>().is_err_and(|error| error.to_string().contains("sha1")));
/// ```
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("unknown digest: expected md5, sha1, sha224, sha256, sha384 or sha512")]
#[non_exhaustive]
pub struct UnknownDigest;

/// Names how the key of the HMAC comes from the configured key and the salt.
///
/// ```
/// use hipflask_core::signing::KeyDerivation;
///
/// assert_eq!("django-concat".parse(), Ok(KeyDerivation::default()));
/// assert_eq!(KeyDerivation::Hmac.to_string(), "hmac");
/// ```
#[derive(Clone, Copy, Debug, Default, Eq, Hash, PartialEq)]
#[non_exhaustive]
pub enum KeyDerivation {
    /// The hash of salt and key.
    Concat,
    /// The hash of salt, the word `signer` and key: the default of itsdangerous.
    #[default]
    DjangoConcat,
    /// The HMAC of the salt under the key: what Flask uses for sessions.
    Hmac,
    /// The key itself; the salt has no effect.
    None,
}

impl KeyDerivation {
    /// Every key derivation, in alphabetical order.
    pub const ALL: [Self; 4] = [Self::Concat, Self::DjangoConcat, Self::Hmac, Self::None];

    /// Returns the name that itsdangerous uses.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Concat => "concat",
            Self::DjangoConcat => "django-concat",
            Self::Hmac => "hmac",
            Self::None => "none",
        }
    }
}

impl fmt::Display for KeyDerivation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for KeyDerivation {
    type Err = UnknownKeyDerivation;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        Self::ALL.into_iter().find(|mode| mode.name() == name).ok_or(UnknownKeyDerivation)
    }
}

/// The text names no [`KeyDerivation`].
///
/// ```
/// use hipflask_core::signing::KeyDerivation;
///
/// assert!("HMAC".parse::<KeyDerivation>().is_err_and(|error| error.to_string().contains("hmac")));
/// ```
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("unknown key derivation: expected concat, django-concat, hmac or none")]
#[non_exhaustive]
pub struct UnknownKeyDerivation;
