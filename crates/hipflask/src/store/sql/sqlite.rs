//! SQLite's statements, and how its files are opened.

use std::time::Duration;

use sqlx::{
    Sqlite,
    error::DatabaseError,
    sqlite::{SqliteConnectOptions, SqliteConnection},
};

use super::{
    ConnectError, SqlStore,
    dialect::{Engine, Fault},
    sqlite_texts::TEXTS,
    table::Settings,
};

/// What an address looks like. SQLAlchemy's `sqlite:///` and the client's differ in what they mean.
const EXPECTED: &str = "sqlite:PATH or sqlite::memory:, with no // before the path";
const MEMORY: &str = "sqlite::memory:";
/// How long a writer waits for the others.
const PATIENCE: Duration = Duration::from_secs(5);

impl Engine for Sqlite {
    const SYSTEM: &'static str = "sqlite";
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

pub(super) async fn open(place: &str, settings: Settings) -> Result<SqlStore, ConnectError> {
    let options = options(place, &settings)?.busy_timeout(PATIENCE);
    let max_connections = settings.max_connections.min(most(place));
    SqlStore::open::<Sqlite>(options, &TEXTS, Settings { max_connections, ..settings }).await
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

/// A database in memory is locked table by table, so that more connections would only wait.
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
