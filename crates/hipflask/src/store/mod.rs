//! Where sessions are kept when not in the cookie: one file a store, each behind its feature.
//!
//! The last stage of the flow. A store moves bytes in and out of its server and decides nothing:
//! what is written, and over what, comes from the engine. What a store must do is [`Store`], and
//! the suite `conformance` is its definition in tests.

#[cfg_attr(
    not(all(
        feature = "filesystem",
        feature = "memcached",
        feature = "redis",
        feature = "sqlite"
    )),
    allow(dead_code, reason = "each store uses only a part of what they share")
)]
mod address;
mod any;
#[cfg(feature = "conformance")]
pub mod conformance;
#[cfg(feature = "dynamodb")]
mod dynamodb;
#[cfg(feature = "filesystem")]
mod filesystem;
mod kind;
#[cfg(any(feature = "mongodb", feature = "redis"))]
mod lives;
#[cfg(feature = "memcached")]
mod memcached;
#[cfg(feature = "memory")]
mod memory;
#[cfg(feature = "mongodb")]
mod mongodb;
#[cfg(feature = "redis")]
mod redis;
#[cfg(any(feature = "mysql", feature = "postgres", feature = "sqlite"))]
#[cfg_attr(
    not(all(feature = "mysql", feature = "postgres", feature = "sqlite")),
    allow(dead_code, reason = "each dialect uses only a part of what they share")
)]
mod sql;

pub use hipflask_core::store::{
    Created, Creation, Deleted, Entry, Page, Record, RecordKey, Renewal, Replaced, Revision, Store,
    StoreError, Touch, async_trait,
};

#[cfg(feature = "dynamodb")]
pub use self::dynamodb::DynamoDbStore;
#[cfg(feature = "filesystem")]
pub use self::filesystem::FileStore;
#[cfg(feature = "memcached")]
pub use self::memcached::MemcachedStore;
#[cfg(feature = "memory")]
pub use self::memory::MemoryStore;
#[cfg(feature = "mongodb")]
pub use self::mongodb::MongoDbStore;
#[cfg(feature = "redis")]
pub use self::redis::RedisStore;
#[cfg(any(feature = "mysql", feature = "postgres", feature = "sqlite"))]
pub use self::sql::SqlStore;
pub use self::{
    address::ConnectError,
    any::{AnyStore, connect},
    kind::{STORES, StoreKind},
};
