//! What a cookie's value looks like, without a key.

use hipflask_core::{encoding, signing::Digest, stored::SessionId};
use serde_json::{Map, Value};

/// Whose a value seems to be.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Shape {
    /// Payload, time and signature, as Flask writes them.
    Flask,
    /// Encrypted by Hipflask.
    Encrypted,
    /// The id of a session in a store.
    Id,
    /// The same with a signature.
    SignedId,
    /// A beginning of Flask's.
    Cut,
    /// Flask's, but with padding.
    Padded,
    Starlette,
    Django,
    /// Of another program, which is named.
    Other(&'static str),
    Unknown,
}

/// Finds out whose a value seems to be.
pub(super) fn of(value: &str) -> Shape {
    let dots: Vec<_> = value.split('.').collect();
    let colons: Vec<_> = value.split(':').collect();
    let is_text = |it: &str| !it.is_empty() && it.bytes().all(is_url_safe);
    if let Some(program) = foreign(value, &dots) {
        return Shape::Other(program);
    }
    if value.starts_with("e1.") && hipflask_core::signing::Sealer::is_sealed(value.as_bytes()) {
        return Shape::Encrypted;
    }
    if let [payload, time, signature] = colons[..]
        && is_text(payload.trim_start_matches('.'))
        && is_text(time)
        && is_signature(signature)
    {
        return Shape::Django;
    }
    // What is compressed starts with a dot.
    let (first, rest) = match dots.split_first() {
        Some((&"", [payload, rest @ ..])) => (*payload, rest),
        Some((payload, rest)) => (*payload, rest),
        None => return Shape::Unknown,
    };
    let is_payload = first.starts_with("eyJ") || value.starts_with(".eJ");
    match rest {
        [_, signature] if is_starlette(first) && is_signature(signature) => Shape::Starlette,
        [time, signature] if is_payload && is_text(time) && is_signature(signature) => {
            if is_text(first) { Shape::Flask } else { Shape::Padded }
        }
        [_, signature] if is_payload && signature.ends_with('=') => Shape::Padded,
        [] | [_] | [_, _] if is_payload => Shape::Cut,
        [] if is_id(value) => Shape::Id,
        [signature] if is_id(first) && is_signature(signature) => Shape::SignedId,
        _ => Shape::Unknown,
    }
}

/// Knows other programs' values by how they begin, or by the JSON in them.
fn foreign(value: &str, parts: &[&str]) -> Option<&'static str> {
    const STARTS: [(&str, &str); 5] = [
        ("s%3A", "express-session of Node"),
        ("s:", "express-session of Node"),
        ("Fe26.2*", "iron-session of Node"),
        ("CfDJ8", "ASP.NET Core"),
        ("BAh", "Rails"),
    ];
    if let Some((_, program)) = STARTS.iter().find(|(start, _)| value.starts_with(start)) {
        return Some(program);
    }
    if is_rails(value) {
        return Some("Rails");
    }
    let json = object(parts[0])?;
    match parts {
        // Its signature is a cookie of its own.
        [_] => Some("cookie-session of Node"),
        // Second comes the payload, or the key of what is encrypted; in Flask's cookie, the time.
        [_, second, ..] if json.contains_key("alg") => {
            (parts.len() == 5 || second.starts_with("ey")).then_some("a JSON Web Token")
        }
        _ => None,
    }
}

/// Rails writes hexadecimal digits of a signature behind two hyphens; since 5.2, a nonce and a tag in base64.
fn is_rails(value: &str) -> bool {
    let value = value.replace("%2B", "+").replace("%2F", "/").replace("%3D", "=");
    let is_digest =
        |it: &str| matches!(it.len(), 40 | 64) && it.bytes().all(|byte| byte.is_ascii_hexdigit());
    let has_len = |it: &str, len| decoded(it).is_some_and(|it| it.len() == len);
    match value.split("--").collect::<Vec<_>>()[..] {
        [_, digest] => is_digest(digest),
        [_, nonce, tag] => has_len(nonce, 12) && has_len(tag, 16),
        _ => false,
    }
}

/// Returns the object that is whole in base64.
fn object(text: &str) -> Option<Map<String, Value>> {
    serde_json::from_slice(&decoded(text)?).ok()
}

/// Decodes base64 of either alphabet, padded or not.
fn decoded(text: &str) -> Option<Vec<u8>> {
    let bare = text.trim_end_matches('=').replace('+', "-").replace('/', "_");
    encoding::decode_url(bare.as_bytes())
}

/// Starlette's payload is padded base64 of JSON that `json.dumps` has written, with a blank behind keys.
fn is_starlette(payload: &str) -> bool {
    let Some(json) = decoded(payload) else { return false };
    let Some(rest) = json.strip_prefix(b"{\"") else { return false };
    let mut is_escaped = false;
    let end = rest.iter().position(|byte| {
        let is_end = *byte == b'"' && !is_escaped;
        is_escaped = *byte == b'\\' && !is_escaped;
        is_end
    });
    end.is_some_and(|end| rest[end + 1..].starts_with(b": "))
}

/// An id that is shorter can be guessed, so that nobody makes it.
fn is_id(text: &str) -> bool {
    text.len() >= 20 && SessionId::parse(text.as_bytes()).is_some()
}

const fn is_url_safe(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_')
}

fn is_signature(text: &str) -> bool {
    let decoded = encoding::decode_url(text.as_bytes());
    !text.contains('=')
        && decoded
            .is_some_and(|it| Digest::ALL.iter().any(|digest| digest.output_len() == it.len()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shapes_of_what_real_programs_write() {
        for (value, expected) in [
            ("eyJhIjoxfQ.aR_RAA.VYsLQ_U2fgKvqx9fBqYtUdliftw", Shape::Flask),
            ("eyJhIjoxfQ.aR_RAA.VYsLQ_U2fgKvqx9fBqYtUdl", Shape::Cut),
            ("eyJhIjoxfQ.aR_RAA", Shape::Cut),
            ("eyJhIjo", Shape::Cut),
            // Flask's, cut at its first dot, looks the same.
            ("eyJhIjoxfQ==", Shape::Other("cookie-session of Node")),
            (".eJyrVkpUslIw1FFQSlKyMqoFAB", Shape::Cut),
            ("eyJhIjoxfQ==.aR_RAA.VYsLQ_U2fgKvqx9fBqYtUdliftw", Shape::Padded),
            ("eyJhIjoxfQ.aR_RAA.VYsLQ_U2fgKvqx9fBqYtUdliftw=", Shape::Padded),
            ("eyJhIjogMX0=.aR_RAA.VYsLQ_U2fgKvqx9fBqYtUdliftw", Shape::Starlette),
            ("eyJhIjoxfQ:1vL0hk:VYsLQ_U2fgKvqx9fBqYtUdliftwVYsLQ_U2fgKvqx9f", Shape::Django),
            ("kgm1jQbZqX3fWnQe9hTzV4yB7cR2uP0sLxAaDdFfGgH", Shape::Id),
            (
                "kgm1jQbZqX3fWnQe9hTzV4yB7cR2uP0sLxAaDdFfGgH.VYsLQ_U2fgKvqx9fBqYtUdliftw",
                Shape::SignedId,
            ),
            ("eyJhbGciOiJIUzI1NiJ9.eyJhIjoxfQ.x", Shape::Other("a JSON Web Token")),
            ("eyJ0eXAiOiJKV1QiLCJhbGciOiJIUzI1NiJ9.eyJhIjoxfQ.x", Shape::Other("a JSON Web Token")),
            ("eyJhbGciOiJkaXIiLCJlbmMiOiJBMjU2R0NNIn0..x.x.x", Shape::Other("a JSON Web Token")),
            // A session with the key `alg`.
            ("eyJhbGciOjF9.aR_RAA.VYsLQ_U2fgKvqx9fBqYtUdliftw", Shape::Flask),
            ("", Shape::Unknown),
            ("...", Shape::Unknown),
            ("dark", Shape::Unknown),
        ] {
            assert_eq!(of(value), expected, "{value}");
        }
    }
}
