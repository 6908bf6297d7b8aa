//! The same counter behind several session systems on one Redis, in one interleaved run.
//!
//! From this folder:
//!
//! - `cargo run --release [-- ROUNDS [CONTENDER…]]`: requests per second, latency, CPU time;
//! - `cargo run --release -- drivers [ROUNDS]`: PostgreSQL, MariaDB and MongoDB beside their bare drivers;
//! - `cargo run --release -- memory [N]`: what N stored sessions take in Redis;
//! - `cargo run --release -- purge [N]`: how long expired rows take to purge from N of them;
//! - `cargo run --release -- scale [N]`: what up to N sessions cost Redis and PostgreSQL, as JSON lines.
//!
//! Each server is a process of its own; they take
//! turns, and the CPU time that Redis spends is counted beside the server's.

mod app;
mod drivers;
mod load;
mod memory;
mod process;
mod purge;
mod report;
#[path = "../../src/samples.rs"]
mod samples;
mod scale;
mod wire;

use std::{env, error::Error};

pub(crate) type Anything<T> = Result<T, Box<dyn Error + Send + Sync>>;

fn main() -> Anything<()> {
    let args: Vec<String> = env::args().skip(1).collect();
    let all = [&app::CONTENDERS[..], &[app::BY_HAND]].concat();
    match &args[..] {
        [command, server, redis] if command == "serve" => app::serve(server, redis),
        [command] if command == "drivers" => drivers::compare(7),
        [command, n_rounds] if command == "drivers" => drivers::compare(n_rounds.parse()?),
        [command] if command == "memory" => memory::compare(1_000_000),
        [command, n] if command == "memory" => memory::compare(n.parse()?),
        [command] if command == "purge" => purge::measure(1_000_000),
        [command, n] if command == "purge" => purge::measure(n.parse()?),
        [command] if command == "scale" => scale::measure(1_000_000),
        [command, n] if command == "scale" => scale::measure(n.parse()?),
        [] => report::compare(7, &all),
        [n_rounds] => report::compare(n_rounds.parse()?, &all),
        [n_rounds, names @ ..] => report::compare(
            n_rounds.parse()?,
            &names.iter().map(String::as_str).collect::<Vec<_>>(),
        ),
    }
}
