//! The integration tests of the command, as one binary: each runs the built `hipflask`.

mod audit;
mod batch;
mod concealment;
mod help;
mod keys;
mod run;
mod single;
