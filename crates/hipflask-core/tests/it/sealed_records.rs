//! Encrypted records: who reads them, what lies where, and how a site changes to them.

use std::time::Duration;

use hipflask_core::{
    UnixTime,
    engine::{EngineError, Outcome},
    reason::Reason,
    record::{self, DecodeError, Format, Sealing},
    session::Session,
    signing::KeyRing,
    store::{Answer, Question, Record, RecordKey, Replaced},
    stored::{SessionId, Settings, StoredSessions},
    value::{Dict, Value},
    visit::{Closing, Opened, Sessions, Visit},
};
use proptest::prelude::*;

use crate::{
    driver::{drive, question},
    explorer::memory::Memory,
};

const NOW: UnixTime = UnixTime::from_secs(1_763_692_800);
const UNTIL: UnixTime = UnixTime::from_secs(1_763_692_860);
const ID: [u8; 43] = [b'S'; 43];

fn settings(key: &str) -> Settings {
    let sealing = Sealing::new(&KeyRing::new(key)).with_encryption(Some(UNTIL));
    Settings { sealing: Some(sealing), ..Settings::default() }
}

fn reading(ring: &KeyRing) -> Settings {
    Settings { sealing: Some(Sealing::new(ring)), ..Settings::default() }
}

fn content() -> Dict {
    Dict::from_iter([("user".into(), Value::from("ada-lovelace"))])
}

fn key() -> RecordKey {
    let id = SessionId::parse(&ID).unwrap();
    StoredSessions::new(Settings::default()).key_of(&id)
}

/// What a service with these settings writes.
fn written(settings: &Settings, key: &RecordKey) -> Vec<u8> {
    settings.coding(NOW).encode(&content(), key.as_str()).unwrap()
}

fn sealed() -> Vec<u8> {
    written(&settings("k"), &key())
}

fn plain() -> Vec<u8> {
    written(&Settings::default(), &key())
}

fn open(settings: Settings, payload: &[u8], now: UnixTime) -> Opened {
    let mut opening = Sessions::from(StoredSessions::new(settings)).open(Some(&ID), now);
    let answer = || Ok(Answer::Loaded(Some(Record::new(payload))));
    drive(&mut opening, |_| answer()).unwrap();
    opening.finish()
}

#[track_caller]
fn check(settings: Settings, payload: &[u8], now: UnixTime, expected: Result<(), &DecodeError>) {
    let opened = open(settings, payload, now);
    let visit = opened.visit();
    assert_eq!(visit.fault(), expected.err());
    let (reason, there) = match expected {
        Ok(()) => (Reason::Found, Some(content())),
        Err(_) => (Reason::CorruptRecord, None),
    };
    assert_eq!((visit.reason(), visit.content().cloned()), (reason, there));
}

#[test]
fn sealed_record_shows_nothing_and_opens_with_any_key_of_the_ring() {
    let sealed = sealed();
    assert!(
        !sealed.windows(4).any(|window| [b"user", b"ada-"].contains(&window.try_into().unwrap()))
    );
    check(settings("k"), &sealed, NOW, Ok(()));
    // Whoever does not encrypt yet reads what others have encrypted.
    check(reading(&KeyRing::new("l").with_fallback("k")), &sealed, NOW, Ok(()));
    check(reading(&KeyRing::new("l")), &sealed, NOW, Err(&DecodeError::Encrypted));
    check(Settings::default(), &sealed, NOW, Err(&DecodeError::Encrypted));
    for format in [Format::Json, Format::MsgPack, Format::Pickle] {
        let sealed = written(&Settings { format, ..settings("k") }, &key());
        check(settings("k"), &sealed, NOW, Ok(()));
    }
}

#[test]
fn sealed_record_says_nothing_under_another_id() {
    let elsewhere = written(&settings("k"), &RecordKey::new("session:T"));
    check(settings("k"), &elsewhere, NOW, Err(&DecodeError::Encrypted));
}

#[test]
fn site_changes_to_encryption_without_a_log_out() {
    check(settings("k"), &plain(), NOW, Ok(()));
    check(settings("k"), &plain(), UNTIL, Err(&DecodeError::NotEncrypted));
    // That a session was renewed is no secret, and is told by all.
    for retired in [b"\xc0".as_slice(), b"null", b"\x80\x05N."] {
        assert_eq!(open(settings("k"), retired, UNTIL).visit().reason(), Reason::Renewed);
    }
}

/// A request that has opened a record, and what its store has then.
fn request(settings: &Settings, payload: &[u8]) -> (Session, Visit, Memory) {
    let mut memory = Memory::new(false, settings.coding(NOW));
    memory.write(&key(), payload);
    let (session, visit) = open(settings.clone(), payload, NOW).into_parts();
    (session, visit, memory)
}

fn close(session: &Session, visit: Visit) -> Closing {
    visit.close(session, &[7; 32], NOW).unwrap()
}

#[track_caller]
fn check_saved(settings: &Settings, payload: &[u8], expected: &[u8]) {
    let (session, visit, mut memory) = request(settings, payload);
    let mut closing = close(&session, visit);
    drive(&mut closing, |question| Ok(memory.answer(question).0)).unwrap();
    let payloads: Vec<_> = memory.payloads().map(|it| it.1).collect();
    assert_eq!(payloads, [expected]);
}

#[test]
fn next_save_seals_with_the_current_key() {
    // A request that only reads its session changes nothing, unless it extends its life or signs anew.
    let eager = |settings: Settings| Settings { resign: true, ..settings };
    check_saved(&eager(settings("k")), &plain(), &sealed());
    check_saved(&eager(reading(&KeyRing::new("k"))), &sealed(), &plain());
    let sealing = Sealing::new(&KeyRing::new("l").with_fallback("k")).with_encryption(None);
    let renewed = Settings { sealing: Some(sealing), ..Settings::default() };
    check_saved(&eager(renewed.clone()), &sealed(), &written(&renewed, &key()));
    check_saved(&renewed, &sealed(), &sealed());
    let (mut session, visit, _) = request(&settings("k"), &plain());
    session.insert("user", "ada-lovelace").unwrap();
    let closing = close(&session, visit);
    let Question::Replace { payload, .. } = question(&closing) else { panic!() };
    assert_eq!(payload, sealed(), "the same content");

    // To extend its life is to save it.
    let mut opening = Sessions::from(StoredSessions::new(settings("k"))).open(Some(&ID), NOW);
    let touched = Record::new(plain()).with_touched(true);
    drive(&mut opening, |_| Ok(Answer::Loaded(Some(touched.clone())))).unwrap();
    let (session, visit) = opening.finish().into_parts();
    let closing = close(&session, visit);
    let Question::Replace { payload, .. } = question(&closing) else { panic!() };
    assert_eq!(payload, sealed());
}

#[test]
fn renewed_session_is_sealed_for_its_new_id() {
    let (mut session, visit, mut memory) = request(&settings("k"), &sealed());
    session.renew().unwrap();
    let mut closing = close(&session, visit);
    drive(&mut closing, |question| Ok(memory.answer(question).0)).unwrap();
    assert_eq!(memory.contents().collect::<Vec<_>>(), [&content()]);
    assert!(memory.payloads().all(|(_, payload)| *payload != *sealed()), "it is sealed anew");
}

#[test]
fn what_no_key_opens_is_not_overwritten() {
    // Another service has a key that is not known here.
    let theirs = written(&settings("new"), &key());
    let conflict = || Ok(Answer::Replaced(Replaced::Conflict(Record::new(theirs.clone()))));
    let (mut session, visit, _) = request(&settings("k"), &sealed());
    session.insert("n", 1).unwrap();
    let mut closing = close(&session, visit.clone());
    let failed = drive(&mut closing, |_| conflict());
    assert!(matches!(failed, Err(EngineError::Unread(DecodeError::Encrypted))), "{failed:?}");
    let mut updating = visit.update(session.fate(), "m", None, NOW).unwrap();
    updating.apply(Value::from(1)).unwrap();
    let failed = drive(&mut updating, |_| conflict());
    assert!(matches!(failed, Err(EngineError::Unread(DecodeError::Encrypted))), "{failed:?}");

    // A log-out need not read what it ends.
    let mut session = session;
    session.clear().unwrap();
    let mut closing = close(&session, visit);
    drive(&mut closing, |question| {
        let Question::Delete { .. } = question else { panic!("{question:?}") };
        Ok(Answer::Deleted(hipflask_core::store::Deleted::Deleted))
    })
    .unwrap();
    assert_eq!(closing.outcome(), Some(Outcome::Ended));

    // A new session does not take its place.
    let opened = open(settings("k"), &theirs, NOW);
    let (mut session, visit) = opened.into_parts();
    session.insert("n", 1).unwrap();
    let closing = close(&session, visit);
    let Question::Create { key: new, ttl, .. } = question(&closing) else { panic!() };
    assert!(*new != key() && ttl > Duration::ZERO);
}

proptest! {
    #[test]
    fn any_change_of_a_sealed_record_is_refused(at: prop::sample::Index, byte: u8) {
        let sealed = sealed();
        let mut changed = sealed.clone();
        changed[at.index(sealed.len())] = byte;
        let coding = Settings { format: Format::Json, ..settings("k") }.coding(UNTIL);
        for broken in [&changed[..], &sealed[..at.index(sealed.len())]] {
            if broken != sealed {
                prop_assert!(coding.decode(broken, key().as_str()).is_err());
            }
        }
    }

    #[test]
    fn no_plain_record_looks_sealed(text: String, n: u64) {
        let content = Dict::from_iter([(text.as_str().into(), Value::from(n))]);
        for format in [Format::Json, Format::MsgPack, Format::Pickle] {
            let plain = record::encode(&content, format).unwrap();
            let decoded = settings("k").coding(NOW).decode(&plain, "session:S").unwrap();
            prop_assert_eq!((decoded.content.as_ref(), decoded.key), (Some(&content), None));
        }
    }
}
