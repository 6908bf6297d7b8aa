//! The integration tests of the command, as one binary: each runs the built `hipflask`.

mod audit;
mod batch;
mod check;
mod command_line;
mod concealment;
mod keys;
mod run;
#[cfg(feature = "sqlite")]
mod sessions;
mod single;
