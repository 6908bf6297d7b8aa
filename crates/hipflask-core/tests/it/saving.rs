//! The save loop, answer by answer.

mod losses;

use std::time::Duration;

use hipflask_core::{
    engine::{AFTERLIFE, ConflictPolicy, EngineError, Outcome, Saving, Snapshot, Wish},
    record::{self, Coding, Format},
    serializer::Limits,
    store::{Answer, Created, Deleted, Question, Record, RecordKey, Replaced, Revision},
    value::{Dict, Value},
};

const TTL: Duration = Duration::from_secs(3600);

fn dict(items: &[(&str, i32)]) -> Dict {
    items.iter().map(|(key, value)| ((*key).into(), Value::from(*value))).collect()
}

fn encode(content: &Dict) -> Vec<u8> {
    record::encode(content, Format::MsgPack).unwrap()
}

fn snapshot(content: &Dict) -> Snapshot {
    let record = Record::new(encode(content));
    let read = Snapshot::read(key("old"), record, &coding());
    read.unwrap().unwrap()
}

fn coding() -> Coding {
    Coding::new(Format::MsgPack, Limits::default())
}

fn key(name: &str) -> RecordKey {
    RecordKey::new(name)
}

fn wish(content: Option<Dict>) -> Wish {
    Wish {
        content,
        grown: Vec::new(),
        key: key("old"),
        moved: None,
        ttl: TTL,
        coding: coding(),
        policy: ConflictPolicy::LastWriter,
        renews_at_once: true,
    }
}

fn saving(base: &Dict, wish: Wish) -> Saving {
    Saving::new(Some(snapshot(base)), wish).unwrap()
}

fn conflict(payload: impl Into<Vec<u8>>) -> Answer {
    Answer::Replaced(Replaced::Conflict(Record::new(payload)))
}

fn replaced() -> Answer {
    Answer::Replaced(Replaced::Replaced(Revision::default()))
}

#[track_caller]
fn check(saving: &mut Saving, answers: Vec<Answer>, outcome: Outcome) {
    for answer in answers {
        assert_eq!(saving.outcome(), None, "there are answers left");
        saving.answer(Ok(answer)).unwrap();
    }
    assert!(saving.question().is_none(), "not done: {:?}", saving.question());
    assert_eq!(saving.outcome(), Some(outcome));
}

#[track_caller]
fn check_written(saving: &Saving, content: &Dict, ttl: Duration) {
    let (Some(Question::Replace { payload, ttl: actual, .. })
    | Some(Question::Create { payload, ttl: actual, .. })) = saving.question()
    else {
        panic!("nothing is written: {:?}", saving.question())
    };
    let decoded = record::decode(payload, Format::MsgPack, Limits::default()).unwrap();
    assert_eq!(decoded.content.as_ref(), Some(content));
    assert_eq!(actual, ttl);
}

#[test]
fn saving_ends_at_once_where_there_is_nothing_to_write() {
    let base = dict(&[("a", 1)]);
    check(&mut saving(&base, wish(Some(base.clone()))), vec![], Outcome::Unchanged);
    let blank = dict(&[("_permanent", 1)]);
    let mut new = Saving::new(None, wish(Some(blank))).unwrap();
    check(&mut new, vec![], Outcome::Unchanged);
    check(&mut Saving::new(None, wish(None)).unwrap(), vec![], Outcome::Ended);
    // A tuple is the list that the store has.
    let items = vec![Value::from(1)];
    let [list, tuple] = [Value::List(items.clone()), Value::Tuple(items)]
        .map(|items| Dict::from_iter([("l".into(), items)]));
    check(&mut saving(&list, wish(Some(tuple))), vec![], Outcome::Unchanged);
}

#[test]
fn saving_writes_what_changed() {
    let (base, now) = (dict(&[("a", 1)]), dict(&[("a", 2)]));
    let mut changed = saving(&base, wish(Some(now.clone())));
    check_written(&changed, &now, TTL);
    check(&mut changed, vec![replaced()], Outcome::Saved);
    let mut new = Saving::new(None, wish(Some(now.clone()))).unwrap();
    check_written(&new, &now, TTL);
    let created = Answer::Created(Created::Created(Revision::default()));
    check(&mut new, vec![created], Outcome::Saved);
    let mut gone = saving(&base, wish(Some(now)));
    check(&mut gone, vec![Answer::Replaced(Replaced::Gone)], Outcome::Gone);
}

#[test]
fn saving_merges_what_another_request_has_written() {
    let base = dict(&[("a", 1)]);
    let mut merging = saving(&base, wish(Some(dict(&[("a", 1), ("mine", 1)]))));
    merging.answer(Ok(conflict(encode(&dict(&[("a", 1), ("theirs", 1)]))))).unwrap();
    check_written(&merging, &dict(&[("a", 1), ("theirs", 1), ("mine", 1)]), TTL);
    // What was merged once is not taken for a change of one's own the next time.
    merging.answer(Ok(conflict(encode(&dict(&[("a", 1)]))))).unwrap();
    check_written(&merging, &dict(&[("a", 1), ("mine", 1)]), TTL);
    assert_eq!(merging.attempts(), 2);
    // Somebody else has written the same.
    let same = conflict(encode(&dict(&[("a", 1), ("mine", 1)])));
    check(&mut merging, vec![same], Outcome::Saved);
}

#[test]
fn saving_compares_what_a_store_gives_back() {
    let tuple = |n: i32| {
        let tuple = Value::Tuple(vec![Value::Tuple(vec![Value::from(n)])]);
        Dict::from_iter([("pair".into(), tuple)])
    };
    let mut same =
        saving(&dict(&[("a", 1)]), Wish { policy: ConflictPolicy::Error, ..wish(Some(tuple(1))) });
    check(&mut same, vec![conflict(encode(&tuple(1)))], Outcome::Saved);
    let mut other =
        saving(&dict(&[]), Wish { policy: ConflictPolicy::Error, ..wish(Some(dict(&[("a", 1)]))) });
    let error = other.answer(Ok(conflict(encode(&dict(&[("a", 2)]))))).unwrap_err();
    assert!(matches!(error, EngineError::Conflict(conflict) if conflict.key() == "a"));
}

#[test]
fn emptied_session_stays_blank_for_a_while() {
    let base = dict(&[("a", 1)]);
    let mut emptied = saving(&base, wish(Some(Dict::new())));
    check_written(&emptied, &Dict::new(), AFTERLIFE);
    check(&mut emptied, vec![replaced()], Outcome::Emptied);
    // Two requests remove the last key.
    let mut second = saving(&base, wish(Some(Dict::new())));
    check(&mut second, vec![conflict(encode(&Dict::new()))], Outcome::Emptied);
    // Another request adds to what was emptied; what was removed stays so.
    let mut adding = saving(&base, wish(Some(dict(&[("a", 1), ("b", 1)]))));
    adding.answer(Ok(conflict(encode(&Dict::new())))).unwrap();
    check_written(&adding, &dict(&[("b", 1)]), TTL);
    check(&mut adding, vec![replaced()], Outcome::Saved);
    // A life that is shorter is not made longer.
    let ttl = Duration::from_secs(2);
    let short = saving(&base, Wish { ttl, ..wish(Some(Dict::new())) });
    check_written(&short, &Dict::new(), ttl);
}

#[test]
fn retired_and_unreadable_records_are_told_apart() {
    let base = dict(&[("a", 1)]);
    for retired in [&b"\xc0"[..], b"null", b"\x80\x05N."] {
        let mut late = saving(&base, wish(Some(dict(&[("b", 1)]))));
        check(&mut late, vec![conflict(retired)], Outcome::RenewedElsewhere);
    }
    let mut mending = saving(&base, wish(Some(dict(&[("b", 1)]))));
    mending.answer(Ok(conflict(*b"\xc1 no record"))).unwrap();
    check_written(&mending, &dict(&[("b", 1)]), TTL);
    check(&mut mending, vec![replaced()], Outcome::Saved);
}

#[test]
fn ending_deletes_at_once_unless_the_record_may_have_moved() {
    let base = dict(&[("a", 1)]);
    for deleted in [Deleted::Deleted, Deleted::Gone] {
        let mut ending = saving(&base, wish(None));
        assert!(
            matches!(ending.question(), Some(Question::Delete { key }) if key.as_str() == "old")
        );
        check(&mut ending, vec![Answer::Deleted(deleted)], Outcome::Ended);
    }
    let moved = || saving(&base, Wish { moved: Some(key("hashed")), ..wish(None) });
    let mut ending = moved();
    assert!(matches!(
        ending.question(),
        Some(Question::Replace { payload: b"\xc0", ttl: AFTERLIFE, .. })
    ));
    // Whatever another request has written ends with it, readable or not.
    ending.answer(Ok(conflict(encode(&dict(&[("b", 1)]))))).unwrap();
    ending.answer(Ok(conflict(*b"\xc1"))).unwrap();
    ending.answer(Ok(replaced())).unwrap();
    assert!(matches!(ending.question(), Some(Question::Delete { .. })));
    check(&mut ending, vec![Answer::Deleted(Deleted::Deleted)], Outcome::Ended);
    check(&mut moved(), vec![Answer::Replaced(Replaced::Gone)], Outcome::Ended);
}

#[test]
fn renewal_moves_the_merged_content() {
    let base = dict(&[("a", 1)]);
    let mut renewing = saving(&base, Wish { key: key("new"), ..wish(Some(base.clone())) });
    let theirs = dict(&[("a", 1), ("b", 1)]);
    renewing.answer(Ok(conflict(encode(&theirs)))).unwrap();
    let Some(Question::Renew(renewal)) = renewing.question() else {
        panic!("{:?}", renewing.question())
    };
    assert_eq!((renewal.old, renewal.new), (&key("old"), &key("new")));
    assert_eq!(renewal.current.payload, encode(&theirs));
    assert_eq!(renewal.payload, encode(&theirs));
    assert_eq!((renewal.ttl, renewal.retired_ttl), (TTL, AFTERLIFE));
    assert!(Record::new(renewal.retired).is_retired());
    check(&mut renewing, vec![replaced()], Outcome::Saved);
}

#[test]
fn saving_follows_a_record_that_was_moved() {
    let base = dict(&[("a", 1)]);
    let moved = || Wish { key: key("hashed"), moved: Some(key("hashed")), ..wish(None) };
    let theirs = Record::new(encode(&dict(&[("a", 1), ("theirs", 1)])));
    let mine = Wish { content: Some(dict(&[("a", 1), ("mine", 1)])), ..moved() };
    let mut late = saving(&base, mine.clone());
    late.answer(Ok(conflict(*b"\xc0"))).unwrap();
    assert!(
        matches!(late.question(), Some(Question::Load { key, touch: None }) if key.as_str() == "hashed")
    );
    late.answer(Ok(Answer::Loaded(Some(theirs.clone())))).unwrap();
    check_written(&late, &dict(&[("a", 1), ("theirs", 1), ("mine", 1)]), TTL);
    check(&mut late, vec![replaced()], Outcome::Saved);
    // There it was renewed, or it never was there.
    for found in [None, Some(Record::new(*b"\xc0"))] {
        let mut renewed = saving(&base, mine.clone());
        let answers = vec![conflict(*b"\xc0"), Answer::Loaded(found)];
        check(&mut renewed, answers, Outcome::RenewedElsewhere);
    }
    let mut log_out = saving(&base, moved());
    let answers = vec![conflict(*b"\xc0"), Answer::Loaded(Some(theirs)), replaced()];
    for answer in answers {
        log_out.answer(Ok(answer)).unwrap();
    }
    assert!(
        matches!(log_out.question(), Some(Question::Delete { key }) if key.as_str() == "hashed")
    );
}

#[test]
fn saving_gives_up_after_so_many_conflicts() {
    let base = dict(&[("n", 0)]);
    let mut busy = saving(&base, wish(Some(dict(&[("n", 0), ("mine", 1)]))));
    let theirs = |n: i32| conflict(encode(&dict(&[("n", n)])));
    let given_up = (1..1000).find_map(|n| busy.answer(Ok(theirs(n))).err());
    assert!(matches!(given_up, Some(EngineError::Contended)), "{given_up:?}");
    assert!(busy.attempts() < 300);
    // A log-out does not give up.
    let mut log_out = saving(&base, Wish { moved: Some(key("hashed")), ..wish(None) });
    let ends = (1..1000).any(|n| {
        log_out.answer(Ok(theirs(n))).unwrap();
        matches!(log_out.question(), Some(Question::Delete { .. }))
    });
    assert!(ends);
}

#[test]
fn saving_refuses_an_id_that_is_taken_and_what_cannot_be_written() {
    let mut new = Saving::new(None, wish(Some(dict(&[("a", 1)])))).unwrap();
    let error = new.answer(Ok(Answer::Created(Created::Exists))).unwrap_err();
    assert!(matches!(error, EngineError::IdTaken), "{error}");
    let deep = (0..5000).fold(Value::Null, |inner, _| Value::List(vec![inner]));
    let deep = Dict::from_iter([("deep".into(), deep)]);
    let error = Saving::new(None, wish(Some(deep))).unwrap_err();
    assert!(matches!(error, EngineError::Encode(_)), "{error}");
}
