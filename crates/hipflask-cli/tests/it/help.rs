//! The help texts, which are part of the contract.

use crate::run::{command, hipflask, outcome};

#[track_caller]
fn help(args: &[&str]) -> String {
    let outcome = hipflask(&[args, &["--help"]].concat());
    assert_eq!((outcome.status, &*outcome.err), (0, ""));
    outcome.out
}

#[test]
fn help_tells_the_verbs() {
    insta::assert_snapshot!("help", help(&[]));
}

#[test]
fn help_of_a_verb_tells_its_options() {
    for verb in ["secret", "decode", "verify", "sign", "audit"] {
        insta::assert_snapshot!(format!("help_{verb}"), help(&[verb]));
    }
}

#[test]
fn help_shows_no_key_of_the_environment() {
    let mut run = command(&["verify", "--help"]);
    let shown = outcome(run.env("FLASK_SECRET_KEY", "hunter2-hunter2"));
    assert_eq!(shown.out, help(&["verify"]));
}

#[test]
fn version_is_that_of_the_package() {
    let version = format!("hipflask {}\n", env!("CARGO_PKG_VERSION"));
    hipflask(&["--version"]).assert(0, &version, "");
}
