//! The table of settings: all of it works from the environment and TOML, and its page is up to date.

use std::{fmt::Write, time::Duration};

use hipflask::{
    ConfigError, SessionConfig, SessionLayer,
    config::{OnOutage, Origin, Setting, settings},
};

use crate::{
    app::{KEY, config},
    pages,
};

/// A value for each setting that only Hipflask has.
const OURS: [(&str, &str); 23] = [
    ("SESSION_ABSOLUTE_TIMEOUT", "86400"),
    ("SESSION_CONFLICT_POLICY", "error"),
    ("SESSION_DIGEST", "SHA256"),
    ("SESSION_DIGEST_FALLBACKS", r#"{"sha1": "2027-01-01"}"#),
    ("SESSION_ENCRYPTION", "true"),
    ("SESSION_ENCRYPTION_ACCEPT_PLAIN_UNTIL", "2027-01-01T00:00:00Z"),
    ("SESSION_IDLE_TIMEOUT", "900.5"),
    ("SESSION_ID_STORAGE", "Hashed_From_Plain"),
    ("SESSION_KEEP_FORMAT", "true"),
    ("SESSION_ON_OUTAGE", "anonymous"),
    ("SESSION_REFRESH_UNTOUCHED", "true"),
    ("SESSION_RESIGN", "true"),
    ("SESSION_ON_USER_LIMIT", "refuse"),
    ("SESSION_REVOCATIONS", "memory:"),
    ("SESSION_REVOCATIONS_DELAY", "0.25"),
    ("SESSION_STORE_DEADLINE", "0.5"),
    ("SESSION_TAKE_OVER", "starlette"),
    ("SESSION_TAKE_OVER_KEY", "e24d47c1886d1f7a0cb359f3c6a52be0"),
    ("SESSION_TAKE_OVER_MAX_AGE", "60"),
    ("SESSION_TOUCH_AFTER", "0"),
    ("SESSION_USER_INDEX", "true"),
    ("SESSION_USER_KEYS", r#"["username"]"#),
    ("SESSION_USER_LIMIT", "5"),
];

#[track_caller]
fn check_ours(config: &SessionConfig) {
    let shown = format!("{config:?}");
    for part in [
        "absolute_timeout: Some(86400s)",
        "digest: Some(Sha256)",
        "(Sha1, Some(UnixTime(1798761600s)))",
        "resign: true",
        "encryption: true",
        "accept_plain_until: Some(UnixTime(1798761600s))",
        "conflict_policy: Error",
        "idle_timeout: Some(900.5s)",
        "id_storage: HashedFromPlain",
        "touch_after: 0.0",
        "keep_format: true",
        "package: Some(Starlette), key: Some(Key(..)), max_age: Some(60s)",
        "delay: 250ms",
        r#"user_keys: ["username"]"#,
        "lists_users: true",
        "most: Some(5), on_user_limit: Refuse",
    ] {
        assert!(shown.contains(part), "{part} is not in {shown}");
    }
    assert_eq!(config.on_outage(), OnOutage::Anonymous);
    assert_eq!(config.store_deadline(), Duration::from_millis(500));
    assert!(config.refresh_untouched());
    assert!(matches!(SessionLayer::signed(config), Err(ConfigError::NoRevocations)));
    assert_eq!(config.build_stored().is_ok(), cfg!(feature = "encryption"));
}

#[test]
fn own_settings_work_from_the_environment() {
    let vars = OURS.map(|(name, value)| (format!("FLASK_{name}"), value));
    let key = [("FLASK_SECRET_KEY".to_owned(), KEY)];
    check_ours(&SessionConfig::from_vars("FLASK", key.into_iter().chain(vars)).unwrap());
    let ours = |setting: &&Setting| {
        // A file of keys takes the place of the key.
        let is_value = setting.method().is_some() && setting.name() != "SECRET_KEY_FILE";
        setting.origin() == Origin::Hipflask && is_value
    };
    assert_eq!(settings().iter().filter(ours).count(), OURS.len(), "a setting is not tested");
}

#[cfg(feature = "toml")]
#[test]
fn own_settings_work_from_toml() {
    let mut text = format!("SECRET_KEY = '{KEY}'\n");
    for (name, value) in OURS {
        let is_no_text = |first: char| first.is_ascii_digit() || ['[', '{'].contains(&first);
        let quote = if value.starts_with(is_no_text) || value == "true" { "" } else { "'" };
        let value = value
            .strip_prefix('{')
            .map_or(value.into(), |it| format!("{{{}", it.replace(':', " =")));
        writeln!(text, "{name} = {quote}{value}{quote}").unwrap();
    }
    check_ours(&SessionConfig::from_toml(&text).unwrap());
}

#[test]
fn own_settings_say_what_they_expect() {
    for (name, value, expected) in [
        (
            "SESSION_CONFLICT_POLICY",
            "loser",
            "F_SESSION_CONFLICT_POLICY expects last_writer, first_writer or error",
        ),
        (
            "SESSION_ID_STORAGE",
            "x",
            "F_SESSION_ID_STORAGE expects plain, hashed or hashed_from_plain",
        ),
        ("SESSION_DIGEST", "md5", "F_SESSION_DIGEST expects sha1, sha256 or sha512"),
        ("SESSION_DIGEST", "sha-3", "F_SESSION_DIGEST expects sha1, sha256 or sha512"),
        (
            "SESSION_DIGEST_FALLBACKS",
            "sha1",
            "expected a list such as [\"sha1\"], or a table such as {\"sha1\": \"2027-01-31\"}, for \
             F_SESSION_DIGEST_FALLBACKS, found a string",
        ),
        (
            "SESSION_DIGEST_FALLBACKS",
            r#"{"sha1": "next year"}"#,
            "expected a date, such as \"2027-01-31\" or \"2027-01-31T12:00:00Z\", for \
             F_SESSION_DIGEST_FALLBACKS, found a string",
        ),
        ("SESSION_ON_USER_LIMIT", "x", "F_SESSION_ON_USER_LIMIT expects end_oldest or refuse"),
        ("SESSION_ON_OUTAGE", "x", "F_SESSION_ON_OUTAGE expects anonymous or refuse"),
        ("SESSION_ON_OUTAGE", "7", "expected a string for F_SESSION_ON_OUTAGE, found a number"),
        (
            "SESSION_IDLE_TIMEOUT",
            "-1",
            "expected a number of seconds, not negative, such as 900, for F_SESSION_IDLE_TIMEOUT, found a number",
        ),
        (
            "SESSION_TOUCH_AFTER",
            "often",
            "expected a number from 0 to 1, for F_SESSION_TOUCH_AFTER, found a string",
        ),
        (
            "SESSION_IDLE_TIMOUT",
            "5",
            "unknown setting F_SESSION_IDLE_TIMOUT: did you mean F_SESSION_IDLE_TIMEOUT?",
        ),
        ("SESSION_REDDIS", "x", "unknown setting F_SESSION_REDDIS: did you mean F_SESSION_REDIS?"),
    ] {
        let vars = [("F_SECRET_KEY".to_owned(), KEY), (format!("F_{name}"), value)];
        let error = SessionConfig::from_vars("F", vars).unwrap_err();
        assert_eq!(error.to_string(), expected);
    }
}

#[test]
fn settings_stand_in_order_and_once() {
    assert!(settings().is_sorted_by(|one, next| one.name() < next.name()));
}

#[test]
fn page_of_settings_is_up_to_date() {
    for (part, origin) in [
        ("Flask's", Origin::Flask),
        ("Flask-Session's", Origin::FlaskSession),
        ("Flask-WTF's", Origin::FlaskWtf),
        ("Hipflask's own", Origin::Hipflask),
    ] {
        let mut table =
            String::from("| setting | takes | default | in Rust code |\n|---|---|---|---|\n");
        for setting in settings().iter().filter(|setting| setting.origin() == origin) {
            let code = setting.method().map(|method| format!("`{method}`"));
            let code = code.unwrap_or_else(|| {
                format!("not used, and a warning says so: {}", setting.instead().unwrap())
            });
            let (name, takes, default) = (setting.name(), setting.takes(), setting.default());
            writeln!(table, "| `{name}` | {takes} | {default} | {code} |").unwrap();
        }
        pages::check("settings.md", part, &table);
    }
}

#[test]
fn encryption_needs_its_feature() {
    let config = config().with_encryption(true);
    let texts = [config.build().err(), config.build_stored().err()];
    let texts = texts.map(|error| error.map(|error| error.to_string()));
    let expected = "SESSION_ENCRYPTION needs the feature `encryption` of hipflask: add it in Cargo.toml, \
                    or unset it";
    let expected = (!cfg!(feature = "encryption")).then(|| expected.to_owned());
    assert_eq!(texts, [expected.clone(), expected]);
}
