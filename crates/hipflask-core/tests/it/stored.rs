//! Sessions in a store: ids and their keys, lives, and what becomes of a session.

use std::time::Duration;

use hipflask_core::{
    UnixTime,
    engine::Outcome,
    interface::SaveAction,
    reason::Reason,
    record::{self, Format},
    serializer::Limits,
    session::Session,
    signing::KeyRing,
    store::{Question, RecordKey, Renewal},
    stored::{IdStorage, STARTED, SessionId, Settings, StoredSessions},
    value::{Dict, Value},
    visit::{Closing, Machine, Sessions, Step, Visit},
};

use crate::{
    driver::{drive, question},
    explorer::memory::Memory,
    vectors::Vectors,
};

const NOW: UnixTime = UnixTime::from_secs(1_763_692_800);
const ID: &str = "SSSSSSSSSSSSSSSSSSSSSSSSSSSSSSSSSSSSSSSSSSS";

#[test]
fn keys_and_signed_ids_are_those_of_flask_session() {
    let elsewhere = "the codecs and the stores have them";
    let kinds = ["encode", "decode", "cachelib_file", "cachelib_expiry", "cachelib_count"];
    let kinds = kinds.into_iter().chain(["memcached", "sqlalchemy_ddl", "redis", "mongodb_doc"]);
    kinds
        .fold(Vectors::load("flask_session_store"), |rows, kind| rows.leave(kind, elsewhere))
        .differ(324..=335, "what cannot be an id has no key")
        .differ([336], "no session's key")
        .check("key", |row| {
            let prefix = row.text("prefix").to_owned();
            let interface = interface(Settings { key_prefix: prefix, ..Settings::default() });
            let id = SessionId::parse(row.text("sid").as_bytes()).expect("an id");
            row.assert_eq(interface.key_of(&id).as_str(), row.text("store_id"));
        })
        .check("signed_sid", |row| {
            let signer = Settings::signer(&KeyRing::new(row.text("secret")));
            let signed = signer.sign(row.text("sid").as_bytes());
            row.assert_eq(signed.as_slice(), row.text("cookie").as_bytes());
            let interface = interface(Settings { signer: Some(signer), ..Settings::default() });
            let offer =
                interface.identify(Some(row.text("cookie").as_bytes()), UnixTime::default());
            row.assert_eq(offer.id.unwrap().as_str(), row.text("sid"));
        })
        .finish();
}

#[test]
fn hashed_ids_cannot_be_used_by_who_reads_the_store() {
    let id = SessionId::parse(ID.as_bytes()).unwrap();
    for id_storage in [IdStorage::Hashed, IdStorage::HashedFromPlain] {
        let interface = interface(Settings { id_storage, ..Settings::default() });
        let key = interface.key_of(&id);
        assert!(!key.as_str().contains(ID));
        let stolen = key.as_str().strip_prefix("session:").unwrap();
        assert_eq!(SessionId::parse(stolen.as_bytes()), None);
        let digest = stolen.rsplit(':').next().unwrap();
        let guess = SessionId::parse(digest.as_bytes()).unwrap();
        assert_ne!(interface.key_of(&guess), key);
        assert_ne!(interface.earlier_key_of(&guess), Some(key));
    }
}

#[test]
fn plain_record_moves_to_its_hashed_key_with_the_next_save() {
    let settings = Settings { id_storage: IdStorage::HashedFromPlain, ..Settings::default() };
    let rules = interface(settings.clone());
    let id = SessionId::parse(ID.as_bytes()).unwrap();
    let earlier = rules.earlier_key_of(&id).unwrap();
    let mut request = Request::open(settings, Some(&encode(&dict(&[("a", 1)]))));
    assert_eq!(request.visit.reason(), Reason::Found);
    request.session.insert("a", 2).unwrap();
    let (closing, _) = request.clone().close();
    let Question::Renew(renewal) = question(&closing) else { panic!("{:?}", closing.step()) };
    assert_eq!((renewal.old, renewal.new), (&earlier, &rules.key_of(&id)));
    let (outcome, action) = request.finish();
    assert_eq!(outcome, Some(Outcome::Saved));
    assert!(matches!(action, SaveAction::Set(line) if line.contains(ID)), "the id stays");
}

#[test]
fn ids_of_a_side_that_signs_otherwise_are_recognised_and_kept() {
    let signer = || Settings::signer(&KeyRing::new("9f3c6a52be0d47c1886d1f7a0cb35e24"));
    let signed = String::from_utf8(signer().sign(ID.as_bytes())).unwrap();
    let plain = Settings::default();
    let signing = Settings { signer: Some(signer()), ..Settings::default() };
    let reason_of = |settings: &Settings, cookie: &str| {
        interface(settings.clone()).identify(Some(cookie.as_bytes()), UnixTime::default()).id.err()
    };
    let check = |settings: &Settings, cookie: &str, expected| {
        assert_eq!(reason_of(settings, cookie), Some(expected), "{cookie}");
        let request = Request::with_cookie(settings.clone(), cookie.as_bytes(), None);
        assert_eq!(request.visit.reason(), expected);
        let after = |change: fn(&mut Session)| {
            let mut request = request.clone();
            change(&mut request.session);
            request.finish()
        };
        assert_eq!(after(|_| ()), (None, SaveAction::Keep));
        // As apps do before each request.
        let permanent = after(|it| it.set_permanent(true).unwrap());
        assert_eq!(permanent, (None, SaveAction::Keep));
        assert!(matches!(after(|it| it.insert("a", 1).unwrap()).1, SaveAction::Set(_)));
        assert!(matches!(after(|it| it.clear().unwrap()).1, SaveAction::Delete(_)));
    };
    check(&plain, &signed, Reason::SignedId);
    check(&signing, ID, Reason::UnsignedId);
    assert_eq!(reason_of(&plain, &signed[..signed.len() - 1]), Some(Reason::MalformedId));
    assert_eq!(reason_of(&plain, &format!("e30.{signed}")), Some(Reason::MalformedId));
    assert_eq!(reason_of(&signing, "no id"), Some(Reason::Malformed));
    assert_eq!(reason_of(&signing, &signed[..signed.len() - 1]), Some(Reason::BadSignature));
}

#[test]
fn resign_sends_an_outdated_id_again_and_leaves_the_record() {
    let signer = Settings::signer(&KeyRing::new("old"));
    let cookie = signer.sign(ID.as_bytes());
    let record = encode(&dict(&[("a", 1)]));
    for (resign, expected) in [(false, false), (true, true)] {
        let ring = KeyRing::new("new").with_fallback("old");
        let signer = Some(Settings::signer(&ring));
        let settings = Settings { signer, resign, permanent: false, ..Settings::default() };
        let request = Request::with_cookie(settings, &cookie, Some(&record));
        assert_eq!(request.visit.reason(), Reason::VerifiedByFallbackKey);
        assert_eq!(request.session.get::<i32>("a").unwrap(), Some(1));
        let (_, action) = request.finish();
        assert_eq!(matches!(action, SaveAction::Set(line) if line.contains(ID)), expected);
    }
}

/// Opens a session, does something, saves it, and returns what became of it.
#[track_caller]
fn check(content: &Dict, change: impl FnOnce(&mut Session), outcome: Outcome, cookie: &str) {
    let mut request = Request::open(Settings::default(), Some(&encode(content)));
    change(&mut request.session);
    let (actual, action) = request.finish();
    assert_eq!(actual, Some(outcome), "there is something to do");
    let actual = match action {
        SaveAction::Set(line) if line.contains(ID) => "the same id",
        SaveAction::Set(_) => "a new id",
        SaveAction::Delete(_) => "none",
        _ => "kept",
    };
    assert_eq!(actual, cookie);
}

#[test]
fn sessions_end_and_go_on_as_their_handlers_wish() {
    let content = dict(&[("a", 1), ("_permanent", 1)]);
    let set = |session: &mut Session| session.insert("b", 1).unwrap();
    check(&content, set, Outcome::Saved, "the same id");
    check(&content, |it| it.set("a", 1).unwrap(), Outcome::Unchanged, "the same id");
    check(&content, |it| it.clear().unwrap(), Outcome::Ended, "none");
    check(&content, |it| it.destroy().unwrap(), Outcome::Ended, "none");
    check(&content, |it| it.remove("a").map(|_| ()).unwrap(), Outcome::Emptied, "none");
    check(&content, |it| it.renew().unwrap(), Outcome::Saved, "a new id");
    let clear_and_set = |session: &mut Session| {
        session.clear().unwrap();
        set(session);
    };
    check(&content, clear_and_set, Outcome::Saved, "the same id");
    let destroy_and_set = |session: &mut Session| {
        session.destroy().unwrap();
        set(session);
    };
    check(&content, destroy_and_set, Outcome::Saved, "a new id");
    let remove_and_renew = |session: &mut Session| {
        session.remove("a").unwrap();
        session.renew().unwrap();
    };
    check(&content, remove_and_renew, Outcome::Emptied, "none");
    let remove_renew_and_set = |session: &mut Session| {
        remove_and_renew(session);
        set(session);
    };
    check(&content, remove_renew_and_set, Outcome::Saved, "a new id");
    // A record of nothing, whose id somebody else may have planted.
    let log_in = |session: &mut Session| {
        session.renew().unwrap();
        set(session);
    };
    for blank in [dict(&[]), dict(&[("_permanent", 1)])] {
        check(&blank, log_in, Outcome::Saved, "a new id");
    }
    // A change that is not to be saved renews nothing either.
    let unmodified = |session: &mut Session| {
        session.renew().unwrap();
        session.set_modified(false);
    };
    check(&content, unmodified, Outcome::Unchanged, "the same id");
}

#[test]
fn new_session_that_is_renewed_or_destroyed_first_is_new() {
    let mut request = Request::open(Settings::default(), None);
    request.session.renew().unwrap();
    assert_eq!(request.clone().finish().0, None, "there is no session to renew");
    request.session.destroy().unwrap();
    request.session.insert("a", 1).unwrap();
    let (closing, _) = request.clone().close();
    assert_eq!(question(&closing).word(), "create", "nothing is ended first");
    let content = written(&closing).unwrap().0;
    assert_eq!(content.get("_permanent"), Some(&Value::from(true)), "`clear` keeps it");
    assert_eq!(request.finish().0, Some(Outcome::Saved));
}

#[test]
fn request_with_a_renewed_id_writes_only_into_a_session_of_its_own() {
    let after = |change: &dyn Fn(&mut Session)| {
        let mut request = Request::open(Settings::default(), Some(b"\xc0"));
        assert_eq!(request.visit.reason(), Reason::Renewed);
        change(&mut request.session);
        request.finish()
    };
    let set = |session: &mut Session| session.insert("a", 1).unwrap();
    assert_eq!(after(&set), (Some(Outcome::RenewedElsewhere), SaveAction::Keep));
    let (outcome, action) = after(&|session| session.destroy().unwrap());
    assert_eq!(outcome, Some(Outcome::RenewedElsewhere));
    assert!(matches!(action, SaveAction::Delete(_)), "this browser is logged out");
    let log_in = |session: &mut Session| {
        session.renew().unwrap();
        set(session);
    };
    assert_eq!(after(&log_in).0, Some(Outcome::Saved));
}

#[test]
fn absolute_timeout_runs_from_the_start_of_a_session() {
    let hour = Duration::from_secs(3600);
    let settings = Settings { absolute_timeout: Some(hour), ..Settings::default() };
    let open = |content: &Dict| Request::open(settings.clone(), Some(&encode(content)));
    let save = |request: Request| written(&request.close().0);
    let started = |content: &Dict| content.get(STARTED).unwrap().as_i64();
    let unix = i32::try_from(NOW.as_secs()).unwrap();
    // A session of before the timeout begins when it is next read, and ends with it.
    let (fresh, _) = save(open(&dict(&[("a", 1)]))).unwrap();
    assert_eq!(started(&fresh), Some(unix.into()));
    let old = dict(&[("a", 1), (STARTED, unix - 3000)]);
    // Neither activity nor clearing extends it.
    let forget: [&dyn Fn(&mut Session); 2] =
        [&|session| session.insert("a", 2).unwrap(), &|session| {
            session.clear().unwrap();
            session.insert("a", 2).unwrap();
        }];
    for change in forget {
        let mut request = open(&old);
        change(&mut request.session);
        let (content, ttl) = save(request).unwrap();
        assert_eq!(started(&content), Some(i64::from(unix) - 3000));
        assert_eq!(ttl, Duration::from_secs(600));
    }
    // Nor does removing the start, which stays what it was.
    let mut request = open(&old);
    request.session.remove(STARTED).unwrap();
    assert_eq!(request.finish().0, Some(Outcome::Unchanged));
    let mut request = open(&old);
    request.session.renew().unwrap();
    assert_eq!(started(&save(request).unwrap().0), Some(unix.into()));
    // What an app calls `_started` is its own.
    let mut request = open(&dict(&[("_started", 1)]));
    assert_eq!(request.visit.reason(), Reason::Found);
    request.session.insert("_started", "yesterday").unwrap();
    let own = save(request).unwrap().0;
    assert_eq!(own.get("_started"), Some(&Value::from("yesterday")));
    // Nothing but the start and `_permanent` is nothing.
    let mut request = open(&old);
    request.session.remove("a").unwrap();
    assert_eq!(request.finish().0, Some(Outcome::Emptied));
    let reason = |started| open(&dict(&[("a", 1), (STARTED, started)])).visit.reason();
    assert_eq!(reason(unix - 3600), Reason::Expired);
    // A clock that was wrong ends nothing.
    assert_eq!(reason(unix + 9000), Reason::Found);
}

#[test]
fn lives_are_at_least_a_second() {
    let zero = interface(Settings { lifetime: Duration::ZERO, ..Settings::default() });
    assert_eq!(zero.touch().unwrap().ttl, Duration::from_secs(1));
    assert_eq!(zero.time_to_live(&Dict::new(), NOW), Duration::from_secs(1));
    for touch_after in [f64::NAN, f64::INFINITY, -1.0] {
        let endless = Settings { lifetime: Duration::MAX, touch_after, ..Settings::default() };
        assert!(interface(endless).touch().is_some());
    }
}

fn interface(settings: Settings) -> StoredSessions {
    StoredSessions::new(settings)
}

fn dict(items: &[(&str, i32)]) -> Dict {
    items.iter().map(|(key, value)| ((*key).into(), Value::from(*value))).collect()
}

fn encode(content: &Dict) -> Vec<u8> {
    record::encode(content, Format::MsgPack).unwrap()
}

/// A request with the id, for itself.
#[derive(Clone)]
struct Request {
    memory: Memory,
    session: Session,
    visit: Visit,
}

impl Request {
    /// Opens the session of the one record, which lies under the plain id.
    fn open(settings: Settings, payload: Option<&[u8]>) -> Self {
        Self::with_cookie(settings, ID.as_bytes(), payload)
    }

    fn with_cookie(settings: Settings, cookie: &[u8], payload: Option<&[u8]>) -> Self {
        let mut memory = Memory::default();
        if let Some(payload) = payload {
            let key = RecordKey::new(format!("session:{ID}"));
            let create = Question::Create { key: &key, payload, ttl: Duration::from_secs(60) };
            memory.answer(create);
        }
        let mut opening = Sessions::from(interface(settings)).open(Some(cookie), NOW);
        drive(&mut opening, |question| Ok(memory.answer(question).0)).unwrap();
        let (session, visit) = opening.finish().into_parts();
        Self { memory, session, visit }
    }

    fn close(self) -> (Closing, Memory) {
        let entropy = &[7; 32][..self.visit.entropy_len(&self.session)];
        let closing = self.visit.close(&self.session, entropy, NOW);
        (closing.unwrap(), self.memory)
    }

    /// Saves the session where nobody is in the way.
    fn finish(self) -> (Option<Outcome>, SaveAction) {
        let (mut closing, mut memory) = self.close();
        drive(&mut closing, |question| Ok(memory.answer(question).0)).unwrap();
        (closing.outcome(), closing.finish().unwrap().action)
    }
}

/// What is to be written next, and for how long.
fn written(closing: &Closing) -> Option<(Dict, Duration)> {
    let (Step::Ask(Question::Create { payload, ttl, .. })
    | Step::Ask(Question::Replace { payload, ttl, .. })
    | Step::Ask(Question::Renew(Renewal { payload, ttl, .. }))) = closing.step()
    else {
        return None;
    };
    let decoded = record::decode(payload, Format::MsgPack, Limits::default()).unwrap();
    decoded.content.map(|content| (content, ttl))
}
