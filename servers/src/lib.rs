//! Starts real servers for tests: each on a free port of the loopback, with a folder of its own, and
//! gone when its value is dropped.
//!
//! A server that is not installed is an error that names the package; no test is skipped for it.

mod process;
pub mod redis;

pub use process::{Server, StartError, free_port};
