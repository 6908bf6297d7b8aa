//! Huffman codes, with stock zlib's choice among those that are equally short.
//!
//! The choice lies in a heap: which of two nodes of the same weight comes out first depends on their depths, and then on
//! where in the heap they were. So the heap is kept, but only of symbols that occur, and each node is one number.

use super::symbol::{MAX_CODE_BITS, N_LITERALS};

/// A node of the heap, from its highest bits down: how often it occurs, its depth, its number.
/// Nodes are compared without their number.
type Node = u32;

const NUMBER_BITS: u32 = 10;
const DEPTH_BITS: u32 = 6;

/// What is not compared.
const NUMBER: Node = (1 << NUMBER_BITS) - 1;

const fn key(node: Node) -> u32 {
    node >> NUMBER_BITS
}

const fn number(node: Node) -> usize {
    (node & NUMBER) as usize
}

/// Returns the node above two nodes.
fn join(left: Node, right: Node, number: usize) -> Node {
    const DEPTH: u32 = (1 << DEPTH_BITS) - 1;
    let depth = (key(left) & DEPTH).max(key(right) & DEPTH) + 1;
    let count = (key(left) >> DEPTH_BITS) + (key(right) >> DEPTH_BITS);
    (count << DEPTH_BITS | depth) << NUMBER_BITS | number as u32
}

/// The code of an alphabet of `N` symbols.
pub(super) struct Code<const N: usize> {
    /// The bits of each symbol's code in the order in which they are sent, and above them how many they are.
    pub(super) words: [u32; N],
    /// Which symbols have a code, from the first on.
    used: [u16; N],
    n_used: usize,
    /// How many bits all symbols take, without those that follow them.
    pub(super) n_bits: u32,
}

/// How many codes there are of each length.
type PerLength = [u16; MAX_CODE_BITS + 1];

/// How a code and its length are put into one number.
pub(super) const LENGTH_SHIFT: u32 = 16;

pub(super) const fn word(code: u32, n_bits: u32) -> u32 {
    n_bits << LENGTH_SHIFT | code.reverse_bits() >> (32 - n_bits)
}

impl<const N: usize> Code<N> {
    /// Finds the code for symbols that occur that often, of at most `max_bits`.
    pub(super) fn new(counts: &[u16; N], max_bits: usize, tree: &mut Tree) -> Self {
        let mut code = Self { words: [0; N], used: [0; N], n_used: 0, n_bits: 0 };
        code.plant(counts, tree);
        tree.grow(N);
        let mut lengths = [0; LENGTHS];
        let n_of_length = tree.measure::<N>(&mut lengths, max_bits);
        let mut next = [0; MAX_CODE_BITS + 2];
        for bits in 1..=max_bits {
            next[bits + 1] = (next[bits] + u32::from(n_of_length[bits])) << 1;
        }
        for symbol in code.used[..code.n_used].iter().map(|symbol| usize::from(*symbol)) {
            let bits = u32::from(lengths[symbol % LENGTHS]);
            let next = &mut next[bits as usize & MAX_CODE_BITS];
            code.words[symbol] = word(*next, bits);
            *next += 1;
            code.n_bits += bits * u32::from(counts[symbol]);
        }
        code
    }

    /// Notes which symbols occur.
    fn plant(&mut self, counts: &[u16; N], tree: &mut Tree) {
        (tree.len, tree.n_pairs) = (0, 0);
        for (at, some) in counts.chunks(8).enumerate() {
            if some.iter().fold(0, |all, count| all | count) == 0 {
                continue;
            }
            for (symbol, count) in (8 * at..).zip(some).filter(|(_, count)| **count > 0) {
                self.add(symbol, *count, tree);
            }
        }
        // A code has at least two symbols.
        while self.n_used < 2 {
            let symbol = if self.n_used == 1 && self.used[0] < 2 { self.used[0] + 1 } else { 0 };
            self.add(symbol.into(), 1, tree);
            self.used[..self.n_used].sort_unstable();
        }
        tree.heap[tree.len + 1] = Node::MAX;
    }

    fn add(&mut self, symbol: usize, count: u16, tree: &mut Tree) {
        self.used[self.n_used] = symbol as u16;
        self.n_used += 1;
        tree.len += 1;
        tree.heap[tree.len] = u32::from(count) << (DEPTH_BITS + NUMBER_BITS) | symbol as u32;
    }

    /// Returns the symbols that have a code, from the first on.
    pub(super) fn used(&self) -> impl DoubleEndedIterator<Item = usize> {
        self.used[..self.n_used].iter().map(|symbol| usize::from(*symbol))
    }

    /// Returns how many bits the code of a symbol has.
    pub(super) fn bits_of(&self, symbol: usize) -> u32 {
        self.words[symbol] >> LENGTH_SHIFT
    }

    /// Returns the last symbol that has a code.
    pub(super) fn last(&self) -> usize {
        self.used().next_back().unwrap_or_default()
    }
}

const HEAP: usize = 512;
const LENGTHS: usize = 1024;
/// For each node, inner ones included, how far it is from the root.
type Lengths = [u8; LENGTHS];

/// Memory in which trees grow, one after the other.
pub(super) struct Tree {
    /// Starts at 1; a node is not above the two at twice its place. Behind the last is the largest number.
    heap: [Node; HEAP],
    len: usize,
    /// What is below each inner node, in the order in which they were made; of a pair, which was taken first.
    pairs: [[u16; 2]; N_LITERALS],
    n_pairs: usize,
}

impl Tree {
    pub(super) fn new() -> Self {
        Self { heap: [0; HEAP], len: 0, pairs: [[0; 2]; N_LITERALS], n_pairs: 0 }
    }

    /// Joins the two rarest nodes until one is left; inner nodes are numbered from `first`.
    fn grow(&mut self, first: usize) {
        for at in (1..=self.len / 2).rev() {
            self.sink(at, self.heap[at % HEAP]);
        }
        while self.len > 1 {
            let (rarest, last) = (self.heap[1], self.heap[self.len % HEAP]);
            self.heap[self.len % HEAP] = Node::MAX;
            self.len -= 1;
            self.sink(1, last);
            let next = self.heap[1];
            self.pairs[self.n_pairs] = [number(rarest) as u16, number(next) as u16];
            self.sink(1, join(rarest, next, first + self.n_pairs));
            self.n_pairs += 1;
        }
    }

    /// Puts a node where `top` is, or below.
    #[inline]
    fn sink(&mut self, top: usize, node: Node) {
        // Most nodes end at the bottom: all that is on the way moves up, and what was not rarer comes back.
        let (mut at, len) = (top, self.len);
        while 2 * at <= len {
            let (left, right) = (self.heap[2 * at % HEAP], self.heap[(2 * at + 1) % HEAP]);
            // Of two that are alike, the right one.
            let is_right = right <= left | NUMBER;
            self.heap[at % HEAP] = if is_right { right } else { left };
            at = 2 * at + usize::from(is_right);
        }
        while at > top && self.heap[at / 2 % HEAP] >= node & !NUMBER {
            self.heap[at % HEAP] = self.heap[at / 2 % HEAP];
            at /= 2;
        }
        self.heap[at % HEAP] = node;
    }

    /// Finds the lengths of all codes, and how many codes there are of each length.
    fn measure<const N: usize>(&self, lengths: &mut Lengths, max_bits: usize) -> PerLength {
        let mut n_of_length = [0; MAX_CODE_BITS + 1];
        let mut n_too_long = 0;
        for (at, pair) in self.pairs[..self.n_pairs].iter().enumerate().rev() {
            let below = lengths[(N + at) % LENGTHS] + 1;
            let bits = below.min(max_bits as u8);
            n_too_long += 2 * usize::from(below > bits);
            for node in pair.map(usize::from) {
                lengths[node % LENGTHS] = bits;
                n_of_length[usize::from(bits) & MAX_CODE_BITS] += u16::from(node < N);
            }
        }
        if n_too_long > 0 {
            shorten(&mut n_of_length, n_too_long, max_bits);
            self.deal::<N>(lengths, n_of_length);
        }
        n_of_length
    }

    /// Gives each symbol its new length: the rarest, which were taken first, have the longest codes.
    fn deal<const N: usize>(&self, lengths: &mut Lengths, n_of_length: PerLength) {
        let nodes = self.pairs[..self.n_pairs].iter().flatten().map(|node| usize::from(*node));
        let mut symbols = nodes.filter(|node| *node < N);
        for (bits, n) in n_of_length.into_iter().enumerate().rev() {
            for symbol in symbols.by_ref().take(usize::from(n)) {
                lengths[symbol] = bits as u8;
            }
        }
    }
}

/// Moves codes that were cut off at `max_bits` below shorter ones, until each prefix is free again.
fn shorten(n_of_length: &mut PerLength, n_too_long: usize, max_bits: usize) {
    for _ in 0..n_too_long.div_ceil(2) {
        let shorter = (1..max_bits).rev().find(|bits| n_of_length[*bits] > 0).unwrap_or(1);
        n_of_length[shorter] -= 1;
        n_of_length[shorter + 1] += 2;
        n_of_length[max_bits] -= 1;
    }
}
