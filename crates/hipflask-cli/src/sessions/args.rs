//! The command line of `hipflask sessions` as types: sub-verbs, options, their defaults and their help.
//!
//! Knows the words and nothing of what they do.

use std::{path::PathBuf, time::Duration};

use clap::{Args, Subcommand};
use hipflask_core::record::{Format, Package};

use crate::cli::{FormatArgs, PrefixArgs};

const STORES: &str = "\
Store addresses are those of SESSION_STORE: redis://HOST, postgres://…, mysql://…, sqlite:PATH,
mongodb://…, dynamodb://REGION/TABLE, file:DIR and so on. Other users of this machine can see a command
line: leave passwords to the configuration. Settings such as SESSION_KEY_PREFIX and the keys of encrypted
records come from --config, else from the environment. Ids that are shown open no session.";

const DURATIONS: &str = "expected a number with s, m, h or d, such as 90m or 30d";
const SIZES: &str = "expected a number of bytes, which k or M may follow, such as 512 or 64k";

/// Look after the sessions of a store
#[derive(Args)]
#[command(after_help = STORES)]
pub(crate) struct SessionsArgs {
    #[command(subcommand)]
    pub(crate) verb: SessionsVerb,
}

/// One per file of the same name.
#[derive(Subcommand)]
pub(crate) enum SessionsVerb {
    Ls(LsArgs),
    Show(ShowArgs),
    Export(ExportArgs),
    Stats(StatsArgs),
    Revoke(RevokeArgs),
    Purge(PurgeArgs),
    Migrate(Box<MigrateArgs>),
}

#[derive(Args)]
pub(crate) struct ConfigArgs {
    /// A configuration, as `hipflask check` reads it; without it, the environment is read
    #[arg(long, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) prefix: PrefixArgs,
    /// What the keys of records start with, instead of SESSION_KEY_PREFIX
    #[arg(long, value_name = "TEXT")]
    pub(crate) key_prefix: Option<String>,
}

#[derive(Args)]
pub(crate) struct StoreArgs {
    /// The address of the store, instead of SESSION_STORE
    #[arg(long, value_name = "URL")]
    pub(crate) store: Option<String>,
    #[command(flatten)]
    pub(crate) config: ConfigArgs,
}

/// List sessions, one a line, as they come
#[derive(Args)]
#[command(after_help = STORES)]
pub(crate) struct LsArgs {
    #[command(flatten)]
    pub(crate) store: StoreArgs,
    /// Only those of this user
    #[arg(long, value_name = "ID")]
    pub(crate) user: Option<String>,
    /// Only those that were begun so long ago, as far as that is known
    #[arg(long, value_name = "TIME", value_parser = duration)]
    pub(crate) older_than: Option<Duration>,
    /// Only those with more bytes
    #[arg(long, value_name = "BYTES", value_parser = size)]
    pub(crate) larger_than: Option<usize>,
    #[command(flatten)]
    pub(crate) format: FormatArgs,
}

/// Show what sessions hold: the kinds of their values, and the values if asked
#[derive(Args)]
#[command(after_help = STORES)]
pub(crate) struct ShowArgs {
    /// The id of a session, as `ls` shows it
    #[arg(required = true, value_name = "ID")]
    pub(crate) id: Vec<String>,
    #[command(flatten)]
    pub(crate) store: StoreArgs,
    /// Show the values, too, as Flask's tagged JSON: they can be private
    #[arg(long)]
    pub(crate) values: bool,
    #[command(flatten)]
    pub(crate) format: FormatArgs,
}

/// Write all that the sessions of a user hold, as JSON
#[derive(Args)]
#[command(after_help = STORES)]
pub(crate) struct ExportArgs {
    /// The user
    #[arg(long, value_name = "ID")]
    pub(crate) user: String,
    #[command(flatten)]
    pub(crate) store: StoreArgs,
}

/// Count sessions: bytes, ages, formats, and what is largest
#[derive(Args)]
#[command(after_help = STORES)]
pub(crate) struct StatsArgs {
    #[command(flatten)]
    pub(crate) store: StoreArgs,
    #[command(flatten)]
    pub(crate) format: FormatArgs,
}

/// End sessions, and print the ids of those that were ended
#[derive(Args)]
#[command(after_help = STORES)]
pub(crate) struct RevokeArgs {
    /// The id of a session, as `ls` shows it
    #[arg(value_name = "ID", required_unless_present_any = ["user", "all"])]
    pub(crate) id: Vec<String>,
    #[command(flatten)]
    pub(crate) store: StoreArgs,
    /// End all sessions of this user
    #[arg(long, value_name = "ID", conflicts_with_all = ["id", "all"])]
    pub(crate) user: Option<String>,
    /// End all sessions of all users
    #[arg(long, conflicts_with = "id")]
    pub(crate) all: bool,
    /// Do not ask
    #[arg(long)]
    pub(crate) yes: bool,
}

/// Remove expired sessions where the store does not do it by itself
#[derive(Args)]
#[command(after_help = STORES)]
pub(crate) struct PurgeArgs {
    #[command(flatten)]
    pub(crate) store: StoreArgs,
    /// How many are removed at once
    #[arg(long, value_name = "N", default_value_t = 500)]
    #[arg(value_parser = clap::value_parser!(u32).range(1..=100_000))]
    pub(crate) batch: u32,
    /// How many are removed in a second, at most
    #[arg(long, value_name = "N", default_value_t = 5000)]
    #[arg(value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) rate: u32,
    #[command(flatten)]
    pub(crate) format: FormatArgs,
}

const MIGRATION: &str = "\
Users may be at work: what they change in the source meanwhile is brought over, and what they have changed
or ended in the target stays so. Run it once more after the applications have the new address. It goes on
where it was stopped. The journal tells what was brought over from what users have changed in the target;
it holds digests and no ids. Exit status 1: the report has records that were not brought over.";

/// Copy sessions to another store or format, also while they are used
#[derive(Args)]
#[command(after_help = format!("{MIGRATION}\n\n{STORES}"))]
pub(crate) struct MigrateArgs {
    /// The address of the store that is read, instead of SESSION_STORE
    #[arg(long, value_name = "URL", alias = "store")]
    pub(crate) from: Option<String>,
    /// The address of the store that is written
    #[arg(long, value_name = "URL")]
    pub(crate) to: String,
    /// Only say what would be done
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// Reads the records of another package, instead of SESSION_TAKE_OVER: beaker, flask_kvsession, quart_session or starsessions
    #[arg(long, value_name = "PACKAGE")]
    pub(crate) take_over: Option<Package>,
    /// How records are written, json, msgpack, pickle or tagged_json, instead of SESSION_SERIALIZATION_FORMAT
    // Some stores have a format of their own.
    #[arg(long, value_name = "NAME")]
    pub(crate) record_format: Option<Format>,
    /// Where the journal lies, instead of in the user's folder of states
    #[arg(long, value_name = "FILE")]
    pub(crate) journal: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) config: ConfigArgs,
    #[command(flatten)]
    pub(crate) format: FormatArgs,
}

fn duration(text: &str) -> Result<Duration, &'static str> {
    let (number, unit) = text.split_at(text.trim_end_matches(char::is_alphabetic).len());
    let seconds = match unit {
        "s" => 1,
        "m" => 60,
        "h" => 60 * 60,
        "d" => 24 * 60 * 60,
        _ => return Err(DURATIONS),
    };
    let number: u64 = number.parse().map_err(|_| DURATIONS)?;
    number.checked_mul(seconds).map(Duration::from_secs).ok_or(DURATIONS)
}

fn size(text: &str) -> Result<usize, &'static str> {
    let (number, unit) = text.split_at(text.trim_end_matches(char::is_alphabetic).len());
    let bytes: usize = match unit {
        "" => 1,
        "k" => 1 << 10,
        "M" => 1 << 20,
        _ => return Err(SIZES),
    };
    number.parse().ok().and_then(|it: usize| it.checked_mul(bytes)).ok_or(SIZES)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_have_a_unit() {
        assert_eq!(duration("90m"), Ok(Duration::from_secs(5400)));
        assert_eq!(duration("2d"), Ok(Duration::from_secs(172_800)));
        for wrong in ["", "5", "d", "-1d", "1w", "99999999999999999999d", "9999999999999999999d"] {
            assert!(duration(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn sizes_may_have_a_unit() {
        assert_eq!(size("512"), Ok(512));
        assert_eq!(size("64k"), Ok(65_536));
        for wrong in ["", "k", "1K", "1kk", "-1"] {
            assert!(size(wrong).is_err(), "{wrong}");
        }
    }
}
