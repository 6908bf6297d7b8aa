//! Watching a session after its request: what ends it, what looking leaves alone, how often is looked.

use std::time::Duration;

use hipflask_core::{
    UnixTime,
    engine::EngineError,
    interface::{CookieSessions, SaveAction, Saved},
    listing,
    reason::Reason,
    revocation::{self, RevocableSessions},
    session::{STARTED, Session},
    signing::KeyRing,
    store::{Answer, Question, RecordKey, StoreError},
    stored::{IdStorage, OnOutage, Settings, StoredSessions},
    value::{Dict, Value},
    visit::{Sessions, Watch},
};

use crate::{
    driver::{drive, unreachable},
    explorer::memory::Memory,
};

const START: u64 = 1_763_692_800;
const ID: &[u8] = &[b'S'; 43];
const MINUTE: Duration = Duration::from_secs(60);

fn at(second: u64) -> UnixTime {
    UnixTime::from_secs(START + second)
}

fn key() -> RecordKey {
    RecordKey::new(format!("session:{}", "S".repeat(43)))
}

fn stored(settings: Settings) -> Sessions {
    StoredSessions::new(settings).into()
}

fn cookies() -> CookieSessions {
    CookieSessions::new(&KeyRing::new("k")).with_lifetime(Duration::from_secs(600))
}

fn revocable(delay: u64) -> Sessions {
    let delay = Duration::from_secs(delay);
    RevocableSessions::new(cookies(), revocation::Settings { delay, ..Default::default() }).into()
}

fn of_user(user: &str) -> Session {
    let mut session = Session::new();
    session.insert("_user_id", user).unwrap();
    session
}

fn cookie_of(user: &str) -> Vec<u8> {
    cookies().sign(&of_user(user), at(0)).unwrap().unwrap().into_bytes()
}

/// A session of user 7, and a store that has it.
fn of_seven(settings: Settings) -> (Sessions, Memory, Watch) {
    let (sessions, mut memory) = (stored(settings), Memory::default());
    memory.put(&key(), &of_user("7").to_dict());
    let saved = Saved::keep(true);
    let watch = sessions.watch(&of_user("7"), Reason::Found, Some(ID), Some(&saved)).unwrap();
    (sessions, memory, watch)
}

/// Looks once; every question must leave the store as it is.
fn look(
    sessions: &Sessions,
    watch: &mut Watch,
    now: UnixTime,
    mut ask: impl FnMut(Question<'_>) -> Result<Answer, StoreError>,
) -> Option<Reason> {
    let mut looking = sessions.look(watch, now);
    let driven = drive(&mut looking, |question| {
        assert!(matches!(question, Question::Load { touch: None, .. }), "{question:?}");
        ask(question)
    });
    watch.looked(driven.map(|()| looking.finish()), now)
}

#[test]
fn looking_leaves_no_trace_and_costs_one_question_and_one_where_sessions_are_listed() {
    for (listing, expected) in [(None, 1), (Some(listing::Settings::default()), 2)] {
        let (sessions, mut memory, mut watch) =
            of_seven(Settings { listing, ..Settings::default() });
        assert_eq!(sessions.keys_of(&watch, at(0)), [key()]);
        let mut n_asked = 0;
        let ended = look(&sessions, &mut watch, at(0), |question| {
            n_asked += 1;
            assert!(matches!(question, Question::Load { touch: None, .. }), "{question:?}");
            Ok(memory.answer(question).0)
        });
        assert_eq!((ended, n_asked), (None, expected));
    }
}

/// The list was lost, and the store cannot be read through.
#[test]
fn session_that_only_the_list_refuses_has_ended() {
    let listing = Some(listing::Settings::default());
    let (sessions, mut memory, mut watch) = of_seven(Settings { listing, ..Settings::default() });
    let mut revoking = sessions.revoke_user("7", at(0)).unwrap();
    drive(&mut revoking, |question| match question {
        Question::Scan { .. } => Err(StoreError::Unsupported("list its sessions")),
        question => Ok(memory.answer(question).0),
    })
    .unwrap();
    let ended = look(&sessions, &mut watch, at(1), |question| Ok(memory.answer(question).0));
    assert_eq!(ended, Some(Reason::Revoked));
}

#[test]
fn stored_session_ends_with_the_reason_of_the_next_request() {
    let user = |user: &str| Some(of_user(user).to_dict());
    let mut nobodys = of_user("7");
    nobodys.remove("_user_id").unwrap();
    let mut old = of_user("7").to_dict();
    old.insert(STARTED, i64::try_from(START - 10).unwrap().into());
    for (content, payload, expected) in [
        (user("7"), None, None),
        (user("8"), None, Some(Reason::UserChanged)),
        (Some(nobodys.to_dict()), None, Some(Reason::UserChanged)),
        (Some(old), None, Some(Reason::Expired)),
        (None, None, Some(Reason::UnknownId)),
        (None, Some(b"\xc0".as_slice()), Some(Reason::Renewed)),
    ] {
        let absolute_timeout = Some(Duration::from_secs(10));
        let (sessions, mut memory, mut watch) =
            of_seven(Settings { absolute_timeout, ..Settings::default() });
        memory.expire(&key());
        content.iter().for_each(|content| memory.put(&key(), content));
        payload.iter().for_each(|payload| memory.write(&key(), payload));
        let ended = look(&sessions, &mut watch, at(0), |question| Ok(memory.answer(question).0));
        assert_eq!(ended, expected);
    }
    let (sessions, _, mut watch) = of_seven(Settings::default());
    let damaged = Answer::Loaded(Some(hipflask_core::store::Record::unreadable()));
    let ended = look(&sessions, &mut watch, at(0), |_| Ok(damaged.clone()));
    assert_eq!(ended, Some(Reason::CorruptRecord));
}

/// The request has logged somebody else in, and was not saved.
#[test]
fn user_of_a_session_that_was_not_saved_is_whom_the_store_has() {
    let (sessions, mut memory, _) = of_seven(Settings::default());
    let mut watch = sessions.watch(&of_user("8"), Reason::Found, Some(ID), None).unwrap();
    for (user, expected) in [("7", None), ("7", None), ("8", Some(Reason::UserChanged))] {
        memory.put(&key(), &of_user(user).to_dict());
        let ended = look(&sessions, &mut watch, at(0), |question| Ok(memory.answer(question).0));
        assert_eq!(ended, expected);
    }
}

#[test]
fn record_that_moves_is_followed() {
    let id_storage = IdStorage::HashedFromPlain;
    let (sessions, mut memory, mut watch) =
        of_seven(Settings { id_storage, ..Settings::default() });
    let keys = sessions.keys_of(&watch, at(0));
    assert!(keys.contains(&key()));
    let ended = look(&sessions, &mut watch, at(0), |question| Ok(memory.answer(question).0));
    assert_eq!(ended, None);
    memory.expire(&key());
    memory.put(keys.iter().find(|it| **it != key()).unwrap(), &of_user("7").to_dict());
    let ended = look(&sessions, &mut watch, at(0), |question| Ok(memory.answer(question).0));
    assert_eq!(ended, None);
}

/// Opens it first, so that this process has looked up what is refused.
#[test]
fn signed_cookie_ends_when_it_is_revoked_whatever_was_looked_up_before() {
    let sessions = revocable(3600);
    for ends_all in [false, true] {
        let (mut memory, cookie) = (Memory::default(), cookie_of("7"));
        let mut opening = sessions.open(Some(&cookie), at(1));
        drive(&mut opening, |question| Ok(memory.answer(question).0)).unwrap();
        let (mut session, visit) = opening.finish().into_parts();
        let watch = sessions.watch(&session, visit.reason(), Some(&cookie), None);
        let mut watch = watch.unwrap();
        let ended = look(&sessions, &mut watch, at(2), |question| Ok(memory.answer(question).0));
        assert_eq!(ended, None);
        let elsewhere = revocable(3600);
        if ends_all {
            let mut revoking = elsewhere.revoke_user("7", at(3)).unwrap();
            drive(&mut revoking, |question| Ok(memory.answer(question).0)).unwrap();
        } else {
            session.destroy().unwrap();
            let mut closing = visit.close(&session, &[], at(3)).unwrap();
            drive(&mut closing, |question| Ok(memory.answer(question).0)).unwrap();
        }
        let keys = sessions.keys_of(&watch, at(4));
        assert!(memory.payloads().all(|(key, _)| keys.contains(key)), "who ends it wakes nobody");
        let ended = look(&sessions, &mut watch, at(4), |question| Ok(memory.answer(question).0));
        assert_eq!(ended, Some(Reason::Revoked));
    }
}

#[test]
fn signed_cookie_ends_when_it_expires_and_is_looked_at_then() {
    let sessions = Sessions::from(cookies());
    let mut watch =
        sessions.watch(&of_user("7"), Reason::Verified, Some(&cookie_of("7")), None).unwrap();
    assert!(sessions.keys_of(&watch, at(0)).is_empty());
    let nothing = |question: Question<'_>| -> Result<Answer, StoreError> { panic!("{question:?}") };
    assert_eq!(look(&sessions, &mut watch, at(590), nothing), None);
    let pause = sessions.pause(&watch, u32::MAX);
    assert_eq!(pause, Duration::from_secs(11), "it is accepted in its last second");
    let later = at(590).checked_add(pause).unwrap();
    assert_eq!(look(&sessions, &mut watch, later, nothing), Some(Reason::Expired));
}

#[test]
fn what_is_watched_is_what_the_request_leaves() {
    let saved = |action| {
        let mut saved = Saved::keep(true);
        saved.action = action;
        Some(saved)
    };
    let renewed = SaveAction::Set(format!("session={}; Path=/", "T".repeat(43)));
    let gone = SaveAction::Delete("session=; Max-Age=0".into());
    let [old, new] = ["S", "T"].map(|it| format!("session:{}", it.repeat(43)));
    let sessions = stored(Settings::default());
    for (reason, saved, expected) in [
        (Reason::Found, None, Ok(&old)),
        (Reason::Found, saved(SaveAction::Keep), Ok(&old)),
        (Reason::Found, saved(renewed.clone()), Ok(&new)),
        (Reason::NoCookie, saved(renewed), Ok(&new)),
        (Reason::Found, saved(gone.clone()), Err(Reason::Revoked)),
        (Reason::UnknownId, saved(gone), Err(Reason::UnknownId)),
        (Reason::NoCookie, saved(SaveAction::Keep), Err(Reason::NoCookie)),
        // Saving has failed, or there was no session.
        (Reason::NoCookie, None, Err(Reason::NoCookie)),
        (Reason::Expired, None, Err(Reason::Expired)),
    ] {
        let watch = sessions.watch(&of_user("7"), reason, Some(ID), saved.as_ref());
        let key = watch.map(|watch| sessions.keys_of(&watch, at(0))[0].as_str().to_owned());
        assert_eq!(key.as_ref(), expected.as_ref().copied(), "{reason:?}");
    }
}

#[test]
fn session_that_cannot_be_looked_at_goes_on_for_a_minute() {
    for on_outage in [OnOutage::Anonymous, OnOutage::Refuse] {
        let delay = Duration::from_secs(3600);
        let (sessions, mut memory, mut watch) =
            of_seven(Settings { on_outage, delay, ..Settings::default() });
        assert!(sessions.pause(&watch, 0) >= delay / 2);
        for second in [0, 30, 59] {
            assert_eq!(look(&sessions, &mut watch, at(second), |_| unreachable()), None);
        }
        assert!(sessions.pause(&watch, u32::MAX) <= Duration::from_secs(5));
        let found = look(&sessions, &mut watch, at(59), |question| Ok(memory.answer(question).0));
        assert_eq!(found, None);
        for (second, expected) in [(60, None), (119, None), (120, Some(Reason::StoreUnavailable))] {
            let hung = |_: Question<'_>| Err(StoreError::Deadline);
            assert_eq!(look(&sessions, &mut watch, at(second), hung), expected, "{second}");
        }
    }
    let (mut watch, error) = (of_seven(Settings::default()).2, EngineError::Contended);
    assert_eq!(watch.looked(Err(error), at(0)), None);
}

#[test]
fn pause_is_within_the_delay_and_not_the_same_for_all() {
    for (delay, expected) in
        [(Duration::from_secs(10), [5_000, 7_500, 10_000]), (Duration::ZERO, [50, 75, 100])]
    {
        let (sessions, _, watch) = of_seven(Settings { delay, ..Settings::default() });
        let pauses = [0, u32::MAX / 2 + 1, u32::MAX].map(|random| sessions.pause(&watch, random));
        assert_eq!(pauses.map(|pause| pause.as_millis()), expected);
    }
    let (sessions, _, watch) = of_seven(Settings { delay: Duration::MAX, ..Settings::default() });
    assert!(sessions.pause(&watch, u32::MAX) > MINUTE);
}

#[test]
fn absolute_timeout_is_looked_at_when_it_is_over() {
    let (absolute_timeout, delay) = (Some(Duration::from_secs(10)), Duration::from_secs(600));
    let (sessions, mut memory, mut watch) =
        of_seven(Settings { absolute_timeout, delay, ..Settings::default() });
    let mut content: Dict = of_user("7").to_dict();
    content.insert(STARTED, Value::from(START));
    memory.put(&key(), &content);
    let ended = look(&sessions, &mut watch, at(4), |question| Ok(memory.answer(question).0));
    assert_eq!(ended, None);
    assert_eq!(sessions.pause(&watch, 0), Duration::from_secs(6));
}

#[test]
fn watch_shows_neither_cookie_nor_user() {
    let (_, _, watch) = of_seven(Settings::default());
    let shown = format!("{watch:?}");
    assert!(!shown.contains("SSS") && !shown.contains("83, 83") && !shown.contains('7'), "{shown}");
}
