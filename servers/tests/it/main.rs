//! Every store on its real server.
#![expect(clippy::unwrap_used, reason = "clippy exempts tests, but not the functions they share")]

#[cfg(any(feature = "dynamodb", feature = "memcached", feature = "mongodb", feature = "redis"))]
mod counting;
#[cfg(feature = "dynamodb")]
mod dynamodb;
#[cfg(feature = "filesystem")]
mod filesystem;
mod listed;
mod live;
#[cfg(any(feature = "mongodb", all(feature = "mysql", feature = "postgres", feature = "sqlite")))]
mod many;
#[cfg(feature = "memcached")]
mod memcached;
#[cfg(feature = "mongodb")]
mod mongodb;
mod overlap;
#[cfg(any(feature = "memcached", feature = "redis"))]
mod recorded;
#[cfg(feature = "redis")]
mod redis;
#[cfg(all(feature = "mysql", feature = "postgres", feature = "sqlite"))]
mod sql;
mod unreachable;
#[cfg(any(
    feature = "dynamodb",
    feature = "filesystem",
    feature = "memcached",
    feature = "mongodb",
    feature = "redis"
))]
mod unreadable;
mod updates;
