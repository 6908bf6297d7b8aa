//! The payload that is signed: URL-safe base64 of JSON, deflated where that makes it shorter.
//!
//! A compressed payload starts with a dot. Rules: [`itsdangerous.url_safe`][py].
//!
//! [py]: https://github.com/pallets/itsdangerous/blob/2.2.0/src/itsdangerous/url_safe.py

use std::cell::RefCell;

use zlib_rs::{Inflate, InflateFlush};

use crate::{deflate, encoding};

/// Why a payload is no text.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum PayloadError {
    /// The payload is not base64.
    #[error("the payload is not base64")]
    Base64,
    /// The payload says that it is compressed, but is not zlib's format.
    #[error("the compressed payload is damaged")]
    Inflate,
    /// The payload inflates to more than the limit.
    #[error("the payload is larger than the limit")]
    TooLarge,
    /// The payload is not UTF-8.
    #[error("the payload is not UTF-8")]
    Utf8,
}

thread_local! {
    /// Setting up its state costs more than a cookie's worth of work, so it is kept.
    static INFLATE: RefCell<Inflate> = RefCell::new(Inflate::new(true, 15));
}

/// Appends the payload of a JSON text.
///
/// ```
/// let mut payload = Vec::new();
/// hipflask_core::serializer::encode_payload(br#"{"a":1}"#, &mut payload);
/// assert_eq!(payload, b"eyJhIjoxfQ");
/// ```
pub fn encode_payload(json: &[u8], out: &mut Vec<u8>) {
    match compress_payload(json) {
        Some(deflated) => {
            out.push(b'.');
            encoding::encode_url_to(&deflated, out);
        }
        None => encoding::encode_url_to(json, out),
    }
}

/// Returns zlib's form of a text if Flask would prefer it: if it is shorter by two bytes or more.
pub fn compress_payload(json: &[u8]) -> Option<Vec<u8>> {
    if cannot_shrink(json) {
        return None;
    }
    let deflated = deflate::compress(json);
    (deflated.len() + 1 < json.len()).then_some(deflated)
}

/// Proves for short texts that deflate cannot win, so that the cheapest sessions stay cheap.
///
/// The frame costs 6 bytes, a block 10 bits, a literal 8 bits in the fixed code and a match at
/// least 12, so under 12 bytes nothing can be saved. A text without any repeated three bytes has no
/// match at all; its literals would need a code of their own, whose table alone costs more than it
/// can save over 24 bytes.
fn cannot_shrink(json: &[u8]) -> bool {
    json.len() < 12 || (json.len() <= 24 && !repeats_three_bytes(json))
}

fn repeats_three_bytes(json: &[u8]) -> bool {
    let threes = || json.windows(3);
    threes().enumerate().any(|(at, three)| threes().skip(at + 1).any(|other| other == three))
}

/// Returns the text of a payload, and whether it was compressed.
///
/// ```
/// let (json, compressed) = hipflask_core::serializer::decode_payload(b"eyJhIjoxfQ", 4096)?;
/// assert_eq!((json.as_str(), compressed), (r#"{"a":1}"#, false));
/// # Ok::<(), hipflask_core::serializer::PayloadError>(())
/// ```
///
/// # Errors
///
/// [`PayloadError`]; memory is bounded by `max_inflated` bytes while inflating, not afterwards.
pub fn decode_payload(payload: &[u8], max_inflated: usize) -> Result<(String, bool), PayloadError> {
    let deflated = payload.strip_prefix(b".");
    let bytes = encoding::decode_url(deflated.unwrap_or(payload)).ok_or(PayloadError::Base64)?;
    let bytes = match deflated {
        Some(_) => inflate(&bytes, max_inflated)?,
        None if bytes.len() > max_inflated => return Err(PayloadError::TooLarge),
        None => bytes,
    };
    let text = String::from_utf8(bytes).map_err(|_| PayloadError::Utf8)?;
    Ok((text, deflated.is_some()))
}

/// Inflates what zlib has deflated.
pub(crate) fn inflate(deflated: &[u8], max_inflated: usize) -> Result<Vec<u8>, PayloadError> {
    INFLATE.with_borrow_mut(|inflate| {
        inflate.reset(true);
        // One byte above the limit tells a text that ends there from one that goes on.
        let max = max_inflated.saturating_add(1);
        let mut out = vec![0; (deflated.len() * 5).clamp(256, 64 << 10).min(max)];
        loop {
            let (read, written) = (inflate.total_in() as usize, inflate.total_out() as usize);
            let rest = deflated.get(read..).unwrap_or_default();
            // Nothing follows later, so that zlib need not keep a window for it.
            let status = inflate
                .decompress(rest, &mut out[written..], InflateFlush::Finish)
                .map_err(|_| PayloadError::Inflate)?;
            let len = inflate.total_out() as usize;
            if len > max_inflated {
                return Err(PayloadError::TooLarge);
            }
            if status == zlib_rs::Status::StreamEnd {
                out.truncate(len);
                return Ok(out);
            }
            if len == out.len() {
                out.resize((len * 2).min(max), 0);
            } else if (read, written) == (inflate.total_in() as usize, len) {
                return Err(PayloadError::Inflate);
            }
        }
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        /// Checks the proof of `cannot_shrink`.
        #[test]
        fn what_cannot_shrink_does_not_shrink(json in "[ab]{0,12}|[a-d]{12,24}|[a-z\":,{}]{12,24}") {
            let json = json.as_bytes();
            if cannot_shrink(json) {
                prop_assert!(deflate::compress(json).len() + 1 >= json.len());
            }
        }
    }

    /// What stock zlib, and so Python, makes of a stream; `None` for an error.
    fn stock_inflate(deflated: &[u8]) -> Option<Vec<u8>> {
        let mut out = Vec::with_capacity(1 << 20);
        let finish = flate2::FlushDecompress::Finish;
        let status = flate2::Decompress::new(true).decompress_vec(deflated, &mut out, finish);
        (status.ok()? == flate2::Status::StreamEnd).then_some(out)
    }

    proptest! {
        #[test]
        fn inflating_agrees_with_stock_zlib(
            text in "[a-f]{0,40}[a-z\":,]{0,300}",
            edits in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..3),
            cut in prop::option::of(any::<prop::sample::Index>()),
            tail in prop::collection::vec(any::<u8>(), 0..3),
        ) {
            let mut deflated = deflate::compress(text.as_bytes());
            for (at, byte) in edits {
                let at = at.index(deflated.len());
                deflated[at] = byte;
            }
            if let Some(cut) = cut {
                deflated.truncate(cut.index(deflated.len()));
            }
            deflated.extend(tail);
            prop_assert_eq!(inflate(&deflated, 1 << 20).ok(), stock_inflate(&deflated));
        }
    }

    #[test]
    fn inflating_stops_at_the_limit() {
        let zeros = vec![b'0'; 100_000];
        let mut payload = Vec::new();
        encode_payload(&zeros, &mut payload);
        assert!(payload.len() < 300);
        assert_eq!(
            decode_payload(&payload, 100_000),
            Ok((String::from_utf8(zeros).unwrap(), true))
        );
        assert_eq!(decode_payload(&payload, 99_999), Err(PayloadError::TooLarge));
    }
}
