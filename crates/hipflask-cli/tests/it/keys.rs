//! Where keys come from, and what is said of those that cannot be used.

use std::{fs, path::PathBuf};

use crate::run::{COOKIE, NOW, Outcome, STRONG_KEY, WEAK, command, hipflask, outcome};

/// Verifies the cookie of the key `k` in an environment.
fn verify_in(env: &[(&str, &str)]) -> Outcome {
    let args = ["verify", COOKIE, "--json", "--now", NOW];
    outcome(command(&args).envs(env.iter().copied()))
}

#[track_caller]
fn check(env: &[(&str, &str)], status: i32, words: &str) {
    let outcome = verify_in(env);
    assert_eq!(outcome.status, status, "{}", outcome.err);
    assert!(outcome.err.contains(words), "{:?} does not contain {words:?}", outcome.err);
}

const KEY: &str = "FLASK_SECRET_KEY";
const FALLBACKS: &str = "FLASK_SECRET_KEY_FALLBACKS";

#[test]
fn environment_is_read_as_flask_reads_it() {
    check(&[(KEY, "k")], 0, WEAK);
    check(&[(KEY, "\"k\"")], 0, WEAK);
    check(&[(KEY, "'k'")], 1, "bad_signature");
    check(&[(KEY, "12345")], 2, "TypeError");
    check(&[(KEY, "true")], 2, "TypeError");
    check(&[(KEY, "null")], 2, "there is no secret key");
    check(&[(KEY, "")], 2, "there is no secret key");
    check(&[], 2, "there is no secret key");
}

#[test]
fn fallbacks_come_from_a_json_list() {
    check(&[(KEY, STRONG_KEY), (FALLBACKS, r#"["x", "k"]"#)], 0, "warning: key 2: ");
    check(&[(KEY, STRONG_KEY), (FALLBACKS, "[]")], 1, "bad_signature");
    check(&[(KEY, STRONG_KEY), (FALLBACKS, "")], 1, "bad_signature");
    check(&[(KEY, STRONG_KEY), (FALLBACKS, "k")], 2, "every single character of it as a key");
    check(&[(KEY, STRONG_KEY), (FALLBACKS, "\"k\"")], 2, "every single character");
    check(&[(KEY, STRONG_KEY), (FALLBACKS, "[1]")], 2, "item 0 is no text");
    check(&[(KEY, STRONG_KEY), (FALLBACKS, "1")], 2, "is JSON but no list");
    check(&[(FALLBACKS, r#"["k"]"#)], 2, "there is no secret key");
}

#[cfg(unix)]
#[test]
fn environment_that_is_not_utf8_is_refused() {
    use std::{ffi::OsStr, os::unix::ffi::OsStrExt};

    let mut command = command(&["verify", COOKIE]);
    let outcome = outcome(command.env(KEY, OsStr::from_bytes(b"\xff")));
    outcome.assert_says(2, "", "FLASK_SECRET_KEY is not UTF-8");
}

#[test]
fn command_line_hides_the_environment() {
    let args = ["verify", COOKIE, "--now", NOW, "--secret-key", STRONG_KEY];
    let hidden = outcome(command(&args).env(KEY, "k").env(FALLBACKS, "x"));
    hidden.assert_says(1, "", "bad_signature");
}

/// A file that is removed when dropped.
struct KeyFile(PathBuf);

impl KeyFile {
    fn new(name: &str, content: &[u8]) -> Self {
        let path = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(name);
        fs::write(&path, content).expect("the folder can be written");
        Self(path)
    }

    fn path(&self) -> &str {
        self.0.to_str().expect("it is UTF-8")
    }
}

impl Drop for KeyFile {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.0);
    }
}

#[test]
fn key_file_holds_one_key() {
    for (name, content) in [("bare", "k"), ("line", "k\n"), ("dos", "k\r\n")] {
        let file = KeyFile::new(name, content.as_bytes());
        let args = ["verify", COOKIE, "--now", NOW, "--secret-key-file", file.path()];
        hipflask(&args).assert_says(0, "{\"a\":1}\n", "(key 0)");
    }
    let file = KeyFile::new("second", STRONG_KEY.as_bytes());
    let args = ["verify", COOKIE, "--now", NOW, "--secret-key-file", file.path()];
    let args = [&args[..], &["--secret-key", "k"]].concat();
    hipflask(&args).assert_says(0, "{\"a\":1}\n", "(key 0)");
}

#[test]
fn key_file_may_hold_any_bytes() {
    let file = KeyFile::new("binary", &[0xff; 20]);
    let args = ["--secret-key-file", file.path(), "--now", NOW];
    let signed = hipflask(&[&["sign", r#"{"a":1}"#], &args[..]].concat());
    // What Flask writes with `SECRET_KEY = b"\xff" * 20`.
    signed.assert_says(0, "eyJhIjoxfQ.aR_RAA.YWyvG1t4AfVVdOsRlqVygMVrUTk\n", "warning: key 0: ");
}

#[test]
fn key_file_that_cannot_be_used_is_named() {
    let missing = ["verify", COOKIE, "--secret-key-file", "no-such-file"];
    hipflask(&missing).assert_says(2, "", "cannot read the file of --secret-key-file number 1: ");
    let file = KeyFile::new("huge", &[b'x'; (1 << 16) + 1]);
    let huge = ["verify", COOKIE, "--secret-key-file", file.path()];
    hipflask(&huge).assert_says(2, "", "number 1: more than 64 KiB: this is no file of keys");
    for (content, words) in [
        ("", "number 1: no key: write the current one first"),
        ("\n", "number 1: a blank line"),
        ("k\n\n", "number 1: more than one line: expected one key and nothing else"),
        ("[node]\nSECRET_KEY = 'k'\n", "number 1: more than one line"),
        ("SECRET_KEY=k\n", "number 1: `NAME=` before a key: write the key alone"),
    ] {
        let file = KeyFile::new("other", content.as_bytes());
        for verb in ["verify", "audit"] {
            let cookie = [COOKIE].into_iter().filter(|_| verb == "verify");
            let args = [verb].into_iter().chain(cookie).chain(["--secret-key-file", file.path()]);
            hipflask(&args.collect::<Vec<_>>()).assert_says(2, "", words);
        }
    }
}
