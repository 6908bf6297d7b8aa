//! Ending a session from outside, also beside a request that moves its record.

use std::{sync::Arc, time::Duration};

use hipflask_core::{
    engine::EngineError,
    interface::CookieSessions,
    signing::KeyRing,
    store::{Answer, Deleted, Question, Record, RecordKey, Renewal, StoreError},
    stored::{IdStorage, SessionId, Settings, StoredSessions},
    value::{Dict, Value},
    visit::{Machine, Revoking, Sessions, Step},
};

use crate::{
    driver::{drive, lost, question, unreachable},
    explorer::memory::Memory,
};

fn id() -> SessionId {
    SessionId::from_entropy(&[255; 32])
}

fn rules(id_storage: IdStorage) -> Arc<StoredSessions> {
    Arc::new(StoredSessions::new(Settings { id_storage, ..Settings::default() }))
}

fn revoke(id_storage: IdStorage) -> Revoking {
    Sessions::Stored(rules(id_storage)).revoke(&id()).unwrap()
}

fn deleted(deleted: Deleted) -> Result<Answer, StoreError> {
    Ok(Answer::Deleted(deleted))
}

/// The keys that are ended, one after the other.
fn keys(mut revoking: Revoking) -> Vec<RecordKey> {
    let mut keys = Vec::new();
    drive(&mut revoking, |question| {
        let Question::Delete { key } = question else { panic!("{question:?}") };
        keys.push(key.clone());
        deleted(Deleted::Gone)
    })
    .unwrap();
    assert!(!revoking.was_there());
    keys
}

#[test]
fn record_is_ended_wherever_it_may_lie() {
    for id_storage in [IdStorage::Plain, IdStorage::Hashed] {
        assert_eq!(keys(revoke(id_storage)), [rules(id_storage).key_of(&id())]);
    }
    let both = rules(IdStorage::HashedFromPlain);
    let plain_first = [both.earlier_key_of(&id()).unwrap(), both.key_of(&id())];
    assert_eq!(keys(revoke(IdStorage::HashedFromPlain)), plain_first);
    assert!(Sessions::from(CookieSessions::new(&KeyRing::new("k"))).revoke(&id()).is_none());
}

#[test]
fn session_is_over_whenever_its_record_moves() {
    let rules = rules(IdStorage::HashedFromPlain);
    let (plain, hashed) = (rules.earlier_key_of(&id()).unwrap(), rules.key_of(&id()));
    // Before the first question, between the two, after the second.
    for at in 0..3 {
        let mut memory = Memory::default();
        memory.put(&plain, &Dict::from_iter([("a".into(), Value::from(1))]));
        let payload = memory.payloads().next().unwrap().1.to_vec();
        let current = Record::new(payload.clone());
        let mut revoking = revoke(IdStorage::HashedFromPlain);
        for turn in 0..3 {
            if turn == at {
                let ttl = Duration::from_secs(60);
                memory.answer(Question::Renew(Renewal {
                    old: &plain,
                    current: &current,
                    new: &hashed,
                    payload: &payload,
                    ttl,
                    retired: b"\xc0",
                    retired_ttl: ttl,
                }));
            }
            if turn < 2 {
                let answer = memory.answer(question(&revoking)).0;
                revoking.answer(Ok(answer)).unwrap();
            }
        }
        assert!(matches!(revoking.step(), Step::Done) && revoking.was_there());
        assert_eq!(memory.payloads().count(), 0, "it lives on after a move at {at}");
    }
}

#[test]
fn end_whose_answer_was_lost_is_asked_again() {
    let run = |answers: Vec<Result<Answer, StoreError>>| -> Result<bool, EngineError> {
        let mut revoking = revoke(IdStorage::Plain);
        let mut answers = answers.into_iter();
        let result = drive(&mut revoking, |_| answers.next().expect("an answer"));
        assert!(answers.next().is_none(), "there are answers left");
        result.map(|()| revoking.was_there())
    };
    assert!(run(vec![deleted(Deleted::Deleted)]).unwrap());
    // It may be this end that has ended it.
    assert!(run(vec![lost(), lost(), deleted(Deleted::Gone)]).unwrap());
    assert!(!run(vec![unreachable(), deleted(Deleted::Gone)]).unwrap());
    for answers in [vec![lost(), lost(), lost()], vec![Err(StoreError::Deadline)]] {
        let error = run(answers).unwrap_err();
        assert!(matches!(error, EngineError::Store(_)), "{error}");
    }
}
