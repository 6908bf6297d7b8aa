//! `hipflask sessions`: looks after the sessions of a store, one file a sub-verb.
//!
//! `access` finds the store and the rules of its records, `walk` reads it page by page, `info` says what a
//! record is, `filter`, `redact`, `tally` and `histogram` decide without I/O, `progress` draws.

mod access;
mod args;
mod export;
mod filter;
mod found;
mod histogram;
mod info;
mod interrupt;
mod ls;
mod migrate;
mod pace;
mod progress;
mod purge;
mod redact;
mod revoke;
mod show;
mod stats;
mod tally;
mod users;
mod walk;

pub(crate) use args::SessionsArgs;

use crate::{
    output::{Failure, Status},
    runtime,
};
use args::SessionsVerb;

/// Runs one sub-verb to its end.
pub(crate) fn run(verb: &SessionsVerb) -> Result<Status, Failure> {
    runtime::block_on(async {
        match verb {
            SessionsVerb::Export(args) => export::run(args).await,
            SessionsVerb::Ls(args) => ls::run(args).await,
            SessionsVerb::Migrate(args) => migrate::run(args).await,
            SessionsVerb::Purge(args) => purge::run(args).await,
            SessionsVerb::Revoke(args) => revoke::run(args).await,
            SessionsVerb::Show(args) => show::run(args).await,
            SessionsVerb::Stats(args) => stats::run(args).await,
        }
    })
}
