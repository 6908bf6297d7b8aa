//! The judge of keys: what it prints, and when it says no.

use crate::run::{Outcome, STRONG_KEY, command, hipflask, outcome};

fn audit(args: &[&str], env: &[(&str, &str)]) -> Outcome {
    outcome(command(&[&["audit"], args].concat()).envs(env.iter().copied()))
}

const KEY: &str = "FLASK_SECRET_KEY";
const FALLBACKS: &str = "FLASK_SECRET_KEY_FALLBACKS";

/// The fingerprint that `audit` prints for `key`.
fn fingerprint(key: &str) -> String {
    let line = hipflask(&["audit", "--secret-key", key]).out;
    let mut parts = line.split('\t');
    assert_eq!(parts.next(), Some("0"));
    let fingerprint = parts.next().expect("a second column").to_owned();
    assert!(fingerprint.len() == 8 && fingerprint.chars().all(|char| char.is_ascii_hexdigit()));
    fingerprint
}

#[test]
fn audit_accepts_strong_keys() {
    let strong = fingerprint(STRONG_KEY);
    audit(&[], &[(KEY, STRONG_KEY)]).assert(0, &format!("0\t{strong}\tok\n"), "");
    let answer = format!(
        "{{\"ok\":true,\"keys\":[{{\"key\":0,\"fingerprint\":\"{strong}\",\"findings\":[]}}],\
         \"findings\":[]}}\n"
    );
    audit(&["--json"], &[(KEY, STRONG_KEY)]).assert(0, &answer, "");
}

#[test]
fn audit_names_each_weakness() {
    let fallbacks = format!(r#"["", "dev", "tiger", "passwordpassword", "{STRONG_KEY}"]"#);
    let env = [(KEY, STRONG_KEY), (FALLBACKS, &*fallbacks)];
    let outcome = audit(&[], &env);
    let lines: Vec<_> = outcome.out.lines().map(|line| line.rsplit('\t').next()).collect();
    let findings = ["ok", "empty", "publicly_known", "short", "low_entropy", "duplicate"];
    assert_eq!(lines, findings.map(Some));
    assert_eq!(outcome.status, 1);
    for words in [
        "empty: key 1: the secret key is empty",
        "publicly_known: key 2: ",
        "short: key 3: the secret key has 5 bytes",
        "low_entropy: key 4: ",
        "duplicate: key 5: it is the same as key 0",
    ] {
        assert!(outcome.err.contains(words), "{}", outcome.err);
    }
    assert_eq!(outcome.err.lines().count(), 5);

    let outcome = audit(&["--json"], &env);
    let answer: serde_json::Value = serde_json::from_str(&outcome.out).expect("it is JSON");
    assert_eq!(outcome.out.lines().count(), 1);
    assert_eq!(answer["ok"], false);
    assert_eq!(answer["keys"][4]["findings"], serde_json::json!(["low_entropy"]));
    assert_eq!(answer["keys"][5]["key"], 5);
}

#[test]
fn audit_finds_faults_of_the_configuration() {
    let findings = |env: &[(&str, &str)]| {
        let outcome = audit(&["--json"], env);
        assert_eq!(outcome.status, 1);
        let answer: serde_json::Value = serde_json::from_str(&outcome.out).expect("it is JSON");
        let words = outcome.err;
        let codes: Vec<String> =
            serde_json::from_value(answer["findings"].clone()).expect("a list of codes");
        assert!(codes.iter().all(|code| words.contains(&format!("{code}: "))), "{words}");
        codes.join(",")
    };
    assert_eq!(findings(&[]), "no_secret_key");
    assert_eq!(findings(&[(KEY, "null")]), "no_secret_key");
    assert_eq!(findings(&[(KEY, "12345")]), "not_text");
    assert_eq!(findings(&[(KEY, STRONG_KEY), (FALLBACKS, "old")]), "fallbacks_is_a_string");
    assert_eq!(findings(&[(KEY, STRONG_KEY), (FALLBACKS, "[1]")]), "fallback_is_not_text");
    assert_eq!(findings(&[(FALLBACKS, "7")]), "no_secret_key,fallbacks_is_not_a_list");
    audit(&[], &[]).assert_says(1, "-\t-\tno_secret_key\n", "no_secret_key: there is no secret");
}

#[test]
fn audit_finds_an_empty_key() {
    let outcome = audit(&[], &[(KEY, "")]);
    outcome.assert_says(1, &outcome.out, "empty: key 0: ");
    assert!(outcome.out.ends_with("\tempty\n"), "{}", outcome.out);
}

#[test]
fn audit_cannot_judge_a_file_that_is_not_there() {
    audit(&["--secret-key-file", "no-such-file"], &[]).assert_says(2, "", "cannot read");
}
