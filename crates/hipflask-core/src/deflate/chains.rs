//! Where three bytes have occurred before: chains of places, newest first.
//!
//! zlib follows a chain for a limited number of steps, and other three bytes with the same hash take a step too. So its
//! hash is kept with every place. The table that chains start from is as large as the text needs: a chain from a smaller
//! one leads through more hashes, which are passed over.

use super::symbol::{MAX_MATCH, MIN_MATCH};

pub(super) const WINDOW: usize = 1 << 15;
/// What zlib wants to see of the text before it looks for a match.
pub(super) const MIN_LOOKAHEAD: usize = MAX_MATCH + MIN_MATCH + 1;
const MAX_DISTANCE: usize = WINDOW - MIN_LOOKAHEAD;
const HASH_BITS: u32 = 15;

const MAX_CHAIN: u32 = 128;
/// A match of this length is worth fewer steps to find a better one.
const GOOD_MATCH: usize = 8;
/// A match of this length need not be better.
const NICE_MATCH: usize = 128;

/// Chains from `HEADS` hashes through up to `PLACES` places.
pub(super) struct Places<const HEADS: usize, const PLACES: usize> {
    /// The newest place of each folded hash; 0 for none, which is why nothing matches the first place of a window.
    heads: Box<[u16; HEADS]>,
    /// For each place the one before it, and the hash.
    places: Box<[[u16; 2]; PLACES]>,
    /// The hash of the bytes that were last seen.
    pub(super) hash: u32,
}

impl<const HEADS: usize, const PLACES: usize> Places<HEADS, PLACES> {
    pub(super) fn new(text: &[u8]) -> Self {
        let first = text.iter().take(MIN_MATCH - 1);
        let hash = first.fold(0, |hash, byte| roll(hash, *byte));
        Self { heads: Box::new([0; HEADS]), places: Box::new([[0; 2]; PLACES]), hash }
    }

    pub(super) fn chains(&mut self) -> Chains<'_, HEADS, PLACES> {
        Chains { heads: &mut self.heads, places: &mut self.places, hash: self.hash }
    }

    /// Makes place numbers smaller by a window; what becomes 0 or less is forgotten.
    pub(super) fn slide(&mut self) {
        for head in self.heads.iter_mut() {
            *head = head.saturating_sub(WINDOW as u16);
        }
        for [before, _] in self.places.iter_mut() {
            *before = before.saturating_sub(WINDOW as u16);
        }
    }
}

/// [`Places`] while they are added to.
pub(super) struct Chains<'a, const HEADS: usize, const PLACES: usize> {
    heads: &'a mut [u16; HEADS],
    pub(super) places: &'a mut [[u16; 2]; PLACES],
    pub(super) hash: u32,
}

impl<const HEADS: usize, const PLACES: usize> Chains<'_, HEADS, PLACES> {
    /// Adds a place, whose third byte is `third`; returns the newest one before it that may have the same hash.
    #[inline]
    pub(super) fn insert(&mut self, at: usize, third: u8) -> u16 {
        self.hash = roll(self.hash, third);
        let head = &mut self.heads[(self.hash ^ self.hash >> 7) as usize % HEADS];
        self.places[at % PLACES] = [*head, self.hash as u16];
        std::mem::replace(head, at as u16)
    }

    /// Adds all places from `at` on whose three bytes are in `bytes`.
    #[inline]
    pub(super) fn insert_all(&mut self, at: usize, bytes: &[u8]) {
        for (at, third) in (at..).zip(bytes.get(MIN_MATCH - 1..).unwrap_or_default()) {
            self.insert(at, *third);
        }
    }
}

#[derive(Clone, Copy)]
pub(super) struct Match {
    pub(super) length: usize,
    pub(super) distance: u32,
}

/// Returns the longest match of what is at `at`, and is longer than `shorter`, along the chain from `head`.
#[inline(never)]
pub(super) fn longest<const PLACES: usize>(
    places: &[[u16; 2]; PLACES],
    hash: u32,
    window: &[u8],
    at: usize,
    head: u16,
    shorter: usize,
) -> Match {
    let mut best = Match { length: shorter, distance: 0 };
    let end = window.len().min(at + MAX_MATCH);
    if at - usize::from(head) > MAX_DISTANCE || at + shorter >= end {
        return best;
    }
    let (lowest, nice) = (at.saturating_sub(MAX_DISTANCE), NICE_MATCH.min(end - at));
    let mut steps = if shorter >= GOOD_MATCH { MAX_CHAIN / 4 } else { MAX_CHAIN };
    let (mut candidate, mut ends) = (head, &window[shorter - 1..]);
    let mut last = two(ends, at);
    loop {
        let [before, its_hash] = places[usize::from(candidate) % PLACES];
        if its_hash == hash as u16 {
            // Only a match that is longer ends so.
            if two(ends, candidate.into()) == last {
                let length = common(window, candidate.into(), at, end);
                if length > best.length {
                    best = Match { length, distance: (at - usize::from(candidate)) as u32 };
                    if length >= nice {
                        return best;
                    }
                    ends = &window[length - 1..];
                    last = two(ends, at);
                }
            }
            steps -= 1;
        }
        candidate = before;
        if usize::from(candidate) <= lowest || steps == 0 {
            return best;
        }
    }
}

/// Returns the two bytes at a place.
#[inline]
fn two(window: &[u8], at: usize) -> u16 {
    window.get(at..at + 2).and_then(<[u8]>::first_chunk).map_or(0, |two| u16::from_le_bytes(*two))
}

fn roll(hash: u32, byte: u8) -> u32 {
    (hash << 5 ^ u32::from(byte)) & ((1 << HASH_BITS) - 1)
}

/// Returns how many bytes are the same from two places on, until the later one reaches `end`.
#[inline]
fn common(window: &[u8], earlier: usize, at: usize, end: usize) -> usize {
    let (earlier, later) = (&window[earlier..], &window[at..end]);
    let mut length = 0;
    while let Some(ours) = later[length..].first_chunk()
        && let Some(theirs) = earlier[length..].first_chunk()
    {
        let difference = u64::from_le_bytes(*ours) ^ u64::from_le_bytes(*theirs);
        if difference != 0 {
            return length + difference.trailing_zeros() as usize / 8;
        }
        length += 8;
    }
    while length < later.len() && later[length] == earlier[length] {
        length += 1;
    }
    length
}
