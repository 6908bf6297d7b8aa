//! Judges whether a secret key is hard to guess.
//!
//! Beside the data flow: signing works with any key, and whoever builds a configuration asks here
//! first. Who can guess the key of one cookie can write every cookie, so [Flask's advice][flask]
//! is a long random key; this module finds the keys that are plainly not one.
//!
//! [flask]: https://flask.palletsprojects.com/en/stable/config/#SECRET_KEY

use super::known_keys::{KNOWN_KEYS, KNOWN_WORDS};

/// The fewest bytes of a key that is not called short.
pub const MIN_LEN: usize = 16;

/// The fewest bits of a key that is not called guessable.
pub const MIN_BITS: u32 = 64;

/// Finds what makes `key` easy to guess.
///
/// ```
/// use hipflask_core::signing::strength::{Weakness, judge};
///
/// assert_eq!(judge(b"dev"), Err(Weakness::PubliclyKnown));
/// assert!(matches!(judge(b"passwordpassword"), Err(Weakness::LowEntropy { .. })));
/// assert!(judge(b"9f3c6a52be0d47c1886d1f7a0cb35e24").is_ok());
/// ```
///
/// # Errors
///
/// The first [`Weakness`] that applies: empty, publicly known, short, low in entropy. `Ok` is no
/// proof of strength; only a random key is one.
pub fn judge(key: &[u8]) -> Result<(), Weakness> {
    if key.is_empty() {
        return Err(Weakness::Empty);
    }
    if is_publicly_known(key) {
        return Err(Weakness::PubliclyKnown);
    }
    if key.len() < MIN_LEN {
        return Err(Weakness::Short { len: key.len() });
    }
    // The time grows faster than the length, and what a long key starts with is enough.
    match estimated_bits(&key[..key.len().min(256)]) {
        bits if bits < MIN_BITS => Err(Weakness::LowEntropy { bits }),
        _ => Ok(()),
    }
}

/// Why a key is easy to guess, and what to do.
///
/// ```
/// use hipflask_core::signing::strength::judge;
///
/// let weakness = judge(b"tiger").expect_err("five bytes are too few");
/// assert!(weakness.to_string().contains("hipflask secret"));
/// ```
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum Weakness {
    /// There is no key.
    #[error("the secret key is empty: make one with `hipflask secret`")]
    Empty,
    /// The key repeats itself, counts, or uses few different characters or very common words.
    #[error(
        "the secret key is guessable (about {bits} bits, expected {MIN_BITS}): make a random one \
         with `hipflask secret`"
    )]
    LowEntropy {
        /// A rough estimate of the bits that a guesser has to find.
        bits: u32,
    },
    /// The key stands in a manual, or is the default of a well-known application.
    #[error(
        "the secret key is publicly known, from documentation or as a default: make a new one with \
         `hipflask secret`"
    )]
    PubliclyKnown,
    /// The key has fewer than [`MIN_LEN`] bytes.
    #[error(
        "the secret key has {len} bytes, expected at least {MIN_LEN}: make a random one with \
         `hipflask secret`"
    )]
    Short {
        /// The length of the key in bytes.
        len: usize,
    },
}

fn is_publicly_known(key: &[u8]) -> bool {
    let key = key.trim_ascii();
    KNOWN_KEYS.iter().any(|known| known.trim_ascii().eq_ignore_ascii_case(key))
}

/// Counts the bits of what is left once repetitions, sequences and common words count as little.
fn estimated_bits(key: &[u8]) -> u32 {
    let (mut at, mut n_symbols) = (0, 0);
    while at < key.len() {
        let (length, cost) = predictable_run(key, at).unwrap_or((1, 1));
        at += length;
        n_symbols += cost;
    }
    // A guesser knows neither which characters occur, hence the extra bit, nor their order.
    let per_symbol = (n_distinct(key).log2() + 1.0).min(alphabet_size(key).log2());
    (per_symbol * f64::from(n_symbols)).floor() as u32
}

/// Returns the length of the predictable run at `at`, and how many symbols a guesser pays for it.
fn predictable_run(key: &[u8], at: usize) -> Option<(usize, u32)> {
    let rest = &key[at..];
    let repeated = (0..at).map(|from| common_prefix(&key[from..], rest)).max().unwrap_or(0);
    let word = KNOWN_WORDS.iter().filter(|word| starts_with(rest, word)).map(|word| word.len());
    let counted = counting_prefix(rest);
    [(repeated, 1), (word.max().unwrap_or(0), 2), (counted, 2)]
        .into_iter()
        .filter(|(length, _)| *length >= 3)
        .max_by_key(|(length, _)| *length)
}

fn common_prefix(left: &[u8], right: &[u8]) -> usize {
    left.iter().zip(right).take_while(|(left, right)| left == right).count()
}

fn starts_with(text: &[u8], word: &str) -> bool {
    text.get(..word.len()).is_some_and(|start| start.eq_ignore_ascii_case(word.as_bytes()))
}

/// The length of a run such as `aaaa`, `abcd` or `4321` at the start of `text`.
fn counting_prefix(text: &[u8]) -> usize {
    let mut steps = text.windows(2).map(|pair| pair[1].wrapping_sub(pair[0]));
    match steps.next() {
        Some(step @ (0 | 1 | u8::MAX)) => 2 + steps.take_while(|next| *next == step).count(),
        _ => 1,
    }
}

fn n_distinct(key: &[u8]) -> f64 {
    let mut seen = [false; 256];
    key.iter().for_each(|byte| seen[usize::from(*byte)] = true);
    f64::from(seen.into_iter().map(u32::from).sum::<u32>())
}

/// The size of the smallest usual set of characters that the key is drawn from.
fn alphabet_size(key: &[u8]) -> f64 {
    let only = |belongs: fn(&u8) -> bool| key.iter().all(belongs);
    if only(u8::is_ascii_digit) {
        return 10.0;
    }
    if only(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
        || only(|byte| matches!(byte, b'0'..=b'9' | b'A'..=b'F'))
    {
        return 16.0;
    }
    let size_if = |size: f64, belongs: fn(&u8) -> bool| {
        if key.iter().any(belongs) { size } else { 0.0 }
    };
    size_if(26.0, u8::is_ascii_lowercase)
        + size_if(26.0, u8::is_ascii_uppercase)
        + size_if(10.0, u8::is_ascii_digit)
        + size_if(66.0, |byte| byte.is_ascii() && !byte.is_ascii_alphanumeric())
        + size_if(128.0, |byte| !byte.is_ascii())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(key: &[u8], expected: &str) {
        let verdict = match judge(key) {
            Ok(()) => "ok",
            Err(Weakness::Empty) => "empty",
            Err(Weakness::LowEntropy { .. }) => "low entropy",
            Err(Weakness::PubliclyKnown) => "publicly known",
            Err(Weakness::Short { .. }) => "short",
        };
        assert_eq!(verdict, expected, "{} ({:?})", key.escape_ascii(), estimated_bits(key));
    }

    #[test]
    fn judge_accepts_random_keys() {
        check(b"9f3c6a52be0d47c1886d1f7a0cb35e24", "ok"); // 16 bytes in hexadecimal
        check(b"71d55a3b0c7a2f93e9d1b4c86605f8ae72903fd1c44e0ab98d26e7531b6fa0c4", "ok");
        check(b"Yk3vQ0m-1x_ZbTfW8sLr2uEo7hCjNdPgA5iKq9Rw4tM", "ok"); // 32 bytes in base64
        check(b"\x8f\x12\xe0\x5a\x93\xc7\x31\x0b\xf4\x6d\xa9\x22\x7e\xd8\x45\xb6", "ok");
        check(b"6f1c2b9e-83a4-4d57-b0e1-5c9d7a3f8264", "ok");
    }

    #[test]
    fn judge_refuses_predictable_keys() {
        check(b"", "empty");
        check(b"Yk3vQ0m-1x_ZbTf", "short");
        check(b"aaaaaaaaaaaaaaaaaaaaaaaa", "low entropy");
        check(b"passwordpassword", "low entropy");
        check(b"1234567890123456", "low entropy");
        check(b"abcdefghijklmnopqrstuvwxyz", "low entropy");
        check(b"zyxwvutsrqponmlkjihgfedcba9876543210", "low entropy");
        check(b"abbabaabbaababba", "low entropy");
        check(b"MySuperSecretFlaskKey", "low entropy");
        check(&[0; 64], "low entropy");
    }

    #[test]
    fn judge_refuses_publicly_known_keys() {
        check(b"dev", "publicly known");
        check(b" CHANGEME\n", "publicly known");
        check(b"_5#y2L\"F4Q8z\n\xec]/", "publicly known");
        check(
            b"192b9bdd22ab9ed4d12e236c78afcb9a393ec15f71bbf5dc987d54727823bcbf",
            "publicly known",
        );
        check(b"CHANGE_ME_TO_A_COMPLEX_RANDOM_SECRET", "publicly known");
    }

    #[test]
    fn weakness_names_the_remedy() {
        for key in [&b""[..], b"dev", b"tiger", b"aaaaaaaaaaaaaaaaaaaaaaaa"] {
            let text = judge(key).expect_err("it is weak").to_string();
            assert!(text.contains("`hipflask secret`"), "{text}");
        }
    }
}
