//! The page that is asked for: the path of a request target, as every server behind reads it.
//!
//! Query and fragment are cut off before anything else. A path that two servers may read in two ways is
//! [`Page::Unclear`], and nobody guesses.

use percent_encoding::percent_decode_str;

/// What is known of the page.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) enum Page {
    /// Its path, without escapes, dots and double slashes.
    Path(String),
    /// Unknown, or to be read in more than one way.
    Unclear,
}

impl Page {
    /// Reads the target of a request, such as `/a/../b?c=d`.
    pub(super) fn of_target(target: &str) -> Self {
        normalized(target).map_or(Self::Unclear, Self::Path)
    }

    /// Reports whether the page is the folder or file `prefix`, or below it; `None` if that is unclear.
    pub(super) fn is_below(&self, prefix: &str) -> Option<bool> {
        let Self::Path(path) = self else { return None };
        let rest = path.strip_prefix(prefix.trim_end_matches('/'));
        Some(rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/')))
    }
}

fn normalized(target: &str) -> Option<String> {
    let path = target.split(['?', '#']).next()?;
    if !path.starts_with('/') {
        return None;
    }
    let lower = path.to_ascii_lowercase();
    // Some servers decode these and some do not, or decode twice.
    if path.contains('\\') || ["%2f", "%5c", "%25", "%00"].iter().any(|it| lower.contains(it)) {
        return None;
    }
    let decoded = percent_decode_str(path).decode_utf8().ok()?;
    if decoded.contains(char::is_control) || decoded.contains(['?', '#']) {
        return None;
    }
    let mut segments = Vec::new();
    for segment in decoded.split('/') {
        match segment {
            "" | "." => {}
            ".." => drop(segments.pop()?),
            // Java's servers cut parameters off.
            _ if segment.starts_with(".;") || segment.starts_with("..;") => return None,
            _ => segments.push(segment),
        }
    }
    Some(format!("/{}", segments.join("/")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(target: &str, expected: &str) {
        assert_eq!(Page::of_target(target), Page::Path(expected.into()), "{target}");
    }

    #[test]
    fn path_has_one_form() {
        check("/", "/");
        check("/admin/users?x=/public", "/admin/users");
        check("/admin#/public", "/admin");
        check("/admin?#/public", "/admin");
        check("/public/../admin", "/admin");
        check("/public/%2e%2E/admin", "/admin");
        check("//admin///x/./", "/admin/x");
        check("/%61dmin", "/admin");
        check("/caf%C3%A9", "/café");
    }

    #[test]
    fn what_has_two_readings_is_unclear() {
        for target in [
            "",
            "admin",
            "*",
            "http://a/b",
            "/a%2fb",
            "/a%5Cb",
            "/a\\b",
            "/%252e%252e/x",
            "/a%00",
            "/a%0a",
            "/%ff",
            "/public/..;/admin",
            "/..",
            "/a/../..",
            "/a%3fb",
            "/a%23b",
        ] {
            assert_eq!(Page::of_target(target), Page::Unclear, "{target}");
        }
    }

    #[test]
    fn prefixes_end_at_slashes() {
        let page = Page::of_target("/admin/users");
        assert_eq!(page.is_below("/admin"), Some(true));
        assert_eq!(page.is_below("/admin/"), Some(true));
        assert_eq!(page.is_below("/"), Some(true));
        assert_eq!(page.is_below("/adm"), Some(false));
        assert_eq!(page.is_below("/Admin"), Some(false));
        assert_eq!(page.is_below("/admin/users/x"), Some(false));
        assert_eq!(Page::Unclear.is_below("/"), None);
    }
}
