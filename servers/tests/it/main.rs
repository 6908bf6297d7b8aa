//! Every store on its real server.

#[cfg(feature = "redis")]
mod redis;
