//! The alphabets of the format: literals and lengths in one, distances in the other.

pub(super) const END_OF_BLOCK: usize = 256;
/// The fixed codes have two literals and two distances that are never used.
pub(super) const N_LITERALS: usize = 288;
pub(super) const N_DISTANCES: usize = 32;
/// Code lengths, three symbols for repetitions of them, and what makes it a multiple of eight.
pub(super) const N_LENGTHS: usize = 24;
pub(super) const MIN_MATCH: usize = 3;
pub(super) const MAX_MATCH: usize = 258;
/// No code of a literal, a length or a distance has more bits.
pub(super) const MAX_CODE_BITS: usize = 15;
/// The order in which the lengths of the code of code lengths are sent: rare ones last.
pub(super) const ORDER: [usize; 19] =
    [16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15];

/// Returns how many bits follow the symbol of a length, counted from the first length's symbol.
pub(super) const fn length_extra(index: usize) -> u32 {
    match index {
        ..4 | 28 => 0,
        _ => index as u32 / 4 - 1,
    }
}

/// Returns the shortest match of the symbol of a length.
pub(super) const fn length_base(index: usize) -> usize {
    match index {
        ..4 => MIN_MATCH + index,
        28 => MAX_MATCH,
        _ => MIN_MATCH + ((4 + index % 4) << length_extra(index)),
    }
}

/// Returns how many bits follow the symbol of a distance.
pub(super) const fn distance_extra(symbol: usize) -> u32 {
    match symbol {
        ..2 => 0,
        _ => symbol as u32 / 2 - 1,
    }
}

/// Returns the symbol of a distance, how many bits follow it, and these.
pub(super) const fn distance_parts(distance: u32) -> (usize, u32, u32) {
    let above = distance - 1;
    if above < 2 {
        return (above as usize, 0, 0);
    }
    let extra_bits = above.ilog2() - 1;
    let leading = above >> extra_bits; // 2 or 3
    ((2 * extra_bits + leading) as usize, extra_bits, above & ((1 << extra_bits) - 1))
}

/// Returns the symbol of a length, counted from the first length's symbol, how many bits follow it, and these; the
/// length is given by how much it exceeds the shortest.
pub(super) const fn length_parts(above: usize) -> (usize, u32, u32) {
    let (index, extra_bits, extra) = LENGTH_PARTS[above];
    (index as usize, extra_bits as u32, extra as u32)
}

const LENGTH_PARTS: [(u8, u8, u8); MAX_MATCH - MIN_MATCH + 1] = {
    let mut parts = [(0, 0, 0); MAX_MATCH - MIN_MATCH + 1];
    let mut index = 0;
    while index < 29 {
        let start = length_base(index) - MIN_MATCH;
        let mut at = start;
        while at < parts.len() {
            parts[at] = (index as u8, length_extra(index) as u8, (at - start) as u8);
            at += 1;
        }
        index += 1;
    }
    parts
};

/// Returns how many bits the fixed code has for a literal or length.
pub(super) const fn fixed_bits(symbol: usize) -> u32 {
    match symbol {
        144..256 => 9,
        256..280 => 7,
        _ => 8,
    }
}

pub(super) const FIXED_DISTANCE_BITS: u32 = 5;
