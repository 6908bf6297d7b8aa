//! The integration tests of the core, as one binary.

#![expect(clippy::unwrap_used, reason = "what has another shape than expected ends the test")]

mod codec;
mod cookie;
mod csrf;
mod deflate;
mod depth;
mod digests;
mod driver;
mod explorer;
mod extensions;
mod foreign;
mod lifecycle;
mod listing;
mod log_in;
mod merging;
mod notation;
mod opening;
mod record;
mod reject;
mod revoking;
mod revoking_cookies;
mod saving;
#[cfg(feature = "encryption")]
mod sealed_records;
#[cfg(feature = "encryption")]
mod sealing;
mod session_cookies;
mod signing;
mod stored;
mod tidy;
mod token;
mod turns;
mod typed;
mod updating;
mod values;
mod vectors;
mod watching;
mod xversion;
