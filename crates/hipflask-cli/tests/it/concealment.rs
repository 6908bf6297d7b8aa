//! Neither keys nor cookies nor values may reach standard error, whatever goes wrong.

use crate::run::{NOW, STRONG_KEY, command, hipflask, outcome, with_input};

/// Every word that must not be told; each is long enough not to occur by chance.
const SECRETS: [&str; 4] = [STRONG_KEY, "hunter2-hunter2", "c2VjcmV0dmFsdWU", "secretvalue"];

#[track_caller]
fn check(err: &str) {
    assert!(!err.is_empty());
    for secret in SECRETS {
        assert!(!err.contains(secret), "{secret} is in: {err}");
    }
}

#[test]
fn misplaced_secrets_are_not_repeated() {
    let runs: [&[&str]; 19] = [
        &[STRONG_KEY],
        &["hunter2-hunter2"],
        &["verify", "c2VjcmV0dmFsdWU.a.b", STRONG_KEY],
        &["verify", "c2VjcmV0dmFsdWU.a.b", "--secret-kye", STRONG_KEY],
        &["verify", "x", "--secret-kye=9f3c6a52be0d47c1886d1f7a0cb35e24"],
        &["verify", "x", "--secret_key=9f3c6a52be0d47c1886d1f7a0cb35e24"],
        &["verify", "x", "--json=9f3c6a52be0d47c1886d1f7a0cb35e24"],
        &["verify", "x", "--now", "c2VjcmV0dmFsdWU.a.b"],
        &["verify", "x", "--max-age", "hunter2-hunter2"],
        &["verify", "x", "--digest", STRONG_KEY],
        &["verify", "x", "--secret-key-file", STRONG_KEY],
        &["secret", STRONG_KEY],
        &["audit", "hunter2-hunter2"],
        &["completions", "hunter2-hunter2"],
        &["man", STRONG_KEY],
        &["check", STRONG_KEY],
        &["doctor", "--secret-kye", STRONG_KEY],
        &["doctor", "--store", "redsi://:hunter2-hunter2@localhost"],
        &["doctor", "--har", "Cargo.toml", "--secret-key", STRONG_KEY],
    ];
    for args in runs {
        let outcome = hipflask(args);
        assert_eq!(outcome.status, 2, "{args:?}: {}", outcome.err);
        check(&outcome.err);
    }
}

#[test]
fn refused_items_are_not_repeated() {
    let keys = ["--secret-key", "hunter2-hunter2", "--secret-key", STRONG_KEY, "--now", NOW];
    let runs: [&[&str]; 6] = [
        &["verify", "c2VjcmV0dmFsdWU.a.b"],
        &["verify", "session=c2VjcmV0dmFsdWU.a.b; Path=/"],
        &["sign", r#"{"secretvalue""#],
        &["sign", r#"["secretvalue"]"#],
        &["sign", r#"{"u":{" u":"secretvalue"}}"#],
        &["sign", r#"{"a":"secretvalue"}"#],
    ];
    for args in runs {
        check(&hipflask(&[args, &keys[..]].concat()).err);
    }
    check(&hipflask(&["decode", "c2VjcmV0dmFsdWU.aR_RAA.b"]).err);
    let batch = [&["verify", "-"], &keys[..]].concat();
    check(&with_input(&batch, b"c2VjcmV0dmFsdWU.a.b\nsecretvalue\n").err);
}

#[test]
fn unusable_keys_are_not_repeated() {
    let json = format!(r#"["{STRONG_KEY}"]"#);
    for verb in [&["verify", "x"][..], &["audit"]] {
        check(&outcome(command(verb).env("FLASK_SECRET_KEY", &json)).err);
        let mut run = command(verb);
        run.env("FLASK_SECRET_KEY", "hunter2-hunter2");
        check(&outcome(run.env("FLASK_SECRET_KEY_FALLBACKS", STRONG_KEY)).err);
        check(&outcome(run.env("FLASK_SECRET_KEY_FALLBACKS", format!("[1,{json}]"))).err);
    }
}
