//! Rules of time: what has expired is absent, and life is extended only where it should be.
//!
//! Servers count in whole seconds, and cut or round them: a short life is over after [`WAIT`], and
//! nothing is asked about its end before that.

use std::time::Duration;

use super::{
    case::{Case, LONG, Outcome, RETIRED},
    ensure,
};
use crate::store::{Created, Deleted, Replaced, Store, Touch};

const SHORT: Duration = Duration::from_secs(2);
const WAIT: Duration = Duration::from_millis(3_300);

pub(super) async fn expired_is_absent<S: Store + Clone>(case: Case<S>) -> Outcome {
    let key = case.key("a");
    let current = case.create(&key, b"first", SHORT).await?;
    case.holds(&key, b"first", "a record that has not expired").await?;
    tokio::time::sleep(WAIT).await;
    let touch = Some(Touch { ttl: LONG, when_below: LONG });
    let found = case.store.load(&key, touch).await?;
    ensure(found.is_none(), "no record after its end", &found)?;
    let found = case.store.replace(&key, &current, b"second", LONG).await?;
    ensure(found == Replaced::Gone, "nothing to replace after the end", &found)?;
    let found = case.renew(&key, &current, &case.key("b"), b"second", LONG).await?;
    ensure(found == Replaced::Gone, "nothing to renew after the end", &found)?;
    case.absent(&case.key("b"), "no record under the new key").await?;
    let found = case.store.delete(&key).await?;
    ensure(found == Deleted::Gone, "nothing to delete after the end", &found)?;
    case.absent(&key, "no record after its end").await
}

pub(super) async fn expired_is_free_again<S: Store + Clone>(case: Case<S>) -> Outcome {
    let (key, old, new) = (case.key("a"), case.key("old"), case.key("new"));
    case.create(&key, b"first", SHORT).await?;
    case.create(&new, b"first", SHORT).await?;
    let current = case.create(&old, b"old", LONG).await?;
    tokio::time::sleep(WAIT).await;
    let found = case.store.create(&key, b"second", LONG).await?;
    ensure(found != Created::Exists, "create to write over what has expired", &found)?;
    case.holds(&key, b"second", "the new record").await?;
    let found = case.renew(&old, &current, &new, b"second", LONG).await?;
    ensure(matches!(found, Replaced::Replaced(_)), "renew to write over what expired", &found)?;
    case.holds(&new, b"second", "the new record").await?;
    Ok(())
}

pub(super) async fn touch_sets_the_lifetime<S: Store + Clone>(case: Case<S>) -> Outcome {
    let (longer, shorter) = (case.key("longer"), case.key("shorter"));
    case.create(&longer, b"longer", SHORT).await?;
    case.create(&shorter, b"shorter", LONG).await?;
    case.touch(&longer, LONG).await?;
    case.touch(&shorter, SHORT).await?;
    tokio::time::sleep(WAIT).await;
    case.holds(&longer, b"longer", "a touched record after its first life").await?;
    case.absent(&shorter, "no record after the life that a touch has given").await
}

pub(super) async fn load_touches_when_due<S: Store + Clone>(case: Case<S>) -> Outcome {
    let key = case.key("a");
    case.create(&key, b"first", SHORT).await?;
    let touch = Touch { ttl: LONG, when_below: LONG / 2 };
    let found = case.store.load(&key, Some(touch)).await?;
    let told = found.as_ref().is_some_and(|record| record.touched && record.payload == b"first");
    ensure(told, "the record, marked as touched", &found)?;
    let found = case.store.load(&key, Some(touch)).await?;
    let told = found.as_ref().is_some_and(|record| !record.touched);
    ensure(told, "the record, not touched again", &found.map(|record| record.touched))?;
    tokio::time::sleep(WAIT).await;
    case.holds(&key, b"first", "a touched record after its first life").await?;
    Ok(())
}

pub(super) async fn load_leaves_what_is_not_due<S: Store + Clone>(case: Case<S>) -> Outcome {
    let key = case.key("a");
    case.create(&key, b"first", SHORT).await?;
    let touch = Touch { ttl: LONG, when_below: Duration::from_millis(1) };
    let found = case.store.load(&key, Some(touch)).await?;
    let told = found.as_ref().is_some_and(|record| !record.touched && record.payload == b"first");
    ensure(told, "the record, not touched", &found)?;
    let plain = case.holds(&key, b"first", "the record").await?;
    ensure(!plain.touched, "the record, not touched", &plain)?;
    tokio::time::sleep(WAIT).await;
    case.absent(&key, "no record after its life, which was not extended").await
}

pub(super) async fn replace_sets_the_lifetime<S: Store + Clone>(case: Case<S>) -> Outcome {
    let (longer, shorter) = (case.key("longer"), case.key("shorter"));
    let current = case.create(&longer, b"first", SHORT).await?;
    case.replace(&longer, &current, b"longer", LONG).await?;
    let current = case.create(&shorter, b"first", LONG).await?;
    case.replace(&shorter, &current, b"shorter", SHORT).await?;
    tokio::time::sleep(WAIT).await;
    case.holds(&longer, b"longer", "a replaced record after its first life").await?;
    case.absent(&shorter, "no record after the life that a replace has given").await
}

pub(super) async fn retired_is_never_touched<S: Store + Clone>(case: Case<S>) -> Outcome {
    let touch = Some(Touch { ttl: LONG, when_below: LONG });
    let (old, new) = (case.key("old"), case.key("new"));
    let current = case.create(&old, b"first", LONG).await?;
    case.renew(&old, &current, &new, b"second", SHORT).await?;
    let others: [(&str, &[u8]); 3] =
        [("msgpack", RETIRED), ("json", b"null"), ("pickle", b"\x80\x05N.")];
    for (name, retired) in others {
        case.create(&case.key(name), retired, SHORT).await?;
    }
    for name in ["old", "msgpack", "json", "pickle"] {
        let found = case.store.load(&case.key(name), touch).await?;
        let told = found.as_ref().is_some_and(|record| record.is_retired() && !record.touched);
        ensure(told, "the retired record, not touched", &found)?;
    }
    tokio::time::sleep(WAIT).await;
    for name in ["old", "msgpack", "json", "pickle"] {
        case.absent(&case.key(name), "no retired record after its life").await?;
    }
    case.holds(&new, b"second", "the renewed record").await?;
    Ok(())
}

pub(super) async fn purge_removes_only_what_expired<S: Store + Clone>(case: Case<S>) -> Outcome {
    for name in ["a", "b", "c", "d", "e"] {
        case.create(&case.key(name), b"short", SHORT).await?;
        case.create(&case.key(&format!("long-{name}")), b"long", LONG).await?;
    }
    let found = case.store.purge(0).await?;
    ensure(found == 0, "a purge of none to remove none", &found)?;
    tokio::time::sleep(WAIT).await;
    let found = case.store.purge(2).await?;
    ensure(found <= 2, "a purge of two to remove two at most", &found)?;
    while case.store.purge(100).await? > 0 {}
    for name in ["a", "b", "c", "d", "e"] {
        case.absent(&case.key(name), "no record after its end").await?;
        let key = case.key(&format!("long-{name}"));
        case.holds(&key, b"long", "a record that has not expired, after a purge").await?;
    }
    Ok(())
}
