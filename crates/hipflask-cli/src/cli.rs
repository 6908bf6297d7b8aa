//! The command line as types: verbs, options, their defaults and their help.
//!
//! Knows the words and nothing of what they do.

use std::{
    ffi::OsString,
    path::PathBuf,
    time::{SystemTime, UNIX_EPOCH},
};

use clap::{
    Args, CommandFactory, Parser, Subcommand,
    error::{ContextKind, ContextValue},
};
use clap_complete::Shell;
use hipflask_core::{
    UnixTime,
    interface::{FLASK_SALT, Signing},
    signing::{Digest, Key, KeyDerivation, LATEST_TIME},
};

use crate::{output::Failure, sessions::SessionsArgs};

/// Reads, checks and signs Flask's session cookies, and looks after secret keys
#[derive(Parser)]
#[command(name = "hipflask", version, after_help = CONTRACT)]
struct Cli {
    #[command(subcommand)]
    verb: Verb,
}

const CONTRACT: &str = "\
Data goes to standard output, words to standard error.
Exit status: 0 done, 1 an input was refused, 2 wrong usage or configuration.";

const KEYS: &str = "\
Secret keys:
  The first key is the current one, the others are fallbacks. Without --secret-key and
  --secret-key-file, they come from FLASK_SECRET_KEY and from FLASK_SECRET_KEY_FALLBACKS, a JSON
  list. As in Flask, a variable that holds JSON is read as JSON, and anything else is text.
  Other users of this machine can see a command line: prefer a file or the environment.";

const CONFIGURATIONS: &str = "\
A name that ends in .toml is TOML, in .py or .cfg Python, which is not run: a value that is computed
is told, and not known. Any other file is read as python-dotenv reads it. Settings have Flask's and
Flask-Session's names, and Hipflask's: see docs/settings.md. Keys are shown by their fingerprints.
The exit status is 1 if there is a fault, or a difference that loses sessions.";

const DOCTOR: &str = "\
Prints the causes, the most telling first, each with what to do; with --json one object,
{\"causes\":[{\"code\":…,\"text\":…,\"remedy\":…}],\"notes\":[…]}. Nothing is changed anywhere, and neither keys
nor values nor ids are printed. The exit status is 1 if a cause was found.";

const BATCH: &str = "\
With `-`, reads one item a line from standard input and writes one line for each, in order. A
refused item gives an empty line (with --json, a line that says why), and the exit status 1.";

const SESSION: &str =
    r#"The session, a JSON object in Flask's tagged form such as {"id":{" t":[1,2]}}, or `-`"#;

/// One per file of the same name.
#[derive(Subcommand)]
pub(crate) enum Verb {
    Secret(SecretArgs),
    Decode(DecodeArgs),
    Verify(VerifyArgs),
    Sign(SignArgs),
    Audit(AuditArgs),
    Check(CheckArgs),
    Doctor(DoctorArgs),
    #[cfg(feature = "gate")]
    Gate(crate::gate::GateArgs),
    Sessions(SessionsArgs),
    Completions(CompletionsArgs),
    Man(ManArgs),
}

/// Print a new secret key: URL-safe text, random from the operating system
#[derive(Args)]
pub(crate) struct SecretArgs {
    /// How many random bytes the key holds, from 16 to 1024
    #[arg(long, value_name = "N", default_value_t = 32)]
    #[arg(value_parser = clap::value_parser!(u16).range(16..=1024))]
    pub(crate) bytes: u16,
}

/// Show what a cookie says, without checking its signature
#[derive(Args)]
#[command(after_help = BATCH)]
pub(crate) struct DecodeArgs {
    /// The value of the cookie, or `-`
    pub(crate) cookie: OsString,
    #[command(flatten)]
    pub(crate) clock: ClockArgs,
    #[command(flatten)]
    pub(crate) format: FormatArgs,
}

/// Check a cookie and print its session, as Flask's tagged JSON
#[derive(Args)]
#[command(after_help = format!("{BATCH}\n\n{KEYS}"))]
pub(crate) struct VerifyArgs {
    /// The value of the cookie, or `-`
    pub(crate) cookie: OsString,
    /// How old a cookie may be, in seconds; the default is Flask's 31 days
    #[arg(long, value_name = "SECONDS", default_value_t = 31 * 24 * 60 * 60)]
    pub(crate) max_age: u64,
    /// Refuse signatures that are right but spelled in a way that nobody writes
    #[arg(long)]
    pub(crate) strict: bool,
    #[command(flatten)]
    pub(crate) clock: ClockArgs,
    #[command(flatten)]
    pub(crate) format: FormatArgs,
    #[command(flatten)]
    pub(crate) signing: SigningArgs,
}

/// Print the cookie value that Flask would set for a session
#[derive(Args)]
#[command(after_help = format!("{BATCH}\n\n{KEYS}"))]
pub(crate) struct SignArgs {
    #[arg(value_name = "JSON", help = SESSION)]
    pub(crate) session: OsString,
    #[command(flatten)]
    pub(crate) clock: ClockArgs,
    #[command(flatten)]
    pub(crate) format: FormatArgs,
    #[command(flatten)]
    pub(crate) signing: SigningArgs,
}

/// Judge the secret keys: exit status 1 if any is weak
#[derive(Args)]
#[command(after_help = KEYS)]
pub(crate) struct AuditArgs {
    #[command(flatten)]
    pub(crate) format: FormatArgs,
    #[command(flatten)]
    pub(crate) keys: KeyArgs,
}

/// Look for faults in configurations, and for what differs between the nodes they belong to
#[derive(Args)]
#[command(after_help = CONFIGURATIONS)]
pub(crate) struct CheckArgs {
    /// A configuration: TOML, a `.env` file, or Python that assigns settings
    pub(crate) file: Vec<PathBuf>,
    /// Also look at the environment of this process, as is done where no file is given
    #[arg(long)]
    pub(crate) environment: bool,
    #[command(flatten)]
    pub(crate) prefix: PrefixArgs,
    #[command(flatten)]
    pub(crate) format: FormatArgs,
}

/// Find out why a session is not there, from what one has: a cookie, configurations, a store, a HAR
#[derive(Args)]
#[command(after_help = format!("{DOCTOR}\n\n{KEYS}"))]
pub(crate) struct DoctorArgs {
    /// The value of the cookie, a `Cookie` or `Set-Cookie` header, or `-` for lines of standard input
    // The id of a stored session may start with a hyphen, as one in 64 does.
    #[arg(allow_hyphen_values = true)]
    pub(crate) cookie: Option<OsString>,
    /// The configuration of a node, as `check` reads it; repeat it for several nodes
    #[arg(long, value_name = "FILE")]
    pub(crate) config: Vec<PathBuf>,
    /// The address of the store of sessions, such as redis://localhost/0
    #[arg(long, value_name = "URL")]
    pub(crate) store: Option<String>,
    /// What the network page of a browser has saved, cookies included
    #[arg(long, value_name = "FILE")]
    pub(crate) har: Option<PathBuf>,
    /// An address that is fetched, without the cookie and with it, to see the headers
    #[arg(long)]
    pub(crate) url: Option<String>,
    /// Certificates in PEM that --url trusts, instead of those of the web
    #[cfg(feature = "url")]
    #[arg(long, value_name = "FILE")]
    pub(crate) ca_file: Option<PathBuf>,
    /// The name of the cookie; without it, the configuration's
    #[arg(long, value_name = "NAME")]
    pub(crate) cookie_name: Option<String>,
    /// Print every cause that is known, one a line, and look at nothing
    #[arg(long)]
    pub(crate) causes: bool,
    /// Also print what the session holds
    #[arg(long)]
    pub(crate) show_values: bool,
    #[command(flatten)]
    pub(crate) prefix: PrefixArgs,
    #[command(flatten)]
    pub(crate) clock: ClockArgs,
    #[command(flatten)]
    pub(crate) format: FormatArgs,
    #[command(flatten)]
    pub(crate) keys: KeyArgs,
}

/// Print the completions of a shell
#[derive(Args)]
#[command(after_help = "For instance: hipflask completions bash > /etc/bash_completion.d/hipflask")]
pub(crate) struct CompletionsArgs {
    pub(crate) shell: Shell,
}

/// Print a manual page
#[derive(Args)]
#[command(
    after_help = "For instance: hipflask man sign > /usr/local/share/man/man1/hipflask-sign.1"
)]
pub(crate) struct ManArgs {
    /// The command that the page is about; without it, `hipflask` itself
    pub(crate) command: Option<OsString>,
}

#[derive(Args)]
pub(crate) struct KeyArgs {
    /// A secret key; repeat it for fallbacks, after the current key
    // A key may start with a hyphen, as one in 64 of those that `secret` makes.
    #[arg(long, value_name = "KEY", allow_hyphen_values = true, value_parser = key_from_text)]
    pub(crate) secret_key: Vec<Key>,
    /// A file that holds one key, without its last line end; counts after each --secret-key
    #[arg(long, value_name = "FILE")]
    pub(crate) secret_key_file: Vec<PathBuf>,
}

#[derive(Args)]
pub(crate) struct SigningArgs {
    #[command(flatten)]
    pub(crate) keys: KeyArgs,
    /// Keeps the cookies of different purposes apart
    #[arg(long, default_value = FLASK_SALT)]
    salt: String,
    /// The hash: md5, sha1, sha224, sha256, sha384 or sha512
    #[arg(long, value_name = "NAME", default_value_t = Digest::Sha1)]
    digest: Digest,
    /// How the signing key is made: concat, django-concat, hmac or none
    #[arg(long, value_name = "NAME", default_value_t = KeyDerivation::Hmac)]
    key_derivation: KeyDerivation,
}

impl SigningArgs {
    pub(crate) fn signing(&self) -> Signing {
        Signing::default()
            .with_digest(self.digest)
            .with_key_derivation(self.key_derivation)
            .with_salt(&self.salt)
    }
}

#[derive(Args, Default)]
pub(crate) struct PrefixArgs {
    /// What names start with in the environment and in `.env` files, up to an underscore
    #[arg(long, value_name = "TEXT", default_value = "FLASK")]
    pub(crate) prefix: String,
}

#[derive(Args)]
pub(crate) struct FormatArgs {
    /// Write each answer as one line of JSON, refusals too
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Args)]
pub(crate) struct ClockArgs {
    /// The time to take for now, in Unix seconds, instead of the clock's
    #[arg(long, value_name = "SECONDS", value_parser = seconds)]
    now: Option<u64>,
}

impl ClockArgs {
    /// Returns the whole Unix seconds, like Python's `int(time.time())`.
    pub(crate) fn now(&self) -> UnixTime {
        let clock = || SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |now| now.as_secs());
        UnixTime::from_secs(self.now.unwrap_or_else(clock))
    }
}

/// Reads the command line.
pub(crate) fn parse() -> Result<Verb, Failure> {
    Cli::try_parse().map(|cli| cli.verb).map_err(|error| Failure::Usage(conceal(error)))
}

/// Returns the definition of the command line, as what is made from it wants it.
pub(crate) fn definition() -> clap::Command {
    let mut definition = Cli::command();
    definition.build();
    definition
}

/// Takes out of an error what may be a key or a cookie in the wrong place.
fn conceal(mut error: clap::Error) -> clap::Error {
    use ContextKind::{InvalidArg, InvalidSubcommand, InvalidValue};

    const CONCEALED: &str = "(not shown)";
    for kind in [InvalidArg, InvalidSubcommand, InvalidValue] {
        let Some(ContextValue::String(text)) = error.get(kind) else { continue };
        // The names of options and arguments, which start like this, are no secret.
        let is_name = kind != InvalidValue && text.starts_with(['-', '<']);
        if !is_name && !text.is_empty() {
            error.insert(kind, ContextValue::String(CONCEALED.into()));
        }
    }
    error
}

/// Never fails, but clap asks for a parser that may.
fn key_from_text(text: &str) -> Result<Key, std::convert::Infallible> {
    Ok(Key::from(text))
}

/// Reads Unix seconds and drops their fraction, if there is one.
fn seconds(text: &str) -> Result<u64, &'static str> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, "0"));
    let is_number = |digits: &str| digits.bytes().all(|digit| digit.is_ascii_digit());
    match whole.parse() {
        Ok(seconds) if is_number(whole) && is_number(fraction) && seconds <= LATEST_TIME => {
            Ok(seconds)
        }
        _ => Err("expected Unix seconds before the year 10000, such as 1763692800 or 1763692800.5"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn definition_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn seconds_drops_the_fraction() {
        assert_eq!(seconds("0"), Ok(0));
        assert_eq!(seconds("1763692800"), Ok(1_763_692_800));
        assert_eq!(seconds("1763692800.999"), Ok(1_763_692_800));
        assert_eq!(seconds("253402300799"), Ok(LATEST_TIME));
    }

    #[test]
    fn seconds_refuses_what_is_no_time() {
        for text in ["", ".5", "-1", "+1", "1e9", "1.5.5", "1.x", "now", "253402300800"] {
            assert!(seconds(text).is_err(), "{text}");
        }
    }
}
