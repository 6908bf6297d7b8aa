//! Properties that hold for every input, on generated ones.

use hipflask_core::encoding::{
    decode_standard, decode_url, decode_url_to, encode_standard, encode_url, encode_url_to,
    is_canonical_url,
};
use hipflask_core::signing::{Digest, KeyDerivation};
use proptest::{collection::vec, prelude::*, sample::select};

use super::*;

/// Text as a broken or malicious client would send it: mostly base64, some padding, some garbage.
fn base64_like() -> impl Strategy<Value = Vec<u8>> {
    let byte = prop_oneof![
        8 => select(b"AZaz019-_+/QgwBh".to_vec()),
        2 => Just(b'='),
        1 => select(b" .!\n\0\x7f\xe9\xff".to_vec()),
        1 => any::<u8>(),
    ];
    prop_oneof![vec(byte, 0..40), vec(select(b"ABab01-_".to_vec()), 0..40)]
}

fn any_signer() -> impl Strategy<Value = Signer> {
    let parameters = (
        vec(any::<u8>(), 0..80),
        vec(any::<u8>(), 0..20),
        select(&Digest::ALL[..]),
        select(&KeyDerivation::ALL[..]),
        // Not `ba`, which is accepted, but which a signature may contain.
        select(&[".", ":", "+.", "..", "a.", "::sep::"][..]),
    );
    parameters.prop_map(|(key, salt, digest, derivation, separator)| {
        let ring = KeyRing::new(key);
        let builder = Signer::builder(&ring, salt).with_digest(digest);
        let builder = builder.with_key_derivation(derivation).with_separator(separator);
        builder.expect("a valid separator").build()
    })
}

/// The rules of the lenient decoder, one by one, with none of the production code's shortcuts.
fn reference_decode(text: &[u8], alphabet: &[(u8, u8)], adds_padding: bool) -> Option<Vec<u8>> {
    let mut text = text.to_vec();
    while adds_padding && !text.len().is_multiple_of(4) {
        // The padding follows from the length before any is added.
        text.push(b'=');
    }
    let (mut sextets, mut pads) = (Vec::new(), 0);
    for byte in text {
        let quad = sextets.len() % 4;
        if byte == b'=' {
            if quad >= 2 {
                pads += 1;
                if quad + pads >= 4 {
                    return Some(bits_to_bytes(&sextets));
                }
            }
        } else if let Some((_, value)) = alphabet.iter().find(|(symbol, _)| *symbol == byte) {
            pads = 0;
            sextets.push(*value);
        }
    }
    (sextets.len() % 4 == 0).then(|| bits_to_bytes(&sextets))
}

fn bits_to_bytes(sextets: &[u8]) -> Vec<u8> {
    let bits: Vec<u8> =
        sextets.iter().flat_map(|six| (0..6).rev().map(move |at| six >> at & 1)).collect();
    bits.chunks_exact(8).map(|byte| byte.iter().fold(0, |sum, bit| sum << 1 | bit)).collect()
}

fn alphabet(extra: &[(u8, u8)]) -> Vec<(u8, u8)> {
    let symbols = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    symbols.iter().copied().zip(0..).chain(extra.iter().copied()).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn decode_reverses_encode(bytes in vec(any::<u8>(), 0..200)) {
        let text = encode_url(&bytes);
        prop_assert!(is_canonical_url(text.as_bytes()));
        prop_assert_eq!(decode_url(text.as_bytes()), Some(bytes.clone()));
        prop_assert_eq!(decode_standard(encode_standard(&bytes).as_bytes()), Some(bytes.clone()));
        let mut buffer = b"x".to_vec();
        encode_url_to(&bytes, &mut buffer);
        prop_assert_eq!(&buffer[1..], text.as_bytes());
    }

    #[test]
    fn decode_follows_the_rules_on_any_text(text in base64_like()) {
        prop_assert_eq!(decode_standard(&text), reference_decode(&text, &alphabet(&[]), false));
        let expected = reference_decode(&text, &alphabet(&[(b'-', 62), (b'_', 63)]), true);
        let mut buffer = b"kept".to_vec();
        prop_assert_eq!(decode_url_to(&text, &mut buffer).is_some(), expected.is_some());
        prop_assert_eq!(&buffer[..4], b"kept");
        prop_assert_eq!(&buffer[4..], expected.as_deref().unwrap_or_default());
        prop_assert_eq!(decode_url(&text), expected);
    }

    #[test]
    fn canonical_text_is_what_encode_writes(text in base64_like()) {
        let is_canonical = decode_url(&text).is_some_and(|bytes| encode_url(&bytes).as_bytes() == text);
        prop_assert_eq!(is_canonical_url(&text), is_canonical);
    }

    #[test]
    fn unsign_reverses_sign(signer in any_signer(), value in vec(any::<u8>(), 0..100), now: u32) {
        let signed = signer.sign(&value);
        prop_assert_eq!(signer.unsign(&signed).map(|unsigned| unsigned.value), Ok(&value[..]));
        let signer = TimedSigner::new(signer);
        let signed = signer.sign(&value, moment(now.into()));
        let timed = signer.unsign(&signed, moment(now.into()), Some(0));
        prop_assert_eq!(timed.map(|timed| (timed.value, timed.signed_at)), Ok((&value[..], now.into())));
    }

    #[test]
    fn unsign_refuses_a_changed_value(
        signer in any_signer(),
        value in vec(any::<u8>(), 1..60),
        at: proptest::sample::Index,
        mask in 1..=u8::MAX,
        now: u32,
    ) {
        let signer = TimedSigner::new(signer);
        let mut signed = signer.sign(&value, moment(now.into()));
        // Value and time are protected to the byte; the separators end them.
        let n_protected = value.len() + signer.signer().separator().len() + encode_timestamp(now.into()).len();
        signed[at.index(n_protected)] ^= mask;
        prop_assert!(signer.unsign(&signed, moment(now.into()), None).is_err());
        prop_assert!(signer.signer().unsign(&signed).is_err());
    }

    #[test]
    fn unsign_survives_any_bytes(signer in any_signer(), signed in vec(any::<u8>(), 0..80), now: u64) {
        let signer = TimedSigner::new(signer);
        prop_assert!(signer.unsign(&signed, moment(now), Some(10)).is_err());
    }
}
