//! Every store on its real server.
#![expect(clippy::unwrap_used, reason = "clippy exempts tests, but not the functions they share")]

#[cfg(feature = "redis")]
mod redis;
