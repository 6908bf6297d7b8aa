//! Sessions in a store: ids and their keys, lives, and what becomes of a session.

use std::time::Duration;

use hipflask_core::{
    engine::{Answer, Outcome, Step},
    interface::SaveAction,
    reason::Reason,
    record::{self, Format},
    serializer::Limits,
    server_side::{Found, IdStorage, Plan, STARTED, ServerSide, SessionId, Settings},
    session::Session,
    signing::KeyRing,
    store::{Created, Deleted, Record, RecordKey, Replaced, Revision},
    value::{Dict, Value},
};

use crate::vectors::Vectors;

const NOW: Duration = Duration::from_secs(1_763_692_800);
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
            let offer = interface.identify(Some(row.text("cookie").as_bytes()));
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
    let interface =
        interface(Settings { id_storage: IdStorage::HashedFromPlain, ..Settings::default() });
    let id = SessionId::parse(ID.as_bytes()).unwrap();
    let earlier = interface.earlier_key_of(&id).unwrap();
    let mut found = open_at(&interface, Some((earlier.clone(), &dict(&[("a", 1)]))));
    assert_eq!(found.reason, Reason::Found);
    found.session.insert("a", 2).unwrap();
    let mut plan = plan(&interface, found).unwrap();
    let Step::Renew(renewal) = plan.saving.step() else { panic!("{:?}", plan.saving.step()) };
    assert_eq!((renewal.old, renewal.new), (&earlier, &interface.key_of(&id)));
    let (outcome, action) = finish(&interface, &mut plan);
    assert_eq!(outcome, Outcome::Saved);
    assert!(matches!(action, SaveAction::Set(line) if line.contains(ID)), "the id stays");
}

#[test]
fn ids_of_a_side_that_signs_otherwise_are_recognised_and_kept() {
    let signer = || Settings::signer(&KeyRing::new("9f3c6a52be0d47c1886d1f7a0cb35e24"));
    let signed = String::from_utf8(signer().sign(ID.as_bytes())).unwrap();
    let signing = interface(Settings { signer: Some(signer()), ..Settings::default() });
    let check = |interface: &ServerSide, cookie: &str, expected| {
        let offer = interface.identify(Some(cookie.as_bytes()));
        assert_eq!(offer.id.as_ref().err(), Some(&expected), "{cookie}");
        let found = interface.open(offer, None, NOW);
        assert_eq!(found.reason, expected);
        let after = |change: fn(&mut Session)| {
            let mut found = found.clone();
            change(&mut found.session);
            plan(interface, found).map(|mut plan| finish(interface, &mut plan).1)
        };
        assert_eq!(after(|_| ()), None);
        // As apps do before each request.
        assert_eq!(after(|it| it.set_permanent(true).unwrap()), None);
        assert!(matches!(after(|it| it.insert("a", 1).unwrap()), Some(SaveAction::Set(_))));
        assert!(matches!(after(|it| it.clear().unwrap()), Some(SaveAction::Delete(_))));
    };
    let plain = interface(Settings::default());
    check(&plain, &signed, Reason::SignedId);
    check(&signing, ID, Reason::UnsignedId);
    let reason_of =
        |interface: &ServerSide, cookie: &str| interface.identify(Some(cookie.as_bytes())).id.err();
    assert_eq!(reason_of(&plain, &signed[..signed.len() - 1]), Some(Reason::MalformedId));
    assert_eq!(reason_of(&plain, &format!("e30.{signed}")), Some(Reason::MalformedId));
    assert_eq!(reason_of(&signing, "no id"), Some(Reason::Malformed));
    assert_eq!(reason_of(&signing, &signed[..signed.len() - 1]), Some(Reason::BadSignature));
}

/// Opens a session, does something, saves it, and returns what became of it.
#[track_caller]
fn check(content: &Dict, change: impl FnOnce(&mut Session), outcome: Outcome, cookie: &str) {
    let interface = interface(Settings::default());
    let id = SessionId::parse(ID.as_bytes()).unwrap();
    let mut found = open_at(&interface, Some((interface.key_of(&id), content)));
    change(&mut found.session);
    let mut plan = plan(&interface, found).expect("there is something to do");
    let (actual, action) = finish(&interface, &mut plan);
    assert_eq!(actual, outcome);
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
    let interface = interface(Settings::default());
    let mut found = open_at(&interface, None);
    found.session.renew().unwrap();
    assert!(plan(&interface, found.clone()).is_none(), "there is no session to renew");
    found.session.destroy().unwrap();
    found.session.insert("a", 1).unwrap();
    let mut plan = plan(&interface, found).unwrap();
    assert!(plan.ending.is_none());
    let content = plan.saving.content().unwrap();
    assert_eq!(content.get("_permanent"), Some(&Value::from(true)), "`clear` keeps it");
    assert_eq!(finish(&interface, &mut plan).0, Outcome::Saved);
}

#[test]
fn request_with_a_renewed_id_writes_only_into_a_session_of_its_own() {
    let interface = interface(Settings::default());
    let renewed = || {
        let offer = interface.identify(Some(ID.as_bytes()));
        let found = interface.open(offer, Some(Record::new(*b"\xc0")), NOW);
        assert_eq!(found.reason, Reason::Renewed);
        found
    };
    let after = |change: &dyn Fn(&mut Session)| {
        let mut found = renewed();
        change(&mut found.session);
        finish(&interface, &mut plan(&interface, found).unwrap())
    };
    let set = |session: &mut Session| session.insert("a", 1).unwrap();
    assert_eq!(after(&set), (Outcome::RenewedElsewhere, SaveAction::Keep));
    let (outcome, action) = after(&|session| session.destroy().unwrap());
    assert_eq!(outcome, Outcome::RenewedElsewhere);
    assert!(matches!(action, SaveAction::Delete(_)), "this browser is logged out");
    let log_in = |session: &mut Session| {
        session.renew().unwrap();
        set(session);
    };
    assert_eq!(after(&log_in).0, Outcome::Saved);
}

#[test]
fn absolute_timeout_runs_from_the_start_of_a_session() {
    let hour = Duration::from_secs(3600);
    let interface = interface(Settings { absolute_timeout: Some(hour), ..Settings::default() });
    let started = |plan: &Plan| plan.saving.content().unwrap().get(STARTED).unwrap().as_i64();
    let open = |content: &Dict| {
        let id = SessionId::parse(ID.as_bytes()).unwrap();
        open_at(&interface, Some((interface.key_of(&id), content)))
    };
    let unix = i32::try_from(NOW.as_secs()).unwrap();
    // A session of before the timeout begins when it is next read, and ends with it.
    let fresh = plan(&interface, open(&dict(&[("a", 1)]))).unwrap();
    assert_eq!(started(&fresh), Some(unix.into()));
    let old = dict(&[("a", 1), (STARTED, unix - 3000)]);
    // Neither activity nor clearing extends it.
    let forget: [&dyn Fn(&mut Session); 3] = [
        &|session| session.insert("a", 2).unwrap(),
        &|session| session.remove(STARTED).map(|_| ()).unwrap(),
        &|session| {
            session.clear().unwrap();
            session.insert("a", 2).unwrap();
        },
    ];
    for change in forget {
        let mut found = open(&old);
        change(&mut found.session);
        let plan = plan(&interface, found).unwrap();
        assert_eq!(started(&plan), Some(i64::from(unix) - 3000));
        let (Step::Replace { ttl, .. } | Step::Renew(hipflask_core::store::Renewal { ttl, .. })) =
            plan.saving.step()
        else {
            // Only the start was removed, which is not written.
            continue;
        };
        assert_eq!(ttl, Duration::from_secs(600));
    }
    let mut found = open(&old);
    found.session.renew().unwrap();
    assert_eq!(started(&plan(&interface, found).unwrap()), Some(unix.into()));
    // What an app calls `_started` is its own.
    let own = dict(&[("_started", 1)]);
    let mut found = open(&own);
    assert_eq!(found.reason, Reason::Found);
    found.session.insert("_started", "yesterday").unwrap();
    let own = plan(&interface, found).unwrap().saving.content().unwrap().clone();
    assert_eq!(own.get("_started"), Some(&Value::from("yesterday")));
    // Nothing but the start and `_permanent` is nothing.
    let mut found = open(&old);
    found.session.remove("a").unwrap();
    let mut plan = plan(&interface, found).unwrap();
    assert_eq!(finish(&interface, &mut plan).0, Outcome::Emptied);
    assert_eq!(open(&dict(&[("a", 1), (STARTED, unix - 3600)])).reason, Reason::Expired);
    // A clock that was wrong ends nothing.
    assert_eq!(open(&dict(&[("a", 1), (STARTED, unix + 9000)])).reason, Reason::Found);
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

fn interface(settings: Settings) -> ServerSide {
    ServerSide::new(settings)
}

fn dict(items: &[(&str, i32)]) -> Dict {
    items.iter().map(|(key, value)| ((*key).into(), Value::from(*value))).collect()
}

fn open_at(interface: &ServerSide, record: Option<(RecordKey, &Dict)>) -> Found {
    let offer = interface.identify(Some(ID.as_bytes()));
    let encode = |content| Record::new(record::encode(content, Format::MsgPack).unwrap());
    let record = record.map(|(key, content)| (key, encode(content).with_touched(true)));
    interface.open_at(offer, record, NOW)
}

fn plan(interface: &ServerSide, found: Found) -> Option<Plan> {
    let Found { session, reason, held, .. } = found;
    interface.plan(&session, reason, held, &[7; 32], NOW).unwrap()
}

/// Carries a plan out where nobody is in the way.
fn finish(interface: &ServerSide, plan: &mut Plan) -> (Outcome, SaveAction) {
    let mut outcome = Outcome::Unchanged;
    for saving in plan.ending.iter_mut().chain([&mut plan.saving]) {
        outcome = loop {
            let written = Revision::default();
            let answer = match saving.step() {
                Step::Done(outcome) => break outcome,
                Step::Create { payload, .. } => {
                    assert!(record::decode(payload, Format::MsgPack, Limits::default()).is_ok());
                    Answer::Created(Created::Created(written))
                }
                Step::Delete { .. } => Answer::Deleted(Deleted::Deleted),
                Step::Load { .. } => panic!("nothing was moved"),
                Step::Renew(_) | Step::Replace { .. } => {
                    Answer::Replaced(Replaced::Replaced(written))
                }
            };
            saving.answer(answer).unwrap();
        };
    }
    let saved = interface.finish(plan, outcome, NOW).unwrap();
    (outcome, saved.action)
}
