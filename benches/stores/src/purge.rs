//! How long it takes to purge a thousand expired rows as the table grows.

use std::time::{Duration, Instant};

use hipflask::store::{RecordKey, SqlStore, Store};

use crate::Anything;

const N_EXPIRED: usize = 1_000;

pub(crate) fn measure(most: usize) -> Anything<()> {
    tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(async {
        println!("| live rows in SQLite | 1,000 expired ones purged in |");
        println!("|--:|--:|");
        let mut n_live = 1_000;
        while n_live <= most {
            let folder = tempfile::tempdir()?;
            let path = folder.path().join("sessions.sqlite3");
            let store = SqlStore::create_table(&format!("sqlite:{}", path.display())).await?;
            fill(&store, n_live).await?;
            let start = Instant::now();
            let mut n_purged = 0;
            while n_purged < N_EXPIRED {
                n_purged += store.purge(100).await?;
            }
            println!("| {n_live} | {:.1} ms |", start.elapsed().as_secs_f64() * 1e3);
            n_live *= 10;
        }
        Ok(())
    })
}

async fn fill(store: &SqlStore, n_live: usize) -> Anything<()> {
    let (month, moment) = (Duration::from_secs(2_678_400), Duration::from_millis(1));
    for n in 0..n_live + N_EXPIRED {
        let key = RecordKey::new(format!("session:{n:043}"));
        let ttl = if n % (n_live / N_EXPIRED + 1) == 0 { moment } else { month };
        store.create(&key, &[7; 200], ttl).await?;
    }
    Ok(())
}
