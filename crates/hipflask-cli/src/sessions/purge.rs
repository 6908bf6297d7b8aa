//! `hipflask sessions purge`: removes expired sessions, a few at a time.

use std::{cell::Cell, time::Instant};

use hipflask::store::{AnyStore, Store};
use serde_json::json;
use tokio::time::sleep;

use super::{
    access::Access, args::PurgeArgs, interrupt::until_interrupted, pace::pause, progress::Progress,
    walk::patiently,
};
use crate::output::{Failure, Status, print_line, say};

/// Removes what has expired; a run that was interrupted has removed what it says.
pub(super) async fn run(args: &PurgeArgs) -> Result<Status, Failure> {
    let (_, store) = Access::to_store(&args.store).await?;
    let n_removed = Cell::new(0);
    let outcome = until_interrupted(remove(&store, args, &n_removed)).await;
    let n_removed = n_removed.get();
    print_line(
        match args.format.json {
            true => json!({ "removed": n_removed }).to_string(),
            false => n_removed.to_string(),
        }
        .as_bytes(),
    )?;
    match &outcome {
        Ok(()) if n_removed == 0 => {
            say(
                "nothing has expired: Redis, Memcached, MongoDB and DynamoDB also remove it by themselves",
            );
        }
        Ok(()) => {}
        Err(_) => say("not all expired sessions were removed: run it again to go on"),
    }
    outcome.map(|()| Status::Done)
}

async fn remove(store: &AnyStore, args: &PurgeArgs, n_removed: &Cell<u64>) -> Result<(), Failure> {
    let (started, progress) = (Instant::now(), Progress::new("removed"));
    let batch = args.batch.min(args.rate) as usize;
    loop {
        let n = patiently(|| store.purge(batch)).await?;
        if n == 0 {
            return Ok(());
        }
        n_removed.set(n_removed.get() + n as u64);
        progress.at(n_removed.get());
        sleep(pause(n_removed.get(), args.rate, started.elapsed())).await;
    }
}
