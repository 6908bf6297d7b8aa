//! SQLite's statements, and how its files are opened.

use std::time::Duration;

use sqlx::{
    Sqlite,
    error::DatabaseError,
    sqlite::{SqliteConnectOptions, SqliteConnection},
};

use super::{
    BoxFuture, ConnectError, Dialect, SqlStore,
    dialect::{Engine, Fault, Texts},
    table::Settings,
};

/// What an address looks like. SQLAlchemy's `sqlite:///` and the client's differ in what they mean.
const EXPECTED: &str = "sqlite:PATH or sqlite::memory:, with no // before the path";
const MEMORY: &str = "sqlite::memory:";
/// How long a writer waits for the others.
const PATIENCE: Duration = Duration::from_secs(5);

/// A time is text of 26 characters, as SQLAlchemy writes it, and compared as text. SQLite's own
/// clock stops at milliseconds, so the time is a value.
const TEXTS: Texts = Texts {
    sign: Some('?'),
    quote: '"',
    now: "(strftime('%Y-%m-%d %H:%M:%S', :now / 1000000, 'unixepoch') \
          || printf('.%06d', :now % 1000000))",
    after: "(strftime('%Y-%m-%d %H:%M:%S', (:now + {}) / 1000000, 'unixepoch') \
            || printf('.%06d', (:now + {}) % 1000000))",
    live: "session_id = :key AND (expiry IS NULL OR expiry > {now})",
    kept: "data NOT IN (x'c0', x'6e756c6c', x'80054e2e')",
    load: "SELECT data, {due} FROM {table} WHERE {live}",
    // An UPDATE takes the lock of writers even when it changes nothing.
    load_and_touch: None,
    touch_if_due: "UPDATE {table} SET expiry = {in :ttl} \
                   WHERE {live} AND {due} AND {kept}",
    create: "INSERT INTO {table} (session_id, data, expiry) VALUES (:key, :payload, {in :ttl}) \
             ON CONFLICT (session_id) DO UPDATE SET data = excluded.data, expiry = excluded.expiry \
             WHERE expiry <= {now}",
    clear: "DELETE FROM {table} WHERE session_id = :key AND expiry <= {now}",
    twin: None,
    replace: "UPDATE {table} SET data = :payload, expiry = {in :ttl} \
              WHERE {live} AND CAST(data AS BLOB) = :current",
    renew: &[
        "UPDATE {table} SET data = :retired, expiry = {in :retired_ttl} \
         WHERE {live} AND CAST(data AS BLOB) = :current",
        "INSERT INTO {table} (session_id, data, expiry) VALUES (:new, :payload, {in :ttl})",
    ],
    delete: "DELETE FROM {table} WHERE {live}",
    scan: "SELECT CASE WHEN is_meant THEN data END, \
           CAST(strftime('%s', expiry) AS INTEGER) * 1000000 \
           + CAST(substr(expiry, 21, 6) AS INTEGER) - :now, \
           id, CASE WHEN is_meant THEN session_id END \
           FROM (SELECT id, session_id, data, expiry, \
           (expiry IS NULL OR expiry > {now}) AND substr(session_id, 1, length(:prefix)) = :prefix AS is_meant \
           FROM {table} WHERE id > :cursor ORDER BY id LIMIT :limit) ORDER BY id",
    purge: "DELETE FROM {table} WHERE id IN \
            (SELECT id FROM {table} WHERE expiry <= {now} ORDER BY expiry LIMIT :limit)",
    limit: None,
    ddl: &[
        "CREATE TABLE IF NOT EXISTS {table} (id INTEGER NOT NULL, session_id VARCHAR(255), \
         data BLOB, expiry DATETIME, PRIMARY KEY (id), UNIQUE (session_id))",
        "CREATE INDEX IF NOT EXISTS {index in schema} ON {table's own name} (expiry)",
    ],
};

impl Engine for Sqlite {
    const BEGIN: &'static str = "BEGIN IMMEDIATE";
    const HAS_ANCHOR: bool = true;

    fn fault(error: &dyn DatabaseError) -> Fault {
        if error.is_unique_violation() {
            return Fault::Duplicate;
        }
        let code = error.code().and_then(|code| code.parse::<i32>().ok()).unwrap_or_default();
        // The low byte tells the kind, the others tell more.
        match (code, code & 0xff) {
            // BUSY_RECOVERY, BUSY_SNAPSHOT
            (261 | 517, _) => Fault::RolledBack,
            // BUSY, LOCKED, NOMEM, INTERRUPT, IOERR, FULL, PROTOCOL, SCHEMA
            (_, 5..=7 | 9 | 10 | 13 | 15 | 17) => Fault::Busy,
            // PERM, AUTH
            (_, 3 | 23) => Fault::Credentials,
            (_, 8) => Fault::ReadOnly,
            (_, 14) => Fault::NoFile,
            (_, 18) => Fault::TooLong,
            // ERROR: the statements are known to be sound.
            (_, 1) => Fault::NoTable,
            _ => Fault::Other,
        }
    }

    fn creating(options: SqliteConnectOptions) -> SqliteConnectOptions {
        options.create_if_missing(true)
    }

    fn place(options: &SqliteConnectOptions) -> String {
        format!("SQLite at {}", options.get_filename().display())
    }

    async fn prepare(_: &mut SqliteConnection) -> Result<(), sqlx::Error> {
        Ok(())
    }
}

/// How the store treats SQLite.
pub(super) const DIALECT: Dialect = Dialect { texts: &TEXTS, options: &["journal_mode"], open };

fn open(place: &str, settings: Settings) -> BoxFuture<'_, Result<SqlStore, ConnectError>> {
    Box::pin(async move {
        let options = options(place, &settings)?.busy_timeout(PATIENCE);
        let max_connections = settings.max_connections.min(most(place));
        SqlStore::open::<Sqlite>(options, &TEXTS, Settings { max_connections, ..settings }).await
    })
}

impl SqlStore {
    /// Opens a database file with the client's own options; `options` are those of an address,
    /// such as `table=sessions`.
    ///
    /// # Errors
    ///
    /// As of [`connect`](Self::connect).
    pub async fn from_sqlite(
        client: SqliteConnectOptions,
        options: &str,
    ) -> Result<Self, ConnectError> {
        Self::open::<Sqlite>(client, &TEXTS, Settings::of(options, &[])?).await
    }
}

/// Connections to a database in memory do not wait for each other: they fail.
fn most(place: &str) -> usize {
    if place == MEMORY { 1 } else { usize::MAX }
}

/// Returns how to open the file of an address.
///
/// The journal's mode belongs to the file and outlives the connection, and the file may be the
/// database of a Flask application on a disk that write-ahead logging does not work on. So it is
/// changed only by the option `journal_mode`; without it a writer waits for readers, but no longer
/// than a transaction of one statement takes.
fn options(place: &str, settings: &Settings) -> Result<SqliteConnectOptions, ConnectError> {
    let path = place.strip_prefix("sqlite:").unwrap_or_default();
    let wrong = ConnectError::Address { expected: EXPECTED };
    let options = match path {
        _ if place == MEMORY => place.parse().map_err(|_| wrong)?,
        "" => return Err(wrong),
        _ if path.starts_with("//") => return Err(wrong),
        _ => SqliteConnectOptions::new().filename(path),
    };
    settings.client.iter().try_fold(options, |options, (name, mode)| {
        let mode = mode.parse().map_err(|_| ConnectError::Option { name: name.clone() })?;
        Ok(options.journal_mode(mode))
    })
}
