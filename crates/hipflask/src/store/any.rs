//! A store whose kind is known only when the program runs, and how an address becomes one.
//!
//! After all stores; knows their names and addresses, and nothing of what they do.

use std::{any::Any, fmt, sync::Arc, time::Duration};

use hipflask_core::record::Format;

use super::{
    ConnectError, Created, Creation, Deleted, Page, Record, RecordKey, Renewal, Replaced, Store,
    StoreError, StoreKind, Touch, async_trait,
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
/// | `valkey://…`, `valkeys://…`, `valkey+…` | the same as with `redis` | `redis` |
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
/// [`ConnectError`] when the address is none, the store was not compiled in or cannot be reached;
/// then the text names its servers, and never a user or a password.
pub async fn connect(address: &str) -> Result<AnyStore, ConnectError> {
    let kind = StoreKind::of(address)?;
    let connecting = async {
        match kind.feature() {
            #[cfg(feature = "dynamodb")]
            "dynamodb" => Ok(AnyStore::new(super::DynamoDbStore::connect(address).await?)),
            #[cfg(feature = "filesystem")]
            "filesystem" => Ok(AnyStore::new(super::FileStore::connect(address).await?)),
            #[cfg(feature = "memcached")]
            "memcached" => Ok(AnyStore::new(super::MemcachedStore::connect(address).await?)),
            #[cfg(feature = "memory")]
            "memory" => Ok(AnyStore::new(super::MemoryStore::connect(address).await?)),
            #[cfg(feature = "mongodb")]
            "mongodb" => Ok(AnyStore::new(super::MongoDbStore::connect(address).await?)),
            #[cfg(feature = "mysql")]
            "mysql" => Ok(AnyStore::new(super::SqlStore::connect(address).await?)),
            #[cfg(feature = "postgres")]
            "postgres" => Ok(AnyStore::new(super::SqlStore::connect(address).await?)),
            #[cfg(feature = "redis")]
            "redis" => Ok(AnyStore::new(super::RedisStore::connect(address).await?)),
            #[cfg(feature = "sqlite")]
            "sqlite" => Ok(AnyStore::new(super::SqlStore::connect(address).await?)),
            feature => Err(ConnectError::Unsupported { feature }),
        }
    };
    connecting.await.map_err(|error: ConnectError| error.at(kind.servers(address)))
}

/// A store of any kind. Clones are the same store.
///
/// ```
/// # #[cfg(feature = "memory")] {
/// use hipflask::store::{AnyStore, MemoryStore};
///
/// let store = AnyStore::new(MemoryStore::new());
/// assert_eq!(format!("{store:?}"), "AnyStore(MemoryStore)");
/// # }
/// ```
#[derive(Clone)]
pub struct AnyStore(Arc<dyn Store>, &'static str);

impl AnyStore {
    /// Takes a store of a kind that is known.
    pub fn new<S: Store>(store: S) -> Self {
        match (&store as &dyn Any).downcast_ref::<Self>() {
            Some(same) => same.clone(),
            None => {
                let name = std::any::type_name::<S>().rsplit("::").next();
                Self(Arc::new(store), name.unwrap_or_default())
            }
        }
    }

    /// Returns the name of the store's type.
    pub(crate) const fn kind(&self) -> &'static str {
        self.1
    }
}

impl fmt::Debug for AnyStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "AnyStore({})", self.kind())
    }
}

#[async_trait]
impl Store for AnyStore {
    fn record_format(&self) -> Option<Format> {
        self.0.record_format()
    }

    fn system(&self) -> &'static str {
        self.0.system()
    }

    fn renews_at_once(&self) -> bool {
        self.0.renews_at_once()
    }

    async fn prepare(&self) -> Result<(), StoreError> {
        self.0.prepare().await
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

    async fn create_many(&self, records: &[Creation<'_>]) -> Result<Vec<bool>, StoreError> {
        self.0.create_many(records).await
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
