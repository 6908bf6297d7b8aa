//! `hipflask check`: every fault, and every difference that matters, with no secret in it.

use std::fs;

use serde_json::Value;
use tempfile::TempDir;

use crate::run::{Outcome, STRONG_KEY, command, outcome};

const OTHER_KEY: &str = "71d55a3b0c7a2f93e9d1b4c86605f8ae";

/// Runs `check` in a folder with these files, on those of them that are named.
fn check(files: &[(&str, &str)], args: &[&str]) -> Outcome {
    let folder = TempDir::new().expect("a folder can be made");
    for (name, text) in files {
        fs::write(folder.path().join(name), text).expect("the folder can be written");
    }
    let names: Vec<_> = files.iter().map(|(name, _)| *name).collect();
    let all = [&["check"], args, &names].concat();
    let outcome = outcome(command(&all).current_dir(folder.path()));
    for secret in [STRONG_KEY, OTHER_KEY, "hunter2"] {
        assert!(!format!("{outcome:?}").contains(secret), "{outcome:?}");
    }
    outcome
}

fn toml(text: &str) -> String {
    format!("SECRET_KEY = '{STRONG_KEY}'\n{text}")
}

#[test]
fn one_key_in_three_formats_is_the_same() {
    let python = format!("import os\nSECRET_KEY = '{STRONG_KEY}'\nDEBUG = os.environ.get('D')\n");
    let files = [
        ("a.toml", &*toml("")),
        ("b.env", &format!("export FLASK_SECRET_KEY=\"{STRONG_KEY}\" # it\n")),
        ("c.py", &python),
    ];
    let expected = "a.toml\n  no fault\nb.env\n  no fault\nc.py\n  no fault\n\n\
                    Nothing differs between the nodes.\n";
    check(&files, &[]).assert(0, expected, "");
}

#[test]
fn every_fault_of_every_node_is_told() {
    let outcome = check(
        &[
            (
                "a.toml",
                "SECRET_KEY = 'dev'\nSESSION_COOKIE_SECURE = 'yes'\nSESSION_COKIE_NAME = 'x'",
            ),
            (
                "b.env",
                "FLASK_SESSION_COOKIE_SAMESITE=None\nnonsense here\nSECRET_KEY=hunter2\nA= # b\n",
            ),
            ("c.py", "SECRET_KEY = os.urandom(24)\nif DEBUG:\n    SECRET_KEY = 'dev'\n"),
        ],
        &[],
    );
    assert_eq!(outcome.status, 1);
    for expected in [
        "a.toml\n  fault: unknown setting SESSION_COKIE_NAME: did you mean SESSION_COOKIE_NAME?\n",
        "  fault: expected `true` or `false`",
        "  fault: the secret key is publicly known",
        "b.env\n  fault: no secret key: set FLASK_SECRET_KEY",
        "  fault: browsers drop a cookie with SameSite=None that is not secure",
        "  note: line 2: expected NAME=VALUE, and Flask reads past it\n",
        "  note: line 4: empty, but python-dotenv before 1.2.4 takes the comment for the value\n",
        "  note: without the prefix FLASK_ nobody reads SECRET_KEY: add it, or say --prefix ''",
        "  note: line 1: SECRET_KEY is random: each start of each process makes another one\n",
        "  note: line 2: expected `NAME = literal`",
    ] {
        assert!(outcome.out.contains(expected), "{expected:?} is not in {}", outcome.out);
    }
}

#[test]
fn key_that_is_computed_is_no_fault() {
    let python = "import os\nSECRET_KEY = os.environ['KEY']\n";
    let expected = "a.py\n  note: line 2: SECRET_KEY is computed, so its value is not known here\n";
    check(&[("a.py", python)], &[]).assert(0, expected, "");
}

#[test]
fn names_without_a_prefix_are_read_when_asked() {
    let env = format!("SECRET_KEY={STRONG_KEY}\n");
    check(&[("a.env", &env)], &["--prefix", ""]).assert(0, "a.env\n  no fault\n", "");
}

#[test]
fn differences_say_what_comes_of_them() {
    let one = "SESSION_COOKIE_NAME = 'shop'\nSESSION_STORE = 'redis://u:hunter2@one/1'\n\
               PERMANENT_SESSION_LIFETIME = 900.0\nTITLE = 'One'\n";
    let two = format!(
        "FLASK_SECRET_KEY={OTHER_KEY}\nFLASK_SESSION_STORE=redis://u:hunter2@two/1\n\
         FLASK_PERMANENT_SESSION_LIFETIME=900\nFLASK_TITLE=Two\n"
    );
    let outcome = check(&[("one.toml", &toml(one)), ("two.env", &two)], &["--json"]);
    assert_eq!((outcome.status, &*outcome.err), (1, ""));
    let report: Value = serde_json::from_str(&outcome.out).expect("it is JSON");
    assert_eq!(report["ok"], false);
    let found = report["differences"].as_array().expect("a list");
    let names: Vec<_> = found.iter().map(|it| it["setting"].as_str().unwrap_or_default()).collect();
    assert_eq!(names, ["SECRET_KEY", "SESSION_COOKIE_NAME", "SESSION_STORE"]);
    assert_eq!(found[1]["values"], serde_json::json!(["shop", "session"]));
    assert_eq!(found[2]["values"], serde_json::json!(["redis://one:6379/1", "redis://two:6379/1"]));
    assert!(found[0]["means"].as_str().is_some_and(|it| it.contains("users are logged out")));
    assert_eq!(report["nodes"][0]["keys"].as_array().map(Vec::len), Some(1));
}

#[test]
fn keys_under_change_are_told_and_no_fault() {
    let new = format!("SECRET_KEY = '{OTHER_KEY}'\nSECRET_KEY_FALLBACKS = ['{STRONG_KEY}']");
    let old = toml(&format!("SECRET_KEY_FALLBACKS = ['{OTHER_KEY}']"));
    let outcome = check(&[("a.toml", &new), ("b.toml", &old)], &[]);
    assert_eq!(outcome.status, 0, "{}", outcome.out);
    assert!(outcome.out.contains("\nSECRET_KEY differs: each node accepts what the others sign"));
    let outcome = check(&[("a.toml", &new), ("b.toml", &toml(""))], &[]);
    assert_eq!(outcome.status, 1, "b does not know a's key: {}", outcome.out);
}

#[test]
fn environment_is_a_node_too() {
    let mut run = command(&["check"]);
    let outcome = outcome(run.env("FLASK_SECRET_KEY", STRONG_KEY));
    outcome.assert(0, "environment\n  no fault\n", "");
}

#[test]
fn what_is_no_configuration_is_refused() {
    check(&[("a.toml", "SECRET_KEY = hunter2")], &[]).assert(
        2,
        "",
        "error: a.toml: expected TOML at line 1, column 14: strings need quotes\n",
    );
    let outcome = outcome(&mut command(&["check", "no-such.toml"]));
    outcome.assert_says(2, "", "error: cannot read no-such.toml: ");
}
