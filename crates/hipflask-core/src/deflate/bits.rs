//! Bits on their way out, lowest first.

use super::tree::LENGTH_SHIFT;

#[derive(Default)]
pub(super) struct BitWriter {
    out: Vec<u8>,
    len: usize,
    bits: u64,
    n_bits: u32,
}

impl BitWriter {
    /// Makes an empty writer for a text of that length.
    pub(super) fn new(text_len: usize) -> Self {
        Self { out: Vec::with_capacity(text_len + 32), ..Self::default() }
    }

    /// Makes room for `n_bytes`, so that they can be drained.
    pub(super) fn reserve(&mut self, n_bytes: usize) {
        self.out.resize(self.len + n_bytes + size_of::<u64>(), 0);
    }

    /// Puts bits behind those that are there; no more than 64 may wait for [`BitWriter::drain`].
    pub(super) fn put(&mut self, value: u32, n_bits: u32) {
        self.bits |= u64::from(value) << self.n_bits;
        self.n_bits += n_bits;
    }

    /// Puts a code, whose word says how long it is.
    pub(super) fn put_word(&mut self, word: u32) {
        self.put(word & ((1 << LENGTH_SHIFT) - 1), word >> LENGTH_SHIFT);
    }

    /// Moves whole bytes out; up to seven bits stay.
    pub(super) fn drain(&mut self) {
        debug_assert!(self.n_bits < u64::BITS);
        self.out[self.len..self.len + size_of::<u64>()].copy_from_slice(&self.bits.to_le_bytes());
        let n_bytes = self.n_bits / 8;
        self.len += n_bytes as usize;
        self.bits >>= n_bytes * 8;
        self.n_bits %= 8;
    }

    /// Fills the last byte with zeros.
    pub(super) fn align(&mut self) {
        self.n_bits = self.n_bits.next_multiple_of(8);
        self.drain();
    }

    /// Appends whole bytes to whole bytes.
    pub(super) fn extend(&mut self, bytes: &[u8]) {
        self.out[self.len..self.len + bytes.len()].copy_from_slice(bytes);
        self.len += bytes.len();
    }

    pub(super) fn finish(mut self) -> Vec<u8> {
        self.out.truncate(self.len);
        self.out
    }
}
