//! Opening a stored session: what is asked again or elsewhere, and what a request gets in the end.

use std::time::Duration;

use hipflask_core::{
    UnixTime,
    engine::{EngineError, Outcome},
    interface::{CookieSessions, SaveAction},
    reason::Reason,
    record::{self, Format},
    session::{ReadOnly, Session},
    signing::KeyRing,
    store::{Answer, Question, Record, StoreError},
    stored::{IdStorage, OnOutage, Settings, StoredSessions},
    value::{Dict, Value},
    visit::{Machine, Opened, Sessions, Step, Visit},
};

use crate::{
    driver::{drive, lost, unreachable},
    explorer::memory::Memory,
};

const NOW: UnixTime = UnixTime::from_secs(1_763_692_800);
const ID: [u8; 43] = [b'S'; 43];
/// Flask wrote this.
const COOKIE: &[u8] = b"eyJhIjoxfQ.aR_RAA.VYsLQ_U2fgKvqx9fBqYtUdliftw";

type Heard = Result<Answer, StoreError>;

fn stored(rules: StoredSessions) -> Sessions {
    rules.into()
}

fn nothing() -> Heard {
    Ok(Answer::Loaded(None))
}

fn found(payload: &[u8]) -> Heard {
    Ok(Answer::Loaded(Some(Record::new(payload))))
}

fn live() -> Heard {
    let content = Dict::from_iter([("a".into(), Value::from(1))]);
    found(&record::encode(&content, Format::MsgPack).unwrap())
}

/// Opens the session of the id with these answers, and returns where it was looked for, too.
fn open(settings: Settings, answers: Vec<Heard>) -> (Result<Opened, EngineError>, String) {
    let mut opening = stored(StoredSessions::new(settings)).open(Some(&ID), NOW);
    let mut answers = answers.into_iter();
    let mut looks = Vec::new();
    let result = drive(&mut opening, |question| {
        let Question::Load { key, touch: Some(_) } = question else { panic!("{question:?}") };
        looks.push(if key.as_str().contains("sha256") { "hashed" } else { "plain" });
        answers.next().expect("an answer")
    });
    assert!(answers.next().is_none(), "there are answers left");
    (result.map(|()| opening.finish()), looks.join(" "))
}

#[test]
fn load_is_repeated_at_most_twice() {
    for answers in [vec![lost(), lost(), live()], vec![unreachable(), live()]] {
        let (session, visit) = open(Settings::default(), answers).0.unwrap().into_parts();
        assert_eq!(visit.reason(), Reason::Found);
        assert_eq!(session.value("a"), Some(Value::from(1)));
    }
    let refused = || Err(StoreError::refused("no such table"));
    for answers in [vec![lost(), lost(), lost()], vec![Err(StoreError::Deadline)], vec![refused()]]
    {
        let error = open(Settings::default(), answers).0.unwrap_err();
        assert!(matches!(error, EngineError::Store(_)), "{error}");
    }
}

#[test]
fn outage_gives_an_empty_session_that_cannot_be_changed_where_it_may() {
    let settings = Settings { on_outage: OnOutage::Anonymous, ..Settings::default() };
    for answers in [vec![lost(), unreachable(), lost()], vec![Err(StoreError::Deadline)]] {
        let opened = open(settings.clone(), answers).0.unwrap();
        let failure = opened.visit().failure().expect("why").to_string();
        assert!(failure.starts_with("the session store"), "{failure}");
        check_unavailable(opened);
    }
    // Who does not wait for the end gets the same.
    let opened = stored(StoredSessions::new(settings)).open(Some(&ID), NOW).finish();
    assert!(opened.visit().failure().is_none());
    check_unavailable(opened);
}

#[track_caller]
fn check_unavailable(opened: Opened) {
    let (mut session, visit) = opened.into_parts();
    assert_eq!(visit.reason(), Reason::StoreUnavailable);
    assert_eq!(session.read_only(), Some(ReadOnly::StoreUnavailable));
    assert!(session.is_blank() && session.insert("a", 1).is_err());
    // The cookie stays, for when the store is back.
    let closing = visit.close(&session, &[], NOW).unwrap();
    assert!(matches!(closing.step(), Step::Done));
    assert_eq!(closing.finish().unwrap().action, SaveAction::Keep);
}

#[test]
fn record_that_moves_between_two_looks_is_found() {
    let settings = Settings { id_storage: IdStorage::HashedFromPlain, ..Settings::default() };
    let retired = || found(b"\xc0");
    let check = |answers, looks: &str, reason| {
        let (opened, actual) = open(settings.clone(), answers);
        assert_eq!((actual.as_str(), opened.unwrap().visit().reason()), (looks, reason));
    };
    check(vec![live()], "hashed", Reason::Found);
    check(vec![nothing(), live()], "hashed plain", Reason::Found);
    check(vec![nothing(), retired(), live()], "hashed plain hashed", Reason::Found);
    check(vec![nothing(), nothing()], "hashed plain", Reason::UnknownId);
    // It was renewed, and has not moved.
    check(vec![retired()], "hashed", Reason::Renewed);
    check(vec![nothing(), retired(), nothing()], "hashed plain hashed", Reason::Renewed);
    check(vec![nothing(), retired(), retired()], "hashed plain hashed", Reason::Renewed);
    check(vec![nothing(), found(b"\xc1")], "hashed plain", Reason::CorruptRecord);
    // Each look may be repeated.
    let lost = vec![lost(), lost(), nothing(), lost(), lost(), live()];
    check(lost, "hashed hashed hashed plain plain plain", Reason::Found);
}

fn migrating(settings: Settings) -> Sessions {
    let cookies = CookieSessions::new(&KeyRing::new("k"));
    stored(StoredSessions::new(settings).with_cookie_migration(cookies))
}

/// Opens what no store is asked for.
fn open_cookie(sessions: &Sessions, cookie: &[u8], now: UnixTime) -> (Session, Visit) {
    let mut opening = sessions.open(Some(cookie), now);
    drive(&mut opening, |question| panic!("{question:?}")).unwrap();
    opening.finish().into_parts()
}

#[test]
fn signed_cookie_moves_into_the_store() {
    for signer in [None, Some(Settings::signer(&KeyRing::new("k")))] {
        let sessions = migrating(Settings { signer, ..Settings::default() });
        let (session, visit) = open_cookie(&sessions, COOKIE, NOW);
        assert_eq!(visit.reason(), Reason::Verified);
        assert_eq!(session.value("a"), Some(Value::from(1)));
        let mut memory = Memory::default();
        let mut closing = visit.close(&session, &[7; 32], NOW).unwrap();
        drive(&mut closing, |question| Ok(memory.answer(question).0)).unwrap();
        assert_eq!(closing.outcome(), Some(Outcome::Saved));
        let SaveAction::Set(line) = closing.finish().unwrap().action else { panic!("no id") };
        let value = line.strip_prefix("session=").and_then(|line| line.split(';').next()).unwrap();
        // The next request has the id.
        let mut opening = sessions.open(Some(value.as_bytes()), NOW);
        drive(&mut opening, |question| Ok(memory.answer(question).0)).unwrap();
        let (session, visit) = opening.finish().into_parts();
        assert!(visit.held().is_some());
        assert_eq!(session.value("a"), Some(Value::from(1)));
    }
}

#[test]
fn signed_cookie_can_be_logged_out_before_it_has_moved() {
    let sessions = migrating(Settings::default());
    let (mut session, visit) = open_cookie(&sessions, COOKIE, NOW);
    session.destroy().unwrap();
    let mut closing = visit.close(&session, &[7; 32], NOW).unwrap();
    drive(&mut closing, |question| panic!("{question:?}")).unwrap();
    assert!(matches!(closing.finish().unwrap().action, SaveAction::Delete(_)));
}

#[test]
fn only_good_signed_cookies_move_and_only_if_wished() {
    let check = |sessions: &Sessions, cookie: &[u8], now| {
        let (session, visit) = open_cookie(sessions, cookie, now);
        assert_eq!(visit.reason(), Reason::MalformedId);
        assert!(session.is_blank() && !session.is_modified());
    };
    let sessions = migrating(Settings::default());
    check(&stored(StoredSessions::new(Settings::default())), COOKIE, NOW);
    check(&sessions, b"eyJhIjoyfQ.aR_RAA.VYsLQ_U2fgKvqx9fBqYtUdliftw", NOW);
    check(&sessions, b"../../etc/passwd", NOW);
    let too_late = NOW.checked_add(Duration::from_secs(32 * 24 * 60 * 60)).unwrap();
    check(&sessions, COOKIE, too_late);
}
