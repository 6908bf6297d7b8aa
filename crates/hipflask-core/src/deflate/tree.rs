//! Huffman codes, with stock zlib's choice among those that are equally short.
//!
//! The choice lies in a heap: which of two nodes of the same weight comes out first depends on their depths, and then on
//! where in the heap they were. So the heap is kept, but only of symbols that occur, and each node is one number.

use std::hint::select_unpredictable;

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

const fn leaf(symbol: usize, count: u16) -> Node {
    (count as u32) << (DEPTH_BITS + NUMBER_BITS) | symbol as u32
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
    let [low, high] = [REVERSED[(code & 0xff) as usize], REVERSED[(code >> 8 & 0xff) as usize]];
    n_bits << LENGTH_SHIFT | (low as u32 * 256 + high as u32) >> (16 - n_bits)
}

/// Each byte from its last bit to its first.
const REVERSED: [u8; 256] = {
    let mut reversed = [0; 256];
    let mut byte = 0;
    while byte < reversed.len() {
        reversed[byte] = (byte as u8).reverse_bits();
        byte += 1;
    }
    reversed
};

impl<const N: usize> Code<N> {
    pub(super) const EMPTY: Self = Self { words: [0; N], used: [0; N], n_used: 0, n_bits: 0 };

    /// Finds the code for symbols that occur that often, of at most `max_bits`.
    pub(super) fn learn(&mut self, counts: &[u16; N], max_bits: usize, tree: &mut Tree) {
        self.plant(counts, tree);
        tree.grow(N);
        let n_of_length = tree.measure::<N>(max_bits);
        let mut next = [0; MAX_CODE_BITS + 2];
        for bits in 1..=max_bits {
            next[bits + 1] = (next[bits] + u32::from(n_of_length[bits])) << 1;
        }
        for symbol in self.used[..self.n_used].iter().map(|symbol| usize::from(*symbol)) {
            let bits = u32::from(tree.lengths[symbol % LENGTHS]);
            let next = &mut next[bits as usize & MAX_CODE_BITS];
            self.words[symbol] = word(*next, bits);
            *next += 1;
            self.n_bits += bits * u32::from(counts[symbol]);
        }
    }

    /// Notes which symbols occur.
    fn plant(&mut self, counts: &[u16; N], tree: &mut Tree) {
        let mut n = 0;
        for (at, some) in counts.as_chunks::<8>().0.iter().enumerate() {
            if *some == [0; 8] {
                continue;
            }
            for (symbol, count) in (8 * at..).zip(some) {
                // What does not occur is written over by the next one.
                self.used[n] = symbol as u16;
                tree.heap[(n + 1) % HEAP] = leaf(symbol, *count);
                n += usize::from(*count > 0);
            }
        }
        // A code has at least two symbols.
        while n < 2 {
            let symbol = if n == 1 && self.used[0] < 2 { self.used[0] + 1 } else { 0 };
            self.used[n] = symbol;
            n += 1;
            tree.heap[n] = leaf(symbol.into(), 1);
            self.used[..n].sort_unstable();
        }
        tree.heap[(n + 1) % HEAP] = Node::MAX;
        (self.n_used, tree.len) = (n, n);
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

/// Memory in which trees grow, one after the other.
pub(super) struct Tree {
    /// Starts at 1; a node is not above the two at twice its place. Behind the last are the largest numbers.
    heap: [Node; HEAP],
    len: usize,
    /// What is below each inner node, in the order in which they were made; of a pair, which was taken first.
    pairs: [[u16; 2]; N_LITERALS],
    n_pairs: usize,
    /// For each node, inner ones included, how far it is from the root.
    lengths: [u8; LENGTHS],
}

impl Tree {
    pub(super) fn new() -> Self {
        let (pairs, lengths) = ([[0; 2]; N_LITERALS], [0; LENGTHS]);
        Self { heap: [Node::MAX; HEAP], len: 0, pairs, n_pairs: 0, lengths }
    }

    /// Joins the two rarest nodes until one is left; inner nodes are numbered from `first`.
    fn grow(&mut self, first: usize) {
        let levels = self.len.ilog2();
        for at in (1..=self.len / 2).rev() {
            let node = self.heap[at % HEAP];
            sink(&mut self.heap, at, node, levels - at.ilog2());
        }
        let n_pairs = self.len - 1;
        for (at, pair) in self.pairs[..n_pairs].iter_mut().enumerate() {
            let (rarest, last) = (self.heap[1], self.heap[(n_pairs + 1 - at) % HEAP]);
            self.heap[(n_pairs + 1 - at) % HEAP] = Node::MAX;
            let levels = (n_pairs - at).ilog2();
            sink(&mut self.heap, 1, last, levels);
            let next = self.heap[1];
            *pair = [number(rarest) as u16, number(next) as u16];
            sink(&mut self.heap, 1, join(rarest, next, first + at), levels);
        }
        self.n_pairs = n_pairs;
    }

    /// Finds the lengths of all codes, and how many codes there are of each length.
    fn measure<const N: usize>(&mut self, max_bits: usize) -> PerLength {
        let mut n_of_length = [0; MAX_CODE_BITS + 1];
        let mut n_too_long = 0;
        self.lengths[(N + self.n_pairs - 1) % LENGTHS] = 0;
        for (at, pair) in self.pairs[..self.n_pairs].iter().enumerate().rev() {
            let below = self.lengths[(N + at) % LENGTHS] + 1;
            let bits = below.min(max_bits as u8);
            n_too_long += 2 * usize::from(below > bits);
            let [left, right] = pair.map(usize::from);
            self.lengths[left % LENGTHS] = bits;
            self.lengths[right % LENGTHS] = bits;
            n_of_length[usize::from(bits) & MAX_CODE_BITS] +=
                u16::from(left < N) + u16::from(right < N);
        }
        if n_too_long > 0 {
            shorten(&mut n_of_length, n_too_long, max_bits);
            self.deal::<N>(n_of_length);
        }
        n_of_length
    }

    /// Gives each symbol its new length: the rarest, which were taken first, have the longest codes.
    fn deal<const N: usize>(&mut self, n_of_length: PerLength) {
        let nodes = self.pairs[..self.n_pairs].iter().flatten().map(|node| usize::from(*node));
        let mut symbols = nodes.filter(|node| *node < N);
        for (bits, n) in n_of_length.into_iter().enumerate().rev() {
            for symbol in symbols.by_ref().take(usize::from(n)) {
                self.lengths[symbol % LENGTHS] = bits as u8;
            }
        }
    }
}

/// Puts a node where `top` is, or up to so many levels below.
#[inline]
fn sink(heap: &mut [Node; HEAP], top: usize, node: Node, levels: u32) {
    // Most nodes end at the bottom: all that is on the way moves up, and what was not rarer comes back.
    let mut at = top % HEAP;
    for _ in 0..levels {
        let below = 2 * at % HEAP;
        let (left, right) = (heap[below], heap[below | 1]);
        // Of two that are alike, the right one.
        let is_right = right <= left | NUMBER;
        heap[at] = select_unpredictable(is_right, right, left);
        at = below | usize::from(is_right);
    }
    let key = node & !NUMBER;
    while at > top && heap[at / 2] >= key {
        heap[at] = heap[at / 2];
        at /= 2;
    }
    heap[at] = node;
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
