//! Starts real servers for tests: each on a free port of the loopback, with a folder of its own, and
//! gone when its value is dropped.
//!
//! A server that is not installed is an error that names the package; no test is skipped for it.

#[cfg(feature = "dynamodb")]
pub mod dynamodb;
mod mariadb;
#[cfg(feature = "memcached")]
pub mod memcached;
#[cfg(feature = "mongodb")]
pub mod mongodb;
mod pause;
mod pgbouncer;
mod postgres;
mod process;
pub mod redis;
mod wheel;

#[cfg(feature = "dynamodb")]
pub use dynamodb::DynamoDb;
pub use mariadb::MariaDb;
pub use pgbouncer::PgBouncer;
pub use postgres::Postgres;
pub use process::{Server, StartError, free_port};
