//! Base64 as Python reads and writes it: strict when encoding, forgiving when decoding.
//!
//! Used by signing (signatures, timestamps) and by the serializer (payloads, tagged bytes); knows
//! nothing of what the bytes mean. The decoder gives the verdict of CPython's [`binascii`][py] on
//! every input, because a cookie that Flask accepts has to open here too.
//!
//! [py]: https://docs.python.org/3/library/binascii.html#binascii.a2b_base64

use base64::{
    Engine,
    engine::{
        GeneralPurpose,
        general_purpose::{NO_PAD, STANDARD},
    },
};

/// Returns the URL-safe base64 text of `bytes`, without padding.
///
/// ```
/// use hipflask_core::encoding::encode_url;
///
/// assert_eq!(encode_url(b"\xfb\xff"), "-_8");
/// ```
pub fn encode_url(bytes: &[u8]) -> String {
    URL_SAFE.encode(bytes)
}

/// Appends the URL-safe base64 text of `bytes`, without padding, to `out`.
///
/// ```
/// let mut out = b"payload.".to_vec();
/// hipflask_core::encoding::encode_url_to(b"abc", &mut out);
/// assert_eq!(out, b"payload.YWJj");
/// ```
pub fn encode_url_to(bytes: &[u8], out: &mut Vec<u8>) {
    let start = out.len();
    out.resize(start + encoded_len(bytes.len()), 0);
    let written = URL_SAFE.encode_slice(bytes, &mut out[start..]);
    debug_assert_eq!(written, Ok(out.len() - start), "the room is exactly what the text takes");
}

/// Returns the standard base64 text of `bytes`, with padding.
///
/// ```
/// assert_eq!(hipflask_core::encoding::encode_standard(b"\xfb\xff"), "+/8=");
/// ```
pub fn encode_standard(bytes: &[u8]) -> String {
    STANDARD.encode(bytes)
}

/// Returns the bytes that `text` stands for, if Python's `urlsafe_b64decode` finds any.
///
/// Both alphabets are accepted, foreign bytes are skipped, unused trailing bits are ignored, and
/// padding is supplied by the length of the whole text. `None` means that the text ends inside a
/// group of four.
///
/// ```
/// use hipflask_core::encoding::decode_url;
///
/// assert_eq!(decode_url(b"-_8"), Some(b"\xfb\xff".to_vec()));
/// assert_eq!(decode_url(b"YW\nJj"), Some(b"abc".to_vec()));
/// assert_eq!(decode_url(b"Y"), None);
/// ```
pub fn decode_url(text: &[u8]) -> Option<Vec<u8>> {
    let mut out = Vec::new();
    decode_url_to(text, &mut out)?;
    Some(out)
}

/// Appends what [`decode_url`] finds in `text` to `out`, which stays as it was on `None`.
///
/// ```
/// let mut out = b"> ".to_vec();
/// assert!(hipflask_core::encoding::decode_url_to(b"YWJj", &mut out).is_some());
/// assert_eq!(out, b"> abc");
/// ```
#[must_use = "`None` means that nothing was decoded"]
pub fn decode_url_to(text: &[u8], out: &mut Vec<u8>) -> Option<()> {
    let start = out.len();
    out.resize(start + text.len().div_ceil(4) * 3, 0);
    let decoded = decode_url_to_slice(text, &mut out[start..]);
    out.truncate(start + decoded.unwrap_or(0));
    decoded.map(|_| ())
}

/// Returns the bytes that `text` stands for, if Python's `b64decode` finds any.
///
/// As [`decode_url`], except that `-` and `_` are foreign bytes and that padding has to be there.
///
/// ```
/// use hipflask_core::encoding::decode_standard;
///
/// assert_eq!(decode_standard(b"+/8="), Some(b"\xfb\xff".to_vec()));
/// assert_eq!(decode_standard(b"+/8"), None);
/// ```
pub fn decode_standard(text: &[u8]) -> Option<Vec<u8>> {
    if let Ok(bytes) = STANDARD.decode(text) {
        return Some(bytes);
    }
    let mut out = vec![0; text.len().div_ceil(4) * 3];
    let length = scan(text.iter(), standard_value, &mut out)?;
    out.truncate(length);
    Some(out)
}

/// Reports whether `text` is what an encoder writes: URL-safe, unpadded, no loose trailing bits.
///
/// Exactly one canonical text stands for each byte string.
///
/// ```
/// use hipflask_core::encoding::is_canonical_url;
///
/// assert!(is_canonical_url(b"YQ"));
/// assert!(!is_canonical_url(b"YQ==") && !is_canonical_url(b"YR"));
/// ```
pub fn is_canonical_url(text: &[u8]) -> bool {
    let value = |byte: &u8| url_value(*byte).filter(|_| !matches!(byte, b'+' | b'/'));
    let loose_bits = match text.len() % 4 {
        0 => 0,
        2 => 0b1111,
        3 => 0b11,
        _ => return false,
    };
    text.iter().all(|byte| value(byte).is_some())
        && text.last().and_then(value).is_none_or(|last| last & loose_bits == 0)
}

/// Writes what [`decode_url`] finds in `text` into `out` and returns its length.
///
/// `None` also when it does not fit, so that a short fixed buffer serves where only short content
/// is of interest.
pub(crate) fn decode_url_to_slice(text: &[u8], out: &mut [u8]) -> Option<usize> {
    // Whatever the quick way accepts, the scan would decode to the same bytes, only slower.
    if let Some(length) = decode_plain_url(text, out) {
        return Some(length);
    }
    let padding = &b"==="[..text.len().wrapping_neg() % 4];
    scan(text.iter().chain(padding), url_value, out)
}

const URL_SAFE: GeneralPurpose = GeneralPurpose::new(&base64::alphabet::URL_SAFE, NO_PAD);

/// Decodes text of the URL-safe alphabet and nothing else, into enough room; else `None`.
fn decode_plain_url(text: &[u8], out: &mut [u8]) -> Option<usize> {
    let (fours, rest) = text.as_chunks::<4>();
    let length = fours.len() * 3 + [0, 0, 1, 2][rest.len()];
    let out = out.get_mut(..length).filter(|_| rest.len() != 1)?;
    let (threes, rest_out) = out.as_chunks_mut::<3>();
    let mut seen = 0;
    let mut bits = |byte: u8| {
        let bits = URL_VALUES[usize::from(byte)];
        seen |= bits;
        u32::from(bits)
    };
    for (&[a, b, c, d], three) in fours.iter().zip(threes) {
        let group = bits(a) << 18 | bits(b) << 12 | bits(c) << 6 | bits(d);
        *three = [(group >> 16) as u8, (group >> 8) as u8, group as u8];
    }
    let group = rest.iter().fold(0, |group, byte| group << 6 | bits(*byte));
    let last = group << [0, 0, 20, 14][rest.len()];
    for (byte, shift) in rest_out.iter_mut().zip([24, 16]) {
        *byte = (last >> shift) as u8;
    }
    (seen != FOREIGN).then_some(length)
}

/// Marks a byte outside the URL-safe alphabet.
const FOREIGN: u8 = 0xff;

static URL_VALUES: [u8; 256] = {
    let alphabet = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let mut values = [FOREIGN; 256];
    let mut value = 0;
    while value < alphabet.len() {
        values[alphabet[value] as usize] = value as u8;
        value += 1;
    }
    values
};

/// Decodes as CPython's non-strict `a2b_base64` does; `None` also when `out` is too short.
fn scan<'a>(
    text: impl Iterator<Item = &'a u8>,
    value: impl Fn(u8) -> Option<u8>,
    out: &mut [u8],
) -> Option<usize> {
    let mut written = 0;
    let mut push = |byte| -> Option<()> {
        *out.get_mut(written)? = byte;
        written += 1;
        Some(())
    };
    // `position` counts the characters of the current group of four, `left` holds their bits that
    // are not written yet, and `pads` the padding since the last of them.
    let (mut position, mut left, mut pads) = (0, 0, 0);
    for &byte in text {
        if byte == b'=' {
            if position >= 2 {
                pads += 1;
                if position + pads >= 4 {
                    return Some(written); // a complete group ends the text, whatever follows
                }
            }
            continue;
        }
        let Some(bits) = value(byte) else { continue };
        pads = 0;
        match position {
            0 => {}
            1 => push(left << 2 | bits >> 4)?,
            2 => push(left << 4 | bits >> 2)?,
            _ => push(left << 6 | bits)?,
        }
        left = bits;
        position = (position + 1) % 4;
    }
    (position == 0).then_some(written)
}

fn url_value(byte: u8) -> Option<u8> {
    match byte {
        b'-' => Some(62),
        b'_' => Some(63),
        _ => standard_value(byte),
    }
}

fn standard_value(byte: u8) -> Option<u8> {
    match byte {
        b'A'..=b'Z' => Some(byte - b'A'),
        b'a'..=b'z' => Some(byte - b'a' + 26),
        b'0'..=b'9' => Some(byte - b'0' + 52),
        b'+' => Some(62),
        b'/' => Some(63),
        _ => None,
    }
}

/// The length of `length` bytes as unpadded base64.
fn encoded_len(length: usize) -> usize {
    length / 3 * 4 + [0, 2, 3][length % 3]
}
