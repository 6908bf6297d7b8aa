//! Rules of renewal: a record moves, and a retired one stays.

use super::{
    case::{Case, LONG, Outcome, RETIRED},
    ensure,
};
use crate::store::{Replaced, Store};

pub(super) async fn renew_moves_a_record<S: Store + Clone>(case: Case<S>) -> Outcome {
    let (old, new) = (case.key("old"), case.key("new"));
    let current = case.create(&old, b"first", LONG).await?;
    let found = case.renew(&old, &current, &new, b"second", LONG).await?;
    ensure(matches!(found, Replaced::Replaced(_)), "renew to move the record", &found)?;
    let moved = case.holds(&new, b"second", "the record under its new key").await?;
    case.replace(&new, &moved, b"third", LONG).await?;
    case.holds(&old, RETIRED, "a retired record under the old key").await?;
    let found = case.store.replace(&old, &current, b"stale", LONG).await?;
    let told = matches!(&found, Replaced::Conflict(record) if record.is_retired());
    ensure(told, "a conflict with the retired record", &found)?;
    case.holds(&old, RETIRED, "a retired record under the old key").await?;
    Ok(())
}

pub(super) async fn renew_needs_what_was_read<S: Store + Clone>(case: Case<S>) -> Outcome {
    let (old, new) = (case.key("old"), case.key("new"));
    let stale = case.create(&old, b"first", LONG).await?;
    let current = case.replace(&old, &stale, b"second", LONG).await?;
    let found = case.renew(&old, &stale, &new, b"third", LONG).await?;
    let told = matches!(&found, Replaced::Conflict(record) if record.payload == b"second");
    ensure(told, "a conflict with a newer record", &found)?;
    case.absent(&new, "no record under the new key").await?;
    case.holds(&old, b"second", "the newer record").await?;
    case.store.delete(&old).await?;
    let found = case.renew(&old, &current, &new, b"third", LONG).await?;
    ensure(found == Replaced::Gone, "nothing to renew", &found)?;
    case.absent(&new, "no record under the new key").await?;
    case.absent(&old, "no record under the old key").await
}

pub(super) async fn renew_never_overwrites<S: Store + Clone>(case: Case<S>) -> Outcome {
    let (old, new) = (case.key("old"), case.key("new"));
    let current = case.create(&old, b"first", LONG).await?;
    case.create(&new, b"taken", LONG).await?;
    let found = case.renew(&old, &current, &new, b"second", LONG).await;
    ensure(found.is_err(), "an error where the new key is taken", &found)?;
    case.holds(&new, b"taken", "the record that was there").await?;
    case.holds(&old, b"first", "the record that was not renewed").await?;
    Ok(())
}
