//! Flask's session system as pure functions: bytes in, values out.
//!
//! No HTTP, no async runtime, no clock, no files and no randomness: time is an argument, and what to
//! send is a value. Users add the crate `hipflask`, which adapts this one to axum and tower.
//!
//! The modules follow a cookie on its way: [`cookie`] finds it in the header, [`signing`] confirms
//! it, [`serializer`] reads its payload into [`value`]s, [`session`] is what handlers use, and
//! [`interface`] ties them together in two functions, `open` and `save`.

pub mod auth;
mod calendar;
pub mod cookie;
pub mod csrf;
pub mod deflate;
pub mod encoding;
pub mod engine;
pub mod flash;
pub mod http_date;
pub mod interface;
pub mod listing;
pub mod reason;
mod recent;
pub mod record;
pub mod revocation;
pub mod serializer;
pub mod session;
pub mod signing;
pub mod store;
pub mod stored;
pub mod token;
mod unix_time;
pub mod value;
pub mod visit;

pub use unix_time::UnixTime;

/// Runs what the package's page shows.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
