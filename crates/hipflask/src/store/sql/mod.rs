//! Sessions in the table of Flask-Session: SQLite, PostgreSQL, MariaDB and MySQL.
//!
//! A store of the last stage; knows rows and nothing of sessions. `dialect` says which statements
//! there are, `sqlite`, `postgres` and `mysql` how they read on each engine, `pool` runs them.
//! An application and a Flask application can share a table.

mod client;
mod dialect;
#[cfg(feature = "mysql")]
mod mysql;
mod operations;
mod pool;
#[cfg(feature = "postgres")]
mod postgres;
#[cfg(feature = "sqlite")]
mod sqlite;
mod sqlite_texts;
mod statement;
mod table;
mod trouble;

use std::{fmt, future::Future, pin::Pin, sync::Arc};

use hipflask_core::store::{Store, StoreError};
use tokio::sync::OnceCell;

use self::{
    client::Client,
    dialect::{Fault, Options, Statements, Texts},
    pool::{Failure, Pool},
    statement::{Answer, Statement, Values},
    table::Settings,
};
use super::{ConnectError, StoreKind, address};

const EXPECTED: &str = "sqlite:PATH, or a URL like postgres://HOST or mysql://HOST";

/// Keeps sessions in a table of an SQL database: the one that Flask-Session makes.
///
/// Its address is `sqlite:PATH`, `sqlite::memory:`, `postgres://USER:PASSWORD@HOST/DATABASE` or
/// `mysql://USER:PASSWORD@HOST/DATABASE`, with these options besides the client's:
///
/// | option | stands for |
/// |---|---|
/// | `table=sessions` | `SESSION_SQLALCHEMY_TABLE` |
/// | `schema=NAME` | `SESSION_SQLALCHEMY_SCHEMA` |
/// | `sequence=NAME` | `SESSION_SQLALCHEMY_SEQUENCE`, on PostgreSQL |
/// | `create=true` | the table is created if it is not there |
/// | `max_connections=10` | connections at the same time |
/// | `journal_mode=wal` | SQLite's mode, which is otherwise left as it is |
/// | `prepared=false` | PostgreSQL's statements are not prepared; without it, that is found out |
///
/// Every operation is one statement, except: a touch that is due is a second one on SQLite and
/// MariaDB, a lost `replace` asks for the record that it has met, a `renew` is a transaction on
/// SQLite and MariaDB. A record is at most as large as its column takes: 64 KiB in the table that
/// Flask-Session makes on MariaDB, whose times also have no fraction of a second.
///
/// A pooler before PostgreSQL, such as PgBouncer, may give each statement another connection of the
/// server, so that nothing can be prepared. It is noticed when connecting, except if it tells the
/// server all that it was told; then an error names `prepared=false`. Statements that are not
/// prepared carry their values, so the server may log keys of sessions with a statement that fails,
/// and takes up to 0.1 ms longer for each; a touch that is due is a second one.
///
/// A connection that has rested for a second is asked whether it still works before it is used, and
/// if it does not, all that rest are closed. A database that takes no changes, such as a standby, is
/// read: only lives are not extended.
///
#[cfg_attr(feature = "sqlite", doc = "```")]
#[cfg_attr(not(feature = "sqlite"), doc = "```ignore")]
/// use std::time::Duration;
/// use hipflask::store::{Created, RecordKey, Revision, SqlStore, Store};
///
/// # tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(async {
/// let store = SqlStore::connect("sqlite::memory:?create=true").await?;
/// let key = RecordKey::new("session:SSSSSSSS");
/// let created = store.create(&key, b"\x81\xa1a\x01", Duration::from_secs(60)).await?;
/// assert_eq!(created, Created::Created(Revision::default()));
/// assert_eq!(store.load(&key, None).await?.map(|record| record.payload.len()), Some(4));
/// # Ok::<(), Box<dyn std::error::Error>>(()) })?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct SqlStore(Arc<Inner>);

struct Inner {
    database: Box<dyn Database>,
    statements: Statements,
    ddl: Vec<String>,
    /// The largest record, where the column's type says so; it is asked for once.
    limit: OnceCell<Option<usize>>,
}

type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// A pool of whichever engine.
trait Database: Send + Sync {
    fn system(&self) -> &'static str;

    fn run<'a>(
        &'a self,
        statements: &'a [&'a Statement],
        values: &'a Values<'a>,
    ) -> BoxFuture<'a, Result<Answer, Failure>>;

    /// Runs a statement with each of many values in one transaction; returns how many rows each has changed.
    fn run_each<'a>(
        &'a self,
        statement: &'a Statement,
        values: &'a [Values<'a>],
    ) -> BoxFuture<'a, Result<Vec<u64>, StoreError>>;

    /// Makes the table.
    fn create<'a>(&'a self, ddl: &'a [String]) -> BoxFuture<'a, Result<(), StoreError>>;
}

impl<DB: Client> Database for Pool<DB> {
    fn system(&self) -> &'static str {
        DB::SYSTEM
    }

    fn run<'a>(
        &'a self,
        statements: &'a [&'a Statement],
        values: &'a Values<'a>,
    ) -> BoxFuture<'a, Result<Answer, Failure>> {
        Box::pin(self.run(statements, values))
    }

    fn run_each<'a>(
        &'a self,
        statement: &'a Statement,
        values: &'a [Values<'a>],
    ) -> BoxFuture<'a, Result<Vec<u64>, StoreError>> {
        Box::pin(self.run_each(statement, values))
    }

    fn create<'a>(&'a self, ddl: &'a [String]) -> BoxFuture<'a, Result<(), StoreError>> {
        Box::pin(self.create(ddl))
    }
}

impl SqlStore {
    /// Connects to the database of an address. If its table is not there, [`prepare`] makes it;
    /// until then every question is answered with an error that says so.
    ///
    /// [`prepare`]: super::Store::prepare
    ///
    /// # Errors
    ///
    /// [`ConnectError`] says what is wrong with the address, or what the server refuses.
    pub async fn connect(address: &str) -> Result<Self, ConnectError> {
        let (kind, place, settings, _) = parse(address)?;
        match kind.feature() {
            #[cfg(feature = "mysql")]
            "mysql" => mysql::open(place, settings).await,
            #[cfg(feature = "postgres")]
            "postgres" => postgres::open(place, settings).await,
            #[cfg(feature = "sqlite")]
            "sqlite" => sqlite::open(place, settings).await,
            feature => Err(ConnectError::Unsupported { feature }),
        }
    }

    /// Returns the statements that create the table of an address, and the index that
    /// [`purge`](super::Store::purge) needs; Flask-Session's own table lacks it.
    ///
    /// # Errors
    ///
    /// [`ConnectError`] when the address is not one of this store.
    pub fn ddl(address: &str) -> Result<String, ConnectError> {
        let (_, _, settings, texts) = parse(address)?;
        Ok(texts.ddl(&settings).into_iter().map(|statement| statement + ";\n").collect())
    }

    /// Returns the statements of the operations on the table of an address, and those that create it,
    /// for those who have a client of their own: so may SQLite, of which a process should have one.
    ///
    /// In a statement `:name` stands for a value; times are in microseconds, `now` since 1970.
    ///
    /// ```
    /// use hipflask::store::SqlStore;
    ///
    /// let statements = SqlStore::statements("sqlite:app.db?table=visitors")?;
    /// let (_, load) = statements.iter().find(|(name, _)| *name == "load").unwrap();
    /// assert!(load[0].contains(r#"FROM "visitors" WHERE session_id = :key"#));
    /// # Ok::<(), hipflask::store::ConnectError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`ConnectError`] when the address is not one of this store.
    pub fn statements(address: &str) -> Result<Vec<(&'static str, Vec<String>)>, ConnectError> {
        let (_, _, settings, texts) = parse(address)?;
        Ok(texts.named(&settings))
    }

    async fn open<DB: Client>(
        options: Options<DB>,
        texts: &'static Texts,
        settings: Settings,
    ) -> Result<Self, ConnectError> {
        let pool = Pool::<DB>::new(options, settings.max_connections);
        if DB::HAS_ANCHOR {
            unless_missing(pool.anchor().await)?;
        }
        let (statements, ddl) = (texts.statements(&settings), texts.ddl(&settings));
        let database = Box::new(pool);
        let store = Self(Arc::new(Inner { database, statements, ddl, limit: OnceCell::new() }));
        if settings.create {
            store.prepare().await?;
        } else {
            unless_missing(store.check().await)?;
        }
        Ok(store)
    }
}

/// Lets pass that something is missing that [`Store::prepare`] makes.
fn unless_missing(result: Result<(), StoreError>) -> Result<(), StoreError> {
    match &result {
        Err(StoreError::Refused(source))
            if matches!(source.downcast_ref::<Fault>(), Some(Fault::NoTable | Fault::NoFile)) =>
        {
            Ok(())
        }
        _ => result,
    }
}

impl fmt::Debug for SqlStore {
    /// Shows nothing: the client's options hold a password.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SqlStore").finish_non_exhaustive()
    }
}

/// Takes an address apart: the kind of its engine, the address without its options, and these; with the
/// statements of the engine.
fn parse(
    address: &str,
) -> Result<(&'static StoreKind, &str, Settings, &'static Texts), ConnectError> {
    let (place, options) = address::split_options(address)?;
    let kind = StoreKind::of(place)?;
    let (texts, options_of_engine): (&Texts, &[&str]) = match kind.feature() {
        #[cfg(feature = "mysql")]
        "mysql" => (&mysql::TEXTS, &mysql::OPTIONS),
        #[cfg(feature = "postgres")]
        "postgres" => (&postgres::TEXTS, &postgres::OPTIONS),
        "sqlite" => (&sqlite_texts::TEXTS, &sqlite_texts::OPTIONS),
        feature if !kind.is_built() => return Err(ConnectError::Unsupported { feature }),
        _ => return Err(ConnectError::Address { expected: EXPECTED }),
    };
    Ok((kind, place, Settings::new(options, options_of_engine)?, texts))
}
