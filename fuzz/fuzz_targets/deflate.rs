//! Deflates any bytes, repeated and grown, to the bytes of stock zlib.

#![no_main]

use flate2::{Compress, Compression, FlushCompress};
use hipflask_core::deflate::compress;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: (u8, u16, &[u8])| {
    let (n_times, changed, bytes) = input;
    // A short input becomes one that fills blocks and windows, with a byte that differs here and there.
    let mut text = bytes.repeat(1 + usize::from(n_times));
    let step = 1 + usize::from(changed);
    (step..text.len()).step_by(step).for_each(|at| text[at] ^= at as u8);
    let mut expected = Vec::with_capacity(text.len() + text.len() / 64 + 64);
    Compress::new(Compression::new(6), true)
        .compress_vec(&text, &mut expected, FlushCompress::Finish)
        .expect("zlib takes any bytes");
    assert_eq!(compress(&text), expected);
});
