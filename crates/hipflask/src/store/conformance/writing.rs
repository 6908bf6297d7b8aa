//! Rules of one request after the other: what is written is read, and only over what was read.

use super::{
    case::{Case, Failure, LONG, Outcome},
    ensure,
};
use crate::store::{Created, Creation, Deleted, Record, Replaced, Store, StoreError, Touch};

pub(super) async fn absent_is_absent<S: Store + Clone>(case: Case<S>) -> Outcome {
    let key = case.key("a");
    case.absent(&key, "no record where none was written").await?;
    let touch = Some(Touch { ttl: LONG, when_below: LONG });
    let found = case.store.load(&key, touch).await?;
    ensure(found.is_none(), "no record where none was written", &found)?;
    let found = case.store.delete(&key).await?;
    ensure(found == Deleted::Gone, "nothing to delete", &found)?;
    case.absent(&key, "no record after a delete").await
}

pub(super) async fn payloads_are_any_bytes<S: Store + Clone>(case: Case<S>) -> Outcome {
    let all: Vec<u8> = (0..=u8::MAX).collect();
    let payloads: [&[u8]; 7] =
        [&all, b"", b"\0", b" padded \r\n", b"42", b"END\r\n", b"\xff\xfe\xc3("];
    for (name, payload) in ('a'..).zip(payloads) {
        let key = case.key(&name.to_string());
        let created = case.create(&key, payload, LONG).await?;
        case.holds(&key, payload, "the payload that was created").await?;
        let other = [payload, b"\0"].concat();
        case.replace(&key, &created, &other, LONG).await?;
        let current = case.holds(&key, &other, "the payload that was replaced").await?;
        case.replace(&key, &current, payload, LONG).await?;
        case.holds(&key, payload, "the payload that was replaced").await?;
    }
    Ok(())
}

pub(super) async fn create_never_overwrites<S: Store + Clone>(case: Case<S>) -> Outcome {
    let key = case.key("a");
    case.create(&key, b"first", LONG).await?;
    let found = case.store.create(&key, b"second", LONG).await?;
    ensure(found == Created::Exists, "create to find the record", &found)?;
    case.holds(&key, b"first", "the first record").await?;
    Ok(())
}

pub(super) async fn create_many_never_overwrites<S: Store + Clone>(case: Case<S>) -> Outcome {
    let there = case.key("there");
    case.create(&there, b"first", LONG).await?;
    let new: Vec<_> = (0..40).map(|number| case.key(&format!("new-{number}"))).collect();
    for keys in [new.clone(), [vec![there.clone()], new].concat()] {
        let creation = |key| Creation { key, payload: b"second", ttl: LONG };
        let records: Vec<_> = keys.iter().map(creation).collect();
        // That one is in the way may be a reason to write none.
        let written = case.store.create_many(&records).await.unwrap_or(vec![false; keys.len()]);
        ensure(written.len() == keys.len(), "an answer for each record", &written)?;
        for (key, is_written) in keys.iter().zip(written) {
            if is_written {
                case.holds(key, b"second", "the record that was written").await?;
            } else if *key != there {
                case.store.create(key, b"second", LONG).await?;
                case.holds(key, b"second", "the record, whoever wrote it").await?;
            }
        }
        case.holds(&there, b"first", "the record that was there before").await?;
    }
    Ok(())
}

pub(super) async fn replace_needs_what_was_read<S: Store + Clone>(case: Case<S>) -> Outcome {
    let key = case.key("a");
    let first = case.create(&key, b"first", LONG).await?;
    let second = case.replace(&key, &first, b"second", LONG).await?;
    let found = case.store.replace(&key, &first, b"stale", LONG).await?;
    ensure(matches!(found, Replaced::Conflict(_)), "a conflict with a newer record", &found)?;
    let read = case.holds(&key, b"second", "the newer record").await?;
    // What a write has returned and what a read returns are as good.
    case.replace(&key, &second, b"third", LONG).await?;
    let found = case.store.replace(&key, &read, b"stale", LONG).await?;
    ensure(matches!(found, Replaced::Conflict(_)), "a conflict with a newer record", &found)?;
    case.holds(&key, b"third", "the newest record").await?;
    Ok(())
}

pub(super) async fn replace_needs_a_record<S: Store + Clone>(case: Case<S>) -> Outcome {
    let (key, other) = (case.key("a"), case.key("b"));
    let read = case.create(&other, b"first", LONG).await?;
    for current in [read, Record::new(b"first"), Record::default()] {
        let found = case.store.replace(&key, &current, b"second", LONG).await?;
        ensure(found == Replaced::Gone, "nothing to replace", &found)?;
        case.absent(&key, "no record after a replace of none").await?;
    }
    Ok(())
}

pub(super) async fn conflict_shows_the_current_record<S: Store + Clone>(case: Case<S>) -> Outcome {
    let key = case.key("a");
    let stale = case.create(&key, b"first", LONG).await?;
    case.replace(&key, &stale, b"second", LONG).await?;
    let current = match case.store.replace(&key, &stale, b"third", LONG).await? {
        Replaced::Conflict(current) => current,
        found => return Err(Failure::new("a conflict with a newer record", &found)),
    };
    ensure(current.payload == b"second", "the conflict to show the newer record", &current)?;
    case.replace(&key, &current, b"third", LONG).await?;
    case.holds(&key, b"third", "what was written over the conflict's record").await?;
    Ok(())
}

pub(super) async fn touch_keeps_the_payload<S: Store + Clone>(case: Case<S>) -> Outcome {
    let key = case.key("a");
    case.create(&key, b"first", LONG).await?;
    case.touch(&key, LONG).await?;
    let touched = case.holds(&key, b"first", "what was there before the touch").await?;
    case.replace(&key, &touched, b"second", LONG).await?;
    let touch = Some(Touch { ttl: LONG * 2, when_below: LONG * 2 });
    let read = case.store.load(&key, touch).await?;
    let found = read.unwrap_or_default();
    ensure(found.payload == b"second", "what was there before the touch", &found)?;
    case.replace(&key, &found, b"third", LONG).await?;
    Ok(())
}

pub(super) async fn delete_ends_a_record<S: Store + Clone>(case: Case<S>) -> Outcome {
    let (key, other) = (case.key("a"), case.key("b"));
    let current = case.create(&key, b"first", LONG).await?;
    case.create(&other, b"other", LONG).await?;
    let found = case.store.delete(&key).await?;
    ensure(found == Deleted::Deleted, "delete to find the record", &found)?;
    case.absent(&key, "no record after a delete").await?;
    let found = case.store.replace(&key, &current, b"second", LONG).await?;
    ensure(found == Replaced::Gone, "nothing to replace after a delete", &found)?;
    let found = case.store.delete(&key).await?;
    ensure(found == Deleted::Gone, "nothing to delete after a delete", &found)?;
    case.absent(&key, "no record after a delete").await?;
    case.holds(&other, b"other", "the other record").await?;
    case.create(&key, b"third", LONG).await?;
    Ok(())
}

pub(super) async fn prepare_keeps_what_is_there<S: Store + Clone>(case: Case<S>) -> Outcome {
    let key = case.key("a");
    case.create(&key, b"first", LONG).await?;
    for _ in 0..2 {
        case.store.prepare().await?;
        case.holds(&key, b"first", "what was there before the store was prepared").await?;
    }
    Ok(())
}

pub(super) async fn sizes_are_kept_or_refused<S: Store + Clone>(case: Case<S>) -> Outcome {
    let limit = case.abilities.max_payload;
    for size in [0, 1, 1 << 16, 1 << 20, limit].into_iter().filter(|size| *size <= limit.min(MOST))
    {
        let key = case.key(&size.to_string());
        let payload = patterned(size);
        case.create(&key, b"small", LONG).await?;
        let current = case.holds(&key, b"small", "the small record").await?;
        let current = case.replace(&key, &current, &payload, LONG).await?;
        case.holds(&key, &payload, "the large record").await?;
        case.replace(&key, &current, b"small again", LONG).await?;
    }
    if limit <= MOST { refuses(&case, &patterned(limit + 1)).await } else { Ok(()) }
}

/// The largest payload that is tried.
const MOST: usize = 1 << 24;

async fn refuses<S: Store + Clone>(case: &Case<S>, payload: &[u8]) -> Outcome {
    let (key, other) = (case.key("a"), case.key("b"));
    let expected = "an error for a payload over the limit";
    match case.store.create(&key, payload, LONG).await {
        Err(StoreError::TooLarge { .. }) => {}
        found => return Err(Failure::new(expected, &found)),
    }
    case.absent(&key, "no record after a payload over the limit").await?;
    let current = case.create(&other, b"small", LONG).await?;
    match case.store.replace(&other, &current, payload, LONG).await {
        Err(StoreError::TooLarge { .. }) => {}
        found => return Err(Failure::new(expected, &found)),
    }
    case.holds(&other, b"small", "the record before a payload over the limit").await?;
    Ok(())
}

/// Returns bytes of which no part repeats another in a way that a block size could hide.
fn patterned(size: usize) -> Vec<u8> {
    (0u8..251).cycle().take(size).collect()
}
