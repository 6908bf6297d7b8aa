//! The number of files in a folder, which cachelib keeps in a file of its own.
//!
//! cachelib removes live sessions when it counts more than its threshold. A number that is too high
//! would make it remove too many, so what is added and removed here is counted too.

/// Returns the file with `delta` more; `None` if it is none of cachelib's.
pub(super) fn add(content: &[u8], delta: i32) -> Option<Vec<u8>> {
    let (expiry, pickle) = content.split_at_checked(4)?;
    let count = read(pickle)?.saturating_add(delta);
    Some([expiry, &write(count)].concat())
}

/// Reads a pickled integer.
fn read(pickle: &[u8]) -> Option<i32> {
    let pickle = match pickle {
        [0x80, 2..=5, 0x95, rest @ ..] => rest.get(8..)?, // the frame's length
        [0x80, 2..=5, rest @ ..] => rest,
        _ => return None,
    };
    match *pickle {
        [b'K', a, b'.'] => Some(a.into()),
        [b'M', a, b, b'.'] => Some(u16::from_le_bytes([a, b]).into()),
        [b'J', a, b, c, d, b'.'] => Some(i32::from_le_bytes([a, b, c, d])),
        _ => None,
    }
}

/// Pickles an integer as Python does, in its protocol 5.
fn write(count: i32) -> Vec<u8> {
    let mut pickle = match (u8::try_from(count), u16::try_from(count)) {
        (Ok(count), _) => vec![b'K', count],
        (_, Ok(count)) => [&b"M"[..], &count.to_le_bytes()].concat(),
        _ => [&b"J"[..], &count.to_le_bytes()].concat(),
    };
    pickle.push(b'.');
    let frame = [&[0x95][..], &(pickle.len() as u64).to_le_bytes()].concat();
    let frame = if pickle.len() < 4 { &[][..] } else { &frame };
    [&[0x80, 5], frame, &pickle].concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(count: i32, pickle: &[u8]) {
        assert_eq!(write(count), pickle);
        assert_eq!(read(pickle), Some(count));
    }

    #[test]
    fn counts_are_pickled_as_python_does() {
        check(0, b"\x80\x05K\0.");
        check(18, b"\x80\x05K\x12.");
        check(255, b"\x80\x05K\xff.");
        check(256, b"\x80\x05\x95\x04\0\0\0\0\0\0\0M\0\x01.");
        check(65_535, b"\x80\x05\x95\x04\0\0\0\0\0\0\0M\xff\xff.");
        check(65_536, b"\x80\x05\x95\x06\0\0\0\0\0\0\0J\0\0\x01\0.");
        check(-1, b"\x80\x05\x95\x06\0\0\0\0\0\0\0J\xff\xff\xff\xff.");
    }

    #[test]
    fn foreign_content_is_left_alone() {
        let contents: [&[u8]; 6] =
            [b"", b"\0\0\0", b"\0\0\0\0", b"\0\0\0\0\x80\x05", b"\0\0\0\0\x80\x05N.", &[0x80; 20]];
        for content in contents {
            assert_eq!(add(content, 1), None);
        }
        assert_eq!(add(b"\0\0\0\0\x80\x05K\x12.", -1), Some(b"\0\0\0\0\x80\x05K\x11.".to_vec()));
    }
}
