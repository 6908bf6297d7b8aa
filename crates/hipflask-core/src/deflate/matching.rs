//! From a text to literals and matches, as zlib's level 6 chooses them: a match waits whether the next place has a
//! longer one.

use super::{
    adler::adler32,
    bits::BitWriter,
    block::{Block, MAX_SYMBOLS},
    chains::{Chains, MIN_LOOKAHEAD, Match, Places, WINDOW, longest},
    symbol::MIN_MATCH,
};

/// A match of this length is taken without a look at the next place.
const MAX_LAZY: usize = 16;
/// A match of three bytes is not worth a distance above this.
const TOO_FAR: u32 = 4096;
/// Deflate with a window of 32 KiB; the default level.
const HEADER: u32 = 0x9c78;
/// From where on the window's memory moves on when too little of the text is ahead.
const SLIDE: usize = 2 * WINDOW - MIN_LOOKAHEAD;
const NO_MATCH: Match = Match { length: MIN_MATCH - 1, distance: 0 };

/// Returns zlib's form of a text: the bytes of `zlib.compress` in CPython with stock zlib.
///
/// ```
/// let deflated = hipflask_core::deflate::compress(b"abcabcabcabc");
/// assert_eq!(deflated, b"\x78\x9c\x4b\x4c\x4a\x4e\x84\x21\x00\x1d\xe0\x04\x99");
/// ```
#[must_use]
pub fn compress(text: &[u8]) -> Vec<u8> {
    let mut out = BitWriter::new(text.len());
    out.reserve(2);
    out.put(HEADER, 16);
    out.drain();
    // Short texts need small tables. Long ones need zlib's own, so that a chain tells nothing of what is too far away.
    match text.len() {
        0..=512 => Matching::<1024, 512>::new(text).run(&mut out),
        513..=4096 => Matching::<4096, 4096>::new(text).run(&mut out),
        _ => Matching::<WINDOW, WINDOW>::new(text).run(&mut out),
    }
    out.align();
    out.extend(&adler32(text).to_be_bytes());
    out.finish()
}

struct Matching<'a, const HEADS: usize, const PLACES: usize> {
    text: &'a [u8],
    /// Where in the text the window's memory begins, which holds twice the window.
    base: usize,
    /// Where in that memory the next match is looked for.
    at: usize,
    /// The match that begins one place before.
    before: Match,
    /// Where in that memory the literals begin that are not in the block yet. The last one waits.
    literals: usize,
    places: Places<HEADS, PLACES>,
    block: Block,
    /// Where in the text the block begins.
    block_start: usize,
}

impl<'a, const HEADS: usize, const PLACES: usize> Matching<'a, HEADS, PLACES> {
    fn new(text: &'a [u8]) -> Self {
        let (places, block) = (Places::new(text), Block::new(text.len()));
        let before = NO_MATCH;
        Self { text, base: 0, at: 0, before, literals: 0, places, block, block_start: 0 }
    }

    fn run(mut self, out: &mut BitWriter) {
        loop {
            let window = self.window();
            if self.at == window.len() {
                self.block.push_literals(&window[self.literals..]);
                return self.end_block(self.at, true, out);
            }
            let stop =
                SLIDE.max((window.len() + 1).saturating_sub(MIN_LOOKAHEAD)).min(window.len());
            self.advance(window, stop);
            // The last literal waits.
            let end = self.literals.max(self.at - 1);
            if self.block.n_symbols() + end - self.literals == MAX_SYMBOLS {
                self.block.push_literals(&window[self.literals..end]);
                self.end_block(end, false, out);
                self.literals = end;
            }
        }
    }

    /// Returns what is in the window's memory, once it was moved on where zlib would do so.
    fn window(&mut self) -> &'a [u8] {
        let rest = &self.text[self.base..];
        let window = &rest[..rest.len().min(2 * WINDOW)];
        if window.len() - self.at >= MIN_LOOKAHEAD || self.at < SLIDE {
            return window;
        }
        // Literals that the window leaves behind are put into the block.
        let end = self.literals.max(self.at - 1);
        self.block.push_literals(&window[self.literals..end]);
        self.places.slide();
        self.base += WINDOW;
        self.at -= WINDOW;
        self.literals = end - WINDOW;
        self.window()
    }

    /// Goes on to `end`, or until the block is full.
    fn advance(&mut self, window: &[u8], end: usize) {
        // What nobody else can see stays in registers.
        let (mut at, mut before, mut literals) = (self.at, self.before, self.literals);
        let mut chains = self.places.chains();
        let mut stop = end.min(literals + self.block.room());
        while at < stop {
            let head = window.get(at + MIN_MATCH - 1).map_or(0, |third| chains.insert(at, *third));
            if head == 0 && before.length < MIN_MATCH {
                at += 1;
                continue;
            }
            let found = find(&chains, window, at, head, before.length);
            if before.length >= MIN_MATCH && found.length <= before.length {
                self.block.push_match(&window[literals..at - 1], before);
                literals = at - 1 + before.length;
                let hashed = window.len().min(literals + MIN_MATCH - 1);
                chains.insert_all(at + 1, &window[at + 1..hashed]);
                (at, before) = (literals, NO_MATCH);
                stop = end.min(literals + self.block.room());
            } else {
                (at, before) = (at + 1, found);
            }
        }
        self.places.hash = chains.hash;
        (self.at, self.before, self.literals) = (at, before, literals);
    }

    fn end_block(&mut self, end: usize, is_last: bool, out: &mut BitWriter) {
        let end = self.base + end;
        let is_in_window = self.block_start >= self.base;
        self.block.write(&self.text[self.block_start..end], is_in_window, is_last, out);
        self.block_start = end;
    }
}

/// Returns the match at this place, along the chain from `head`, if it is longer than the one before.
#[inline]
fn find<const HEADS: usize, const PLACES: usize>(
    chains: &Chains<'_, HEADS, PLACES>,
    window: &[u8],
    at: usize,
    head: u16,
    before: usize,
) -> Match {
    if head == 0 || before >= MAX_LAZY {
        return NO_MATCH;
    }
    let found = longest(chains.places, chains.hash, window, at, head, before);
    match found.length {
        MIN_MATCH if found.distance > TOO_FAR => NO_MATCH,
        _ => found,
    }
}
