//! The same counter behind four session systems on one Redis, in one interleaved run.
//!
//! `cargo run --release [-- ROUNDS]` from this folder. Each server is a process of its own; they take
//! turns, and the CPU time that Redis spends is counted beside the server's.

mod app;
mod load;
mod process;
mod report;

use std::{env, error::Error};

pub(crate) type Anything<T> = Result<T, Box<dyn Error + Send + Sync>>;

fn main() -> Anything<()> {
    let args: Vec<String> = env::args().skip(1).collect();
    match &args[..] {
        [command, server, redis] if command == "serve" => app::serve(server, redis),
        [n_rounds] => report::compare(n_rounds.parse()?),
        _ => report::compare(7),
    }
}
