//! Where a log-in may send the visitor back to: a path of this site, and nothing else.

/// Reports whether `target` is a path of this site, so that it is safe to redirect to.
///
/// What browsers take for another host is not: `//host`, a backslash, a control character that they
/// drop, and every URL with a scheme. What is no ASCII cannot stand in a `Location`.
///
/// ```
/// use hipflask_core::auth::is_local;
///
/// assert!(is_local("/orders?page=2"));
/// assert!(!is_local("https://evil.example/"));
/// assert!(!is_local("//evil.example/"));
/// assert!(!is_local("/\\evil.example/"));
/// assert!(!is_local("/\t/evil.example/"));
/// ```
#[doc(alias = "url_has_allowed_host_and_scheme")]
pub fn is_local(target: &str) -> bool {
    let is_harmless = |byte: u8| byte.is_ascii_graphic() && byte != b'\\';
    target.starts_with('/') && !target.starts_with("//") && target.bytes().all(is_harmless)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(expected: bool, targets: &[&str]) {
        for target in targets {
            assert_eq!(is_local(target), expected, "{target:?}");
        }
    }

    #[test]
    fn only_a_path_of_this_site_is_local() {
        check(true, &["/", "/a/b?c=d&e=/f#g", "/a//b", "/@a", "/:80", "/%09/a", "/a?next=//b"]);
        check(false, &["", "a", "?a", "#a", ".", "../a", "//a", "///a", "//", "/\\a", "\\/a"]);
        check(false, &["\\\\a", "/a\\b", "http:/a", "http:a", "https://a/", "javascript:alert(1)"]);
        check(false, &[" /a", "/ /a", "\t/a", "/\t/a", "/\n/a", "/\r\nA: b", "/\0/a", "/\x7f/a"]);
        check(false, &["/é", "/\u{a0}/a", "/\u{2028}a", "\u{ff0f}/a"]);
    }
}
