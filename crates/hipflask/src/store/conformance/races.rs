//! Rules of requests at the same time: one wins, and the others are told.

use std::future::Future;

use tokio::task::{JoinError, JoinSet};

use super::{
    case::{Case, Failure, LONG, Outcome},
    ensure,
};
use crate::store::{Created, Record, RecordKey, Replaced, Store};

/// How often a task meets another one's change before it gives up.
const PATIENCE: usize = 10_000;

pub(super) async fn one_of_many_creates_wins<S: Store + Clone>(case: Case<S>) -> Outcome {
    let answers = at_once(16, |number| {
        let case = case.clone();
        async move {
            let answer = case.store.create(&case.key("a"), &[number], LONG).await?;
            Ok((number, answer))
        }
    })
    .await?;
    let mut winners = answers.iter().filter(|(_, answer)| *answer != Created::Exists);
    let (Some((winner, _)), None) = (winners.next(), winners.next()) else {
        return Err(Failure::new("exactly one of 16 creates to win", &answers.len()));
    };
    case.holds(&case.key("a"), &[*winner], "the record of the create that won").await?;
    Ok(())
}

pub(super) async fn one_of_many_replaces_wins<S: Store + Clone>(case: Case<S>) -> Outcome {
    let current = case.create(&case.key("a"), b"first", LONG).await?;
    let answers = at_once(16, |number| {
        let (case, current) = (case.clone(), current.clone());
        async move {
            let answer = case.store.replace(&case.key("a"), &current, &[number], LONG).await?;
            Ok((number, answer))
        }
    })
    .await?;
    let won: Vec<_> =
        answers.iter().filter(|(_, answer)| matches!(answer, Replaced::Replaced(_))).collect();
    let [(winner, _)] = won.as_slice() else {
        return Err(Failure::new("exactly one of 16 replaces to win", &won.len()));
    };
    let all = answers.iter().all(|(_, answer)| *answer != Replaced::Gone);
    ensure(all, "a conflict for the replaces that did not win", &answers)?;
    case.holds(&case.key("a"), &[*winner], "the record of the replace that won").await?;
    Ok(())
}

pub(super) async fn one_of_many_renewals_wins<S: Store + Clone>(case: Case<S>) -> Outcome {
    let old = case.key("old");
    let current = case.create(&old, b"first", LONG).await?;
    let answers = at_once(8, |number| {
        let (case, old, current) = (case.clone(), old.clone(), current.clone());
        async move {
            let new = case.key(&number.to_string());
            Ok((number, case.renew(&old, &current, &new, &[number], LONG).await?))
        }
    })
    .await?;
    let won: Vec<_> =
        answers.iter().filter(|(_, answer)| matches!(answer, Replaced::Replaced(_))).collect();
    ensure(won.len() == 1, "exactly one of 8 renewals to win", &won.len())?;
    for (number, answer) in &answers {
        let found = case.load(&case.key(&number.to_string())).await?;
        let won = matches!(answer, Replaced::Replaced(_));
        ensure(found.is_some() == won, "a new record for the winner, and no other", &found)?;
    }
    let found = case.load(&old).await?;
    ensure(found.as_ref().is_some_and(Record::is_retired), "a retired record", &found)
}

pub(super) async fn no_increment_is_lost<S: Store + Clone>(case: Case<S>) -> Outcome {
    let key = case.key("a");
    case.create(&key, b"0", LONG).await?;
    at_once(8, |_| {
        let (case, key) = (case.clone(), key.clone());
        async move {
            for _ in 0..50 {
                update(&case, &key, |payload| (number(payload) + 1).to_string().into()).await?;
            }
            Ok(())
        }
    })
    .await?;
    let found = case.load(&key).await?.unwrap_or_default();
    ensure(number(&found.payload) == 400, "400 increments", &number(&found.payload))
}

pub(super) async fn no_field_is_lost<S: Store + Clone>(case: Case<S>) -> Outcome {
    let key = case.key("a");
    case.create(&key, b"0,0", LONG).await?;
    at_once(2, |field| {
        let (case, key) = (case.clone(), key.clone());
        async move {
            for _ in 0..25 {
                update(&case, &key, |payload| {
                    let comma = payload.iter().position(|byte| *byte == b',').unwrap_or(0);
                    let (first, second) = payload.split_at(comma);
                    let mut fields = [number(first), number(second.get(1..).unwrap_or_default())];
                    fields.iter_mut().skip(field.into()).take(1).for_each(|field| *field += 1);
                    format!("{},{}", fields[0], fields[1]).into()
                })
                .await?;
            }
            Ok(())
        }
    })
    .await?;
    case.holds(&key, b"25,25", "each of two fields with all its changes").await?;
    Ok(())
}

pub(super) async fn delete_wins_over_replaces<S: Store + Clone>(case: Case<S>) -> Outcome {
    for round in ["a", "b", "c"] {
        let key = case.key(round);
        case.create(&key, b"0", LONG).await?;
        at_once(17, |number| {
            let (case, key) = (case.clone(), key.clone());
            async move {
                if number == 8 {
                    case.store.delete(&key).await?;
                    return Ok(());
                }
                update(&case, &key, |_| vec![number]).await.map(drop)
            }
        })
        .await?;
        case.absent(&key, "no record after a delete among replaces").await?;
    }
    Ok(())
}

/// Changes a record by compare-and-swap; does nothing if it has ended.
async fn update<S: Store + Clone>(
    case: &Case<S>,
    key: &RecordKey,
    change: impl Fn(&[u8]) -> Vec<u8>,
) -> Outcome {
    let Some(mut current) = case.load(key).await? else { return Ok(()) };
    for _ in 0..PATIENCE {
        let payload = change(&current.payload);
        match case.store.replace(key, &current, &payload, LONG).await? {
            Replaced::Conflict(other) => current = other,
            Replaced::Gone | Replaced::Replaced(_) => return Ok(()),
        }
    }
    Err(Failure::new("one of some replaces to win", &"conflicts only"))
}

fn number(payload: &[u8]) -> u32 {
    std::str::from_utf8(payload).ok().and_then(|text| text.parse().ok()).unwrap_or(0)
}

/// Runs some tasks at the same time and returns what they return.
pub(super) async fn at_once<T, F>(tasks: u8, task: impl Fn(u8) -> F) -> Outcome<Vec<T>>
where
    T: Send + 'static,
    F: Future<Output = Outcome<T>> + Send + 'static,
{
    let mut set: JoinSet<_> = (0..tasks).map(task).collect();
    let mut answers = Vec::new();
    while let Some(answer) = set.join_next().await {
        answers.push(joined(answer)?);
    }
    Ok(answers)
}

/// Turns a panic into a failure.
pub(super) fn joined<T>(answer: Result<Outcome<T>, JoinError>) -> Outcome<T> {
    answer.unwrap_or_else(|_| Err(Failure::new("an answer", &"a panic")))
}
