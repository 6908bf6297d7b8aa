//! Sessions in Memcached: one server, three, and some that fail.

#![expect(clippy::unwrap_used, reason = "clippy exempts tests, but not the functions they share")]

use std::{
    sync::Arc,
    thread::sleep,
    time::{Duration, Instant},
};

use hipflask::store::{
    ConnectError, Created, Deleted, MemcachedStore, Record, RecordKey, Replaced, Revision, Store,
    StoreError, Touch,
    conformance::{self, Abilities},
};
use hipflask_servers::{
    Server, free_port,
    memcached::{ask, start, stats},
};
use tokio::task::{JoinSet, yield_now};

use crate::{
    counting::increment,
    unreadable::{ID, becomes_a_new_session},
};

const HOUR: Duration = Duration::from_secs(3600);

fn server() -> Server {
    start(free_port().unwrap(), &[]).unwrap()
}

async fn store(servers: &[&Server]) -> MemcachedStore {
    let hosts: Vec<_> =
        servers.iter().map(|server| format!("127.0.0.1:{}", server.port())).collect();
    let address = format!("memcached://{}?timeout=0.5&connect_timeout=0.5", hosts.join(","));
    MemcachedStore::connect(&address).await.unwrap()
}

fn key(text: impl Into<String>) -> RecordKey {
    RecordKey::new(text)
}

/// Returns how many commands about keys a server has answered.
fn commands(server: &Server) -> u64 {
    let counted = stats(server.port()).unwrap();
    ["cmd_get", "cmd_set", "delete_hits", "delete_misses"].iter().map(|name| counted[*name]).sum()
}

/// Returns in how many seconds a key expires.
fn ttl(server: &Server, key: &str) -> i64 {
    let lines = ask(server.port(), &format!("mg {key} t\r\n"), "HD").unwrap();
    lines[0].strip_prefix("HD t").unwrap().parse().unwrap()
}

#[tokio::test]
async fn one_server_conforms() {
    let server = server();
    let abilities = Abilities::new().without_scan().with_max_payload(1024 * 1024 - 309);
    conformance::run(&store(&[&server]).await, "session:", abilities).await.unwrap();
}

#[tokio::test]
async fn three_servers_conform() {
    let [a, b, c] = &[server(), server(), server()];
    let abilities = Abilities::new().without_scan().with_max_payload(1024 * 1024 - 309);
    conformance::run(&store(&[a, b, c]).await, "session:", abilities).await.unwrap();
}

#[tokio::test]
async fn requests_cost_the_round_trips_that_they_should() {
    let server = server();
    let store = store(&[&server]).await;
    let mut seen = 0;
    let mut check = |what: &str, expected: u64| {
        let now = commands(&server);
        assert_eq!(now - seen, expected, "{what}");
        seen = now;
    };
    check("connect", 0);
    let name = key("session:S");
    let created = store.create(&name, b"one", HOUR).await.unwrap();
    assert!(matches!(created, Created::Created(_)));
    check("create", 1);
    assert_eq!(store.create(&name, b"two", HOUR).await.unwrap(), Created::Exists);
    check("create again", 1);
    let record = store.load(&name, None).await.unwrap().unwrap();
    check("load", 1);
    let not_due = Touch { ttl: HOUR, when_below: HOUR / 2 };
    assert!(!store.load(&name, Some(not_due)).await.unwrap().unwrap().touched);
    check("load with a touch that is not due", 1);
    let Replaced::Replaced(revision) = store.replace(&name, &record, b"two", HOUR).await.unwrap()
    else {
        panic!("not replaced");
    };
    check("replace", 1);
    let second = Record::new("two").with_revision(revision);
    let replaced = store.replace(&name, &second, b"three", HOUR).await.unwrap();
    assert!(matches!(replaced, Replaced::Replaced(_)));
    check("replace again without loading", 1);
    let due = Touch { ttl: 2 * HOUR, when_below: 2 * HOUR };
    assert!(store.load(&name, Some(due)).await.unwrap().unwrap().touched);
    check("load with a touch that is due", 2);
    assert!(ttl(&server, "session:S") > 7190);
    check("this test's own question", 1);
    let conflict = store.replace(&name, &second, b"four", HOUR).await.unwrap();
    assert!(matches!(conflict, Replaced::Conflict(found) if found.payload == b"three"));
    check("conflict", 2);
    assert_eq!(store.delete(&name).await.unwrap(), Deleted::Deleted);
    check("delete", 1);
    assert_eq!(store.replace(&name, &record, b"five", HOUR).await.unwrap(), Replaced::Gone);
    check("replace what is gone", 1);
    let counted = stats(server.port()).unwrap();
    assert_eq!((counted["cas_hits"], counted["cas_badval"], counted["cas_misses"]), (3, 1, 1));
}

#[tokio::test]
async fn replace_compares_bytes_when_the_version_is_unknown_or_only_touched() {
    let server = server();
    let store = store(&[&server]).await;
    let name = key("session:S");
    store.create(&name, b"one", HOUR).await.unwrap();
    let loaded = store.load(&name, None).await.unwrap().unwrap();
    let due = Touch { ttl: 2 * HOUR, when_below: 2 * HOUR };
    assert!(store.load(&name, Some(due)).await.unwrap().unwrap().touched);
    let replaced = store.replace(&name, &loaded, b"two", HOUR).await.unwrap();
    assert!(matches!(replaced, Replaced::Replaced(_)), "a touch is no conflict");
    let replaced = store.replace(&name, &Record::new("two"), b"three", HOUR).await.unwrap();
    assert!(matches!(replaced, Replaced::Replaced(_)), "the bytes are as expected");
    let replaced = store.replace(&name, &Record::new("two"), b"four", HOUR).await.unwrap();
    let Replaced::Conflict(found) = replaced else { panic!("written over another record") };
    assert_eq!(found.payload, b"three");
    assert_ne!(found.revision, Revision::default());
}

#[tokio::test]
async fn load_never_touches_a_retired_record() {
    let server = server();
    let store = store(&[&server]).await;
    let due = Touch { ttl: 2 * HOUR, when_below: 2 * HOUR };
    for (number, retired) in [b"\xc0".as_slice(), b"null", b"\x80\x05N."].iter().enumerate() {
        let text = format!("session:{number}");
        let name = key(&text);
        store.create(&name, retired, HOUR).await.unwrap();
        assert!(!store.load(&name, Some(due)).await.unwrap().unwrap().touched);
        assert!(ttl(&server, &text) <= 3600);
    }
}

#[tokio::test]
async fn load_reads_text_and_not_what_other_clients_compress_or_pickle() {
    let server = server();
    let store = store(&[&server]).await;
    let due = Touch { ttl: 2 * HOUR, when_below: 2 * HOUR };
    for (flags, is_read) in [(0, true), (16, true), (1, false), (2, false), (8, false), (24, false)]
    {
        let text = format!("session:{flags}");
        let set = format!("set {text} {flags} 3600 2\r\n{{}}\r\n");
        ask(server.port(), &set, "STORED").unwrap();
        let record = store.load(&key(&text), Some(due)).await.unwrap().unwrap();
        assert_eq!(record.payload, if is_read { &b"{}"[..] } else { b"" }, "{flags}");
        assert_eq!(record.touched, is_read, "{flags}");
        let kept = ask(server.port(), &format!("mg {text} f v\r\n"), "{}").unwrap();
        assert_eq!(kept, [format!("VA 2 f{flags}"), "{}".into()], "it stays as it was");
    }
}

#[tokio::test]
async fn a_record_of_another_client_becomes_a_new_session() {
    let server = server();
    let set = format!("set session:{ID} 24 3600 4\r\nzlib\r\n");
    ask(server.port(), &set, "STORED").unwrap();
    becomes_a_new_session(store(&[&server]).await).await;
}

#[tokio::test]
async fn a_record_without_an_end_gets_one_when_it_is_read() {
    let server = server();
    let store = store(&[&server]).await;
    ask(server.port(), "set session:S 0 0 2\r\n{}\r\n", "STORED").unwrap();
    assert_eq!(ttl(&server, "session:S"), -1);
    let touch = Touch { ttl: HOUR, when_below: HOUR / 2 };
    let record = store.load(&key("session:S"), Some(touch)).await.unwrap().unwrap();
    assert!(record.touched && record.payload == b"{}");
    assert!((3598..=3600).contains(&ttl(&server, "session:S")));
    assert!(!store.load(&key("session:S"), Some(touch)).await.unwrap().unwrap().touched);
}

/// A runtime that rests between two requests, as Python's does, sees nothing of what happens then.
#[test]
fn connections_that_the_server_has_closed_are_not_asked() {
    let mut server = start(free_port().unwrap(), &["-o", "idle_timeout=2"]).unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let store = runtime.block_on(store(&[&server]));
    let open_three = || {
        let loads = ["a", "b", "c"].map(|name| {
            let store = store.clone();
            async move { store.load(&key(name), None).await.unwrap() }
        });
        runtime.block_on(async { loads.into_iter().collect::<JoinSet<_>>().join_all().await });
    };
    let create = |name: &str| {
        let created = runtime.block_on(store.create(&key(name), b"one", HOUR)).unwrap();
        assert!(matches!(created, Created::Created(_)), "{name}");
    };
    open_three();
    let silent_since = Instant::now();
    while stats(server.port()).unwrap()["idle_kicks"] < 3 {
        assert!(silent_since.elapsed() < Duration::from_secs(30), "none is closed");
        sleep(Duration::from_millis(100));
    }
    ["d", "e", "f"].iter().for_each(|name| create(name));
    open_three();
    server.kill();
    let _restarted = start(server.port(), &[]).unwrap();
    ["g", "h", "i"].iter().for_each(|name| create(name));
}

#[tokio::test]
async fn create_keeps_a_record_for_31_days() {
    let server = server();
    let store = store(&[&server]).await;
    let month = Duration::from_secs(31 * 24 * 3600);
    store.create(&key("session:S"), b"one", month).await.unwrap();
    let left = ttl(&server, "session:S");
    assert!((2_678_398..=2_678_401).contains(&left), "{left}");
    assert!(store.load(&key("session:S"), None).await.unwrap().is_some());
}

#[tokio::test]
async fn create_takes_what_fits_and_refuses_more_before_sending_it() {
    let server = start(free_port().unwrap(), &["-I", "2m"]).unwrap();
    let store = store(&[&server]).await;
    let limit = 2 * 1024 * 1024 - 309;
    let name = key("x".repeat(250));
    let largest = vec![b'x'; limit];
    let created = store.create(&name, &largest, HOUR).await.unwrap();
    assert!(matches!(created, Created::Created(_)));
    let record = store.load(&name, None).await.unwrap().unwrap();
    assert!(record.payload == largest);
    let before = commands(&server);
    let error = store.replace(&name, &record, &vec![b'x'; limit + 1], HOUR).await.unwrap_err();
    let StoreError::TooLarge { size, limit: told } = error else { panic!("{error:?}") };
    assert_eq!((size, told), (limit + 1, limit));
    assert_eq!(commands(&server), before);
    assert!(store.load(&name, None).await.unwrap().is_some());

    // Under a short key, another client can write a little more.
    let value = "x".repeat(limit + 200);
    let text = format!("set s 0 3600 {}\r\n{value}\r\n", value.len());
    ask(server.port(), &text, "STORED").unwrap();
    let due = Touch { ttl: 2 * HOUR, when_below: 2 * HOUR };
    let record = store.load(&key("s"), Some(due)).await.unwrap().unwrap();
    assert!(record.payload.len() == limit + 200 && !record.touched);
}

#[tokio::test]
async fn load_refuses_keys_that_memcached_cannot_take() {
    let server = server();
    let store = store(&[&server]).await;
    let longest = "x".repeat(250);
    for text in ["a/:.%*?[]{}'\"\\;z", longest.as_str()] {
        assert!(store.load(&key(text), None).await.unwrap().is_none());
        store.create(&key(text), b"one", HOUR).await.unwrap();
        assert_eq!(store.load(&key(text), None).await.unwrap().unwrap().payload, b"one");
    }
    let too_long = "x".repeat(251);
    for text in ["", "a b", "a\r\nflush_all", "a\0", "é", too_long.as_str()] {
        let result = store.load(&key(text), None).await;
        assert!(matches!(result, Err(StoreError::Key(_))), "{text:?}");
    }
}

#[tokio::test]
async fn connect_refuses_what_it_could_not_work_with() {
    let without_cas = start(free_port().unwrap(), &["-C"]).unwrap();
    let address = format!("memcached://127.0.0.1:{}", without_cas.port());
    let error = MemcachedStore::connect(&address).await.unwrap_err();
    assert!(error.to_string().contains("without the option -C"), "{error}");
    let nobody = format!("memcached://127.0.0.1:{}", free_port().unwrap());
    let error = MemcachedStore::connect(&nobody).await.unwrap_err();
    assert!(matches!(error, ConnectError::Refused(_)), "{error}");
}

#[tokio::test]
async fn only_the_keys_of_a_server_that_is_down_fail_until_it_is_back() {
    let mut servers = [server(), server(), server()];
    let [a, b, c] = &servers;
    let store = store(&[a, b, c]).await;
    let keys: Vec<_> = (0..300).map(|number| key(format!("session:{number}"))).collect();
    for key in &keys {
        store.create(key, b"one", HOUR).await.unwrap();
    }
    let counts = servers.each_ref().map(|server| stats(server.port()).unwrap()["curr_items"]);
    assert_eq!(counts.iter().sum::<u64>(), 300);
    assert!(counts.iter().all(|count| *count > 50), "{counts:?}");

    servers[1].kill();
    let (mut failed, start_of_outage) = (0, Instant::now());
    for key in &keys {
        match store.load(key, None).await {
            Ok(record) => assert_eq!(record.unwrap().payload, b"one"),
            Err(StoreError::Unreachable(_)) => failed += 1,
            Err(error) => panic!("{error:?}"),
        }
    }
    assert_eq!(failed, counts[1]);
    assert!(start_of_outage.elapsed() < Duration::from_secs(5));

    let [a, b, c] = &servers;
    let during = format!("memcached://127.0.0.1:{},127.0.0.1:{}", b.port(), c.port());
    assert!(MemcachedStore::connect(&during).await.is_ok(), "an app can start meanwhile");
    let _restarted = start(b.port(), &[]).unwrap();
    for key in &keys {
        store.create(key, b"one", HOUR).await.unwrap();
        assert_eq!(store.load(key, None).await.unwrap().unwrap().payload, b"one");
    }
    assert_eq!(stats(a.port()).unwrap()["curr_items"], counts[0]);
}

#[tokio::test]
async fn a_server_that_stands_still_fails_in_time_and_recovers() {
    let server = server();
    let store = store(&[&server]).await;
    store.create(&key("session:S"), b"one", HOUR).await.unwrap();
    server.pause().unwrap();
    // The second has no connection to ask on.
    for was_asked in [true, false] {
        let start = Instant::now();
        let error = store.load(&key("session:S"), None).await.unwrap_err();
        assert!(error.is_transient() && error.is_unreachable() != was_asked, "{error}");
        assert!(start.elapsed() < Duration::from_secs(2));
    }
    server.resume().unwrap();
    assert_eq!(store.load(&key("session:S"), None).await.unwrap().unwrap().payload, b"one");
}

#[tokio::test(flavor = "multi_thread")]
async fn cancelled_requests_leave_nobody_with_a_foreign_answer() {
    let server = server();
    let store = store(&[&server]).await;
    let value = |number: usize| format!("{number}").repeat(20_000);
    for number in 0..8 {
        let name = key(format!("session:{number}"));
        store.create(&name, value(number).as_bytes(), HOUR).await.unwrap();
    }
    let mut tasks = JoinSet::new();
    for number in 0..8 {
        let (store, expected) = (store.clone(), value(number));
        tasks.spawn(async move {
            let (name, mut cancelled, mut round) = (key(format!("session:{number}")), 0, 0);
            // How often an answer is there first depends on the machine.
            while round < 400 || (cancelled < 30 && round < 20_000) {
                round += 1;
                let patience = async {
                    for _ in 0..round % 8 {
                        yield_now().await;
                    }
                };
                tokio::select! {
                    biased;
                    result = store.load(&name, None) => {
                        let payload = result.unwrap().unwrap().payload;
                        assert!(payload == expected.as_bytes(), "a foreign answer");
                    }
                    () = patience, if round % 2 == 0 => cancelled += 1,
                }
            }
            cancelled
        });
    }
    let cancelled: i32 = tasks.join_all().await.iter().sum();
    assert!(cancelled > 200, "only {cancelled} requests were cancelled");
    let connections = stats(server.port()).unwrap()["curr_connections"];
    assert!(connections <= 18, "{connections} connections are open");
}

#[tokio::test(flavor = "multi_thread")]
async fn eight_clients_count_to_8000() {
    let server = server();
    let name = Arc::new(key("session:S"));
    let first = store(&[&server]).await;
    first.create(&name, b"0", HOUR).await.unwrap();
    let mut tasks = JoinSet::new();
    for _ in 0..8 {
        let (store, name) = (store(&[&server]).await, Arc::clone(&name));
        tasks.spawn(async move {
            for _ in 0..1000 {
                increment(&store, &name).await.unwrap();
            }
        });
    }
    tasks.join_all().await;
    assert_eq!(first.load(&name, None).await.unwrap().unwrap().payload, b"8000");
}
