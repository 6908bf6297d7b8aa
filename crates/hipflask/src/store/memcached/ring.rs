//! Which of several servers keeps a key: rendezvous hashing, exactly as pymemcache's `HashClient`
//! does it, so that an app in Flask and one in Rust look for a session on the same server.

/// Returns the position of the server that keeps `key`: the one whose name gives the key the
/// highest score.
pub(super) fn choose<'a>(names: impl Iterator<Item = &'a str>, key: &str) -> usize {
    let score = |name: &'a str| (murmur3(format!("{name}-{key}").as_bytes()), name);
    // Of two equal scores, the greater name wins.
    let best = names.map(score).enumerate().max_by_key(|(_, score)| *score);
    best.map_or(0, |(position, _)| position)
}

/// Returns the 32-bit MurmurHash3 of `data` with the seed 0.
fn murmur3(data: &[u8]) -> u32 {
    let scramble =
        |block: u32| block.wrapping_mul(0xcc9e_2d51).rotate_left(15).wrapping_mul(0x1b87_3593);
    let (blocks, tail) = data.as_chunks::<4>();
    let mut hash = blocks.iter().fold(0_u32, |hash, block| {
        let mixed = (hash ^ scramble(u32::from_le_bytes(*block))).rotate_left(13);
        mixed.wrapping_mul(5).wrapping_add(0xe654_6b64)
    });
    if !tail.is_empty() {
        hash ^= scramble(tail.iter().rev().fold(0, |word, byte| word << 8 | u32::from(*byte)));
    }
    hash ^= u32::try_from(data.len()).unwrap_or(u32::MAX);
    hash = (hash ^ hash >> 16).wrapping_mul(0x85eb_ca6b);
    hash = (hash ^ hash >> 13).wrapping_mul(0xc2b2_ae35);
    hash ^ hash >> 16
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn choose_finds_the_server_that_pymemcache_4_0_finds() {
        let table = include_str!("../../../tests/vectors/memcached_ring.txt");
        let mut rows = 0;
        for line in table.lines().filter(|line| !line.starts_with('#')) {
            let (servers, positions) = line.split_once(' ').unwrap();
            let names: Vec<_> = servers.split(',').collect();
            for (number, position) in positions.bytes().enumerate() {
                let key = format!("session:{:x}", (number as u64 + 1) * 2_654_435_761);
                let chosen = choose(names.iter().copied(), &key);
                assert_eq!(chosen, usize::from(position - b'0'), "{key} on {servers}");
                rows += 1;
            }
        }
        assert_eq!(rows, 6000);
    }

    #[test]
    fn murmur3_matches_published_values() {
        for (data, hash) in [("", 0), ("test", 0xba6b_d213), ("Hello, world!", 0xc036_3e43)] {
            assert_eq!(murmur3(data.as_bytes()), hash, "{data}");
        }
    }
}
