//! A store whose kind is known only when the program runs, and how an address becomes one.
//!
//! After all stores; knows their names and addresses, and nothing of what they do.

use std::{fmt, future::Future, pin::Pin, sync::Arc, time::Duration};

use hipflask_core::record::Format;

use super::{
    ConnectError, Created, Deleted, Page, Record, RecordKey, Renewal, Replaced, Store, StoreError,
    Touch, Touched, address,
};

/// Connects to the store at an address.
///
/// | address | store | feature |
/// |---|---|---|
/// | `memory:` | this process | `memory` |
/// | `file:DIR` | files | `filesystem` |
/// | `sqlite:PATH` | SQLite | `sqlite` |
/// | `postgres://…` | PostgreSQL | `postgres` |
/// | `mysql://…` | MariaDB, MySQL | `mysql` |
/// | `redis://…`, `rediss://…`, `redis+sentinel://…`, `redis+cluster://…` | Redis, Valkey | `redis` |
/// | `redis+unix:///PATH` | the same through a socket file | `redis` |
/// | `memcached://HOST,HOST` | Memcached | `memcached` |
/// | `mongodb://…` | MongoDB | `mongodb` |
/// | `dynamodb://REGION/TABLE` | DynamoDB | `dynamodb` |
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() {
/// use hipflask::store::connect;
///
/// let error = connect("floppy:a").await.unwrap_err();
/// assert!(error.to_string().starts_with("the address of a session store must be"));
/// # }
/// ```
///
/// # Errors
///
/// [`ConnectError`] when the address is none, the store was not compiled in or cannot be reached.
pub async fn connect(address: &str) -> Result<AnyStore, ConnectError> {
    let (scheme, _) = address::scheme(address)?;
    Ok(match scheme {
        #[cfg(feature = "dynamodb")]
        "dynamodb" => AnyStore::new(super::DynamoDbStore::connect(address).await?),
        #[cfg(feature = "filesystem")]
        "file" => AnyStore::new(super::FileStore::connect(address).await?),
        #[cfg(feature = "memcached")]
        "memcached" => AnyStore::new(super::MemcachedStore::connect(address).await?),
        #[cfg(feature = "memory")]
        "memory" => AnyStore::new(super::MemoryStore::connect(address).await?),
        #[cfg(feature = "mongodb")]
        "mongodb" | "mongodb+srv" => AnyStore::new(super::MongoDbStore::connect(address).await?),
        #[cfg(feature = "mysql")]
        "mysql" | "mariadb" => AnyStore::new(super::SqlStore::connect(address).await?),
        #[cfg(feature = "postgres")]
        "postgres" | "postgresql" => AnyStore::new(super::SqlStore::connect(address).await?),
        #[cfg(feature = "redis")]
        "redis" | "redis+cluster" | "redis+sentinel" | "redis+unix" | "rediss"
        | "rediss+cluster" | "rediss+sentinel" => {
            AnyStore::new(super::RedisStore::connect(address).await?)
        }
        #[cfg(feature = "sqlite")]
        "sqlite" => AnyStore::new(super::SqlStore::connect(address).await?),
        _ => return Err(address::unknown_scheme(scheme)),
    })
}

/// A store of any kind. Clones are the same store.
///
/// ```
/// # #[cfg(feature = "memory")] {
/// use hipflask::store::{AnyStore, MemoryStore};
///
/// let store = AnyStore::new(MemoryStore::new());
/// assert_eq!(format!("{store:?}"), "AnyStore(..)");
/// # }
/// ```
#[derive(Clone)]
pub struct AnyStore(Arc<dyn DynStore>);

impl AnyStore {
    /// Takes a store of a kind that is known.
    pub fn new(store: impl Store) -> Self {
        Self(Arc::new(store))
    }
}

impl fmt::Debug for AnyStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("AnyStore(..)")
    }
}

impl Store for AnyStore {
    fn record_format(&self) -> Option<Format> {
        self.0.record_format()
    }

    fn renews_at_once(&self) -> bool {
        self.0.renews_at_once()
    }

    async fn load(
        &self,
        key: &RecordKey,
        touch: Option<Touch>,
    ) -> Result<Option<Record>, StoreError> {
        self.0.load(key, touch).await
    }

    async fn create(
        &self,
        key: &RecordKey,
        payload: &[u8],
        ttl: Duration,
    ) -> Result<Created, StoreError> {
        self.0.create(key, payload, ttl).await
    }

    async fn replace(
        &self,
        key: &RecordKey,
        current: &Record,
        payload: &[u8],
        ttl: Duration,
    ) -> Result<Replaced, StoreError> {
        self.0.replace(key, current, payload, ttl).await
    }

    async fn renew(&self, renewal: Renewal<'_>) -> Result<Replaced, StoreError> {
        self.0.renew(renewal).await
    }

    async fn touch(&self, key: &RecordKey, ttl: Duration) -> Result<Touched, StoreError> {
        self.0.touch(key, ttl).await
    }

    async fn delete(&self, key: &RecordKey) -> Result<Deleted, StoreError> {
        self.0.delete(key).await
    }

    async fn scan(
        &self,
        prefix: &str,
        cursor: Option<&str>,
        limit: usize,
    ) -> Result<Page, StoreError> {
        self.0.scan(prefix, cursor, limit).await
    }

    async fn purge(&self, limit: usize) -> Result<usize, StoreError> {
        self.0.purge(limit).await
    }
}

/// What a method of [`DynStore`] returns.
type Answer<'a, T> = Pin<Box<dyn Future<Output = Result<T, StoreError>> + Send + 'a>>;

/// [`Store`] with futures on the heap, so that one type can stand for all stores.
trait DynStore: Send + Sync {
    fn record_format(&self) -> Option<Format>;
    fn renews_at_once(&self) -> bool;
    fn load<'a>(&'a self, key: &'a RecordKey, touch: Option<Touch>) -> Answer<'a, Option<Record>>;
    fn create<'a>(
        &'a self,
        key: &'a RecordKey,
        payload: &'a [u8],
        ttl: Duration,
    ) -> Answer<'a, Created>;
    fn replace<'a>(
        &'a self,
        key: &'a RecordKey,
        current: &'a Record,
        payload: &'a [u8],
        ttl: Duration,
    ) -> Answer<'a, Replaced>;
    fn renew<'a>(&'a self, renewal: Renewal<'a>) -> Answer<'a, Replaced>;
    fn touch<'a>(&'a self, key: &'a RecordKey, ttl: Duration) -> Answer<'a, Touched>;
    fn delete<'a>(&'a self, key: &'a RecordKey) -> Answer<'a, Deleted>;
    fn scan<'a>(
        &'a self,
        prefix: &'a str,
        cursor: Option<&'a str>,
        limit: usize,
    ) -> Answer<'a, Page>;
    fn purge(&self, limit: usize) -> Answer<'_, usize>;
}

impl<S: Store> DynStore for S {
    fn record_format(&self) -> Option<Format> {
        Store::record_format(self)
    }

    fn renews_at_once(&self) -> bool {
        Store::renews_at_once(self)
    }

    fn load<'a>(&'a self, key: &'a RecordKey, touch: Option<Touch>) -> Answer<'a, Option<Record>> {
        Box::pin(Store::load(self, key, touch))
    }

    fn create<'a>(
        &'a self,
        key: &'a RecordKey,
        payload: &'a [u8],
        ttl: Duration,
    ) -> Answer<'a, Created> {
        Box::pin(Store::create(self, key, payload, ttl))
    }

    fn replace<'a>(
        &'a self,
        key: &'a RecordKey,
        current: &'a Record,
        payload: &'a [u8],
        ttl: Duration,
    ) -> Answer<'a, Replaced> {
        Box::pin(Store::replace(self, key, current, payload, ttl))
    }

    fn renew<'a>(&'a self, renewal: Renewal<'a>) -> Answer<'a, Replaced> {
        Box::pin(Store::renew(self, renewal))
    }

    fn touch<'a>(&'a self, key: &'a RecordKey, ttl: Duration) -> Answer<'a, Touched> {
        Box::pin(Store::touch(self, key, ttl))
    }

    fn delete<'a>(&'a self, key: &'a RecordKey) -> Answer<'a, Deleted> {
        Box::pin(Store::delete(self, key))
    }

    fn scan<'a>(
        &'a self,
        prefix: &'a str,
        cursor: Option<&'a str>,
        limit: usize,
    ) -> Answer<'a, Page> {
        Box::pin(Store::scan(self, prefix, cursor, limit))
    }

    fn purge(&self, limit: usize) -> Answer<'_, usize> {
        Box::pin(Store::purge(self, limit))
    }
}
