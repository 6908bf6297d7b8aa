//! The lengths of a code as they are sent: repetitions have symbols of their own.

use std::mem::take;

use super::{
    bits::BitWriter,
    symbol::{N_DISTANCES, N_LENGTHS, N_LITERALS},
    tree::Code,
};

/// The length before, three to six times more.
pub(super) const REPEAT: usize = 16;
/// No code, three to ten times.
pub(super) const ZEROS: usize = 17;
/// No code, eleven to 138 times.
pub(super) const MANY_ZEROS: usize = 18;

/// How many bits follow a symbol.
const EXTRA_BITS: [u32; N_LENGTHS] = {
    let mut bits = [0; N_LENGTHS];
    bits[REPEAT] = 2;
    bits[ZEROS] = 3;
    bits[MANY_ZEROS] = 7;
    bits
};

/// The lengths of both codes, as symbols with what follows them.
pub(super) struct Runs {
    symbols: [(u8, u8); N_LITERALS + N_DISTANCES],
    len: usize,
    pub(super) counts: [u16; N_LENGTHS],
}

impl Runs {
    pub(super) const EMPTY: Self =
        Self { symbols: [(0, 0); N_LITERALS + N_DISTANCES], len: 0, counts: [0; N_LENGTHS] };

    pub(super) fn add_code<const N: usize>(&mut self, code: &Code<N>) {
        let (mut bits, mut n, mut next) = (0, 0, 0);
        for symbol in code.used() {
            let its_bits = code.bits_of(symbol) as usize;
            if its_bits == bits && symbol == next {
                n += 1;
            } else {
                self.add_repetitions(bits, n);
                if symbol > next {
                    self.add_zeros(symbol - next);
                }
                self.add(its_bits, 0);
                (bits, n) = (its_bits, 0);
            }
            next = symbol + 1;
        }
        self.add_repetitions(bits, n);
    }

    /// Adds the length before `n` times more.
    #[inline]
    fn add_repetitions(&mut self, bits: usize, mut n: usize) {
        while n >= 3 {
            let now = n.min(6);
            self.add(REPEAT, now - 3);
            n -= now;
        }
        for _ in 0..n {
            self.add(bits, 0);
        }
    }

    fn add_zeros(&mut self, mut n: usize) {
        while n >= 3 {
            let now = n.min(138);
            match now {
                ..11 => self.add(ZEROS, now - 3),
                _ => self.add(MANY_ZEROS, now - 11),
            }
            n -= now;
        }
        for _ in 0..n {
            self.add(0, 0);
        }
    }

    fn add(&mut self, symbol: usize, more: usize) {
        self.symbols[self.len] = (symbol as u8, more as u8);
        self.len += 1;
        self.counts[symbol] += 1;
    }

    /// Returns how many bits follow the symbols.
    pub(super) fn extra_bits(&self) -> u32 {
        self.counts.iter().zip(EXTRA_BITS).map(|(n, bits)| u32::from(*n) * bits).sum()
    }

    pub(super) fn write(&self, code: &Code<N_LENGTHS>, to: &mut BitWriter) {
        let mut out = take(to);
        for some in self.symbols[..self.len].chunks(4) {
            for (symbol, more) in some {
                let symbol = usize::from(*symbol);
                out.put_word(code.words[symbol]);
                out.put(u32::from(*more), EXTRA_BITS[symbol]);
            }
            out.drain();
        }
        *to = out;
    }
}
