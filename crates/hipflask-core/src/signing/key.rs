//! Secret keys: one that signs, and older ones that are still believed.
//!
//! Holds key bytes and nothing else; what is computed from them lives in `mac`. Flask's
//! [`SECRET_KEY_FALLBACKS`][flask] is a list whose order matters; here the roles have names.
//!
//! [flask]: https://flask.palletsprojects.com/en/stable/config/#SECRET_KEY_FALLBACKS

use std::fmt::{self, Write};

use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

/// Holds a secret key, wiped from memory when dropped and never shown by `Debug`.
///
/// Comparison takes the same time wherever two keys differ.
///
/// ```
/// use hipflask_core::signing::Key;
///
/// let key = Key::from("c0ffee");
/// assert_eq!(format!("{key:?}"), "Key(..)");
/// assert_eq!(key, Key::new(b"c0ffee"));
/// ```
#[derive(Clone)]
pub struct Key(Zeroizing<Vec<u8>>);

impl Key {
    /// Copies the bytes of a key; text counts as its UTF-8.
    pub fn new(bytes: impl AsRef<[u8]>) -> Self {
        Self(Zeroizing::new(bytes.as_ref().to_vec()))
    }

    /// Returns the secret bytes.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// Reports whether there are no bytes at all, which Flask takes for "no key".
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Returns eight hexadecimal digits that tell keys apart and do not give them away.
    ///
    /// Safe to print for a key with enough entropy. A weak key can be guessed from anything that
    /// is computed from it, this included.
    ///
    /// ```
    /// use hipflask_core::signing::Key;
    ///
    /// assert_eq!(Key::from("k").fingerprint().len(), 8);
    /// assert_ne!(Key::from("k").fingerprint(), Key::from("l").fingerprint());
    /// ```
    pub fn fingerprint(&self) -> String {
        // The prefix keeps this hash apart from every other use of SHA-256 on the same key.
        let hash = Sha256::new().chain_update(b"hipflask key fingerprint\0").chain_update(&*self.0);
        hash.finalize()[..4].iter().fold(String::with_capacity(8), |mut text, byte| {
            // Writing to a string cannot fail.
            let _ = write!(text, "{byte:02x}");
            text
        })
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Key(..)")
    }
}

impl Eq for Key {}

impl PartialEq for Key {
    fn eq(&self, other: &Self) -> bool {
        self.0.as_slice().ct_eq(other.0.as_slice()).into()
    }
}

impl From<&[u8]> for Key {
    fn from(bytes: &[u8]) -> Self {
        Self::new(bytes)
    }
}

impl From<&str> for Key {
    fn from(text: &str) -> Self {
        Self::new(text)
    }
}

impl From<String> for Key {
    fn from(text: String) -> Self {
        Self(Zeroizing::new(text.into_bytes()))
    }
}

impl From<Vec<u8>> for Key {
    fn from(bytes: Vec<u8>) -> Self {
        Self(Zeroizing::new(bytes))
    }
}

/// Holds the key that signs, and the fallbacks that are only accepted.
///
/// To change keys without signing anybody out, make the old current key a fallback until what it
/// signed has expired.
///
/// ```
/// use hipflask_core::signing::{Key, KeyRing};
///
/// let ring = KeyRing::new("this month").with_fallback("last month").with_fallback("before");
/// assert_eq!(ring.current(), &Key::from("this month"));
/// assert_eq!(ring.fallbacks().len(), 2);
/// ```
#[derive(Clone, Debug, Eq, PartialEq)] // safe to print: `Key` redacts itself
#[doc(alias = "SECRET_KEY")]
pub struct KeyRing {
    current: Key,
    fallbacks: Vec<Key>,
}

impl KeyRing {
    /// Creates a ring with one key, which signs.
    pub fn new(current: impl Into<Key>) -> Self {
        Self { current: current.into(), fallbacks: Vec::new() }
    }

    /// Creates a ring from itsdangerous' list, whose last key signs; `None` if it is empty.
    ///
    /// ```
    /// use hipflask_core::signing::{Key, KeyRing};
    ///
    /// let ring = KeyRing::from_oldest_first(["before", "last month", "this month"]);
    /// assert_eq!(ring.as_ref().map(KeyRing::current), Some(&Key::from("this month")));
    /// ```
    pub fn from_oldest_first<K: Into<Key>>(keys: impl IntoIterator<Item = K>) -> Option<Self> {
        let mut fallbacks: Vec<Key> = keys.into_iter().map(Into::into).collect();
        let current = fallbacks.pop()?;
        fallbacks.reverse();
        Some(Self { current, fallbacks })
    }

    /// Adds a key that is accepted, and tried after all those that were added before it.
    #[doc(alias = "SECRET_KEY_FALLBACKS")]
    #[must_use]
    pub fn with_fallback(self, key: impl Into<Key>) -> Self {
        self.with_fallbacks([key])
    }

    /// Adds keys that are accepted, tried in the order given: the newest first is the fastest.
    #[must_use]
    pub fn with_fallbacks<K: Into<Key>>(mut self, keys: impl IntoIterator<Item = K>) -> Self {
        self.fallbacks.extend(keys.into_iter().map(Into::into));
        self
    }

    /// Returns the key that signs.
    pub fn current(&self) -> &Key {
        &self.current
    }

    /// Returns all keys, the current one first.
    pub fn keys(&self) -> impl Iterator<Item = &Key> {
        std::iter::once(&self.current).chain(&self.fallbacks)
    }

    /// Returns the keys that are only accepted, in the order in which they are tried.
    pub fn fallbacks(&self) -> &[Key] {
        &self.fallbacks
    }
}
