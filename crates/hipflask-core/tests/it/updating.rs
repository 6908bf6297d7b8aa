//! Updating one key of a stored session while its request goes on.

use std::{sync::Arc, time::Duration};

use hipflask_core::{
    UnixTime,
    engine::{EngineError, Outcome},
    interface::CookieSessions,
    record::{self, Format},
    session::Session,
    signing::KeyRing,
    store::{Answer, Question, Record, Renewal, Replaced, Revision, StoreError},
    stored::{IdStorage, SessionId, Settings, StoredSessions},
    value::{Dict, Value},
    visit::{Machine, Sessions, Step, Updating, Visit},
};

use crate::{
    driver::{drive, lost, question, unreachable},
    explorer::memory::Memory,
};

const NOW: UnixTime = UnixTime::from_secs(1_763_692_800);

type Heard = Result<Answer, StoreError>;

fn dict(items: &[(&str, i32)]) -> Dict {
    items.iter().map(|(key, value)| ((*key).into(), Value::from(*value))).collect()
}

fn encode(content: &Dict) -> Vec<u8> {
    record::encode(content, Format::MsgPack).unwrap()
}

fn there(items: &[(&str, i32)]) -> Heard {
    conflict(&encode(&dict(items)))
}

fn conflict(payload: &[u8]) -> Heard {
    Ok(Answer::Replaced(Replaced::Conflict(Record::new(payload))))
}

fn written() -> Heard {
    Ok(Answer::Replaced(Replaced::Replaced(Revision::default())))
}

fn gone() -> Heard {
    Ok(Answer::Replaced(Replaced::Gone))
}

/// A request that has opened a session in which `n` is 1.
struct Request {
    rules: Arc<StoredSessions>,
    memory: Memory,
    id: SessionId,
    session: Session,
    visit: Visit,
}

impl Request {
    fn open(id_storage: IdStorage) -> Self {
        Self::with_content(id_storage, &dict(&[("n", 1)]))
    }

    fn with_content(id_storage: IdStorage, content: &Dict) -> Self {
        let rules = Arc::new(StoredSessions::new(Settings { id_storage, ..Settings::default() }));
        let sessions = Sessions::Stored(Arc::clone(&rules));
        let id = SessionId::from_entropy(&[255; 32]);
        let key = rules.earlier_key_of(&id).unwrap_or_else(|| rules.key_of(&id));
        let mut memory = Memory::default();
        memory.put(&key, content);
        let mut opening = sessions.open(Some(id.as_str().as_bytes()), NOW);
        drive(&mut opening, |question| Ok(memory.answer(question).0)).unwrap();
        let (session, visit) = opening.finish().into_parts();
        Self { rules, memory, id, session, visit }
    }

    fn update(&self) -> Option<Updating> {
        let seen = self.session.value("n");
        self.visit.update(self.session.fate(), "n", seen.as_ref(), NOW)
    }

    /// Counts up with these answers, all of which must be asked for.
    fn count_up(&mut self, answers: Vec<Heard>) -> Result<(), EngineError> {
        let mut updating = self.update().expect("others have the session, too");
        let mut answers = answers.into_iter();
        let result = count_up(&mut updating, |_| answers.next().expect("an answer"));
        assert!(answers.next().is_none(), "there are answers left");
        updating.finish(&mut self.session, &mut self.visit);
        result
    }

    fn n(&self) -> Option<i64> {
        self.session.get("n").unwrap()
    }
}

fn count_up(
    updating: &mut Updating,
    mut ask: impl FnMut(Question<'_>) -> Heard,
) -> Result<(), EngineError> {
    while let Some(current) = updating.current() {
        let n = current.and_then(Value::as_i64).unwrap_or(0);
        updating.apply(Value::from(n + 1))?;
        drive(updating, &mut ask)?;
    }
    Ok(())
}

#[test]
fn update_is_made_of_what_others_have_written() {
    let mut request = Request::open(IdStorage::Plain);
    request.session.insert("mine", 1).unwrap();
    request.count_up(vec![there(&[("n", 5), ("theirs", 1)]), written()]).unwrap();
    assert_eq!(request.session.to_dict(), dict(&[("n", 6), ("theirs", 1), ("mine", 1)]));
    assert_eq!(request.visit.content(), Some(&dict(&[("n", 6), ("theirs", 1)])));
    // The end of the request adds only what is not there yet.
    let closing = request.visit.close(&request.session, &[], NOW).unwrap();
    let Question::Replace { current, payload, .. } = question(&closing) else {
        panic!("{:?}", closing.step())
    };
    assert_eq!(current.payload, encode(&dict(&[("n", 6), ("theirs", 1)])));
    assert_eq!(payload, encode(&dict(&[("n", 6), ("theirs", 1), ("mine", 1)])));
}

#[test]
fn what_was_appended_stays_appended_although_others_have_taken_what_was_there() {
    let list = |n: i32, items: &[&str]| {
        let items: Vec<_> = items.iter().map(|item| Value::from(*item)).collect();
        Dict::from_iter([("n".into(), Value::from(n)), ("list".into(), Value::List(items))])
    };
    let mut request = Request::with_content(IdStorage::Plain, &list(1, &["first"]));
    request.session.push("list", "mine").unwrap();
    request.count_up(vec![there(&[("n", 5)]), written()]).unwrap();
    let closing = request.visit.close(&request.session, &[], NOW);
    let mut closing = closing.unwrap();
    closing.answer(conflict(&encode(&list(6, &["theirs"])))).unwrap();
    closing.waited();
    let Question::Replace { payload, .. } = question(&closing) else {
        panic!("{:?}", closing.step())
    };
    assert_eq!(payload, encode(&list(6, &["theirs", "mine"])));
}

/// Removes the key with these answers, and returns what was taken.
fn take(request: &mut Request, answers: Vec<Heard>) -> Result<Option<i64>, EngineError> {
    let mut updating = request.update().expect("others have the session, too");
    let mut answers = answers.into_iter();
    let mut taken = None;
    let result = loop {
        let Some(Some(current)) = updating.current() else { break Ok(taken) };
        let seen = current.as_i64();
        let removed = updating.remove();
        let driven = removed.and_then(|()| drive(&mut updating, |_| answers.next().unwrap()));
        if let Err(error) = driven {
            break Err(error);
        }
        taken = seen.filter(|_| updating.current().is_none());
    };
    assert!(answers.next().is_none(), "there are answers left");
    updating.finish(&mut request.session, &mut request.visit);
    result
}

#[test]
fn one_request_takes_a_value_and_the_others_see_it_gone() {
    let mut request = Request::open(IdStorage::Plain);
    request.session.insert("mine", 1).unwrap();
    assert_eq!(take(&mut request, vec![written()]).unwrap(), Some(1));
    assert_eq!((request.n(), request.session.is_modified()), (None, true));
    assert_eq!(request.visit.content(), Some(&Dict::new()));
    assert_eq!(take(&mut request, vec![]).unwrap(), None, "once is all");

    let mut late = Request::open(IdStorage::Plain);
    assert_eq!(take(&mut late, vec![there(&[("theirs", 1)])]).unwrap(), None);
    assert_eq!(late.session.to_dict(), dict(&[("theirs", 1)]));

    let mut doubtful = Request::open(IdStorage::Plain);
    let error = take(&mut doubtful, vec![lost(), there(&[])]).unwrap_err();
    assert!(matches!(error, EngineError::InDoubt(_)), "it may have been this request: {error}");
}

#[test]
fn update_makes_way_after_every_other_conflict() {
    let mut updating = Request::open(IdStorage::Plain).update().unwrap();
    let waits = [2, 3].map(|n| {
        updating.apply(Value::from(0)).unwrap();
        updating.answer(there(&[("n", n)])).unwrap();
        let waits =
            matches!(updating.step(), Step::Wait(time) if time <= Duration::from_millis(16));
        updating.waited();
        assert_eq!(updating.current(), Some(Some(&Value::from(n))));
        waits
    });
    assert_eq!((waits, updating.attempts()), ([true, false], 2));
}

#[test]
fn update_follows_a_record_that_has_moved() {
    let mut request = Request::open(IdStorage::HashedFromPlain);
    let (plain, hashed) =
        (request.rules.earlier_key_of(&request.id).unwrap(), request.rules.key_of(&request.id));
    let held = request.visit.held().unwrap().snapshot();
    assert_eq!(held.key(), &plain);
    let ttl = Duration::from_secs(60);
    let renewal = Renewal {
        old: &plain,
        current: held.record(),
        new: &hashed,
        payload: &encode(&dict(&[("n", 7)])),
        ttl,
        retired: b"\xc0",
        retired_ttl: ttl,
    };
    assert!(request.memory.answer(Question::Renew(renewal)).1);
    let mut updating = request.update().unwrap();
    count_up(&mut updating, |question| Ok(request.memory.answer(question).0)).unwrap();
    updating.finish(&mut request.session, &mut request.visit);
    assert_eq!(request.n(), Some(8));
    assert_eq!(request.visit.held().unwrap().snapshot().key(), &hashed);
    let contents: Vec<_> = request.memory.contents().cloned().collect();
    assert_eq!(contents, [dict(&[("n", 8)])]);
}

#[test]
fn update_of_what_has_ended_or_was_renewed_is_refused() {
    let check = |id_storage, answers, n| {
        let mut request = Request::open(id_storage);
        let error = request.count_up(answers).unwrap_err();
        assert!(matches!(error, EngineError::Gone) && error.is_conflict(), "{error}");
        assert_eq!(request.n(), Some(n), "the session is as it was last seen");
    };
    let retired = || conflict(b"\xc0");
    check(IdStorage::Plain, vec![gone()], 1);
    check(IdStorage::Plain, vec![retired()], 1);
    check(IdStorage::Plain, vec![conflict(b"\xc1")], 1);
    check(IdStorage::Plain, vec![there(&[("n", 2)]), gone()], 2);
    for there in [None, Some(Record::new(*b"\xc0"))] {
        check(IdStorage::HashedFromPlain, vec![retired(), Ok(Answer::Loaded(there))], 1);
    }
}

#[test]
fn update_whose_answer_was_lost_goes_on_only_where_it_was_not_done() {
    let run = |answers| {
        let mut request = Request::open(IdStorage::Plain);
        let result = request.count_up(answers);
        (result, request.n())
    };
    for (answers, n) in [
        (vec![lost(), written()], 2),
        (vec![lost(), lost(), written()], 2),
        // Only the revision of what was read is another.
        (vec![lost(), there(&[("n", 1)]), written()], 2),
        // It was not done, as it was not even asked for.
        (vec![unreachable(), there(&[("n", 2)]), written()], 3),
    ] {
        let (result, actual) = run(answers);
        result.unwrap();
        assert_eq!(actual, Some(n));
    }
    // Even what it would have written may be another's, who has counted up, too.
    for items in [&[("n", 2)][..], &[("n", 2), ("theirs", 1)], &[("n", 9)]] {
        let (result, n) = run(vec![lost(), there(items)]);
        let error = result.unwrap_err();
        assert!(matches!(error, EngineError::InDoubt(_)), "{error}");
        assert_eq!(n, Some(1));
    }
    for answers in [vec![lost(), lost(), lost()], vec![Err(StoreError::Deadline)]] {
        let error = run(answers).0.unwrap_err();
        assert!(matches!(error, EngineError::Store(_)), "{error}");
    }
}

#[test]
fn update_gives_up_after_so_many_conflicts() {
    let mut updating = Request::open(IdStorage::Plain).update().unwrap();
    let mut n = 1;
    let error = count_up(&mut updating, |_| {
        n += 1;
        there(&[("n", n)])
    });
    assert!(matches!(error, Err(EngineError::Contended)), "{error:?}");
    assert!(n < 300, "{n}");
}

#[test]
fn ended_session_takes_no_part_in_an_update_under_way() {
    let mut request = Request::open(IdStorage::Plain);
    let mut updating = request.update().unwrap();
    count_up(&mut updating, |question| Ok(request.memory.answer(question).0)).unwrap();
    request.session.destroy().unwrap();
    request.session.insert("mine", 1).unwrap();
    updating.finish(&mut request.session, &mut request.visit);
    assert_eq!(request.n(), None);
    assert_eq!(request.visit.content(), Some(&dict(&[("n", 2)])));
    let closing = request.visit.close(&request.session, &[7; 32], NOW);
    let mut closing = closing.unwrap();
    drive(&mut closing, |question| Ok(request.memory.answer(question).0)).unwrap();
    assert_eq!(closing.outcome(), Some(Outcome::Saved));
    let contents: Vec<_> = request.memory.contents().collect();
    assert!(matches!(contents[..], [new] if new.contains("mine") && !new.contains("n")));
}

#[test]
fn nobody_else_can_change_what_a_request_has_alone() {
    let mut request = Request::open(IdStorage::Plain);
    request.session.insert("n", 5).unwrap();
    assert!(request.update().is_none(), "the store does not have what is seen");
    let mut request = Request::open(IdStorage::Plain);
    request.session.destroy().unwrap();
    assert!(request.update().is_none(), "it has ended");
    let cookies = Sessions::from(CookieSessions::new(&KeyRing::new("k")));
    for sessions in [StoredSessions::new(Settings::default()).into(), cookies] {
        let (session, visit) = sessions.open(None, NOW).finish().into_parts();
        assert!(visit.update(session.fate(), "n", None, NOW).is_none(), "it is new");
    }
}
