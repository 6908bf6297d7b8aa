//! The demo as its visitors meet it, driven without a network.

mod accounts;
mod cookie;
mod key;
mod listen;
mod visitor;
