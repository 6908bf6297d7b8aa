//! Seals bytes together with the time, so that only a key's owner can read them: `e1.` and base64.
//!
//! What no itsdangerous writes: [AES-256-GCM-SIV][rfc], under keys of its own that are derived from a
//! ring. A nonce that is used twice tells no more than that two values are the same. The time stands
//! inside, before the value, and what the text is for, such as a cookie's name, is bound in.
//!
//! [rfc]: https://www.rfc-editor.org/rfc/rfc8452

use std::fmt;

use aes_gcm_siv::{
    Aes256GcmSiv, KeyInit, Nonce,
    aead::{Aead, Payload},
};

use super::{Digest, KeyDerivation, KeyRing, derive_key};
use crate::{
    UnixTime,
    encoding::{decode_url, encode_url_to, is_canonical_url},
};

/// The form of what is sealed. A signed cookie has two dots at least, this has one.
const MARK: &[u8] = b"e1.";
const TIME_LEN: usize = 8;

/// Seals with the current key of a [`KeyRing`], and opens what any key in it has sealed.
///
/// ```
/// use hipflask_core::{UnixTime, signing::{KeyRing, Sealer}};
///
/// let now = UnixTime::from_secs(1_763_692_800);
/// let sealer = Sealer::new(&KeyRing::new("secret-key"), "my purpose");
/// let sealed = sealer.seal(b"hello", b"session", &[7; Sealer::NONCE_LEN], now);
/// let unsealed = sealer.unseal(&sealed, b"session").expect("nothing was changed");
/// assert_eq!((unsealed.value.as_slice(), unsealed.signed_at), (&b"hello"[..], 1_763_692_800));
/// assert!(sealer.unseal(&sealed, b"another cookie").is_none());
/// ```
#[derive(Clone)]
pub struct Sealer {
    /// One cipher per key of the ring, the current one first.
    ciphers: Vec<Aes256GcmSiv>,
}

impl Sealer {
    /// The random bytes that sealing takes.
    pub const NONCE_LEN: usize = 12;

    /// Derives the keys. The salt keeps apart what is sealed for different purposes.
    pub fn new(ring: &KeyRing, salt: impl AsRef<[u8]>) -> Self {
        // The prefix keeps these keys apart from every key that signs.
        let salt = [b"hipflask sealer\0", salt.as_ref()].concat();
        let cipher = |key: &super::Key| {
            let derived = derive_key(Digest::Sha256, KeyDerivation::Hmac, &salt, key.as_bytes());
            // SHA-256 has as many bytes as the cipher takes.
            Aes256GcmSiv::new_from_slice(derived.as_bytes()).ok()
        };
        Self { ciphers: ring.keys().filter_map(cipher).collect() }
    }

    /// Reports whether a text has the form of what is sealed.
    pub fn is_sealed(text: &[u8]) -> bool {
        text.strip_prefix(MARK).is_some_and(|rest| !rest.contains(&b'.'))
    }

    /// Returns `value` and the time, sealed for a context.
    pub fn seal(
        &self,
        value: &[u8],
        context: &[u8],
        nonce: &[u8; Self::NONCE_LEN],
        now: UnixTime,
    ) -> Vec<u8> {
        let Some(current) = self.ciphers.first() else { return Vec::new() };
        let plain = [&now.as_secs().to_be_bytes(), value].concat();
        let context = bound(context);
        let payload = Payload { msg: &plain, aad: &context };
        // No cookie comes near the 64 GiB that one nonce seals.
        let Ok(sealed) = current.encrypt(&Nonce::from(*nonce), payload) else { return Vec::new() };
        let mut text = Vec::with_capacity(MARK.len() + (nonce.len() + sealed.len()) * 4 / 3 + 4);
        text.extend_from_slice(MARK);
        encode_url_to(&[nonce, sealed.as_slice()].concat(), &mut text);
        text
    }

    /// Returns what was sealed for this context, once a key confirms it; the age is for the caller.
    pub fn unseal(&self, text: &[u8], context: &[u8]) -> Option<Unsealed> {
        let text = text.strip_prefix(MARK).filter(|text| is_canonical_url(text))?;
        let bytes = decode_url(text)?;
        let (nonce, sealed) = bytes.split_first_chunk::<{ Self::NONCE_LEN }>()?;
        let (nonce, context) = (Nonce::from(*nonce), bound(context));
        let open = |cipher: &Aes256GcmSiv| {
            cipher.decrypt(&nonce, Payload { msg: sealed, aad: &context }).ok()
        };
        let mut opened = self.ciphers.iter().enumerate();
        let (key, mut value) = opened.find_map(|(key, cipher)| Some((key, open(cipher)?)))?;
        let signed_at = u64::from_be_bytes(*value.first_chunk::<TIME_LEN>()?);
        value.drain(..TIME_LEN);
        Some(Unsealed { key, signed_at, value })
    }
}

/// The form is bound in as well, so that no other one that follows can be taken for this.
fn bound(context: &[u8]) -> Vec<u8> {
    [MARK, context].concat()
}

impl fmt::Debug for Sealer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Sealer(..)")
    }
}

/// A value that was sealed, and when.
#[derive(Clone, Eq, PartialEq)]
#[non_exhaustive]
pub struct Unsealed {
    /// The position of the key that opens it: 0 for the current key, 1 for the first fallback.
    pub key: usize,
    /// When it was sealed, in Unix seconds.
    pub signed_at: u64,
    /// What was sealed.
    pub value: Vec<u8>,
}

impl fmt::Debug for Unsealed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Unsealed")
            .field("key", &self.key)
            .field("signed_at", &self.signed_at)
            .finish_non_exhaustive()
    }
}
