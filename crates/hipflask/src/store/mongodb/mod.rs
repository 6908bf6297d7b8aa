//! Sessions in MongoDB, in the documents that Flask-Session writes:
//! `{id: key, val: Binary, expiration: Date}`.
//!
//! Every write names in its filter what it expects to find, so that the server compares and swaps
//! in one step. Flask-Session makes no unique index on `id`; therefore our own documents also have
//! the key as their `_id`, which is always unique.

mod address;
mod creating;
mod document;
mod refusal;
mod scan;

use std::{fmt, sync::Arc, time::Duration};

use hipflask_core::record::Format;
use mongodb::{
    Client, Collection, IndexModel,
    bson::{DateTime, Document, doc},
    options::{CollectionOptions, IndexOptions, ReadPreference, SelectionCriteria, WriteConcern},
};

use self::{
    address::{Address, majority},
    document::{binary, created, later, left, live, record, retired},
    refusal::{is_away, is_duplicate, refusal},
};
use super::{
    ConnectError, Created, Creation, Deleted, Page, Record, RecordKey, Replaced, Revision, Store,
    StoreError, Touch, async_trait, lives::Lives,
};

/// Keeps sessions in a collection of MongoDB, as Flask-Session does.
///
/// Records are written to a majority of a replica set, and read from its primary. MongoDB removes
/// expired ones by itself if the collection has the index that Flask-Session makes, or
/// [`prepare`](Store::prepare) has made it, together with a unique one on `id`, which Flask-Session
/// does not make.
///
/// ```no_run
/// use hipflask::store::{MongoDbStore, Store};
///
/// # async fn connect() -> Result<(), Box<dyn std::error::Error>> {
/// let store = MongoDbStore::connect("mongodb://localhost/web?collection=sessions").await?;
/// store.prepare().await?;
/// # Ok(())
/// # }
/// ```
///
/// Reading what is not the newest would show sessions that have ended, and is refused:
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() {
/// use hipflask::store::{ConnectError, MongoDbStore};
///
/// let result = MongoDbStore::connect("mongodb://localhost/?readPreference=nearest").await;
/// assert!(matches!(result, Err(ConnectError::Option { name }) if name == "readPreference"));
/// # }
/// ```
#[derive(Clone)]
pub struct MongoDbStore {
    sessions: Collection<Document>,
    lives: Arc<Lives>,
}

impl MongoDbStore {
    /// Connects to an address: `mongodb://[USER:PASSWORD@]HOST[:PORT][,…][/DATABASE][?…]`.
    ///
    /// The database is `flask_session` unless named, and the option `collection` replaces
    /// `sessions`; with `create=true` the index is made that Flask-Session makes, by which MongoDB
    /// removes expired records. The other options are those of MongoDB's connection strings. As in
    /// those, a user is looked up in the database that is named, unless `authSource` says otherwise.
    ///
    /// # Errors
    ///
    /// [`ConnectError`] when the address is wrong, or no server answers, or it refuses.
    pub async fn connect(address: &str) -> Result<Self, ConnectError> {
        let Address { options, database, collection, create, concern } =
            address::read(address).await?;
        let client = Client::with_options(options).map_err(refusal)?;
        let ping = client.database(&database).run_command(doc! { "ping": 1 }).await;
        ping.map_err(refusal)?;
        let store = Self::new(&client, &database, &collection, concern);
        if create {
            store.create_expiry_index().await?;
        }
        Ok(store)
    }

    /// Takes a client that the application has.
    ///
    /// Its own write concern and read preference do not count.
    pub fn from_client(client: &Client, database: &str, collection: &str) -> Self {
        Self::new(client, database, collection, majority())
    }

    async fn create_expiry_index(&self) -> Result<(), StoreError> {
        let expiry = IndexOptions::builder().expire_after(Duration::ZERO).build();
        self.create_index(doc! { "expiration": 1 }, expiry).await
    }

    async fn create_index(&self, keys: Document, options: IndexOptions) -> Result<(), StoreError> {
        let index = IndexModel::builder().keys(keys).options(options).build();
        self.sessions.create_index(index).await.map_err(refusal)?;
        Ok(())
    }

    fn new(client: &Client, database: &str, collection: &str, concern: WriteConcern) -> Self {
        let primary = SelectionCriteria::ReadPreference(ReadPreference::Primary);
        let options =
            CollectionOptions::builder().selection_criteria(primary).write_concern(concern).build();
        let sessions = client.database(database).collection_with_options(collection, options);
        Self { sessions, lives: Arc::default() }
    }

    /// Changes the record that the filter finds, and reports whether there was one.
    async fn update(&self, filter: Document, change: Document) -> Result<bool, StoreError> {
        let result = self.sessions.update_one(filter, doc! { "$set": change }).await;
        Ok(result.map_err(refusal)?.matched_count > 0)
    }

    /// Reads a record and, in the same step, extends its life if that is due.
    async fn load_and_touch(
        &self,
        key: &RecordKey,
        touch: Touch,
    ) -> mongodb::error::Result<Option<Record>> {
        let now = DateTime::now();
        let due_before = later(now, touch.when_below);
        let is_due = doc! { "$and": [
            { "$lt": ["$expiration", due_before] },
            { "$not": [{ "$in": ["$val", retired()] }] },
        ] };
        let extended = doc! { "$cond": [is_due, later(now, touch.ttl), "$expiration"] };
        let found = self
            .sessions
            .find_one_and_update(live(key, now), vec![doc! { "$set": { "expiration": extended } }])
            .projection(doc! { "_id": 0, "val": 1, "expiration": 1 })
            .await?;
        let Some(before) = found else { return Ok(None) };
        let record = record(&before);
        let was_due = !before.get_datetime("expiration").is_ok_and(|time| *time >= due_before);
        let touched = was_due && !record.is_retired();
        if touched {
            self.lives.note(key, touch.ttl);
        } else if let Ok(end) = before.get_datetime("expiration") {
            self.lives.note(key, left(now, *end));
        }
        Ok(Some(record.with_touched(touched)))
    }
}

#[async_trait]
impl Store for MongoDbStore {
    fn system(&self) -> &'static str {
        "mongodb"
    }

    fn record_format(&self) -> Option<Format> {
        None
    }

    async fn prepare(&self) -> Result<(), StoreError> {
        self.create_expiry_index().await?;
        let unique = IndexOptions::builder().unique(true).build();
        self.create_index(doc! { "id": 1 }, unique).await
    }

    async fn load(
        &self,
        key: &RecordKey,
        touch: Option<Touch>,
    ) -> Result<Option<Record>, StoreError> {
        if let Some(touch) = touch.filter(|touch| !self.lives.is_long(key, *touch)) {
            match self.load_and_touch(key, touch).await {
                // Who may not write may still read.
                Err(error) if !is_away(&error) => {}
                answer => return answer.map_err(refusal),
            }
        }
        let found = self
            .sessions
            .find_one(live(key, DateTime::now()))
            .projection(doc! { "_id": 0, "val": 1 })
            .await
            .map_err(refusal)?;
        Ok(found.as_ref().map(record))
    }

    async fn create(
        &self,
        key: &RecordKey,
        payload: &[u8],
        ttl: Duration,
    ) -> Result<Created, StoreError> {
        let change = created(key, payload, ttl, DateTime::now())?;
        let filter = doc! { "id": key.as_str() };
        let written = self.sessions.update_one(filter, change).upsert(true).await;
        match written {
            Ok(result) if result.upserted_id.is_some() || result.modified_count > 0 => {
                self.lives.note(key, ttl);
                Ok(Created::Created(Revision::default()))
            }
            Ok(_) => Ok(Created::Exists),
            Err(error) if is_duplicate(&error) => Ok(Created::Exists),
            Err(error) => Err(refusal(error)),
        }
    }

    async fn create_many(&self, records: &[Creation<'_>]) -> Result<Vec<bool>, StoreError> {
        self.create_all(records).await
    }

    async fn replace(
        &self,
        key: &RecordKey,
        current: &Record,
        payload: &[u8],
        ttl: Duration,
    ) -> Result<Replaced, StoreError> {
        self.lives.forget(key);
        let now = DateTime::now();
        let mut expected = live(key, now);
        expected.insert("val", binary(&current.payload)?);
        let change = doc! { "val": binary(payload)?, "expiration": later(now, ttl) };
        if self.update(expected, change).await? {
            self.lives.note(key, ttl);
            return Ok(Replaced::Replaced(Revision::default()));
        }
        Ok(self.load(key, None).await?.map_or(Replaced::Gone, Replaced::Conflict))
    }

    async fn delete(&self, key: &RecordKey) -> Result<Deleted, StoreError> {
        self.lives.forget(key);
        // All of them: two requests to a Flask app can make two documents with one `id`.
        let result = self.sessions.delete_many(live(key, DateTime::now())).await;
        let deleted = result.map_err(refusal)?.deleted_count > 0;
        Ok(if deleted { Deleted::Deleted } else { Deleted::Gone })
    }

    async fn scan(
        &self,
        prefix: &str,
        cursor: Option<&str>,
        limit: usize,
    ) -> Result<Page, StoreError> {
        self.page(prefix, cursor, limit.max(1)).await
    }

    async fn purge(&self, limit: usize) -> Result<usize, StoreError> {
        // To the server, no limit.
        if limit == 0 {
            return Ok(0);
        }
        let expired = doc! { "$lte": DateTime::now() };
        let mut found = self
            .sessions
            .find(doc! { "expiration": expired.clone() })
            .projection(doc! { "_id": 1 })
            .limit(i64::try_from(limit).unwrap_or(i64::MAX))
            .await
            .map_err(refusal)?;
        let mut ids = Vec::new();
        while found.advance().await.map_err(refusal)? {
            let document = found.deserialize_current().map_err(refusal)?;
            ids.extend(document.get("_id").cloned());
        }
        // One of them may have been written anew in the meantime.
        let filter = doc! { "_id": { "$in": ids }, "expiration": expired };
        let result = self.sessions.delete_many(filter).await.map_err(refusal)?;
        Ok(usize::try_from(result.deleted_count).unwrap_or(usize::MAX))
    }
}

impl fmt::Debug for MongoDbStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let namespace = self.sessions.namespace().to_string();
        f.debug_struct("MongoDbStore").field("collection", &namespace).finish_non_exhaustive()
    }
}
