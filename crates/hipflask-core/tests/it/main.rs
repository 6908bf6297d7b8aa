//! The integration tests of the core, as one binary.

mod cookie;
mod lifecycle;
mod notation;
mod reject;
mod session_cookies;
mod signing;
mod vectors;
mod xversion;
