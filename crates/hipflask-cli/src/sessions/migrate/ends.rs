//! Carries log-outs over: what was brought into the target and has ended in the source since ends there.

use std::{cell::RefCell, collections::HashSet};

use hipflask::store::{AnyStore, Store, StoreError};
use hipflask_core::UnixTime;

use super::{
    journal::{Handle, Item, Journal, digest, handle},
    report::{Outcome, Report},
};
use crate::{
    output::Failure,
    sessions::walk::{Walk, patiently},
};

/// Ends what the last pass over the source has no longer found. What users have changed in the target since
/// goes on.
pub(super) async fn carry_over(
    to: &AnyStore,
    prefixes: &[&str],
    journal: &mut Journal,
    (pass, now): (u32, UnixTime),
    report: &RefCell<Report>,
) -> Result<(), Failure> {
    let ended = ended(journal, pass, now);
    let n_ended = ended.len() as u64;
    if n_ended == 0 {
        return Ok(());
    }
    let n_found = journal.items().filter(|(_, item)| item.pass == pass).count() as u64;
    if n_ended > n_found {
        report.borrow_mut().add_many(Outcome::Lingering, n_ended);
        return Ok(());
    }
    for prefix in prefixes {
        let mut walk = Walk::new(to, prefix);
        loop {
            let page = match walk.next().await {
                Ok(Some(page)) => page,
                Ok(None) => break,
                Err(StoreError::Unsupported(_)) => {
                    report.borrow_mut().add_many(Outcome::Lingering, n_ended);
                    return Ok(());
                }
                Err(error) => return Err(error.into()),
            };
            for entry in page {
                let handle = handle(&entry.key);
                let is_ours = journal.item(&handle).is_some_and(|item| {
                    ended.contains(&handle) && item.has_written(digest(&entry.record.payload))
                });
                if is_ours {
                    patiently(|| to.delete(&entry.key)).await?;
                    journal.forget(&handle);
                    report.borrow_mut().add(Outcome::EndedInSource);
                }
            }
        }
    }
    Ok(())
}

/// Returns what may have been brought over, has not expired, and is no longer in the source. A run that was
/// interrupted does not know of its last writes whether they were done.
fn ended(journal: &Journal, pass: u32, now: UnixTime) -> HashSet<Handle> {
    let is_ended = |(_, item): &(&Handle, &Item)| item.pass != pass && item.expires > now.as_secs();
    journal.items().filter(is_ended).map(|(handle, _)| *handle).collect()
}

#[cfg(test)]
mod tests {
    use hipflask::store::RecordKey;

    use super::{super::journal::Intended, *};

    #[test]
    fn ended_is_what_the_source_no_longer_has() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("journal");
        let mut journal = Journal::open(Some(&path), &[], false).unwrap();
        let [seen, gone, expired] = ["a", "b", "c"].map(|it| handle(&RecordKey::new(it)));
        for (handle, expires) in [(seen, 200), (gone, 200), (expired, 50)] {
            journal.intend(handle, Intended { source: 1, written: 2, expires }, 1).unwrap();
        }
        journal.see(&seen, 2);
        // That a write was never confirmed does not matter.
        assert_eq!(ended(&journal, 2, UnixTime::from_secs(100)), HashSet::from([gone]));
    }
}
