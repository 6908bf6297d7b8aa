//! Integers of any size ⇄ little-endian two's complement, which is how pickle has them.

use crate::value::Int;

/// The most bytes that are read: enough for the 4,300 digits that Python turns into text.
const MAX_BYTES: usize = 1786;

const BILLION: u64 = 1_000_000_000;

/// Returns the shortest bytes whose highest bit is the sign.
pub(super) fn to_bytes(int: &Int) -> Vec<u8> {
    let text = int.to_string();
    let (is_negative, digits) = match text.strip_prefix('-') {
        Some(digits) => (true, digits),
        None => (false, &text[..]),
    };
    // The magnitude in limbs of 32 bits, the lowest first: times a power of ten, plus more digits.
    let mut limbs: Vec<u32> = Vec::new();
    let (head, tail) = digits.as_bytes().split_at(digits.len() % 9);
    for chunk in [head].into_iter().chain(tail.chunks(9)) {
        let number = |number, digit: &u8| number * 10 + u64::from(digit - b'0');
        let mut carry = chunk.iter().fold(0, number);
        let factor = 10_u64.pow(chunk.len() as u32);
        for limb in &mut limbs {
            carry += u64::from(*limb) * factor;
            *limb = carry as u32;
            carry >>= 32;
        }
        limbs.push(carry as u32);
    }
    let mut bytes: Vec<u8> = limbs.iter().flat_map(|limb| limb.to_le_bytes()).collect();
    if is_negative {
        negate(&mut bytes);
    }
    bytes.push(if is_negative { 0xff } else { 0 });
    while let [.., before, last] = bytes[..]
        && last == sign_of(before)
    {
        bytes.pop();
    }
    bytes
}

/// Returns the integer, or `None` if it has more than [`MAX_BYTES`].
pub(super) fn from_bytes(bytes: &[u8]) -> Option<Int> {
    if let Some(length) = 16_usize.checked_sub(bytes.len()) {
        let sign = bytes.last().map_or(0, |last| sign_of(*last));
        let mut wide = [sign; 16];
        wide[..16 - length].copy_from_slice(bytes);
        return Some(i128::from_le_bytes(wide).into());
    }
    if bytes.len() > MAX_BYTES {
        return None;
    }
    let is_negative = bytes.last().is_some_and(|last| sign_of(*last) != 0);
    let mut magnitude = bytes.to_vec();
    if is_negative {
        negate(&mut magnitude);
    }
    let limb = |bytes: &[u8]| bytes.iter().rev().fold(0, |limb, byte| limb << 8 | u64::from(*byte));
    let mut limbs: Vec<u64> = magnitude.chunks(4).map(limb).collect();
    let mut chunks = Vec::new();
    while !limbs.is_empty() {
        let rest = limbs.iter_mut().rev().fold(0, |rest, limb| {
            let number = rest << 32 | *limb;
            *limb = number / BILLION;
            number % BILLION
        });
        chunks.push(rest);
        limbs.truncate(limbs.iter().rposition(|limb| *limb > 0).map_or(0, |last| last + 1));
    }
    let digits: String = chunks.iter().rev().map(|chunk| format!("{chunk:09}")).collect();
    Int::parse(&format!("{}{digits}", if is_negative { "-" } else { "" }))
}

const fn sign_of(byte: u8) -> u8 {
    if byte < 0x80 { 0 } else { 0xff }
}

/// Negates a number in two's complement; the magnitude of the lowest one stands for itself.
fn negate(bytes: &mut [u8]) {
    let mut carry = true;
    for byte in bytes {
        (*byte, carry) = (!*byte).overflowing_add(carry.into());
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[track_caller]
    fn check(digits: &str, bytes: &[u8]) {
        let int = Int::parse(digits).unwrap();
        assert_eq!(to_bytes(&int), bytes, "{digits}");
        assert_eq!(from_bytes(bytes), Some(int), "{digits}");
    }

    #[test]
    fn bytes_are_the_shortest() {
        check("127", &[0x7f]);
        check("128", &[0x80, 0]);
        check("-128", &[0x80]);
        check("-129", &[0x7f, 0xff]);
        check("2147483648", &[0, 0, 0, 0x80, 0]);
        check("-2147483648", &[0, 0, 0, 0x80]);
        let mut bytes = [0; 20];
        bytes[19] = 0x80;
        check("-730750818665451459101842416358141509827966271488", &bytes);
        assert_eq!(from_bytes(&[]), Some(Int::from(0_i64)));
    }

    proptest! {
        #[test]
        fn from_bytes_reverses_to_bytes(digits in "-?[1-9][0-9]{0,200}") {
            let int = Int::parse(&digits).unwrap();
            prop_assert_eq!(from_bytes(&to_bytes(&int)), Some(int));
        }
    }
}
