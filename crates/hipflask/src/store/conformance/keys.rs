//! Rules of keys: each is itself, and no other one.

use super::{
    case::{Case, LONG, Outcome},
    ensure,
};
use crate::store::{RecordKey, Store};

/// The longest key that a store has to take.
const LONGEST: usize = 250;

pub(super) async fn keys_are_exact<S: Store + Clone>(case: Case<S>) -> Outcome {
    let names = ["Ab", "AB", "ab", "Ab:", "A", "Ab0", "A_", "A%", "?b", "A*", "[A]b", "A\\b"];
    case.create(&case.key("Ab"), b"Ab", LONG).await?;
    for other in names.into_iter().skip(1) {
        case.absent(&case.key(other), "another key to be another record").await?;
    }
    for other in names.into_iter().skip(1) {
        case.create(&case.key(other), other.as_bytes(), LONG).await?;
    }
    for name in names {
        case.holds(&case.key(name), name.as_bytes(), "each key to have its own record").await?;
    }
    Ok(())
}

pub(super) async fn keys_are_any_printable_ascii<S: Store + Clone>(case: Case<S>) -> Outcome {
    let printable: String = ('!'..='~').collect();
    let longest = |end: char| {
        let start = case.prefix("");
        RecordKey::new(format!("{start:x<0$}{end}", LONGEST - 1))
    };
    let keys = [case.key(&printable), case.key("../../a"), longest('a'), longest('b')];
    for (key, payload) in keys.iter().zip(["printable", "path", "longest", "other"]) {
        let current = case.create(key, payload.as_bytes(), LONG).await?;
        case.replace(key, &current, payload.to_uppercase().as_bytes(), LONG).await?;
    }
    for (key, payload) in keys.iter().zip(["PRINTABLE", "PATH", "LONGEST", "OTHER"]) {
        case.holds(key, payload.as_bytes(), "each key to have its own record").await?;
        case.touch(key, LONG).await?;
    }
    Ok(())
}

pub(super) async fn many_records_are_kept_apart<S: Store + Clone>(case: Case<S>) -> Outcome {
    let tasks: Vec<_> = (0..100)
        .map(|number: usize| {
            let case = case.clone();
            tokio::spawn(async move {
                let key = case.key(&number.to_string());
                let payload = number.to_string();
                let current = case.create(&key, payload.as_bytes(), LONG).await?;
                case.replace(&key, &current, format!("{payload}!").as_bytes(), LONG).await
            })
        })
        .collect();
    for task in tasks {
        super::races::joined(task.await)?;
    }
    for number in 0..100 {
        let found = case.load(&case.key(&number.to_string())).await?;
        let payload = format!("{number}!");
        let holds = found.as_ref().is_some_and(|record| record.payload == payload.as_bytes());
        ensure(holds, "each of many keys to have its own record", &found)?;
    }
    Ok(())
}
