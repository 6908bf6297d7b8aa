//! `hipflask man`: the manual pages, one for the command and one for each verb.

use clap_mangen::Man;

use crate::{
    cli::{ManArgs, definition},
    output::{Failure, Status, print},
};

/// Prints one page.
pub(crate) fn run(args: &ManArgs) -> Result<Status, Failure> {
    let whole = definition();
    let command = match &args.command {
        None => &whole,
        Some(name) => whole.find_subcommand(name).ok_or_else(|| unknown(&whole))?,
    };
    let mut page = Vec::new();
    Man::new(command.clone()).render(&mut page).map_err(Failure::Write)?;
    print(&page)?;
    Ok(Status::Done)
}

fn unknown(whole: &clap::Command) -> Failure {
    let names: Vec<_> = whole.get_subcommands().map(clap::Command::get_name).collect();
    Failure::Configuration(format!("no such command: expected one of {}", names.join(", ")))
}
