//! `hipflask completions`: what a shell needs to complete a command line.

use clap_complete::generate;

use crate::{
    cli::{CompletionsArgs, definition},
    output::{Failure, Status, print},
};

/// Prints the completions of one shell.
pub(crate) fn run(args: &CompletionsArgs) -> Result<Status, Failure> {
    let mut script = Vec::new();
    generate(args.shell, &mut definition(), "hipflask", &mut script);
    print(&script)?;
    Ok(Status::Done)
}
