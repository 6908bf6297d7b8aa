//! The `hipflask` command: makes and audits keys, reads, checks and signs Flask sessions, looks after stores.
//!
//! One file per verb. `node` reads configurations, `key` finds the secret keys, `item` and `batch` feed a verb with one item or
//! with the lines of standard input, `refusal`, `signed_at` and `output` say how it ended,
//! `runtime` waits for servers.

mod audit;
mod batch;
mod check;
mod cli;
mod completions;
mod decode;
mod doctor;
#[cfg(feature = "gate")]
mod gate;
mod item;
mod key;
mod man;
mod node;
mod output;
mod refusal;
mod runtime;
mod secret;
mod sessions;
mod sign;
mod signed_at;
mod verify;

use std::process::ExitCode;

use cli::Verb;

fn main() -> ExitCode {
    let env = |name: &str| std::env::var_os(name);
    output::exit_code(cli::parse().and_then(|verb| match verb {
        Verb::Audit(args) => audit::run(&args, env),
        Verb::Check(args) => check::run(&args),
        Verb::Completions(args) => completions::run(&args),
        Verb::Decode(args) => decode::run(&args),
        Verb::Doctor(args) => doctor::run(&args, env),
        #[cfg(feature = "gate")]
        Verb::Gate(args) => gate::run(args),
        Verb::Man(args) => man::run(&args),
        Verb::Secret(args) => secret::run(&args),
        Verb::Sessions(args) => sessions::run(&args.verb),
        Verb::Sign(args) => sign::run(&args, env),
        Verb::Verify(args) => verify::run(&args, env),
    }))
}
