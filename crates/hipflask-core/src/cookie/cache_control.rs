//! Keeps a response that sets a session cookie out of shared caches.
//!
//! On the way out, once a cookie is set. Decides only: the layer changes the response. Flask leaves
//! this to the application, and a cache in front of it may hand one visitor's session to the next.
//! The directives are those of [RFC 9111, section 5.2.2][rfc].
//!
//! [rfc]: https://www.rfc-editor.org/rfc/rfc9111#section-5.2.2

use super::{HeaderEdit, list};

/// Returns what to do with the `Cache-Control` lines of a response that sets a session cookie.
///
/// What allows shared caches to keep the response goes, `private` is added, and all else stays.
///
/// ```
/// use hipflask_core::cookie::{HeaderEdit, cache_control};
///
/// assert_eq!(cache_control::make_private([]), HeaderEdit::Add("private"));
/// let edit = cache_control::make_private([&b"public, max-age=60"[..]]);
/// assert_eq!(edit, HeaderEdit::Replace(b"max-age=60, private".to_vec()));
/// ```
pub fn make_private<'a>(lines: impl IntoIterator<Item = &'a [u8]>) -> HeaderEdit {
    let mut lines = lines.into_iter().peekable();
    if lines.peek().is_none() {
        return HeaderEdit::Add("private");
    }
    let (mut is_private, mut is_shared) = (false, false);
    let mut value = Vec::new();
    for directive in lines.flat_map(list::items) {
        match name_of(directive).to_ascii_lowercase().as_slice() {
            b"no-store" => return HeaderEdit::Unchanged,
            b"proxy-revalidate" | b"public" | b"s-maxage" => is_shared = true,
            // With an argument it covers the named fields only, and shared caches keep the rest.
            b"private" => is_private |= directive.len() == b"private".len(),
            _ => {
                value.extend_from_slice(directive);
                value.extend_from_slice(b", ");
            }
        }
    }
    if is_private && !is_shared {
        return HeaderEdit::Unchanged;
    }
    value.extend_from_slice(b"private");
    HeaderEdit::Replace(value)
}

fn name_of(directive: &[u8]) -> &[u8] {
    directive.split(|byte| *byte == b'=').next().unwrap_or_default().trim_ascii()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(lines: &[&str], expected: &str) {
        crate::cookie::check_edit(make_private, lines, expected);
    }

    #[test]
    fn make_private_leaves_uncacheable_responses_alone() {
        check(&["private"], "unchanged");
        check(&["no-store"], "unchanged");
        check(&["max-age=0", "Private"], "unchanged");
        check(&["public, no-store"], "unchanged");
    }

    #[test]
    fn make_private_takes_shared_caches_their_permission() {
        check(&["public"], "private");
        check(&["Public, S-MaxAge=60, max-age=5"], "max-age=5, private");
        check(&["no-cache", "proxy-revalidate"], "no-cache, private");
        check(&["private, public"], "private");
        check(&["private=\"x, y\", max-age=5"], "max-age=5, private");
        check(&["ext=\"public, a\""], "ext=\"public, a\", private");
        check(&[""], "private");
    }
}
