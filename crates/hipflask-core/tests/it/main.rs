//! The integration tests of the core, as one binary.

mod cookie;
mod signing;
mod vectors;
