//! From a text to literals and matches, as zlib's level 6 chooses them: a match waits whether the next place has a
//! longer one.

use std::mem::take;

use super::{
    adler::adler32,
    bits::BitWriter,
    block::Block,
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
    let mut out = BitWriter::default();
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
    /// Whether the byte one place before is a literal unless a match begins there.
    is_waiting: bool,
    places: Places<HEADS, PLACES>,
    block: Block,
    /// Where in the text the block begins.
    block_start: usize,
}

impl<'a, const HEADS: usize, const PLACES: usize> Matching<'a, HEADS, PLACES> {
    fn new(text: &'a [u8]) -> Self {
        let (places, block) = (Places::new(text), Block::new(text.len()));
        let (before, is_waiting) = (NO_MATCH, false);
        Self { text, base: 0, at: 0, before, is_waiting, places, block, block_start: 0 }
    }

    fn run(mut self, out: &mut BitWriter) {
        loop {
            let window = self.window();
            if self.at == window.len() {
                break;
            }
            let stop =
                SLIDE.max((window.len() + 1).saturating_sub(MIN_LOOKAHEAD)).min(window.len());
            self.advance(window, stop);
            if self.block.is_full() {
                self.end_block(false, out);
            }
        }
        if take(&mut self.is_waiting) {
            self.block.push_literal(self.text[self.base + self.at - 1]);
        }
        self.end_block(true, out);
    }

    /// Returns what is in the window's memory, once it was moved on where zlib would do so.
    fn window(&mut self) -> &'a [u8] {
        let rest = &self.text[self.base..];
        let window = &rest[..rest.len().min(2 * WINDOW)];
        if window.len() - self.at >= MIN_LOOKAHEAD || self.at < SLIDE {
            return window;
        }
        self.places.slide();
        self.base += WINDOW;
        self.at -= WINDOW;
        self.window()
    }

    /// Goes on to `stop`, or until the block is full.
    fn advance(&mut self, window: &[u8], stop: usize) {
        // What nobody else can see stays in registers.
        let (mut at, mut before, mut is_waiting) = (self.at, self.before, self.is_waiting);
        let mut chains = self.places.chains();
        while at < stop && !self.block.is_full() {
            let found = find(&mut chains, window, at, before.length);
            if before.length >= MIN_MATCH && found.length <= before.length {
                self.block.push_match(before.length, before.distance);
                let end = at - 1 + before.length;
                chains.insert_all(at + 1, &window[at + 1..window.len().min(end + MIN_MATCH - 1)]);
                (at, before, is_waiting) = (end, NO_MATCH, false);
            } else {
                if is_waiting {
                    self.block.push_literal(window[at - 1]);
                }
                (at, before, is_waiting) = (at + 1, found, true);
            }
        }
        let hash = chains.hash;
        self.places.hash = hash;
        (self.at, self.before, self.is_waiting) = (at, before, is_waiting);
    }

    fn end_block(&mut self, is_last: bool, out: &mut BitWriter) {
        let end = self.base + self.at - usize::from(self.is_waiting);
        let is_in_window = self.block_start >= self.base;
        let text = is_in_window.then(|| &self.text[self.block_start..end]);
        self.block.write(text, is_last, out);
        self.block_start = end;
    }
}

/// Returns the match at this place if it is longer than the one before.
#[inline]
fn find<const HEADS: usize, const PLACES: usize>(
    chains: &mut Chains<'_, HEADS, PLACES>,
    window: &[u8],
    at: usize,
    before: usize,
) -> Match {
    let Some(third) = window.get(at + MIN_MATCH - 1) else { return NO_MATCH };
    let head = chains.insert(at, *third);
    if head == 0 || before >= MAX_LAZY {
        return NO_MATCH;
    }
    let found = longest(chains.places, chains.hash, window, at, head, before);
    match found.length {
        MIN_MATCH if found.distance > TOO_FAR => NO_MATCH,
        _ => found,
    }
}
