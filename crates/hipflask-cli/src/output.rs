//! How a run ends: exit statuses, and words on standard error.
//!
//! The last stage of every verb; the verbs decide, this module tells.

use std::{
    fmt,
    io::{self, Write},
    process::ExitCode,
};

use hipflask::store::StoreError;

/// How a run ended that was able to do its work.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Status {
    Done,
    Refused,
}

impl Status {
    pub(crate) const fn refused_if(refused: bool) -> Self {
        if refused { Self::Refused } else { Self::Done }
    }
}

/// Why a run could not do its work.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Failure {
    /// What the command was told is no configuration, in words.
    #[error("{0}")]
    Configuration(String),
    /// Somebody has pressed Ctrl-C; the verb has told what was done until then.
    #[error("interrupted")]
    Interrupted,
    #[error("the operating system gives no random bytes: {0}")]
    Entropy(getrandom::Error),
    #[error("cannot read standard input: {0}")]
    Read(io::Error),
    #[error("{0}")]
    Store(#[from] StoreError),
    /// Wrong usage, but also a call for help.
    #[error("{0}")]
    Usage(clap::Error),
    #[error("cannot write to standard output: {0}")]
    Write(io::Error),
}

/// Writes words to standard error; that nobody reads them is no reason to fail.
pub(crate) fn say(words: impl fmt::Display) {
    let _ = writeln!(io::stderr().lock(), "{words}");
}

/// Writes one answer to standard output.
pub(crate) fn print_line(line: &[u8]) -> Result<(), Failure> {
    print(&[line, b"\n"].concat())
}

/// Writes a text of many lines to standard output.
pub(crate) fn print(text: &[u8]) -> Result<(), Failure> {
    let mut out = io::stdout().lock();
    out.write_all(text).and_then(|()| out.flush()).map_err(Failure::Write)
}

/// What shells report for a program that Ctrl-C has ended.
const INTERRUPTED: u8 = 130;
/// What shells report for a program whose reader went away, as in `hipflask … | head`.
const BROKEN_PIPE: u8 = 141;

/// Tells why a run failed, and returns its exit status.
pub(crate) fn exit_code(outcome: Result<Status, Failure>) -> ExitCode {
    match outcome {
        Ok(Status::Done) => ExitCode::SUCCESS,
        Ok(Status::Refused) => ExitCode::from(1),
        Err(Failure::Usage(usage)) => {
            let _ = usage.print();
            if usage.use_stderr() { ExitCode::from(2) } else { ExitCode::SUCCESS }
        }
        Err(Failure::Write(error)) if error.kind() == io::ErrorKind::BrokenPipe => {
            ExitCode::from(BROKEN_PIPE)
        }
        Err(Failure::Interrupted) => ExitCode::from(INTERRUPTED),
        Err(failure) => {
            say(format_args!("error: {failure}"));
            ExitCode::from(2)
        }
    }
}
