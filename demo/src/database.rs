//! The data base, in SQLite: one file in the data folder, which a Flask app may share.

use std::{path::Path, time::Duration};

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
    CREATE TABLE IF NOT EXISTS sign_ins (
        id        TEXT PRIMARY KEY,
        user_id   INTEGER NOT NULL REFERENCES users (id) ON DELETE CASCADE,
        created   INTEGER NOT NULL,
        last_seen INTEGER NOT NULL,
        agent     TEXT NOT NULL
    );
    CREATE INDEX IF NOT EXISTS sign_ins_of_user ON sign_ins (user_id);
    ";

/// How long a writer waits for another one, who may be another program.
const WAIT: Duration = Duration::from_secs(5);

/// Opens the data base in a folder, and makes it if it is not there.
pub(crate) async fn open(folder: &Path) -> Result<SqlitePool, Error> {
    let file = folder.join(FILE);
    // An empty file is an empty data base, and this one is for its owner alone.
    private::options().append(true).create(true).open(&file)?;
    let options = SqliteConnectOptions::new().filename(file).busy_timeout(WAIT);
    let pool = SqlitePoolOptions::new().max_connections(4).connect_with(options).await?;
    sqlx::raw_sql(SCHEMA).execute(&pool).await?;
    Ok(pool)
}
