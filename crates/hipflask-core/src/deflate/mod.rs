//! zlib's format (RFC 1950, RFC 1951), in memory: writes the bytes of stock zlib at level 6.
//!
//! Flask sends whichever is shorter, a text or what CPython's zlib makes of it, so the bytes of a cookie depend on each
//! choice that zlib makes: which repetition it finds, where a block ends, how ties in a Huffman tree are broken. All of
//! them are made here in the same way; `tests/it/deflate.rs` holds them against stock zlib.
//!
//! Sessions are small, and most of what zlib does for a small text is to prepare for a large one. Here tables are as
//! large as the text, and trees as large as its alphabet.

mod adler;
mod bits;
mod block;
mod chains;
mod matching;
mod runs;
mod symbol;
mod tree;

pub use matching::compress;
