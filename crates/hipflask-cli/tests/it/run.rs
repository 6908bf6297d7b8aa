//! Runs the built command in an environment without any of Flask's variables.

use std::{
    ffi::OsStr,
    io::Write,
    process::{Command, Output, Stdio},
    thread,
};

/// Flask's cookie for `{"a":1}` with the key `k` at [`NOW`].
pub(crate) const COOKIE: &str = "eyJhIjoxfQ.aR_RAA.VYsLQ_U2fgKvqx9fBqYtUdliftw";
pub(crate) const NOW: &str = "1763692800";
pub(crate) const STRONG_KEY: &str = "9f3c6a52be0d47c1886d1f7a0cb35e24";
/// What any command says of the key `k`.
pub(crate) const WEAK: &str = "warning: key 0: the secret key has 1 bytes, expected at least 16: \
                               make a random one with `hipflask secret`\n";

/// How a run ended.
#[derive(Debug, Eq, PartialEq)]
pub(crate) struct Outcome {
    pub(crate) status: i32,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl From<Output> for Outcome {
    fn from(done: Output) -> Self {
        let text = |bytes| String::from_utf8(bytes).expect("all output is UTF-8");
        Self {
            status: done.status.code().expect("the command was not killed"),
            out: text(done.stdout),
            err: text(done.stderr),
        }
    }
}

impl Outcome {
    #[track_caller]
    pub(crate) fn assert(&self, status: i32, out: &str, err: &str) {
        assert_eq!((self.status, &*self.out, &*self.err), (status, out, err));
    }

    /// Asserts status and data, and that the words contain `err`.
    #[track_caller]
    pub(crate) fn assert_says(&self, status: i32, out: &str, err: &str) {
        assert_eq!((self.status, &*self.out), (status, out), "{}", self.err);
        assert!(self.err.contains(err), "{:?} does not contain {err:?}", self.err);
    }
}

pub(crate) fn command<S: AsRef<OsStr>>(args: &[S]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_hipflask"));
    command.args(args).stdin(Stdio::null());
    command.env_remove("FLASK_SECRET_KEY").env_remove("FLASK_SECRET_KEY_FALLBACKS");
    command
}

pub(crate) fn outcome(command: &mut Command) -> Outcome {
    command.output().expect("the command starts").into()
}

/// Runs the command with `args`.
pub(crate) fn hipflask<S: AsRef<OsStr>>(args: &[S]) -> Outcome {
    outcome(&mut command(args))
}

/// Runs the command with `args`, the words of one line, and the key `k` at [`NOW`].
pub(crate) fn with_k(args: &[&str]) -> Outcome {
    hipflask(&[args, &["--secret-key", "k", "--now", NOW]].concat())
}

/// Runs the command with `input` as its standard input.
pub(crate) fn with_input(args: &[&str], input: &[u8]) -> Outcome {
    let mut child = command(args)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the command starts");
    let mut stdin = child.stdin.take().expect("it is piped");
    let input = input.to_vec();
    let writer = thread::spawn(move || stdin.write_all(&input));
    let done = child.wait_with_output().expect("the command ends");
    writer.join().expect("the writer does not panic").expect("all input is read");
    done.into()
}
