//! What the backslashes of Python's texts stand for.

/// Appends what the escapes of a text stand for; of bytes each character is one byte.
pub(super) fn unescape(raw: &str, is_bytes: bool, text: &mut String) -> Option<()> {
    let mut chars = raw.chars();
    while let Some(it) = chars.next() {
        if it != '\\' {
            if is_bytes && !it.is_ascii() {
                return None;
            }
            text.push(it);
            continue;
        }
        let hex = |chars: &mut std::str::Chars<'_>, n: usize| {
            let digits: String = chars.by_ref().take(n).collect();
            let code = u32::from_str_radix(&digits, 16).ok().filter(|_| digits.len() == n)?;
            char::from_u32(code)
        };
        match chars.next()? {
            '\n' => {}
            it @ ('\\' | '\'' | '"') => text.push(it),
            'a' => text.push('\x07'),
            'b' => text.push('\x08'),
            'f' => text.push('\x0c'),
            'n' => text.push('\n'),
            'r' => text.push('\r'),
            't' => text.push('\t'),
            'v' => text.push('\x0b'),
            'x' => text.push(hex(&mut chars, 2)?),
            'u' if !is_bytes => text.push(hex(&mut chars, 4)?),
            'U' if !is_bytes => text.push(hex(&mut chars, 8)?),
            'N' if !is_bytes => return None,
            digit @ '0'..='7' => {
                let mut digits = String::from(digit);
                while digits.len() < 3 {
                    let mut ahead = chars.clone();
                    let Some(next @ '0'..='7') = ahead.next() else { break };
                    digits.push(next);
                    chars = ahead;
                }
                text.push(char::from_u32(u32::from_str_radix(&digits, 8).ok()?)?);
            }
            // Python keeps the backslash of an escape that it does not know.
            other => text.extend(['\\', other]),
        }
    }
    Some(())
}
