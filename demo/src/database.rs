//! The database, in SQLite: one file in the data folder, which a Flask app may share.
//!
//! It holds the users, and the product's own records beside them: sessions, who is remembered, and what
//! of signed cookies is refused.

use std::{path::Path, time::Duration};

use hipflask::store::{AnyStore, ConnectError, SqlStore};
use sqlx::{
    Error,
    sqlite::{SqliteConnectOptions, SqlitePool, SqlitePoolOptions},
};

use crate::private;

const FILE: &str = "accounts.sqlite3";

/// `AUTOINCREMENT` never uses an id twice: an old cookie may still hold the id of a deleted user.
const SCHEMA: &str = "
    CREATE TABLE IF NOT EXISTS users (
        id            INTEGER PRIMARY KEY AUTOINCREMENT,
        username      TEXT NOT NULL UNIQUE COLLATE NOCASE,
        email         TEXT NOT NULL,
        bio           TEXT NOT NULL DEFAULT '',
        password_hash TEXT NOT NULL
    );
    ";

/// How long a writer waits for another one, who may be another program.
const WAIT: Duration = Duration::from_secs(5);

/// Opens the database in a folder, and makes it if it is not there.
pub(crate) async fn open(folder: &Path) -> Result<SqlitePool, Error> {
    // An empty file is an empty database, and this one is for its owner alone.
    private::options().append(true).create(true).open(folder.join(FILE))?;
    let pool = SqlitePoolOptions::new().max_connections(4).connect_with(options(folder)).await?;
    sqlx::raw_sql(SCHEMA).execute(&pool).await?;
    Ok(pool)
}

/// Opens the product's records in the database of a folder, which is there.
pub(crate) async fn records(folder: &Path) -> Result<AnyStore, ConnectError> {
    let store = SqlStore::from_sqlite(options(folder), "create=true&max_connections=4").await?;
    Ok(AnyStore::new(store))
}

fn options(folder: &Path) -> SqliteConnectOptions {
    SqliteConnectOptions::new().filename(folder.join(FILE)).busy_timeout(WAIT)
}
