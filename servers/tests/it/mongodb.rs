//! Sessions in MongoDB: one server, and a replica set that loses its primary.

#![expect(clippy::unwrap_used, reason = "clippy exempts tests, but not the functions they share")]

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant, SystemTime},
};

use hipflask::store::{
    ConnectError, Created, Deleted, MongoDbStore, Record, RecordKey, Renewal, Replaced, Store,
    Touch,
    conformance::{self, Abilities},
};
use hipflask_servers::{
    Server, free_port,
    mongodb::{command, primary, start, start_again, start_replica_set},
};
use mongodb::{
    Client, Collection, IndexModel,
    bson::{DateTime, Document, doc},
    options::IndexOptions,
};
use tokio::{
    task::JoinSet,
    time::{sleep, timeout},
};

use crate::{
    counting::increment,
    many,
    unreadable::{ID, becomes_a_new_session},
};

const HOUR: Duration = Duration::from_secs(3600);

fn server() -> Server {
    start(free_port().unwrap(), None).unwrap()
}

fn address(servers: &[Server]) -> String {
    let hosts: Vec<_> =
        servers.iter().map(|server| format!("127.0.0.1:{}", server.port())).collect();
    let set = if servers.len() > 1 { "replicaSet=rs0" } else { "" };
    format!("mongodb://{}/?{set}", hosts.join(","))
}

async fn store(servers: &[Server]) -> MongoDbStore {
    MongoDbStore::connect(&address(servers)).await.unwrap()
}

/// Returns the collection as any other client sees it.
async fn documents(servers: &[Server]) -> Collection<Document> {
    let client = Client::with_uri_str(address(servers)).await.unwrap();
    client.database("flask_session").collection("sessions")
}

fn key(text: impl Into<String>) -> RecordKey {
    RecordKey::new(text)
}

fn in_an_hour() -> DateTime {
    DateTime::from_system_time(SystemTime::now() + HOUR)
}

fn an_hour_ago() -> DateTime {
    DateTime::from_system_time(SystemTime::now() - HOUR)
}

/// A write names the old payload and the new one, and the server takes 16 MB for both.
const MAX_PAYLOAD: usize = 8 * 1024 * 1024 - 4096;

#[tokio::test(flavor = "multi_thread")]
async fn one_server_conforms() {
    let servers = [server()];
    let abilities = Abilities::new().with_max_payload(MAX_PAYLOAD);
    let store = store(&servers).await;
    conformance::run(&store, "session:", abilities).await.unwrap();
    many::assert_written(&store).await;
    store.prepare().await.unwrap();
    conformance::run(&store, "indexed:", abilities).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_replica_set_conforms() {
    let servers = start_replica_set().await.unwrap();
    let abilities = Abilities::new().with_max_payload(MAX_PAYLOAD);
    conformance::run(&store(&servers).await, "session:", abilities).await.unwrap();
}

#[tokio::test]
async fn requests_cost_the_round_trips_that_they_should() {
    let servers = [server()];
    let store = store(&servers).await;
    let database = documents(&servers).await.client().database("flask_session");
    database.run_command(doc! { "profile": 2 }).await.unwrap();
    let profile = database.collection::<Document>("system.profile");
    let mut seen = 0;
    let mut check = async |what: &str, expected: u64| {
        let ours = doc! { "ns": "flask_session.sessions" };
        let now = profile.count_documents(ours).await.unwrap();
        assert_eq!(now - seen, expected, "{what}");
        seen = now;
    };
    let name = key("session:S");
    assert!(matches!(store.create(&name, b"one", HOUR).await.unwrap(), Created::Created(_)));
    check("create", 1).await;
    assert_eq!(store.create(&name, b"two", HOUR).await.unwrap(), Created::Exists);
    check("create again", 1).await;
    let one = store.load(&name, None).await.unwrap().unwrap();
    check("load", 1).await;
    let not_due = Touch { ttl: HOUR, when_below: HOUR / 2 };
    assert!(!store.load(&name, Some(not_due)).await.unwrap().unwrap().touched);
    check("load with a touch that is not due", 1).await;
    let writes = doc! { "command.findAndModify": { "$exists": true } };
    assert_eq!(profile.count_documents(writes).await.unwrap(), 0, "what is not due is only read");
    let due = Touch { ttl: 2 * HOUR, when_below: 2 * HOUR };
    assert!(store.load(&name, Some(due)).await.unwrap().unwrap().touched);
    check("load with a touch that is due", 1).await;
    let replaced = store.replace(&name, &one, b"two", HOUR).await.unwrap();
    assert!(matches!(replaced, Replaced::Replaced(_)));
    check("replace", 1).await;
    let conflict = store.replace(&name, &one, b"three", HOUR).await.unwrap();
    assert!(matches!(conflict, Replaced::Conflict(found) if found.payload == b"two"));
    check("conflict", 2).await;
    let (old, new, two) = (&name, &key("session:T"), &Record::new("two"));
    let retired_ttl = Duration::from_secs(60);
    let (payload, retired) = (b"three", b"\xc0");
    let renewal = Renewal { old, current: two, new, payload, ttl: HOUR, retired, retired_ttl };
    assert!(matches!(conformance::renew(&store, renewal).await.unwrap(), Replaced::Replaced(_)));
    check("renew", 2).await;
    assert!(!store.load(&name, Some(due)).await.unwrap().unwrap().touched, "it is retired");
    check("load what is retired", 1).await;
    assert_eq!(store.delete(new).await.unwrap(), Deleted::Deleted);
    assert_eq!(store.delete(new).await.unwrap(), Deleted::Gone);
    check("delete twice", 2).await;
}

#[tokio::test]
async fn documents_are_those_of_flask_session_0_8() {
    let servers = [server()];
    let store = store(&servers).await;
    let documents = documents(&servers).await;
    let name = key("session:abc");
    store.create(&name, b"\x81\xa1a\x01", HOUR).await.unwrap();
    let mut document = documents.find_one(doc! { "id": "session:abc" }).await.unwrap().unwrap();
    assert_eq!(document.keys().collect::<Vec<_>>(), ["_id", "id", "val", "expiration"]);
    let expires = document.get_datetime("expiration").unwrap().to_system_time();
    let left = expires.duration_since(SystemTime::now()).unwrap();
    assert!(left <= HOUR && left > HOUR - Duration::from_secs(10), "{left:?}");

    // Without `_id`, and with the time at which Flask-Session 0.8 wrote the same session.
    document.remove("_id");
    document.insert("expiration", DateTime::parse_rfc3339_str("2025-12-22T02:40:00.123Z").unwrap());
    let hex: String = document.to_vec().unwrap().iter().map(|byte| format!("{byte:02x}")).collect();
    let made_by_flask = "3b000000026964000c00000073657373696f6e3a616263000576616c00040000000081a1\
                         61010965787069726174696f6e007b8ced439b01000000";
    assert_eq!(hex, made_by_flask);

    // What Flask-Session does to save finds and keeps our document.
    document.insert("expiration", in_an_hour());
    documents
        .update_one(doc! { "id": "session:abc" }, doc! { "$set": document })
        .upsert(true)
        .await
        .unwrap();
    assert_eq!(documents.count_documents(doc! {}).await.unwrap(), 1);
}

#[tokio::test]
async fn documents_with_an_object_id_are_read_replaced_and_deleted() {
    let servers = [server()];
    let store = store(&servers).await;
    let documents = documents(&servers).await;
    let name = key("session:abc");
    let val = || mongodb::bson::Binary {
        subtype: mongodb::bson::spec::BinarySubtype::Generic,
        bytes: b"one".to_vec(),
    };
    let live = doc! { "id": "session:abc", "val": val(), "expiration": in_an_hour() };
    documents.insert_one(&live).await.unwrap();
    assert_eq!(store.create(&name, b"two", HOUR).await.unwrap(), Created::Exists);
    let one = store.load(&name, None).await.unwrap().unwrap();
    let replaced = store.replace(&name, &one, b"two", HOUR).await.unwrap();
    assert!(matches!(replaced, Replaced::Replaced(_)));
    assert_eq!(documents.count_documents(doc! {}).await.unwrap(), 1);

    // Two parallel requests to Flask can leave two of them.
    documents.insert_one(&live).await.unwrap();
    assert_eq!(store.delete(&name).await.unwrap(), Deleted::Deleted);
    assert_eq!(documents.count_documents(doc! {}).await.unwrap(), 0);

    let expired = doc! { "id": "session:abc", "val": val(), "expiration": an_hour_ago() };
    let old_id = documents.insert_one(expired).await.unwrap().inserted_id;
    assert!(store.load(&name, None).await.unwrap().is_none());
    assert_eq!(store.replace(&name, &one, b"two", HOUR).await.unwrap(), Replaced::Gone);
    assert_eq!(store.delete(&name).await.unwrap(), Deleted::Gone);
    assert!(matches!(store.create(&name, b"new", HOUR).await.unwrap(), Created::Created(_)));
    let document = documents.find_one(doc! {}).await.unwrap().unwrap();
    assert_eq!(document.get("_id"), Some(&old_id));
    assert_eq!(store.load(&name, None).await.unwrap().unwrap().payload, b"new");
}

#[tokio::test]
async fn a_document_of_another_kind_becomes_a_new_session() {
    let servers = [server()];
    let store = store(&servers).await;
    let documents = documents(&servers).await;
    let id = format!("session:{ID}");
    documents.insert_one(doc! { "id": &id, "val": 7, "expiration": in_an_hour() }).await.unwrap();
    store.create(&key("session:S"), b"one", HOUR).await.unwrap();
    assert_eq!(store.scan("session:", None, 10).await.unwrap().entries.len(), 2);
    becomes_a_new_session(store).await;
}

#[tokio::test]
async fn a_document_without_an_end_lives_and_gets_one_when_it_is_read() {
    let servers = [server()];
    let store = store(&servers).await;
    let documents = documents(&servers).await;
    let val = mongodb::bson::Binary {
        subtype: mongodb::bson::spec::BinarySubtype::Generic,
        bytes: b"one".to_vec(),
    };
    for (name, document) in [
        ("missing", doc! { "id": "missing", "val": val.clone() }),
        ("null", doc! { "id": "null", "val": val, "expiration": null }),
    ] {
        documents.insert_one(document).await.unwrap();
        let name = key(name);
        assert_eq!(store.create(&name, b"two", HOUR).await.unwrap(), Created::Exists);
        assert_eq!(store.load(&name, None).await.unwrap().unwrap().payload, b"one");
        assert_eq!(store.scan(name.as_str(), None, 9).await.unwrap().entries[0].expires_in, None);
        let touch = Touch { ttl: HOUR, when_below: HOUR / 2 };
        assert!(store.load(&name, Some(touch)).await.unwrap().unwrap().touched);
        assert!(!store.load(&name, Some(touch)).await.unwrap().unwrap().touched);
        let entry = &store.scan(name.as_str(), None, 9).await.unwrap().entries[0];
        assert!(entry.expires_in.unwrap() > HOUR / 2);
    }
}

#[tokio::test]
async fn a_user_who_may_only_read_reads() {
    let mut servers = [server()];
    let reader = doc! {
        "createUser": "reader", "pwd": "secret", "roles": [{ "role": "read", "db": "flask_session" }],
    };
    command(&servers[0], reader).await.unwrap();
    let name = key("session:S");
    store(&servers).await.create(&name, b"one", HOUR).await.unwrap();
    command(&servers[0], doc! { "fsync": 1 }).await.unwrap();
    servers[0].kill();
    let server = start_again(&servers[0], &["--auth"]).unwrap();
    let address = format!("mongodb://reader:secret@127.0.0.1:{}/?authSource=admin", server.port());
    let store = MongoDbStore::connect(&address).await.unwrap();
    let touch = Touch { ttl: HOUR * 2, when_below: HOUR * 2 };
    let record = store.load(&name, Some(touch)).await.unwrap().unwrap();
    assert!(record.payload == b"one" && !record.touched);
    let error = store.create(&key("session:T"), b"two", HOUR).await.unwrap_err();
    assert!(error.to_string().contains("has no right"), "{error}");
}

/// A runtime that rests between two requests, as Python's does, sees nothing of what happens then.
#[test]
fn after_a_restart_one_write_at_most_has_no_answer() {
    let mut server = server();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let store = runtime.block_on(store(std::slice::from_ref(&server)));
    let names = ["a", "b", "c"].map(|name| key(format!("session:{name}")));
    runtime.block_on(async {
        let loads = names.clone().map(|name| {
            let store = store.clone();
            async move { store.load(&name, None).await.unwrap() }
        });
        loads.into_iter().collect::<JoinSet<_>>().join_all().await;
    });
    server.kill();
    let _restarted = start_again(&server, &[]).unwrap();
    let mut answers = names.map(|name| runtime.block_on(store.create(&name, b"one", HOUR)));
    if let Err(error) = &answers[0] {
        assert!(error.is_transient(), "{error}");
        answers[0] = Ok(Created::Exists);
    }
    assert!(answers.iter().all(Result::is_ok), "{answers:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn of_parallel_creates_one_wins_without_an_index() {
    let servers = [server()];
    let store = store(&servers).await;
    for round in 0..20 {
        let mut tasks = JoinSet::new();
        for _ in 0..16 {
            let (store, name) = (store.clone(), key(format!("$session.{round}")));
            tasks.spawn(async move { store.create(&name, b"one", HOUR).await.unwrap() });
        }
        let results = tasks.join_all().await;
        let n_created = results.iter().filter(|result| **result != Created::Exists).count();
        assert_eq!(n_created, 1);
    }
    assert_eq!(documents(&servers).await.count_documents(doc! {}).await.unwrap(), 20);
}

#[tokio::test]
async fn prepare_agrees_with_flask_session_and_removes_what_expires() {
    let servers = [server()];
    let store = store(&servers).await;
    store.prepare().await.unwrap();
    store.prepare().await.unwrap();
    let documents = documents(&servers).await;
    // As Flask-Session does whenever it starts.
    let options = IndexOptions::builder().expire_after(Duration::ZERO).build();
    let index = IndexModel::builder().keys(doc! { "expiration": 1 }).options(options).build();
    documents.create_index(index).await.unwrap();
    let names = documents.list_index_names().await.unwrap();
    assert_eq!(names, ["_id_", "expiration_1", "id_1"]);

    store.create(&key("session:S"), b"one", Duration::from_secs(1)).await.unwrap();
    assert_eq!(documents.count_documents(doc! {}).await.unwrap(), 1);
    let start = Instant::now();
    while documents.count_documents(doc! {}).await.unwrap() > 0 {
        assert!(start.elapsed() < Duration::from_secs(30), "it is not removed");
        sleep(Duration::from_millis(100)).await;
    }

    let twice = doc! { "id": "session:T", "expiration": in_an_hour() };
    documents.insert_one(&twice).await.unwrap();
    assert!(documents.insert_one(&twice).await.is_err(), "`id` is not unique");
}

#[tokio::test]
async fn purge_removes_no_more_than_asked_and_nothing_that_lives() {
    let servers = [server()];
    let store = store(&servers).await;
    let documents = documents(&servers).await;
    store.create(&key("session:live"), b"one", HOUR).await.unwrap();
    for number in 0..5 {
        let expired = doc! { "id": format!("session:{number}"), "expiration": an_hour_ago() };
        documents.insert_one(expired).await.unwrap();
    }
    for expected in [3, 2, 0] {
        assert_eq!(store.purge(3).await.unwrap(), expected);
    }
    assert!(store.load(&key("session:live"), None).await.unwrap().is_some());
}

#[tokio::test]
async fn scan_gives_every_record_of_a_prefix_once() {
    let servers = [server()];
    let (store, documents) = (store(&servers).await, documents(&servers).await);
    for number in 0..25 {
        store.create(&key(format!("a.*{number}")), b"one", HOUR).await.unwrap();
        store.create(&key(format!("b{number}")), b"one", HOUR).await.unwrap();
        // Of Flask-Session, which has another type of `_id`.
        let document = doc! { "id": format!("a.*of Flask {number}"), "expiration": in_an_hour() };
        documents.insert_one(document).await.unwrap();
    }
    let database = documents.client().database("flask_session");
    let profile = database.collection::<Document>("system.profile");
    for has_index in [false, true] {
        if has_index {
            store.prepare().await.unwrap();
        }
        database.run_command(doc! { "profile": 2 }).await.unwrap();
        let (mut keys, mut cursor) = (Vec::new(), None);
        loop {
            let page = store.scan("a.", cursor.as_deref(), 10).await.unwrap();
            assert!(page.entries.len() <= 10);
            assert!(page.entries.iter().all(|entry| entry.expires_in > Some(HOUR / 2)));
            keys.extend(page.entries.into_iter().map(|entry| entry.key.as_str().to_owned()));
            cursor = page.next;
            if cursor.is_none() {
                break;
            }
        }
        database.run_command(doc! { "profile": 0 }).await.unwrap();
        assert_eq!(keys.len(), 50);
        keys.sort();
        keys.dedup();
        assert_eq!(keys.len(), 50);
        assert!(keys.iter().all(|key| key.starts_with("a.*")));

        let mut finds = profile.find(doc! { "command.find": "sessions" }).await.unwrap();
        let mut n_examined = 0;
        while finds.advance().await.unwrap() {
            let find = finds.deserialize_current().unwrap();
            n_examined += find.get_i32("docsExamined").unwrap();
        }
        // Each page begins with the last record of the one before.
        assert!(n_examined <= 75 + 5, "{n_examined} of 75 were read");
        profile.drop().await.unwrap();
    }
}

#[tokio::test]
async fn connect_says_what_is_wrong_in_time_and_without_the_password() {
    let start = Instant::now();
    let nobody = format!("mongodb://user:hunter2@127.0.0.1:{}", free_port().unwrap());
    let error = hipflask::store::connect(&nobody).await.unwrap_err();
    assert!(start.elapsed() < Duration::from_secs(5));
    assert!(matches!(error, ConnectError::Refused(_)), "{error}");
    assert_eq!(format!("{error:?}"), error.to_string(), "it is for a `main` that returns it");
    let place = nobody.rsplit('@').next().unwrap();
    assert!(error.to_string().ends_with(&format!("(at {place})")), "{error}");
    assert!(!error.to_string().contains("hunter2"), "{error}");

    let server = server();
    let stranger = format!("mongodb://user:hunter2@127.0.0.1:{}", server.port());
    let error = MongoDbStore::connect(&stranger).await.unwrap_err();
    assert!(error.to_string().contains("check user, password and authSource"), "{error}");
    assert!(!format!("{error:?}").contains("hunter2"));
}

#[tokio::test]
async fn a_server_that_was_away_needs_no_new_store() {
    let port = free_port().unwrap();
    let mut server = start(port, None).unwrap();
    let address = format!("mongodb://127.0.0.1:{port}/?serverSelectionTimeoutMS=500");
    let store = MongoDbStore::connect(&address).await.unwrap();
    let name = key("session:S");
    store.create(&name, b"one", HOUR).await.unwrap();
    server.kill();
    let began = Instant::now();
    let error = store.load(&name, None).await.unwrap_err();
    assert!(error.is_transient() && began.elapsed() < Duration::from_secs(3), "{error:?}");
    let _restarted = start(port, None).unwrap();
    let back = async {
        while !matches!(store.create(&name, b"one", HOUR).await, Ok(Created::Created(_))) {
            sleep(Duration::from_millis(50)).await;
        }
    };
    timeout(Duration::from_secs(60), back).await.expect("it does not come back");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_stands_still_fails_at_last_and_recovers() {
    let servers = [server()];
    let store = store(&servers).await;
    let name = key("session:S");
    store.create(&name, b"one", HOUR).await.unwrap();
    servers[0].pause().unwrap();
    // What the layer's deadline does: it gives up, and so must not harm those that come after it.
    for _ in 0..20 {
        let load = store.load(&name, None);
        assert!(timeout(Duration::from_millis(50), load).await.is_err());
    }
    // Without a deadline, it takes until the driver has missed the server's heartbeat.
    let load = timeout(Duration::from_secs(60), store.load(&name, None));
    let error = load.await.expect("it waits for ever").unwrap_err();
    assert!(error.is_transient(), "{error:?}");
    servers[0].resume().unwrap();
    let back = async {
        while store.load(&name, None).await.ok().flatten().is_none() {
            sleep(Duration::from_millis(50)).await;
        }
    };
    timeout(Duration::from_secs(60), back).await.expect("it does not come back");
}

#[tokio::test(flavor = "multi_thread")]
async fn no_write_that_was_answered_is_lost_when_the_primary_dies() {
    let mut servers = start_replica_set().await.unwrap();
    let store = store(&servers).await;
    store.prepare().await.unwrap();
    let stop = Arc::new(AtomicBool::new(false));
    let mut tasks = JoinSet::new();
    for writer in 0..4 {
        let (store, stop) = (store.clone(), Arc::clone(&stop));
        tasks.spawn(async move {
            let (mut written, mut longest, mut last) = (Vec::new(), Duration::ZERO, Instant::now());
            for number in 0.. {
                if stop.load(Ordering::Relaxed) {
                    break;
                }
                let name = key(format!("session:{writer}:{number}"));
                let text = number.to_string();
                // As long as the layer would wait.
                let write = store.create(&name, text.as_bytes(), HOUR);
                if let Ok(Ok(created)) = timeout(Duration::from_secs(5), write).await {
                    assert_ne!(created, Created::Exists, "it has met its own write");
                    written.push((name, text));
                    longest = longest.max(last.elapsed());
                    last = Instant::now();
                }
            }
            (written, longest.max(last.elapsed()))
        });
    }
    sleep(Duration::from_secs(2)).await;
    let position = primary(&servers).await.unwrap();
    servers[position].kill();
    while primary(&servers).await.is_none_or(|elected| elected == position) {
        sleep(Duration::from_millis(50)).await;
    }
    sleep(Duration::from_secs(2)).await;
    stop.store(true, Ordering::Relaxed);
    let mut n_written = 0;
    for (written, longest) in tasks.join_all().await {
        println!("the longest pause of a writer: {longest:?}");
        assert!(longest < Duration::from_secs(20), "no write for {longest:?}");
        for (name, text) in written {
            let record = store.load(&name, None).await.unwrap().expect("a write is lost");
            assert_eq!(record.payload, text.as_bytes());
            n_written += 1;
        }
    }
    assert!(n_written > 100, "only {n_written} writes");
}

#[tokio::test(flavor = "multi_thread")]
async fn eight_clients_count_to_800() {
    let servers = [server()];
    let first = store(&servers).await;
    let name = Arc::new(key("session:S"));
    first.create(&name, b"0", HOUR).await.unwrap();
    let mut tasks = JoinSet::new();
    for _ in 0..8 {
        let (store, name) = (store(&servers).await, Arc::clone(&name));
        tasks.spawn(async move {
            for _ in 0..100 {
                increment(&store, &name).await.unwrap();
            }
        });
    }
    tasks.join_all().await;
    assert_eq!(first.load(&name, None).await.unwrap().unwrap().payload, b"800");
}
