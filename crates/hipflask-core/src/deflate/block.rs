//! A block: up to 16,383 symbols, written in whichever of three ways is the shortest.

use std::mem::take;

use super::{
    bits::BitWriter,
    chains::Match,
    runs::Runs,
    symbol::{
        END_OF_BLOCK, FIXED_DISTANCE_BITS, MAX_CODE_BITS, MIN_MATCH, N_DISTANCES, N_LENGTHS,
        N_LITERALS, ORDER, distance_extra, distance_parts, fixed_bits, length_extra, length_parts,
    },
    tree::{Code, LENGTH_SHIFT, Tree, word},
};

/// How many symbols a block has at most, without its end.
pub(super) const MAX_SYMBOLS: usize = (1 << 14) - 1;
const FIRST_LENGTH: usize = END_OF_BLOCK + 1;
const MAX_LENGTH_CODE_BITS: usize = 7;

const FIXED_LITERALS: [u32; N_LITERALS] = {
    // Codes of one length follow each other: eight bits twice, nine bits, seven bits.
    let mut words = [0; N_LITERALS];
    let mut symbol = 0;
    while symbol < N_LITERALS {
        let code = match symbol {
            ..144 => 0b0011_0000 + symbol,
            144..256 => 0b1_1001_0000 + symbol - 144,
            256..280 => symbol - 256,
            _ => 0b1100_0000 + symbol - 280,
        };
        words[symbol] = word(code as u32, fixed_bits(symbol));
        symbol += 1;
    }
    words
};

const FIXED_DISTANCES: [u32; N_DISTANCES] = {
    let mut words = [0; N_DISTANCES];
    let mut symbol = 0;
    while symbol < N_DISTANCES {
        words[symbol] = word(symbol as u32, FIXED_DISTANCE_BITS);
        symbol += 1;
    }
    words
};

pub(super) struct Block {
    steps: Vec<Step>,
    /// Literals behind the last match.
    n_literals: usize,
    n_symbols: usize,
    literals: [u16; N_LITERALS],
    distances: [u16; N_DISTANCES],
}

/// Literals, which are in the text, and a match behind them.
struct Step {
    n_literals: u16,
    /// By how much the match is longer than the shortest.
    above: u8,
    distance: u16,
}

impl Block {
    /// Makes an empty block for a text of that length.
    pub(super) fn new(text_len: usize) -> Self {
        let mut block = Self {
            steps: Vec::with_capacity(text_len.min(MAX_SYMBOLS) / 8),
            n_literals: 0,
            n_symbols: 0,
            literals: [0; N_LITERALS],
            distances: [0; N_DISTANCES],
        };
        block.literals[END_OF_BLOCK] = 1;
        block
    }

    pub(super) fn push_literals(&mut self, literals: &[u8]) {
        self.n_literals += literals.len();
        self.n_symbols += literals.len();
        for byte in literals {
            self.literals[usize::from(*byte)] += 1;
        }
    }

    /// Pushes literals and a match.
    pub(super) fn push_match(&mut self, literals: &[u8], found: Match) {
        self.push_literals(literals);
        self.n_symbols += 1;
        let above = found.length - MIN_MATCH;
        self.literals[FIRST_LENGTH + length_parts(above).0] += 1;
        self.distances[distance_parts(found.distance).0] += 1;
        let n_literals = take(&mut self.n_literals) as u16;
        self.steps.push(Step { n_literals, above: above as u8, distance: found.distance as u16 });
    }

    pub(super) fn n_symbols(&self) -> usize {
        self.n_symbols
    }

    /// Returns how many literals can be looked at until the block is full, where the last one waits.
    pub(super) fn room(&self) -> usize {
        let room = MAX_SYMBOLS - self.n_symbols;
        room + usize::from(room > 0)
    }

    /// Writes the block, and begins the next one.
    pub(super) fn write(
        &mut self,
        text: &[u8],
        is_in_window: bool,
        is_last: bool,
        out: &mut BitWriter,
    ) {
        let mut header = Header::EMPTY;
        header.learn(&self.literals, &self.distances);
        let [fixed, extra] = self.fixed_bits(&header);
        let bytes = |n_bits: u32| (n_bits + 3 + 7) as usize / 8;
        let dynamic = bytes(header.n_bits() + extra);
        let fixed = bytes(fixed + extra);
        let len = fixed.min(dynamic);
        // What is left over of the block before, the lengths of a stored block, the checksum.
        out.reserve(len + 16);
        if is_in_window && text.len() + 4 <= len {
            write_stored(text, is_last, out);
        } else if fixed <= dynamic {
            out.put(0b010 | u32::from(is_last), 3);
            self.write_symbols(text, &FIXED_LITERALS, &FIXED_DISTANCES, out);
        } else {
            out.put(0b100 | u32::from(is_last), 3);
            header.write(out);
            self.write_symbols(text, &header.literals.words, &header.distances.words, out);
        }
        if !is_last {
            self.steps.clear();
            *self = Self { steps: take(&mut self.steps), ..Self::new(0) };
        }
    }

    /// Returns how many bits all symbols take in the fixed codes, and how many follow lengths and distances.
    fn fixed_bits(&self, header: &Header) -> [u32; 2] {
        let (mut fixed, mut extra) = (0, 0);
        for symbol in header.literals.used() {
            let count = u32::from(self.literals[symbol]);
            fixed += count * (FIXED_LITERALS[symbol] >> LENGTH_SHIFT);
            if let Some(index) = symbol.checked_sub(FIRST_LENGTH) {
                extra += count * length_extra(index);
            }
        }
        for symbol in header.distances.used() {
            let count = u32::from(self.distances[symbol]);
            fixed += count * FIXED_DISTANCE_BITS;
            extra += count * distance_extra(symbol);
        }
        [fixed, extra]
    }

    /// Writes all symbols and the end.
    fn write_symbols(
        &self,
        mut text: &[u8],
        literals: &[u32; N_LITERALS],
        distances: &[u32; N_DISTANCES],
        to: &mut BitWriter,
    ) {
        // What nobody else can see stays in registers.
        let mut out = take(to);
        for step in &self.steps {
            let (before, rest) = text.split_at(step.n_literals.into());
            write_literals(before, literals, &mut out);
            let (index, extra_bits, extra) = length_parts(step.above.into());
            out.put_word(literals[FIRST_LENGTH + index]);
            out.put(extra, extra_bits);
            let (symbol, extra_bits, extra) = distance_parts(step.distance.into());
            out.put_word(distances[symbol]);
            out.put(extra, extra_bits);
            out.drain();
            text = &rest[MIN_MATCH + usize::from(step.above)..];
        }
        write_literals(text, literals, &mut out);
        out.put_word(literals[END_OF_BLOCK]);
        out.drain();
        *to = out;
    }
}

#[inline]
fn write_literals(bytes: &[u8], literals: &[u32; N_LITERALS], out: &mut BitWriter) {
    let (threes, rest) = bytes.as_chunks::<3>();
    for three in threes {
        three.iter().for_each(|byte| out.put_word(literals[usize::from(*byte)]));
        out.drain();
    }
    rest.iter().for_each(|byte| out.put_word(literals[usize::from(*byte)]));
    out.drain();
}

fn write_stored(text: &[u8], is_last: bool, out: &mut BitWriter) {
    out.put(u32::from(is_last), 3);
    out.align();
    let len = text.len() as u32;
    out.put(len | (!len & 0xffff) << 16, 32);
    out.drain();
    out.extend(text);
}

/// Both codes of a block, and how they are sent.
struct Header {
    literals: Code<N_LITERALS>,
    distances: Code<N_DISTANCES>,
    runs: Runs,
    lengths: Code<N_LENGTHS>,
    /// How many of [`ORDER`] are sent.
    n_lengths: usize,
}

impl Header {
    const EMPTY: Self = Self {
        literals: Code::EMPTY,
        distances: Code::EMPTY,
        runs: Runs::EMPTY,
        lengths: Code::EMPTY,
        n_lengths: 0,
    };

    fn learn(&mut self, literals: &[u16; N_LITERALS], distances: &[u16; N_DISTANCES]) {
        let mut tree = Tree::new();
        self.literals.learn(literals, MAX_CODE_BITS, &mut tree);
        self.distances.learn(distances, MAX_CODE_BITS, &mut tree);
        self.runs.add_code(&self.literals);
        self.runs.add_code(&self.distances);
        self.lengths.learn(&self.runs.counts, MAX_LENGTH_CODE_BITS, &mut tree);
        let is_used = |symbol: &usize| self.lengths.bits_of(*symbol) > 0;
        self.n_lengths = 1 + ORDER.iter().rposition(is_used).unwrap_or_default().max(3);
    }

    /// Returns how long the block is, without its first three bits and what follows lengths and distances.
    fn n_bits(&self) -> u32 {
        let lengths = 3 * self.n_lengths as u32 + self.lengths.n_bits + self.runs.extra_bits();
        5 + 5 + 4 + lengths + self.literals.n_bits + self.distances.n_bits
    }

    fn write(&self, out: &mut BitWriter) {
        out.put((self.literals.last() - END_OF_BLOCK) as u32, 5);
        out.put(self.distances.last() as u32, 5);
        out.put(self.n_lengths as u32 - 4, 4);
        out.drain();
        for some in ORDER[..self.n_lengths].chunks(16) {
            some.iter().for_each(|symbol| out.put(self.lengths.bits_of(*symbol), 3));
            out.drain();
        }
        self.runs.write(&self.lengths, out);
    }
}
