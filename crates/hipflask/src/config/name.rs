//! The names of the settings, and what somebody meant who wrote almost one of them.

/// The settings that are applied: Flask's and Flask-Session's own names.
pub(super) const NAMES: [&str; 19] = [
    "APPLICATION_ROOT",
    "MAX_COOKIE_SIZE",
    "PERMANENT_SESSION_LIFETIME",
    "SECRET_KEY",
    "SECRET_KEY_FALLBACKS",
    "SESSION_COOKIE_DOMAIN",
    "SESSION_COOKIE_HTTPONLY",
    "SESSION_COOKIE_NAME",
    "SESSION_COOKIE_PARTITIONED",
    "SESSION_COOKIE_PATH",
    "SESSION_COOKIE_SAMESITE",
    "SESSION_COOKIE_SECURE",
    "SESSION_ID_LENGTH",
    "SESSION_KEY_PREFIX",
    "SESSION_PERMANENT",
    "SESSION_REFRESH_EACH_REQUEST",
    "SESSION_SERIALIZATION_FORMAT",
    "SESSION_TYPE",
    "SESSION_USE_SIGNER",
];

/// More edits than these make another word, such as Flask-Login's `SESSION_PROTECTION`.
const MAX_EDITS: usize = 2;

/// What a name in a configuration stands for.
#[derive(Debug, Eq, PartialEq)]
pub(super) enum Meaning {
    /// Another part of the application.
    Foreign,
    /// None of ours, but meant to be this one.
    Misspelt(&'static str),
    /// This one of ours.
    Setting(&'static str),
}

/// Tells ours from other names; the same file or environment may configure anything else.
pub(super) fn meaning(name: &str) -> Meaning {
    if let Some(known) = NAMES.into_iter().find(|known| *known == name) {
        return Meaning::Setting(known);
    }
    // Longer names are none of ours, and comparing takes the longer the longer they are.
    if name.len() > 64 {
        return Meaning::Foreign;
    }
    let upper = name.to_ascii_uppercase();
    let nearest = NAMES.into_iter().map(|known| (strsim::levenshtein(&upper, known), known)).min();
    match nearest {
        Some((edits, known)) if edits <= MAX_EDITS || upper.starts_with("SESSION_COOKIE_") => {
            Meaning::Misspelt(known)
        }
        _ => Meaning::Foreign,
    }
}

/// Returns `name` with the prefix that binds a cookie to one host.
pub(super) fn with_host_prefix(name: &str) -> String {
    let has = |prefix: &str| {
        name.get(..prefix.len()).is_some_and(|start| start.eq_ignore_ascii_case(prefix))
    };
    if has("__Host-") {
        return name.to_owned();
    }
    let bare = if has("__Secure-") { &name["__Secure-".len()..] } else { name };
    format!("__Host-{bare}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn meaning_finds_misspelt_names() {
        use Meaning::{Foreign, Misspelt, Setting};
        for (name, expected) in [
            ("SECRET_KEY", Setting("SECRET_KEY")),
            ("secret_key", Misspelt("SECRET_KEY")),
            ("SECRET_KEY_FALLBACK", Misspelt("SECRET_KEY_FALLBACKS")),
            ("SESSION_COKIE_SECURE", Misspelt("SESSION_COOKIE_SECURE")),
            ("SESSION_COOKIE_SAME_SITE", Misspelt("SESSION_COOKIE_SAMESITE")),
            ("SESSION_COOKIE_LIFE", Misspelt("SESSION_COOKIE_NAME")),
            ("SESSION_PROTECTION", Foreign),
            ("SESSION_KEY_PREFIX", Setting("SESSION_KEY_PREFIX")),
            ("SESSION_KEY_PERFIX", Misspelt("SESSION_KEY_PREFIX")),
            ("SESSION_REDIS", Foreign),
            ("REMEMBER_COOKIE_SECURE", Foreign),
            ("WTF_CSRF_SECRET_KEY", Foreign),
            ("DEBUG", Foreign),
            ("", Foreign),
            ("\u{17f}ECRET_KEY", Misspelt("SECRET_KEY")),
        ] {
            assert_eq!(meaning(name), expected, "{name}");
        }
    }

    #[test]
    fn host_prefix_replaces_the_weaker_one() {
        for (name, expected) in [
            ("session", "__Host-session"),
            ("__host-a", "__host-a"),
            ("__Secure-a", "__Host-a"),
            ("\u{fc}", "__Host-\u{fc}"),
        ] {
            assert_eq!(with_host_prefix(name), expected);
        }
    }
}
