//! Makes JSON text readable. Trusts nothing: what comes in need not be JSON.

/// Deeper members than any person reads are not set off any further.
const DEEPEST: usize = 20;

/// Puts each member of a JSON text on a line of its own and changes nothing else.
pub(crate) fn indent(json: &str) -> String {
    let mut out = String::with_capacity(json.len() * 2);
    let mut depth = 0_usize;
    let mut rest = json;
    while let Some(first) = rest.chars().next() {
        let token = &rest[..token_len(rest, first)];
        rest = &rest[token.len()..];
        match first {
            '[' | '{' if !rest.starts_with([']', '}']) => {
                depth += 1;
                out.push(first);
                push_line(&mut out, depth);
            }
            ']' | '}' if !out.ends_with(['[', '{']) => {
                depth = depth.saturating_sub(1);
                push_line(&mut out, depth);
                out.push(first);
            }
            ',' => {
                out.push(first);
                push_line(&mut out, depth);
            }
            ':' => out.push_str(": "),
            _ => out.push_str(token),
        }
    }
    out
}

/// A string is one token, with both quotes; so is every other character.
fn token_len(rest: &str, first: char) -> usize {
    let mut escaped = false;
    let is_end = |character: char| {
        let is_end = character == '"' && !escaped;
        escaped = character == '\\' && !escaped;
        is_end
    };
    match first {
        '"' => rest[1..].find(is_end).map_or(rest.len(), |end| end + 2),
        other => other.len_utf8(),
    }
}

fn push_line(out: &mut String, depth: usize) {
    out.push('\n');
    out.extend(std::iter::repeat_n("  ", depth.min(DEEPEST)));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(json: &str, lines: &[&str]) {
        assert_eq!(indent(json), lines.join("\n"), "{json}");
    }

    #[test]
    fn indent_adds_only_white_space_between_tokens() {
        check(r#"{"a":1,"b":[]}"#, &["{", r#"  "a": 1,"#, r#"  "b": []"#, "}"]);
        check(r#"[{},"{,:\"]é"]"#, &["[", "  {},", r#"  "{,:\"]é""#, "]"]);
        check(r#""\\","#, &[r#""\\","#, ""]);
    }

    #[test]
    fn indent_survives_what_is_no_json() {
        check("", &[""]);
        check("]é\"", &["", "]é\""]);
        assert!(indent(&"[".repeat(1000)).len() < 50_000);
    }
}
