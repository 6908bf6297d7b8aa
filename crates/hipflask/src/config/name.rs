//! The names of the settings, and what somebody meant who wrote almost one of them.

use super::table::{Setting, settings};

/// More edits than these make another word, such as Flask-Login's `SESSION_PROTECTION`.
const MAX_EDITS: usize = 2;

/// What a name in a configuration stands for.
#[derive(Debug)]
pub(super) enum Meaning {
    /// Another part of the application.
    Foreign,
    /// None of ours, but meant to be this one.
    Misspelt(&'static str),
    /// This one of ours.
    Setting(&'static Setting),
}

/// Tells ours from other names; the same file or environment may configure anything else.
pub(super) fn meaning(name: &str) -> Meaning {
    if let Some(setting) = settings().iter().find(|setting| setting.name() == name) {
        return Meaning::Setting(setting);
    }
    // Longer names are none of ours, and comparing takes the longer the longer they are.
    if name.len() > 64 {
        return Meaning::Foreign;
    }
    let upper = name.to_ascii_uppercase();
    let names = settings().iter().map(Setting::name);
    let nearest = names.map(|known| (strsim::levenshtein(&upper, known), known)).min();
    match nearest {
        Some((edits, known)) if edits <= MAX_EDITS || upper.starts_with("SESSION_COOKIE_") => {
            Meaning::Misspelt(known)
        }
        _ => Meaning::Foreign,
    }
}

/// Returns `name` with the prefix that binds a cookie to one host, and still to HTTP if it was.
pub(super) fn with_host_prefix(name: &str) -> String {
    let has = |prefix: &str| {
        name.get(..prefix.len()).is_some_and(|start| start.eq_ignore_ascii_case(prefix))
    };
    if has("__Host-") {
        return name.to_owned();
    }
    let bare = match has("__Secure-") {
        true => &name["__Secure-".len()..],
        false if has("__Http-") => &name["__".len()..],
        false => name,
    };
    format!("__Host-{bare}")
}

#[cfg(test)]
mod tests {
    use super::*;

    const FOREIGN: (&str, &str) = ("foreign", "");

    #[test]
    fn meaning_finds_misspelt_names() {
        for (name, expected) in [
            ("SESSION_REDDIS", ("misspelt", "SESSION_REDIS")),
            ("SESSION_IDLE_TIMOUT", ("misspelt", "SESSION_IDLE_TIMEOUT")),
            ("SECRET_KEY", ("setting", "SECRET_KEY")),
            ("secret_key", ("misspelt", "SECRET_KEY")),
            ("SECRET_KEY_FALLBACK", ("misspelt", "SECRET_KEY_FALLBACKS")),
            ("SESSION_COKIE_SECURE", ("misspelt", "SESSION_COOKIE_SECURE")),
            ("SESSION_COOKIE_SAME_SITE", ("misspelt", "SESSION_COOKIE_SAMESITE")),
            ("SESSION_COOKIE_LIFE", ("misspelt", "SESSION_COOKIE_NAME")),
            ("SESSION_PROTECTION", FOREIGN),
            ("SESSION_KEY_PREFIX", ("setting", "SESSION_KEY_PREFIX")),
            ("SESSION_KEY_PERFIX", ("misspelt", "SESSION_KEY_PREFIX")),
            ("SESSION_REDIS", ("setting", "SESSION_REDIS")),
            ("REMEMBER_COOKIE_SECURE", FOREIGN),
            ("WTF_I18N_ENABLED", FOREIGN),
            ("DEBUG", FOREIGN),
            ("", FOREIGN),
            ("\u{17f}ECRET_KEY", ("misspelt", "SECRET_KEY")),
        ] {
            let found = match meaning(name) {
                Meaning::Foreign => FOREIGN,
                Meaning::Misspelt(nearest) => ("misspelt", nearest),
                Meaning::Setting(setting) => ("setting", setting.name()),
            };
            assert_eq!(found, expected, "{name}");
        }
    }

    #[test]
    fn host_prefix_replaces_the_weaker_one() {
        for (name, expected) in [
            ("session", "__Host-session"),
            ("__host-a", "__host-a"),
            ("__Secure-a", "__Host-a"),
            ("__Http-a", "__Host-Http-a"),
            ("__host-HTTP-a", "__host-HTTP-a"),
            ("\u{fc}", "__Host-\u{fc}"),
        ] {
            assert_eq!(with_host_prefix(name), expected);
        }
    }
}
