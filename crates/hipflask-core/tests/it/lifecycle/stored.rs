//! One request over a session in a store, as a server would run it.

use std::{collections::BTreeMap, time::Duration};

use hipflask_core::{
    cookie,
    interface::SaveAction,
    record::{self, Format},
    serializer::Limits,
    signing::KeyRing,
    store::{Answer, Created, Deleted, Question, Record, RecordKey, Replaced, Revision},
    stored::{SessionId, Settings, StoredSessions},
    value::{Dict, Value},
    visit::Sessions,
};

use super::{
    model::{Config, Response, add_vary, handle, latin1},
    ops::{self, Stop},
};
use crate::{
    driver::drive,
    notation,
    reject::{now, with_fallbacks},
    vectors::Row,
};

/// What the client sees, and what the store is asked.
#[derive(Debug, PartialEq)]
struct Seen {
    response: Response,
    log: Vec<Entry>,
}

#[derive(Debug, PartialEq)]
enum Entry {
    Get(String),
    /// Flask-Session writes the same content once more.
    Touch(String, u64),
    Set(String, Dict, u64),
    Delete(String),
}

/// What the store holds before each request.
pub(super) fn initial(row: &Row) -> BTreeMap<String, Dict> {
    let records = row.field("store").as_object().expect("keys and records").iter();
    let content = |described| match notation::read(described) {
        Ok(Value::Dict(content)) => as_stored(&content),
        other => panic!("no dict: {other:?}"),
    };
    records.map(|(key, described)| (key.clone(), content(described))).collect()
}

pub(super) fn check_request(row: &Row, records: &BTreeMap<String, Dict>) {
    let settings = settings(row);
    let actual = run(row, records.clone(), &settings);
    row.assert_eq(actual, expected(row, records, &settings));
}

fn run(row: &Row, records: BTreeMap<String, Dict>, settings: &Settings) -> Seen {
    let sessions = Sessions::from(StoredSessions::new(settings.clone()));
    let mut toy = Toy { records, log: Vec::new() };
    let header = row.field("cookie").as_str().map(latin1);
    let value = header.as_deref().and_then(|header| cookie::find(header, &settings.name));
    let mut opening = sessions.open(value.as_deref(), now(row));
    drive(&mut opening, |question| Ok(toy.answer(question))).expect("an answer");
    let (mut session, visit) = opening.finish().into_parts();
    let mut response = Response { status: 200, ..Response::default() };
    if let Err(stop) = handle(row, &mut session, &mut response) {
        let status = if stop == Stop::Abort { 404 } else { 500 };
        response = Response { status, ..Response::default() };
    }
    ops::run(row, "after", &mut session).expect("no hook fails after the handler");
    let entropy = &entropy(settings)[..visit.entropy_len(&session)];
    let closing = visit.close(&session, entropy, now(row));
    let mut closing = closing.expect("every value can be written");
    drive(&mut closing, |question| Ok(toy.answer(question))).expect("an answer");
    let saved = closing.finish().expect("a cookie");
    match saved.action {
        SaveAction::Set(line) => response.set_cookie.push(neutral_cookie(&line, settings)),
        SaveAction::Delete(line) => response.set_cookie.push(without_flags(&line)),
        _ => {}
    }
    add_vary(&mut response.vary, saved.vary);
    let mut log = Vec::new();
    for entry in toy.log {
        // A touch on the way counts only where nothing else is written.
        if !matches!(entry, Entry::Get(_) | Entry::Touch(..)) {
            log.retain(|entry| !matches!(entry, Entry::Touch(..)));
        }
        log.push(entry.neutral(settings));
    }
    Seen { response, log }
}

fn expected(row: &Row, records: &BTreeMap<String, Dict>, settings: &Settings) -> Seen {
    let texts = |name| -> Vec<String> {
        let list = row.field(name).as_array().expect("a list").iter();
        list.map(|text| text.as_str().expect("a text").to_owned()).collect()
    };
    let response = Response {
        status: row.field("status").as_u64().unwrap().try_into().unwrap(),
        set_cookie: texts("set_cookie").iter().map(|line| neutral_cookie(line, settings)).collect(),
        vary: texts("vary"),
    };
    let log = row.field("store_log").as_array().expect("a list").iter();
    let log = log.filter_map(|entry| {
        let key = entry[1].as_str().expect("a key").to_owned();
        Some(match entry[0].as_str().expect("a word") {
            "get" => Entry::Get(key),
            // What is not there is not deleted.
            "delete" => Entry::Delete(records.contains_key(&key).then_some(key)?),
            "set" => {
                let Ok(Value::Dict(content)) = notation::read(&entry[2]) else { panic!("{row:?}") };
                let (content, ttl) = (as_stored(&content), entry[3].as_u64().expect("seconds"));
                match records.get(&key) {
                    Some(same) if *same == content => Entry::Touch(key, ttl),
                    _ => Entry::Set(key, content, ttl).neutral(settings),
                }
            }
            other => panic!("unknown word {other}"),
        })
    });
    Seen { response, log: log.collect() }
}

fn settings(row: &Row) -> Settings {
    let config = Config(row.field("config"));
    let secret = row.field("secret").as_str().unwrap_or_default();
    let ring = with_fallbacks(KeyRing::new(secret), config.get("SECRET_KEY_FALLBACKS"));
    let default = Settings::default();
    let is_signed = config.is_true("SESSION_USE_SIGNER", false);
    let id_length = config.get("SESSION_ID_LENGTH").as_u64();
    Settings {
        name: config.text("SESSION_COOKIE_NAME").unwrap_or("session").into(),
        attributes: config.attributes(),
        signer: is_signed.then(|| Settings::signer(&ring)),
        key_prefix: config.text("SESSION_KEY_PREFIX").unwrap_or("session:").into(),
        id_length: id_length.map_or(default.id_length, |bytes| bytes.try_into().unwrap()),
        permanent: config.is_true("SESSION_PERMANENT", true),
        lifetime: config.lifetime().unwrap_or(default.lifetime),
        refresh_each_request: config.is_true("SESSION_REFRESH_EACH_REQUEST", true),
        // So that each request sends the cookie again, as with Flask-Session.
        touch_after: 0.0,
        ..default
    }
}

/// A store for one request.
struct Toy {
    records: BTreeMap<String, Dict>,
    log: Vec<Entry>,
}

impl Toy {
    fn load(&mut self, key: &RecordKey, touch: Option<Duration>) -> Option<Record> {
        let key = key.as_str().to_owned();
        self.log.push(Entry::Get(key.clone()));
        let content = self.records.get(&key)?;
        self.log.extend(touch.map(|ttl| Entry::Touch(key, ttl.as_secs())));
        let payload = record::encode(content, Format::MsgPack).unwrap();
        Some(Record::new(payload).with_touched(touch.is_some()))
    }

    /// Does what is asked, since nobody is in the way.
    fn answer(&mut self, question: Question<'_>) -> Answer {
        match question {
            Question::Create { key, payload, ttl } => {
                self.set(key, payload, ttl);
                Answer::Created(Created::Created(Revision::default()))
            }
            Question::Delete { key } => {
                self.delete(key);
                Answer::Deleted(Deleted::Deleted)
            }
            Question::Load { key, touch } => {
                Answer::Loaded(self.load(key, touch.map(|touch| touch.ttl)))
            }
            Question::Renew(renewal) => {
                self.delete(renewal.old);
                self.set(renewal.new, renewal.payload, renewal.ttl);
                Answer::Replaced(Replaced::Replaced(Revision::default()))
            }
            Question::Replace { key, payload, ttl, .. } => {
                self.set(key, payload, ttl);
                Answer::Replaced(Replaced::Replaced(Revision::default()))
            }
            Question::Scan { .. } => panic!("a request reads no other session"),
        }
    }

    /// Notes what was written; a record of `None` only announces the deletion.
    fn set(&mut self, key: &RecordKey, payload: &[u8], ttl: Duration) {
        let decoded = record::decode(payload, Format::MsgPack, Limits::default()).unwrap();
        if let Some(content) = decoded.content {
            self.log.push(Entry::Set(key.as_str().into(), content, ttl.as_secs()));
        }
    }

    fn delete(&mut self, key: &RecordKey) {
        self.log.push(Entry::Delete(key.as_str().into()));
    }
}

impl Entry {
    fn neutral(self, settings: &Settings) -> Self {
        match self {
            Self::Set(key, content, ttl) => Self::Set(neutral(&key, settings), content, ttl),
            other => other,
        }
    }
}

fn as_stored(content: &Dict) -> Dict {
    let payload = record::encode(content, Format::MsgPack).unwrap();
    record::decode(&payload, Format::MsgPack, Limits::default()).unwrap().content.unwrap()
}

fn entropy(settings: &Settings) -> Vec<u8> {
    vec![7; settings.id_length]
}

/// Gives new ids one name, which Flask's generator calls by their number and length.
fn neutral(text: &str, settings: &Settings) -> String {
    let ours = SessionId::from_entropy(&entropy(settings));
    let flasks = [1, 2].map(|number| format!("SID{number}-{}", settings.id_length));
    text.replace(ours.as_str(), "NEW").replace(&flasks[0], "NEW").replace(&flasks[1], "NEW")
}

/// The same inside a cookie, whose signature must be right.
fn neutral_cookie(line: &str, settings: &Settings) -> String {
    let (name, rest) = line.split_once('=').expect("a name");
    let (value, attributes) = rest.split_once(';').expect("attributes");
    match &settings.signer {
        Some(signer) if !value.is_empty() => {
            let unsigned = signer.unsign(value.as_bytes()).expect("a right signature");
            let id = String::from_utf8(unsigned.value.to_vec()).unwrap();
            format!("{name}={}.signed;{attributes}", neutral(&id, settings))
        }
        _ => format!("{name}={};{attributes}", neutral(value, settings)),
    }
}

/// Takes off what the browser is also told when a cookie ends. DIFFERENCE: Flask-Session names only
/// the domain and the path, and browsers then keep, say, a partitioned cookie.
fn without_flags(line: &str) -> String {
    let flags = ["HttpOnly", "Secure", "SameSite=Lax", "Partitioned"];
    let parts: Vec<_> = line.split("; ").filter(|part| !flags.contains(part)).collect();
    assert_ne!(parts.join("; "), line, "all attributes are named");
    parts.join("; ")
}
