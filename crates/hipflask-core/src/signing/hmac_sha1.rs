//! HMAC-SHA1 from a prepared key: Flask's choice, so the one that every request pays for.
//!
//! As short as the innermost part of signing gets: two states of the compression function, taken
//! from the `sha1` crate, and the padding of [RFC 2104] around them. The general construction
//! copies each message through a buffer that it then wipes, though a cookie is no secret.
//!
//! [RFC 2104]: https://www.rfc-editor.org/rfc/rfc2104

use sha1::{Digest, Sha1, block_api::compress};
use subtle::{Choice, ConstantTimeEq};
use zeroize::Zeroizing;

const BLOCK: usize = 64;
const TAG: usize = 20;

/// What SHA-1 starts from.
const START: [u32; 5] = [0x6745_2301, 0xefcd_ab89, 0x98ba_dcfe, 0x1032_5476, 0xc3d2_e1f0];

/// The states after the key's inner and outer block; wiped from memory when dropped.
#[derive(Clone)]
pub(super) struct HmacSha1 {
    inner: Zeroizing<[u32; 5]>,
    outer: Zeroizing<[u32; 5]>,
}

impl HmacSha1 {
    pub(super) fn new(key: &[u8]) -> Self {
        let mut block = Zeroizing::new([0; BLOCK]);
        if key.len() > BLOCK {
            block[..TAG].copy_from_slice(&Sha1::digest(key));
        } else {
            block[..key.len()].copy_from_slice(key);
        }
        let keyed = |pad: u8| {
            let mut state = Zeroizing::new(START);
            let padded = Zeroizing::new([block.map(|byte| byte ^ pad)]);
            compress(&mut state, &*padded);
            state
        };
        Self { inner: keyed(0x36), outer: keyed(0x5c) }
    }

    pub(super) fn tag(&self, value: &[u8]) -> [u8; TAG] {
        bytes(self.state(value))
    }

    /// Compares words, not bytes, in a time that does not tell how far the two agree.
    pub(super) fn confirms(&self, value: &[u8], offered: &[u8]) -> bool {
        let (offered, []) = offered.as_chunks::<4>() else { return false };
        let state = self.state(value);
        if offered.len() != state.len() {
            return false;
        }
        let pairs = state.iter().zip(offered);
        let equal = pairs.map(|(word, four)| word.ct_eq(&u32::from_be_bytes(*four)));
        equal.fold(Choice::from(1), |all, one| all & one).into()
    }

    fn state(&self, value: &[u8]) -> [u32; 5] {
        finish(*self.outer, &bytes(finish(*self.inner, value)))
    }
}

/// Hashes what follows the key's block, up to the end.
fn finish(mut state: [u32; 5], message: &[u8]) -> [u32; 5] {
    let (blocks, rest) = message.as_chunks::<BLOCK>();
    if !blocks.is_empty() {
        compress(&mut state, blocks);
    }
    let mut last = [[0; BLOCK]; 2];
    last[0][..rest.len()].copy_from_slice(rest);
    last[0][rest.len()] = 0x80;
    // The length stands at the end, in a block of its own if there is no room for it.
    let n_blocks = if rest.len() < BLOCK - 8 { 1 } else { 2 };
    let bits = (BLOCK + message.len()) as u64 * 8;
    last[n_blocks - 1][BLOCK - 8..].copy_from_slice(&bits.to_be_bytes());
    compress(&mut state, &last[..n_blocks]);
    state
}

fn bytes(state: [u32; 5]) -> [u8; TAG] {
    let mut bytes = [0; TAG];
    for (four, word) in bytes.as_chunks_mut::<4>().0.iter_mut().zip(state) {
        *four = word.to_be_bytes();
    }
    bytes
}

#[cfg(test)]
mod tests {
    use hmac::{Hmac, KeyInit, Mac};
    use proptest::{collection::vec, prelude::*};

    use super::*;

    proptest! {
        #[test]
        fn tag_is_that_of_the_general_construction(
            key in vec(any::<u8>(), 0..150),
            value in vec(any::<u8>(), 0..300),
        ) {
            let general = Hmac::<Sha1>::new_from_slice(&key).unwrap().chain_update(&value);
            let tag = HmacSha1::new(&key).tag(&value);
            prop_assert_eq!(&tag[..], &general.finalize().into_bytes()[..]);
            prop_assert!(HmacSha1::new(&key).confirms(&value, &tag));
        }

        #[test]
        fn confirms_refuses_every_other_tag(
            at in 0..TAG,
            bit in 0..8,
            offered in vec(any::<u8>(), 0..30),
        ) {
            let mac = HmacSha1::new(b"key");
            let mut tag = mac.tag(b"value");
            prop_assert_eq!(mac.confirms(b"value", &offered), tag[..] == offered[..]);
            tag[at] ^= 1u8 << bit;
            prop_assert!(!mac.confirms(b"value", &tag));
            prop_assert!(!mac.confirms(b"value", &tag[..at]));
        }
    }
}
