//! Rules of listing: each record of a prefix, and none of another one.

use std::collections::BTreeSet;

use super::{
    case::{Case, Failure, LONG, Outcome},
    ensure,
};
use crate::store::{Entry, Store, StoreError};

/// More pages than a store in use has, and fewer than never ends.
const MOST_PAGES: usize = 100_000;

pub(super) async fn scan_finds_a_prefix<S: Store + Clone>(case: Case<S>) -> Outcome {
    // To a server, some of these characters stand for others.
    for name in ["plain:", "a_b:", "a%b:", "a*b:", "a?b:", "[ab]:", "a\\b:", "A:", "a':\""] {
        let prefix = case.prefix(name);
        if !case.abilities.scan {
            return unsupported(&case, &prefix).await;
        }
        for decoy in ["axb:", "aab:", "a:", "b:", "ab:", "a\\\\b:"] {
            case.store.create(&case.key(&format!("{decoy}0")), b"decoy", LONG).await?;
        }
        let expected: BTreeSet<_> =
            (0..25).map(|number| case.key(&format!("{name}{number}"))).collect();
        for key in &expected {
            case.create(key, key.as_str().as_bytes(), LONG).await?;
        }
        let ended = case.key(&format!("{name}ended"));
        case.create(&ended, b"ended", LONG).await?;
        case.store.delete(&ended).await?;
        let found = scan(&case, &prefix).await?;
        ensure(found == expected, "each record of the prefix, and no other", &found.len())?;
    }
    Ok(())
}

/// Reads all pages.
async fn scan<S: Store + Clone>(
    case: &Case<S>,
    prefix: &str,
) -> Outcome<BTreeSet<crate::store::RecordKey>> {
    let (mut found, mut cursor) = (BTreeSet::new(), None);
    for _ in 0..MOST_PAGES {
        let page = case.page(prefix, cursor.as_deref()).await?;
        for Entry { key, record, expires_in } in page.entries {
            let holds = record.payload == key.as_str().as_bytes();
            ensure(holds, "each key with its own record", &record)?;
            let limited = expires_in.is_none_or(|left| left <= LONG);
            ensure(limited, "no longer life than the record was given", &expires_in)?;
            found.insert(key);
        }
        cursor = page.next;
        if cursor.is_none() {
            return Ok(found);
        }
    }
    Err(Failure::new("the pages to end", &"more and more"))
}

async fn unsupported<S: Store + Clone>(case: &Case<S>, prefix: &str) -> Outcome {
    match case.store.scan(prefix, None, 7).await {
        Err(StoreError::Unsupported(_)) => Ok(()),
        found => Err(Failure::new("an error that says that it cannot list its keys", &found)),
    }
}
