//! The demo as its visitors meet it, driven without a network.

#![expect(clippy::unwrap_used, reason = "what the tests set up is there")]

mod accounts;
mod cookie;
mod csrf;
mod key;
mod listen;
mod remember;
mod sessions;
mod visitor;
