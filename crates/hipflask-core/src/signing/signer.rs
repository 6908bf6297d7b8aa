//! Signs bytes and checks them again: `value` ⇄ `value.signature`.
//!
//! Stage 2 of the data flow; knows nothing of time. Byte for byte what
//! [`itsdangerous.Signer`][py] writes, and its verdict on whatever is read.
//!
//! [py]: https://itsdangerous.palletsprojects.com/en/stable/signer/

use std::fmt;

use super::{
    Digest, Key, KeyDerivation, KeyRing, derive_key,
    mac::{MAX_TAG_LEN, Mac},
};
use crate::{
    UnixTime,
    encoding::{decode_url_to_slice, encode_url_to, is_canonical_url},
};

/// Signs with the current key of a [`KeyRing`] and accepts the signature of any key in it.
///
/// A signed value stays readable: signing guards integrity, not secrecy. The salt keeps apart what
/// is signed for different purposes; it need not be secret.
///
/// ```
/// use hipflask_core::signing::{KeyRing, Signer};
///
/// let signer = Signer::new(&KeyRing::new("secret-key"), "my purpose");
/// let signed = signer.sign(b"hello");
/// assert!(signed.starts_with(b"hello."));
/// assert_eq!(signer.unsign(&signed).map(|unsigned| unsigned.value), Ok(&b"hello"[..]));
/// assert!(signer.unsign(b"hullo.AAAA").is_err());
/// ```
#[derive(Clone, Debug)] // safe to print: `Mac` redacts itself
pub struct Signer {
    digest: Digest,
    /// One keyed state per key of the ring, the current one first.
    macs: Vec<Mac>,
    /// Digests that are accepted and not signed with.
    fallbacks: Vec<Fallback>,
    separator: Box<[u8]>,
    is_strict: bool,
}

/// A digest that is accepted, with one keyed state per key of the ring.
#[derive(Clone, Debug)]
struct Fallback {
    digest: Digest,
    until: Option<UnixTime>,
    macs: Vec<Mac>,
}

impl Fallback {
    /// Without a time, only what is accepted for ever is.
    fn is_accepted(&self, now: Option<UnixTime>) -> bool {
        self.until.is_none_or(|until| now.is_some_and(|now| now < until))
    }
}

impl Signer {
    /// Creates a signer with the defaults of itsdangerous: SHA-1, `django-concat` and `.`.
    pub fn new(ring: &KeyRing, salt: impl AsRef<[u8]>) -> Self {
        Self::builder(ring, salt).build()
    }

    /// Starts a signer with other parameters than [`Signer::new`] takes.
    pub fn builder(ring: &KeyRing, salt: impl AsRef<[u8]>) -> SignerBuilder<'_> {
        SignerBuilder {
            ring,
            salt: salt.as_ref().to_vec(),
            digest: Digest::default(),
            fallback_digests: Vec::new(),
            key_derivation: KeyDerivation::default(),
            separator: Box::from(*b"."),
            is_strict: false,
        }
    }

    /// Returns `value`, the separator and the signature, in one piece.
    pub fn sign(&self, value: &[u8]) -> Vec<u8> {
        let mut signed = Vec::with_capacity(value.len() + self.separator.len() + MAX_TEXT_LEN);
        signed.extend_from_slice(value);
        self.sign_to(&mut signed);
        signed
    }

    /// Appends to `buffer` the separator and the signature of all that it holds.
    ///
    /// ```
    /// # use hipflask_core::signing::{KeyRing, Signer};
    /// let signer = Signer::new(&KeyRing::new("secret-key"), "my purpose");
    /// let mut buffer = b"hello".to_vec();
    /// signer.sign_to(&mut buffer);
    /// assert_eq!(buffer, signer.sign(b"hello"));
    /// ```
    pub fn sign_to(&self, buffer: &mut Vec<u8>) {
        let Some(current) = self.macs.first() else { return };
        let tag = current.sign(buffer);
        buffer.extend_from_slice(&self.separator);
        encode_url_to(tag.as_bytes(), buffer);
    }

    /// Returns the value inside `signed` once a key of the ring confirms it, the current key first.
    ///
    /// Of the fallback digests, those count that are accepted for ever: the others need
    /// [`unsign_at`](Self::unsign_at).
    ///
    /// # Errors
    ///
    /// [`UnsignError::NoSeparator`] when no signature was appended at all, otherwise
    /// [`UnsignError::Mismatch`]; neither tells which key, or which byte, failed.
    pub fn unsign<'a>(&self, signed: &'a [u8]) -> Result<Unsigned<'a>, UnsignError<'a>> {
        self.unsign_within(signed, None)
    }

    /// As [`unsign`](Self::unsign), with the fallback digests that are still accepted at `now`.
    ///
    /// ```
    /// # use hipflask_core::{UnixTime, signing::{Digest, KeyRing, Signer}};
    /// let ring = KeyRing::new("secret-key");
    /// let old = Signer::new(&ring, "my purpose").sign(b"hello"); // with SHA-1
    /// let [now, until] = [1_000, 2_000].map(UnixTime::from_secs);
    /// let signer = Signer::builder(&ring, "my purpose")
    ///     .with_digest(Digest::Sha256)
    ///     .with_fallback_digest(Digest::Sha1, until)
    ///     .build();
    /// assert_eq!(signer.unsign_at(&old, now).map(|unsigned| unsigned.digest), Ok(Digest::Sha1));
    /// assert!(signer.unsign_at(&old, until).is_err());
    /// ```
    ///
    /// # Errors
    ///
    /// As [`unsign`](Self::unsign).
    pub fn unsign_at<'a>(
        &self,
        signed: &'a [u8],
        now: UnixTime,
    ) -> Result<Unsigned<'a>, UnsignError<'a>> {
        self.unsign_within(signed, Some(now))
    }

    fn unsign_within<'a>(
        &self,
        signed: &'a [u8],
        now: Option<UnixTime>,
    ) -> Result<Unsigned<'a>, UnsignError<'a>> {
        let (value, signature) =
            rsplit_once(signed, &self.separator).ok_or(UnsignError::NoSeparator)?;
        match self.confirming_key(value, signature, now) {
            Some((key, digest)) => Ok(Unsigned { value, key, digest }),
            None => Err(UnsignError::Mismatch { unverified_value: value }),
        }
    }

    /// Returns the digests that are accepted at `now`, first the one that signs.
    pub fn digests(&self, now: UnixTime) -> impl Iterator<Item = Digest> {
        let fallbacks = self.fallbacks.iter().filter(move |it| it.is_accepted(Some(now)));
        std::iter::once(self.digest).chain(fallbacks.map(|it| it.digest))
    }

    /// Returns the digest that signs.
    pub fn digest(&self) -> Digest {
        self.digest
    }

    /// Returns the bytes between value and signature.
    pub fn separator(&self) -> &[u8] {
        &self.separator
    }

    fn confirming_key(
        &self,
        value: &[u8],
        signature: &[u8],
        now: Option<UnixTime>,
    ) -> Option<(usize, Digest)> {
        if self.is_strict && !is_canonical_url(signature) {
            return None;
        }
        // What decodes to more than any tag can match none, so the decoder may give up there.
        let mut buffer = [0; MAX_TAG_LEN + 2];
        let length = decode_url_to_slice(signature, &mut buffer)?;
        let confirming =
            |macs: &[Mac]| macs.iter().position(|mac| mac.confirms(value, &buffer[..length]));
        confirming(&self.macs).map(|key| (key, self.digest)).or_else(|| {
            let mut accepted = self.fallbacks.iter().filter(|it| it.is_accepted(now));
            accepted.find_map(|it| Some((confirming(&it.macs)?, it.digest)))
        })
    }
}

/// The longest signature as text.
const MAX_TEXT_LEN: usize = MAX_TAG_LEN.div_ceil(3) * 4;

/// Collects the parameters of a [`Signer`], whose keys are derived once, at the end.
///
/// ```
/// use hipflask_core::signing::{Digest, KeyDerivation, KeyRing, Signer};
///
/// let signer = Signer::builder(&KeyRing::new("secret-key"), "my purpose")
///     .with_digest(Digest::Sha256)
///     .with_key_derivation(KeyDerivation::Hmac)
///     .with_separator("|")?
///     .with_strict(true)
///     .build();
/// assert!(signer.sign(b"hello").starts_with(b"hello|"));
/// # Ok::<(), hipflask_core::signing::SeparatorError>(())
/// ```
#[derive(Clone, Debug)]
#[must_use = "a builder does nothing until `build`"]
pub struct SignerBuilder<'a> {
    ring: &'a KeyRing,
    salt: Vec<u8>,
    digest: Digest,
    fallback_digests: Vec<(Digest, Option<UnixTime>)>,
    key_derivation: KeyDerivation,
    separator: Box<[u8]>,
    is_strict: bool,
}

impl SignerBuilder<'_> {
    /// Sets the hash of the signature and of the key derivation.
    #[doc(alias = "digest_method")]
    pub fn with_digest(mut self, digest: Digest) -> Self {
        self.digest = digest;
        self
    }

    /// Accepts signatures of another digest, too: before the time `until`, or for ever.
    pub fn with_fallback_digest(
        mut self,
        digest: Digest,
        until: impl Into<Option<UnixTime>>,
    ) -> Self {
        self.fallback_digests.push((digest, until.into()));
        self
    }

    /// Sets how the key of the HMAC comes from the configured key and the salt.
    pub fn with_key_derivation(mut self, key_derivation: KeyDerivation) -> Self {
        self.key_derivation = key_derivation;
        self
    }

    /// Sets the bytes between value and signature.
    ///
    /// As in Python, letters in another order than the alphabet's, such as `ba`, are accepted. They
    /// can occur in a signature, which is then refused: use a separator that is no letter or digit.
    ///
    /// # Errors
    ///
    /// [`SeparatorError`] if the separator is empty, or a run of characters as itsdangerous lists
    /// them for signatures: `a` to `z`, `A` to `Z`, `0` to `9`, `-`, `_`, `=`.
    #[doc(alias = "sep")]
    pub fn with_separator(mut self, separator: impl AsRef<[u8]>) -> Result<Self, SeparatorError> {
        let separator = separator.as_ref();
        if separator.is_empty() || contains(SIGNATURE_CHARACTERS, separator) {
            return Err(SeparatorError);
        }
        self.separator = Box::from(separator);
        Ok(self)
    }

    /// Sets whether only the one signature text is accepted that signing writes.
    ///
    /// Otherwise, as in Python, some bytes of a signature may be changed, added or left out without
    /// consequence for the verdict: the value is protected all the same, but one value has many
    /// valid texts.
    pub fn with_strict(mut self, is_strict: bool) -> Self {
        self.is_strict = is_strict;
        self
    }

    /// Derives the keys and returns the signer.
    pub fn build(self) -> Signer {
        let macs = |digest| {
            let keyed = |key: &Key| {
                let derived = derive_key(digest, self.key_derivation, &self.salt, key.as_bytes());
                Mac::new(digest, derived.as_bytes())
            };
            self.ring.keys().map(keyed).collect()
        };
        let fallbacks = self.fallback_digests.iter();
        Signer {
            digest: self.digest,
            macs: macs(self.digest),
            fallbacks: fallbacks
                .map(|&(digest, until)| Fallback { digest, until, macs: macs(digest) })
                .collect(),
            separator: self.separator,
            is_strict: self.is_strict,
        }
    }
}

/// The order matters: a separator is refused only if it is a substring.
const SIGNATURE_CHARACTERS: &[u8] =
    b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_=";

/// The separator could be part of a signature.
///
/// ```
/// use hipflask_core::signing::{KeyRing, Signer};
///
/// let ring = KeyRing::new("secret-key");
/// let refused = Signer::builder(&ring, "my purpose").with_separator("-");
/// assert!(refused.is_err_and(|error| error.to_string().contains("such as `.`")));
/// ```
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("the separator could be part of a signature: choose one such as `.` or `:`")]
#[non_exhaustive]
pub struct SeparatorError;

/// A value that a key confirmed.
///
/// ```
/// use hipflask_core::signing::{KeyRing, Signer};
///
/// let old = Signer::new(&KeyRing::new("old"), "my purpose").sign(b"hello");
/// let signer = Signer::new(&KeyRing::new("new").with_fallback("old"), "my purpose");
/// assert_eq!(signer.unsign(&old).map(|unsigned| unsigned.key), Ok(1));
/// ```
#[derive(Clone, Copy, Eq, PartialEq)]
#[non_exhaustive]
pub struct Unsigned<'a> {
    /// The digest of the signature.
    pub digest: Digest,
    /// The position of the key that confirms it: 0 for the current key, 1 for the first fallback.
    pub key: usize,
    /// What was signed.
    pub value: &'a [u8],
}

impl fmt::Debug for Unsigned<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Unsigned").field("key", &self.key).finish_non_exhaustive()
    }
}

/// Why a signed value was refused.
///
/// ```
/// use hipflask_core::signing::{KeyRing, Signer, UnsignError};
///
/// let signer = Signer::new(&KeyRing::new("secret-key"), "my purpose");
/// assert_eq!(signer.unsign(b"hello"), Err(UnsignError::NoSeparator));
/// let Err(UnsignError::Mismatch { unverified_value, .. }) = signer.unsign(b"hello.AAAA") else {
///     panic!("that is no signature");
/// };
/// assert_eq!(unverified_value, b"hello");
/// ```
#[derive(Clone, Copy, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum UnsignError<'a> {
    /// No key of the ring confirms the signature.
    #[error("no key confirms the signature")]
    Mismatch {
        /// What stands before the signature; anybody may have written it.
        unverified_value: &'a [u8],
    },
    /// There is no separator between a value and a signature.
    #[error("expected a separator between value and signature")]
    NoSeparator,
}

impl fmt::Debug for UnsignError<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Mismatch { .. } => f.debug_struct("Mismatch").finish_non_exhaustive(),
            Self::NoSeparator => f.write_str("NoSeparator"),
        }
    }
}

/// Splits `text` at the last occurrence of `separator`.
pub(super) fn rsplit_once<'a>(text: &'a [u8], separator: &[u8]) -> Option<(&'a [u8], &'a [u8])> {
    let at = match separator {
        [byte] => {
            // The way there is a signature's length, and `contains` takes many bytes at once.
            let beyond =
                text.rchunks(16).take_while(|chunk| !chunk.contains(byte)).map(<[u8]>::len);
            let head = &text[..text.len() - beyond.sum::<usize>()];
            head.iter().rposition(|candidate| candidate == byte)?
        }
        _ => text.windows(separator.len().max(1)).rposition(|window| window == separator)?,
    };
    Some((&text[..at], &text[at + separator.len()..]))
}

fn contains(text: &[u8], part: &[u8]) -> bool {
    text.windows(part.len().max(1)).any(|window| window == part)
}
