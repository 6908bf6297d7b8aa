//! Sessions of other packages, against what these have written: `interop/foreign.py` made the vectors.

use std::{sync::Arc, time::Duration};

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use hipflask_core::{
    UnixTime,
    interface::{CookieSessions, SaveAction},
    reason::Reason,
    record::{Coding, Format, Package, TakeOver},
    serializer::Limits,
    signing::KeyRing,
    store::{Answer, Deleted, Question, Record, RecordKey, Replaced, Revision},
    stored::{Settings, StoredSessions},
    value::Dict,
    visit::{Machine, Opened, Sessions, Step},
};
use proptest::{collection::vec, prelude::*};
use serde_json::{Value as Json, json};

use crate::vectors::from_hex;

const LINES: &str = include_str!("../vectors/foreign.jsonl");
const KEY: &str = "6d1f7a0cb35e249f3c6a52be0d47c188";

/// What a package has written.
struct Visitor {
    package: Package,
    cookie: Vec<u8>,
    now: UnixTime,
    /// Where the record lies, and what it is.
    record: Option<(String, Vec<u8>)>,
}

fn visitors() -> impl Iterator<Item = Visitor> {
    LINES.lines().map(|line| {
        let line: Json = serde_json::from_str(line).unwrap();
        let text = |name: &str| line[name].as_str().map(str::to_owned);
        Visitor {
            package: text("package").unwrap().parse().unwrap(),
            cookie: text("cookie").unwrap().into_bytes(),
            now: UnixTime::from_secs(line["time"].as_u64().unwrap()),
            record: text("key").map(|key| (key, from_hex(&text("record").unwrap()))),
        }
    })
}

fn take_over(package: Package, key: &str) -> Arc<TakeOver> {
    Arc::new(TakeOver::new(package, &KeyRing::new(key)))
}

#[track_caller]
fn check_content(content: &Dict, package: Package) {
    let mut content = serde_json::to_value(content).unwrap();
    let keys = content.as_object_mut().unwrap();
    if package == Package::QuartSession {
        assert_eq!(keys.remove("pair"), Some(json!([1, 2])));
        keys.remove("_addr");
    }
    let is_permanent = !matches!(package, Package::Beaker | Package::FlaskKvSession);
    assert_eq!(keys.remove("_permanent"), is_permanent.then_some(Json::Bool(true)), "{package}");
    let expected = json!({
        "count": 7, "user": "ada", "cart": ["tea", "milk"], "deep": {"a": [1, {"b": null}]},
    });
    assert_eq!(content, expected, "{package}");
}

/// Opens a session, with a store that holds this.
fn open(sessions: &Sessions, visitor: &Visitor) -> Opened {
    let mut opening = sessions.open(Some(&visitor.cookie), visitor.now);
    while let Step::Ask(question) = opening.step() {
        let Question::Load { key, .. } = question else { panic!("only reads") };
        let found = visitor.record.as_ref().filter(|(at, _)| at == key.as_str());
        let answer = Answer::Loaded(found.map(|(_, bytes)| Record::new(bytes.clone())));
        opening.answer(Ok(answer)).unwrap();
    }
    opening.finish()
}

fn stored(package: Package, key: &str) -> Sessions {
    let take_over = Some(take_over(package, key));
    Sessions::from(StoredSessions::new(Settings { take_over, ..Settings::default() }))
}

#[test]
fn vectors_are_of_every_package() {
    let mut packages: Vec<_> = visitors().map(|visitor| visitor.package).collect();
    packages.dedup();
    let mut known: Vec<_> = Package::ALL.map(|(_, package)| package).to_vec();
    known.sort_by_key(|known| packages.iter().position(|package| package == known));
    assert_eq!(packages, known);
}

#[test]
fn cookies_with_content_become_ours() {
    let ring = KeyRing::new("our own key");
    for visitor in visitors().filter(|visitor| visitor.package.lies_in_cookie()) {
        let Visitor { package, cookie, now, .. } = &visitor;
        let ours = CookieSessions::new(&ring);
        assert!(!ours.open(Some(cookie), *now).reason.is_verified());
        let taking = ours.clone().with_take_over(take_over(*package, KEY));
        let opened = taking.open(Some(cookie), *now);
        assert_eq!((opened.reason, opened.session.is_new()), (Reason::Verified, false));
        check_content(&opened.session.to_dict(), *package);

        // Without a change, too.
        let SaveAction::Set(header) = taking.save(&opened.session, *now).unwrap().action else {
            panic!("it is sent again");
        };
        let value = header.strip_prefix("session=").unwrap().split(';').next().unwrap();
        check_content(&ours.open(Some(value.as_bytes()), *now).session.to_dict(), *package);

        // In a store it moves there.
        let sessions = stored(*package, KEY);
        let (session, visit) = open(&sessions, &visitor).into_parts();
        assert!(visit.held().is_none() && session.is_modified());
        check_content(&session.to_dict(), *package);
    }
}

#[test]
fn cookies_with_content_grow_old() {
    for Visitor { package, cookie, now, .. } in visitors().filter(|it| it.package.lies_in_cookie())
    {
        let reading = |max_age: Duration, age: u64| {
            let take_over = TakeOver::new(package, &KeyRing::new(KEY)).with_max_age(max_age);
            let ours = CookieSessions::new(&KeyRing::new("k")).with_take_over(Arc::new(take_over));
            let now = now.checked_add(Duration::from_secs(age)).unwrap();
            ours.open(Some(&cookie), now).reason.is_verified()
        };
        assert!(reading(TakeOver::TWO_WEEKS, 14 * 24 * 3600 - 5));
        assert!(!reading(TakeOver::TWO_WEEKS, 14 * 24 * 3600 + 5));
        assert!(reading(Duration::from_secs(60), 55) && !reading(Duration::from_secs(60), 65));
    }
}

#[test]
fn records_are_read_where_they_lie_and_move() {
    for visitor in visitors().filter(|visitor| !visitor.package.lies_in_cookie()) {
        let package = visitor.package;
        let (at, _) = visitor.record.as_ref().unwrap();
        let (mut session, visit) = open(&stored(package, KEY), &visitor).into_parts();
        assert!(visit.reason().is_verified() || visit.reason() == Reason::Found, "{package}");
        check_content(&session.to_dict(), package);

        session.insert("count", 8).unwrap();
        let mut closing = visit.close(&session, &[], visitor.now).unwrap();
        let mut target = None;
        while let Step::Ask(question) = closing.step() {
            let answer = match question {
                Question::Replace { key, payload, .. } => {
                    target = Some((key.as_str().to_owned(), payload.to_vec()));
                    Answer::Replaced(Replaced::Replaced(Revision::default()))
                }
                Question::Renew(renewal) => {
                    assert_eq!(renewal.old.as_str(), at);
                    target = Some((renewal.new.as_str().to_owned(), renewal.payload.to_vec()));
                    Answer::Replaced(Replaced::Replaced(Revision::default()))
                }
                Question::Delete { .. } => Answer::Deleted(Deleted::Deleted),
                question => panic!("{question:?}"),
            };
            closing.answer(Ok(answer)).unwrap();
        }
        let (key, payload) = target.unwrap();
        assert!(key.starts_with("session:"), "{key}");
        let coding = Coding::new(Format::MsgPack, Limits::default());
        let read = coding.decode(&payload, &key).unwrap();
        assert_eq!(
            (read.format, read.content.unwrap().get("count")),
            (Format::MsgPack, Some(&8.into()))
        );
        assert_eq!(closing.reformatted().is_some(), package == Package::QuartSession);
    }
}

#[test]
fn what_another_key_has_signed_is_nobodys() {
    let signs = |it: &Visitor| {
        let unsigned = [Package::DjangoDatabase, Package::QuartSession, Package::Starsessions];
        !unsigned.contains(&it.package)
    };
    for visitor in visitors().filter(signs) {
        for sessions in [
            stored(visitor.package, "another key"),
            CookieSessions::new(&KeyRing::new("k"))
                .with_take_over(take_over(visitor.package, "another key"))
                .into(),
        ] {
            let opened = open(&sessions, &visitor);
            assert!(!opened.visit().reason().is_verified(), "{}", visitor.package);
            assert!(opened.into_parts().0.is_blank());
        }
    }
}

#[test]
fn kept_format_is_that_of_the_record() {
    let pickle = b"\x80\x05\x95\n\x00\x00\x00\x00\x00\x00\x00}\x94\x8c\x01n\x94K\x01s.";
    for (record, expected, format) in [
        (&pickle[..], Format::Pickle, Format::MsgPack),
        (br#"{"n":1}"#, Format::Json, Format::MsgPack),
        (br#"{"n":1}"#, Format::TaggedJson, Format::TaggedJson),
        (b"\x81\xa1n\x01", Format::MsgPack, Format::Json),
    ] {
        for keep_format in [true, false] {
            let settings = Settings { format, keep_format, ..Settings::default() };
            let sessions = Sessions::from(StoredSessions::new(settings));
            let now = UnixTime::from_secs(1_763_692_800);
            let mut opening = sessions.open(Some(&[b'S'; 43]), now);
            opening.answer(Ok(Answer::Loaded(Some(Record::new(record))))).unwrap();
            let (mut session, visit) = opening.finish().into_parts();
            session.insert("n", 2).unwrap();
            let mut closing = visit.close(&session, &[], now).unwrap();
            let Step::Ask(Question::Replace { payload, .. }) = closing.step() else {
                panic!("it is written")
            };
            let coding = Coding::new(expected, Limits::default());
            let written = coding.decode(payload, "session:S").unwrap();
            assert_eq!(written.format, if keep_format { expected } else { format });
            closing.answer(Ok(Answer::Replaced(Replaced::Replaced(Revision::default())))).unwrap();
            let is_other = !keep_format && expected != format;
            assert_eq!(closing.reformatted(), is_other.then_some((expected, format)));
        }
    }
}

#[test]
fn cookies_that_end_with_the_browser_go_on_to_do_so() {
    let coding = |package| {
        Coding::new(Format::Json, Limits::default()).with_take_over(take_over(package, KEY))
    };
    let record =
        br#"{"__metadata__": {"lifetime": 0, "created": 1.5, "last_access": 2.5}, "n": 1}"#;
    let read = coding(Package::Starsessions).decode(record, "starsessions.0f").unwrap();
    assert_eq!(serde_json::to_value(read.content).unwrap(), json!({"n": 1}));

    // Django reads the payload, and does not look at the signature.
    let payload = URL_SAFE_NO_PAD.encode(br#"{"_session_expiry":0,"n":1}"#);
    let record = format!("{payload}:1vMH44:x");
    let read = coding(Package::DjangoDatabase).decode(record.as_bytes(), "session:0f").unwrap();
    assert_eq!(serde_json::to_value(read.content).unwrap(), json!({"_session_expiry": 0, "n": 1}));
}

#[test]
fn only_its_own_keys_are_a_packages() {
    for (package, key, id) in [
        (Package::Beaker, "beaker_cache:0f:session", Some("0f")),
        (Package::Beaker, "session:0f", None),
        (Package::FlaskKvSession, "0f_6b0b", Some("0f_6b0b")),
        (Package::FlaskKvSession, "session:0f", None),
        (Package::FlaskKvSession, "_6b0b", None),
        (Package::Starsessions, "starsessions.0f", Some("0f")),
        (Package::QuartSession, "session:0f", None),
    ] {
        let take_over = take_over(package, "k");
        assert_eq!(take_over.package().id_in(key), id, "{key}");
        if let Some(id) = id {
            assert_eq!(take_over.package().key_of(id).as_deref(), Some(key));
        }
        let rules =
            StoredSessions::new(Settings { take_over: Some(take_over), ..Settings::default() });
        let target = rules.key_of_taken(&RecordKey::new(key));
        assert_eq!(target.is_some(), id.is_some());
    }
}

proptest! {
    #[test]
    fn no_bytes_are_fatal(cookie in vec(any::<u8>(), 0..200), record in vec(any::<u8>(), 0..200)) {
        let now = UnixTime::from_secs(1_763_692_800);
        for (_, package) in Package::ALL {
            let take_over = take_over(package, KEY);
            let key = take_over.package().key_of("0f_1").unwrap_or("session:0f_1".into());
            let coding = Coding::new(Format::MsgPack, Limits::default()).with_take_over(take_over);
            let _ = coding.decode(&record, &key);
            let _ = stored(package, KEY).open(Some(&cookie), now);
        }
    }
}
