//! Holds our own deflate against stock zlib, whose bytes Flask sends.

use std::iter::repeat_n;

use flate2::{Compress, Compression, FlushCompress, Status};
use hipflask_core::deflate::compress;

use crate::vectors::Vectors;

/// Stock zlib at its default level, as CPython calls it.
struct Stock {
    stream: Compress,
    deflated: Vec<u8>,
}

impl Stock {
    fn new() -> Self {
        Self { stream: Compress::new(Compression::new(6), true), deflated: Vec::new() }
    }

    #[track_caller]
    fn check(&mut self, text: &[u8], what: &str) {
        self.stream.reset();
        self.deflated.clear();
        self.deflated.reserve(text.len() + text.len() / 64 + 64);
        let finish = FlushCompress::Finish;
        let status = self.stream.compress_vec(text, &mut self.deflated, finish);
        assert_eq!(status.unwrap(), Status::StreamEnd);
        let is_same = compress(text) == self.deflated;
        let shown = text.get(..200).unwrap_or(text).escape_ascii();
        assert!(is_same, "zlib writes other bytes for {what}, {} bytes: {shown}…", text.len());
    }
}

/// The same numbers on every run.
struct Numbers(u64);

impl Numbers {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 24
    }

    fn below(&mut self, limit: usize) -> usize {
        (self.next() % limit as u64) as usize
    }

    fn byte(&mut self) -> u8 {
        self.next() as u8
    }
}

/// Appends a little to a text.
type Grow = fn(&mut Vec<u8>, &mut Numbers);

const KINDS: [(&str, Grow); 9] = [
    ("noise", |text, numbers| text.push(numbers.byte())),
    ("few letters", |text, numbers| {
        let n_letters = 1 + text.len() / 64 % 6;
        text.push(b'a' + numbers.below(n_letters) as u8);
    }),
    ("runs", |text, numbers| text.extend(repeat_n(numbers.byte(), 1 + numbers.below(600)))),
    ("a session", grow_session),
    ("copies from all distances", |text, numbers| {
        let noise = 1 + numbers.below(40);
        text.extend((0..noise).map(|_| numbers.byte()));
        let start = text.len() - 1 - numbers.below(text.len().min(40_000));
        for at in start..start + numbers.below(300) {
            text.push(text[at]);
        }
    }),
    // zlib's hash does not see the three upper bits of the first of three bytes.
    ("one hash", |text, numbers| {
        text.extend([b'a' ^ numbers.byte() << 5, b'b', b'c']);
        let noise = numbers.below(8) / 7;
        text.extend((0..noise).map(|_| numbers.byte()));
    }),
    ("halving counts", |text, numbers| {
        text.push((numbers.next() | 1 << 39).trailing_zeros() as u8 * 5);
    }),
    // The counts of Fibonacci make the deepest trees, deeper than codes may be.
    ("deep trees", |text, numbers| {
        const GOLDEN: f64 = 0.618_033_988_75;
        let share = (1.0 + numbers.below(1 << 24) as f64) / f64::from(1 << 24);
        text.push((share.ln() / GOLDEN.ln()) as u8);
    }),
    ("a pattern that changes", |text, numbers| {
        let period = 1 + text.len() / 1000;
        let before = text.len().checked_sub(period).map_or(b'x', |at| text[at]);
        text.push(if numbers.below(period + 9) == 0 { numbers.byte() } else { before });
    }),
];

fn grow_session(text: &mut Vec<u8>, numbers: &mut Numbers) {
    const PARTS: [&str; 9] = [
        "{\"_permanent\":true,",
        "\"user_id\":",
        "\"csrf_token\":\"",
        "{\" t\":[",
        "\"name\":\"",
        "\"_flashes\":[",
        "]},",
        "null,",
        "\"price\":19.99,",
    ];
    match numbers.below(3) {
        0 => text.extend(PARTS[numbers.below(PARTS.len())].bytes()),
        1 => text.extend(numbers.below(100_000).to_string().bytes()),
        _ => text.extend(format!("{:x}\",", numbers.next()).bytes()),
    }
}

fn text_of(len: usize, grow: Grow, numbers: &mut Numbers) -> Vec<u8> {
    let mut text = Vec::with_capacity(len + 1024);
    while text.len() < len {
        grow(&mut text, numbers);
    }
    text.truncate(len);
    text
}

/// Checks texts of the kind with these lengths.
fn check_lengths(lengths: impl IntoIterator<Item = usize>) {
    let (mut stock, mut numbers) = (Stock::new(), Numbers(0x9e37_79b9));
    for (at, len) in lengths.into_iter().enumerate() {
        let (what, grow) = KINDS[at % KINDS.len()];
        stock.check(&text_of(len, grow, &mut numbers), what);
    }
}

#[test]
fn short_texts_of_each_length_have_stock_zlibs_bytes() {
    for (at, (what, grow)) in KINDS.into_iter().enumerate() {
        let (mut stock, mut numbers) = (Stock::new(), Numbers(0x0bad_cafe));
        let longest = text_of(2000, grow, &mut numbers);
        // Three kinds have each length.
        (at % 3..=2000).step_by(3).for_each(|len| stock.check(&longest[..len], what));
    }
}

/// A match has at most 258 bytes, a block 16,383 symbols, a window 32 KiB of which 262 bytes are kept free, its memory 64 KiB.
#[test]
fn texts_around_each_limit_have_stock_zlibs_bytes() {
    let limits = [258, 4096, 8192, 16_383, 32_768 - 262, 32_768, 65_536 - 262, 65_536, 98_304];
    for limit in limits {
        for (what, grow) in KINDS {
            let (mut stock, mut numbers) = (Stock::new(), Numbers(limit as u64));
            let longest = text_of(limit + 1, grow, &mut numbers);
            (limit - 1..=limit + 1).for_each(|len| stock.check(&longest[..len], what));
        }
    }
}

#[test]
fn repetitions_from_each_distance_have_stock_zlibs_bytes() {
    let (mut stock, mut numbers) = (Stock::new(), Numbers(7));
    let noise = text_of(33_000, KINDS[0].1, &mut numbers);
    for distance in [4096, 4097, 32_505, 32_506, 32_507] {
        for length in [3, 4, 16, 128, 258, 259] {
            for start in [0, 1] {
                let between = start + distance;
                let again = &noise[start..start + length];
                stock.check(&[&noise[..between], again].concat(), "a repetition");
            }
        }
    }
}

#[test]
fn longer_texts_have_stock_zlibs_bytes() {
    check_lengths((2000..70_000).step_by(677).chain([200_000]));
}

#[test]
#[ignore = "takes minutes: for changes of the deflate, in a release build"]
fn texts_of_each_length_have_stock_zlibs_bytes() {
    check_lengths(0..=70_000);
}

#[test]
#[ignore = "as many as DEFLATE_TEXTS says: for changes of the deflate, in a release build"]
fn any_texts_have_stock_zlibs_bytes() {
    let n_texts = std::env::var("DEFLATE_TEXTS").map_or(10_000, |n| n.parse().unwrap());
    let mut numbers = Numbers(0x5eed);
    let lengths = (0..n_texts).map(|at| {
        let longest = if at % 1000 == 0 { 100_000 } else { 1 << (5 + numbers.below(8)) };
        numbers.below(longest)
    });
    check_lengths(lengths);
}

#[test]
fn recorded_texts_have_stock_zlibs_bytes() {
    let mut stock = Stock::new();
    let checked = std::cell::RefCell::new(&mut stock);
    Vectors::load("signing")
        .only(&["compress"])
        .check("compress", |row| {
            checked.borrow_mut().check(&row.bytes("in_hex"), "a recorded text");
        })
        .finish();
}
