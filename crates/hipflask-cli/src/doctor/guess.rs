//! Weak keys, and how fast one is guessed on this machine.

use std::time::{Duration, Instant};

use hipflask_core::{
    UnixTime,
    interface::{CookieSessions, Signing},
    reason::Reason,
    signing::{KeyRing, strength},
};

use super::{
    Case,
    cause::{Cause, Kind},
};
use crate::node::Node;

/// How long guesses are counted.
const FOR: Duration = Duration::from_millis(100);

/// Finds keys that can be guessed.
pub(super) fn look(case: &Case) -> Vec<Cause> {
    let keys = case.nodes.iter().flat_map(|node| {
        let ring = node.examined.config().map(|config| config.secret_key().ring());
        let keys = ring.into_iter().flat_map(|ring| ring.keys().zip(0..));
        keys.map(move |(key, position)| (node, key, position))
    });
    let weak: Vec<_> = keys
        .filter_map(|(node, key, position)| {
            Some((node, position, strength::judge(key.as_bytes()).err()?))
        })
        .collect();
    if weak.is_empty() {
        return Vec::new();
    }
    let speed = guesses_per_second().max(1);
    let seconds = (1_000_000 / speed).max(1);
    let cause = |(node, position, weakness): (&Node, usize, strength::Weakness)| {
        let words = format!(
            "{}, key {position}: {weakness}; one core of this machine tries {speed} keys a second, so a \
             list of a million words takes {seconds} seconds",
            node.name
        );
        Cause::new(Kind::WeakKey, words)
    };
    weak.into_iter().map(cause).collect()
}

/// Counts how many keys can be tried against a cookie. The keys are made up.
fn guesses_per_second() -> u64 {
    const COOKIE: &[u8] = b"eyJhIjoxfQ.aR_RAA.VYsLQ_U2fgKvqx9fBqYtUdliftw";
    let signing = Signing::default();
    let now = UnixTime::from_secs(1_763_692_800);
    let start = Instant::now();
    let mut n_tried = 0;
    while start.elapsed() < FOR {
        for _ in 0..100 {
            n_tried += 1;
            let ring = KeyRing::new(format!("guess {n_tried}"));
            let opened = CookieSessions::signed_with(&ring, &signing).open(Some(COOKIE), now);
            debug_assert_eq!(opened.reason, Reason::BadSignature);
        }
    }
    n_tried * 1000 / u64::try_from(start.elapsed().as_millis()).unwrap_or(u64::MAX).max(1)
}
