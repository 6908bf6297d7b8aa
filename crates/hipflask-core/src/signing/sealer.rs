//! Seals bytes, so that only a key's owner can read them: a text that goes into a cookie, with the time,
//! or a record that goes into a store.
//!
//! What no itsdangerous writes: [AES-256-GCM-SIV][rfc], under keys of its own that are derived from a
//! ring. A nonce that is used twice tells no more than that two values are the same. What is sealed is
//! bound to what it is for, such as a cookie's name or a record's key.
//!
//! [rfc]: https://www.rfc-editor.org/rfc/rfc8452

use std::fmt;

use super::{
    Digest, KeyDerivation, KeyRing,
    cipher::{Cipher, NONCE_LEN},
    derive_key,
    mac::Mac,
};
use crate::{
    UnixTime,
    encoding::{decode_url, encode_url_to, is_canonical_url},
};

/// The form of a sealed text. A signed cookie has two dots at least, this has one.
const TEXT: &[u8] = b"e1.";
/// The form of a sealed record. Its first byte begins nothing else: MessagePack never uses it, UTF-8 and so
/// JSON cannot have it, and no pickle of Python's has such an operation.
const RECORD: &[u8] = b"\xc1\x01";
const TIME_LEN: usize = 8;

/// Seals with the current key of a [`KeyRing`], and opens what any key in it has sealed.
///
/// Without the feature `encryption` there is no cipher: nothing opens, and nothing can be sealed.
///
/// ```
/// use hipflask_core::{UnixTime, signing::{KeyRing, Sealer}};
///
/// # #[cfg(feature = "encryption")]
/// # {
/// let now = UnixTime::from_secs(1_763_692_800);
/// let sealer = Sealer::new(&KeyRing::new("secret-key"), "my purpose");
/// let sealed = sealer.seal(b"hello", b"session", &[7; Sealer::NONCE_LEN], now);
/// let unsealed = sealer.unseal(&sealed, b"session").expect("nothing was changed");
/// assert_eq!((unsealed.value.as_slice(), unsealed.signed_at), (&b"hello"[..], 1_763_692_800));
/// assert!(sealer.unseal(&sealed, b"another cookie").is_none());
/// # }
/// ```
#[derive(Clone)]
pub struct Sealer {
    /// One cipher per key of the ring, the current one first.
    ciphers: Vec<Cipher>,
    /// Makes the nonces of records.
    nonces: Mac,
}

impl Sealer {
    /// The random bytes that sealing a text takes.
    pub const NONCE_LEN: usize = NONCE_LEN;

    /// Derives the keys. The salt keeps apart what is sealed for different purposes.
    pub fn new(ring: &KeyRing, salt: impl AsRef<[u8]>) -> Self {
        // The prefixes keep these keys apart from every key that signs.
        let derived = |prefix: &[u8], key: &super::Key| {
            let salt = [prefix, salt.as_ref()].concat();
            derive_key(Digest::Sha256, KeyDerivation::Hmac, &salt, key.as_bytes())
        };
        // SHA-256 has as many bytes as the cipher takes.
        let cipher = |key| Cipher::new(derived(b"hipflask sealer\0", key).as_bytes());
        let nonces = derived(b"hipflask nonces\0", ring.current());
        Self {
            ciphers: ring.keys().filter_map(cipher).collect(),
            nonces: Mac::new(Digest::Sha256, nonces.as_bytes()),
        }
    }

    /// Reports whether a text has the form of what is sealed.
    pub fn is_sealed(text: &[u8]) -> bool {
        text.strip_prefix(TEXT).is_some_and(|rest| !rest.contains(&b'.'))
    }

    /// Returns `value` and the time as a text, sealed for a context.
    pub fn seal(
        &self,
        value: &[u8],
        context: &[u8],
        nonce: &[u8; Self::NONCE_LEN],
        now: UnixTime,
    ) -> Vec<u8> {
        let Some(current) = self.ciphers.first() else { return Vec::new() };
        let plain = [&now.as_secs().to_be_bytes(), value].concat();
        let sealed = current.seal(nonce, &plain, &bound(TEXT, context));
        let mut text = Vec::with_capacity(TEXT.len() + sealed.len() * 4 / 3 + 4);
        text.extend_from_slice(TEXT);
        encode_url_to(&sealed, &mut text);
        text
    }

    /// Returns what was sealed for this context, once a key confirms it; the age is for the caller.
    pub fn unseal(&self, text: &[u8], context: &[u8]) -> Option<Unsealed> {
        let text = text.strip_prefix(TEXT).filter(|text| is_canonical_url(text))?;
        let (key, mut value) = self.open(&decode_url(text)?, &bound(TEXT, context))?;
        let signed_at = u64::from_be_bytes(*value.first_chunk::<TIME_LEN>()?);
        value.drain(..TIME_LEN);
        Some(Unsealed { key, signed_at, value })
    }

    /// Reports whether a record is sealed, in whichever form.
    ///
    /// ```
    /// use hipflask_core::signing::Sealer;
    ///
    /// assert!(!Sealer::is_sealed_record(br#"{"n":1}"#));
    /// ```
    pub fn is_sealed_record(record: &[u8]) -> bool {
        record.first() == RECORD.first() && record.len() > RECORD.len() + NONCE_LEN
    }

    /// Returns a record, sealed for a context. The nonce is made of both: the same record for the same
    /// context is sealed to the same bytes, so that a compare-and-swap can compare them.
    pub(crate) fn seal_record(&self, record: &[u8], context: &[u8]) -> Vec<u8> {
        let Some(current) = self.ciphers.first() else { return Vec::new() };
        let length = (context.len() as u64).to_be_bytes();
        let tag = self.nonces.sign(&[&length, context, record].concat());
        // A SHA-256 is longer than a nonce.
        let nonce = tag.as_bytes().first_chunk().copied().unwrap_or_default();
        let sealed = current.seal(&nonce, record, &bound(RECORD, context));
        [RECORD, &sealed].concat()
    }

    /// Returns the position of the key that opens a record, and what was sealed for this context.
    pub(crate) fn unseal_record(&self, record: &[u8], context: &[u8]) -> Option<(usize, Vec<u8>)> {
        self.open(record.strip_prefix(RECORD)?, &bound(RECORD, context))
    }

    fn open(&self, bytes: &[u8], context: &[u8]) -> Option<(usize, Vec<u8>)> {
        let mut ciphers = self.ciphers.iter().enumerate();
        ciphers.find_map(|(key, cipher)| Some((key, cipher.open(bytes, context)?)))
    }
}

/// The form is bound in as well, so that no other one that follows can be taken for this.
fn bound(form: &[u8], context: &[u8]) -> Vec<u8> {
    [form, context].concat()
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
