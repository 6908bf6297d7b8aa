//! Splits comma-separated header values: `Accept, "a, b"` → two items.
//!
//! Serves [`vary`](super::vary) and [`cache_control`](super::cache_control); gives items no
//! meaning. A comma between quotes is part of its item, as in [RFC 9110, section 5.6.1][rfc].
//!
//! [rfc]: https://www.rfc-editor.org/rfc/rfc9110#section-5.6.1

/// Returns the items of `line` without the blanks around them; empty ones are left out.
pub(super) fn items(line: &[u8]) -> impl Iterator<Item = &[u8]> {
    let (mut is_quoted, mut is_escaped) = (false, false);
    line.split(move |byte| {
        if is_escaped {
            is_escaped = false;
        } else if *byte == b'"' {
            is_quoted = !is_quoted;
        } else if *byte == b'\\' {
            is_escaped = is_quoted;
        } else {
            return *byte == b',' && !is_quoted;
        }
        false
    })
    .map(<[u8]>::trim_ascii)
    .filter(|item| !item.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(line: &str, expected: &[&str]) {
        let items: Vec<_> = items(line.as_bytes()).collect();
        assert_eq!(items, expected.iter().map(|item| item.as_bytes()).collect::<Vec<_>>());
    }

    #[test]
    fn items_are_split_outside_quotes_only() {
        check("a, b ,,c", &["a", "b", "c"]);
        check("a=\"1, 2\", b", &["a=\"1, 2\"", "b"]);
        check("\"a\\\", b\", c", &["\"a\\\", b\"", "c"]);
        check("a\\, b", &["a\\", "b"]);
        check(" , ", &[]);
        check("\"a, b", &["\"a, b"]);
    }
}
