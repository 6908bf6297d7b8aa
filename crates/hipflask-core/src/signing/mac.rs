//! HMAC with the key already mixed in, over whichever digest was configured.
//!
//! The innermost part of signing: knows neither base64 nor separators. Keying costs two rounds of
//! the hash, so it happens once per key, and each signature starts from a copy of that state.

use std::fmt;

use hmac::{Hmac, KeyInit};
use zeroize::Zeroizing;

use super::{Digest, Key, KeyDerivation, hmac_sha1::HmacSha1};

/// The length of the longest signature, SHA-512's.
pub(super) const MAX_TAG_LEN: usize = 64;

/// The keyed state of one HMAC; wiped from memory when dropped.
#[derive(Clone)]
pub(super) enum Mac {
    Md5(Hmac<md5::Md5>),
    Sha1(HmacSha1),
    Sha224(Hmac<sha2::Sha224>),
    Sha256(Hmac<sha2::Sha256>),
    Sha384(Hmac<sha2::Sha384>),
    Sha512(Hmac<sha2::Sha512>),
}

impl Mac {
    pub(super) fn new(digest: Digest, key: &[u8]) -> Self {
        match digest {
            Digest::Md5 => Self::Md5(keyed(key)),
            Digest::Sha1 => Self::Sha1(HmacSha1::new(key)),
            Digest::Sha224 => Self::Sha224(keyed(key)),
            Digest::Sha256 => Self::Sha256(keyed(key)),
            Digest::Sha384 => Self::Sha384(keyed(key)),
            Digest::Sha512 => Self::Sha512(keyed(key)),
        }
    }

    /// Reports whether `offered` is the signature of `value`, in a time that does not tell how far
    /// the two agree.
    pub(super) fn confirms(&self, value: &[u8], offered: &[u8]) -> bool {
        match self {
            Self::Md5(mac) => is_tag(mac, value, offered),
            Self::Sha1(mac) => mac.confirms(value, offered),
            Self::Sha224(mac) => is_tag(mac, value, offered),
            Self::Sha256(mac) => is_tag(mac, value, offered),
            Self::Sha384(mac) => is_tag(mac, value, offered),
            Self::Sha512(mac) => is_tag(mac, value, offered),
        }
    }

    /// Returns the signature of `value`.
    pub(super) fn sign(&self, value: &[u8]) -> Tag {
        match self {
            Self::Md5(mac) => tag(mac, value),
            Self::Sha1(mac) => Tag::new(&mac.tag(value)),
            Self::Sha224(mac) => tag(mac, value),
            Self::Sha256(mac) => tag(mac, value),
            Self::Sha384(mac) => tag(mac, value),
            Self::Sha512(mac) => tag(mac, value),
        }
    }
}

impl fmt::Debug for Mac {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Mac(..)")
    }
}

/// A signature as bytes; to check an offered one, use [`Mac::confirms`] instead.
pub(super) struct Tag {
    bytes: Zeroizing<[u8; MAX_TAG_LEN]>,
    length: usize,
}

impl Tag {
    fn new(tag: &[u8]) -> Self {
        let mut bytes = Zeroizing::new([0; MAX_TAG_LEN]);
        bytes[..tag.len()].copy_from_slice(tag);
        Self { bytes, length: tag.len() }
    }

    pub(super) fn as_bytes(&self) -> &[u8] {
        &self.bytes[..self.length]
    }
}

fn keyed<M: KeyInit>(key: &[u8]) -> M {
    M::new_from_slice(key).expect("HMAC takes a key of any length")
}

/// Returns the key of the HMAC for a configured key and a salt.
///
/// ```
/// use hipflask_core::signing::{Digest, Key, KeyDerivation, derive_key};
///
/// let derived = derive_key(Digest::Sha1, KeyDerivation::Hmac, b"cookie-session", b"k");
/// assert_eq!(derived.as_bytes().len(), 20);
/// ```
pub fn derive_key(digest: Digest, derivation: KeyDerivation, salt: &[u8], key: &[u8]) -> Key {
    match derivation {
        KeyDerivation::Concat => digest.hash(&[salt, key]),
        KeyDerivation::DjangoConcat => digest.hash(&[salt, b"signer", key]),
        KeyDerivation::Hmac => Key::new(Mac::new(digest, key).sign(salt).as_bytes()),
        KeyDerivation::None => Key::new(key),
    }
}

fn tag<M: hmac::Mac + Clone>(keyed: &M, value: &[u8]) -> Tag {
    Tag::new(&keyed.clone().chain_update(value).finalize().into_bytes())
}

fn is_tag<M: hmac::Mac + Clone>(keyed: &M, value: &[u8], offered: &[u8]) -> bool {
    keyed.clone().chain_update(value).verify_slice(offered).is_ok()
}
