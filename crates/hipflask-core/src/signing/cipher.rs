//! The cipher of what is sealed, AES-256-GCM-SIV: there is none without the feature `encryption`.
//!
//! The innermost part of sealing: knows neither rings nor what anything is for.

#[cfg(feature = "encryption")]
mod with {
    use aes_gcm_siv::{
        Aes256GcmSiv, KeyInit, Nonce,
        aead::{Aead, Payload},
    };

    use super::NONCE_LEN;

    /// The cipher of one key; wiped from memory when dropped.
    #[derive(Clone)]
    pub(in crate::signing) struct Cipher(Aes256GcmSiv);

    impl Cipher {
        /// Takes a key of 32 bytes.
        pub(in crate::signing) fn new(key: &[u8]) -> Option<Self> {
            Aes256GcmSiv::new_from_slice(key).ok().map(Self)
        }

        /// Returns the nonce, and behind it the cipher text and the tag.
        pub(in crate::signing) fn seal(
            &self,
            nonce: &[u8; NONCE_LEN],
            plain: &[u8],
            context: &[u8],
        ) -> Vec<u8> {
            let payload = Payload { msg: plain, aad: context };
            // No session comes near the 64 GiB that one nonce seals.
            let sealed = self.0.encrypt(&Nonce::from(*nonce), payload).unwrap_or_default();
            [nonce, sealed.as_slice()].concat()
        }

        pub(in crate::signing) fn open(&self, bytes: &[u8], context: &[u8]) -> Option<Vec<u8>> {
            let (nonce, sealed) = bytes.split_first_chunk::<NONCE_LEN>()?;
            let payload = Payload { msg: sealed, aad: context };
            self.0.decrypt(&Nonce::from(*nonce), payload).ok()
        }
    }
}

#[cfg(not(feature = "encryption"))]
mod without {
    use super::NONCE_LEN;

    /// Nobody has one.
    #[derive(Clone)]
    pub(in crate::signing) enum Cipher {}

    impl Cipher {
        pub(in crate::signing) const fn new(_: &[u8]) -> Option<Self> {
            None
        }

        pub(in crate::signing) const fn seal(
            &self,
            _: &[u8; NONCE_LEN],
            _: &[u8],
            _: &[u8],
        ) -> Vec<u8> {
            match *self {}
        }

        pub(in crate::signing) const fn open(&self, _: &[u8], _: &[u8]) -> Option<Vec<u8>> {
            match *self {}
        }
    }
}

#[cfg(feature = "encryption")]
pub(super) use with::Cipher;
#[cfg(not(feature = "encryption"))]
pub(super) use without::Cipher;

pub(super) const NONCE_LEN: usize = 12;
