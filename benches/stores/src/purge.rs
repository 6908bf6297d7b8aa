//! How long it takes to purge a thousand expired rows as the table grows.

use std::{path::Path, time::Instant};

use hipflask::store::{SqlStore, Store};
use sqlx::{Connection, SqliteConnection, sqlite::SqliteConnectOptions};

use crate::{Anything, samples};

const N_EXPIRED: usize = 1_000;

pub(crate) fn measure(most: usize) -> Anything<()> {
    tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(async {
        println!("| live rows in SQLite | 1,000 expired ones purged in |");
        println!("|--:|--:|");
        let mut n_live = 1_000;
        while n_live <= most {
            let folder = tempfile::tempdir()?;
            let path = folder.path().join("sessions.sqlite3");
            let store =
                SqlStore::connect(&format!("sqlite:{}?create=true", path.display())).await?;
            fill(&path, n_live).await?;
            let start = Instant::now();
            let mut n_purged = 0;
            while n_purged < N_EXPIRED {
                n_purged += store.purge(100).await?;
            }
            let millis = start.elapsed().as_secs_f64() * 1e3;
            samples::keep("purge", &format!("{n_live} live rows"), "hipflask", "ms", &[millis])?;
            println!("| {n_live} | {millis:.1} ms |");
            n_live *= 10;
        }
        Ok(())
    })
}

/// Writes all rows in one statement; one by one, each would wait for the disk.
async fn fill(path: &Path, n_live: usize) -> Anything<()> {
    const FILL: &str = "INSERT INTO sessions (session_id, data, expiry)
        WITH RECURSIVE row(n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM row WHERE n + 1 < ?)
        SELECT printf('session:%043d', n), randomblob(200),
            iif(n % ? = 0, '2020-01-01 00:00:00.000000', '2999-01-01 00:00:00.000000') FROM row";
    let options = SqliteConnectOptions::new().filename(path);
    let mut database = SqliteConnection::connect_with(&options).await?;
    let (n_rows, each) = (n_live + N_EXPIRED, n_live / N_EXPIRED + 1);
    sqlx::query(FILL).bind(n_rows as i64).bind(each as i64).execute(&mut database).await?;
    Ok(database.close().await?)
}
