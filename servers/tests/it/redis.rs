//! Sessions in Redis: one server, Sentinel and Cluster, and each of them failing.

mod comparing;
mod fail_over;
mod idle;
mod others;
mod rights;
mod touching;
mod wrong_kind;

use std::{
    collections::BTreeMap,
    process::Command,
    time::{Duration, Instant},
};

use hipflask::store::{
    ConnectError, Created, Deleted, Record, RecordKey, RedisStore, Renewal, Replaced, Store,
    StoreError, Touch,
    conformance::{self, Abilities},
};
use hipflask_servers::{
    Server, free_port,
    redis::{Cluster, Sentinel, ask, start, start_with_tls},
};
use tokio::{task::JoinSet, time::sleep};

use crate::counting::increment;

const HOUR: Duration = Duration::from_secs(3600);

fn server() -> Server {
    start(free_port().unwrap(), &[]).unwrap()
}

async fn store_at(server: &Server, options: &str) -> RedisStore {
    let address = format!("redis://127.0.0.1:{}{options}", server.port());
    RedisStore::connect(&address).await.unwrap()
}

fn key(text: impl Into<String>) -> RecordKey {
    RecordKey::new(text)
}

fn signal(pid: u32, signal: &str) {
    let done = Command::new("kill").args([signal, &pid.to_string()]).status().unwrap();
    assert!(done.success());
}

async fn conforms(store: &RedisStore) {
    let passed = conformance::run(store, "suite:", Abilities::new()).await;
    passed.unwrap_or_else(|violation| panic!("{violation}"));
}

#[tokio::test(flavor = "multi_thread")]
async fn one_server_keeps_all_rules() {
    let server = server();
    conforms(&store_at(&server, "").await).await;
    conforms(&store_at(&server, "/3?protocol=2").await).await;
    let client = redis::Client::open(format!("redis://127.0.0.1:{}/4", server.port())).unwrap();
    conforms(&RedisStore::from_client(&client)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_behind_a_socket_file_keeps_all_rules() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("my redis.sock");
    let socket = path.to_str().unwrap();
    let server = start(free_port().unwrap(), &["--unixsocket", socket]).unwrap();
    let address = format!("redis+unix://{}?db=2", socket.replace(' ', "%20"));
    conforms(&RedisStore::connect(&address).await.unwrap()).await;
    assert!(ask(server.port(), &["INFO", "keyspace"]).unwrap().contains("db2:"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cluster_keeps_all_rules() {
    let cluster = Cluster::start().unwrap();
    let address = format!("redis+cluster://{}", cluster.hosts());
    let store = RedisStore::connect(&address).await.unwrap();
    conforms(&store).await;
    // With braces in the prefix, all sessions are in one slot.
    let passed = conformance::run(&store, "{suite}:", Abilities::new()).await;
    passed.unwrap_or_else(|violation| panic!("{violation}"));
    let waiting = RedisStore::connect(&format!("{address}?wait_replicas=1")).await.unwrap();
    let passed = conformance::run(&waiting, "waiting:", Abilities::new()).await;
    passed.unwrap_or_else(|violation| panic!("{violation}"));
}

#[tokio::test(flavor = "multi_thread")]
async fn sentinels_lead_to_a_master_that_keeps_all_rules() {
    let servers = Sentinel::start().unwrap();
    let address = format!("redis+sentinel://{}/mymaster", servers.hosts());
    conforms(&RedisStore::connect(&address).await.unwrap()).await;
    let unknown = format!("redis+sentinel://{}/other", servers.hosts());
    let error = RedisStore::connect(&unknown).await.unwrap_err();
    assert!(error.to_string().contains("no master of this name"), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_user_with_tls_keeps_all_rules_of_its_keys() {
    let port = free_port().unwrap();
    let (_server, certificate) = start_with_tls(port, "s%cret").unwrap();
    let certificate = certificate.display();
    let address = |user: &str, host: &str| {
        format!("rediss://{user}@{host}:{port}?ssl_ca_certs={certificate}")
    };
    for host in ["localhost", "127.0.0.1"] {
        let store = RedisStore::connect(&address("app:s%25cret", host)).await.unwrap();
        let prefix = format!("session:{host}:");
        let passed = conformance::run(&store, &prefix, Abilities::new()).await;
        passed.unwrap_or_else(|violation| panic!("{violation}"));
        let error = store.load(&key("other:secret"), None).await.unwrap_err();
        assert!(matches!(error, StoreError::Refused(_)), "{error}");
        assert!(error.to_string().contains("permission"), "{error}");
    }
    for user in ["app:wr0ng", "other:wr0ng", ":wr0ng"] {
        for protocol in ["2", "3"] {
            let address = format!("{}&protocol={protocol}", address(user, "localhost"));
            let error = RedisStore::connect(&address).await.unwrap_err();
            assert!(matches!(error, ConnectError::Refused(_)), "{error:?}");
            let shown = format!("{error} {error:?}");
            assert!(shown.contains("password is wrong"), "{shown}");
            assert!(!shown.contains("wr0ng"), "{shown}");
        }
    }
    let address = format!("rediss://app:s%25cret@localhost:{port}");
    let unchecked = RedisStore::connect(&format!("{address}?ssl_cert_reqs=none")).await.unwrap();
    assert_eq!(unchecked.load(&key("session:none"), None).await.unwrap(), None);
    let error = RedisStore::connect(&address).await;
    let error = error.unwrap_err().to_string();
    assert!(error.contains("certificate"), "{error}");
    assert!(!error.contains("s%cret"), "{error}");
}

/// Returns how often each command was called by clients, scripts' own calls left out.
fn calls(server: &Server) -> BTreeMap<String, u64> {
    let answer = ask(server.port(), &["INFO", "commandstats"]).unwrap();
    let lines =
        answer.lines().filter_map(|line| line.strip_prefix("cmdstat_")?.split_once(":calls="));
    let calls = lines.map(|(name, rest)| (name.to_owned(), rest.split(',').next().unwrap()));
    calls.map(|(name, calls)| (name, calls.parse().unwrap())).collect()
}

#[tokio::test]
async fn operations_cost_one_round_trip_each() {
    count_round_trips(&server(), false).await;
}

/// `compares` says whether the server can compare and set without a script.
async fn count_round_trips(server: &Server, compares: bool) {
    ask(server.port(), &["SCRIPT", "FLUSH"]).unwrap();
    let store = store_at(server, "").await;
    let other = store_at(server, "").await;
    let mut seen = calls(server);
    // What scripts call is counted as well, so each operation is told by all its commands.
    let mut check = |operation: &str, expected: &[(&str, u64)]| {
        let mut now = calls(server);
        let change: Vec<_> = now
            .iter()
            .map(|(name, calls)| (name.as_str(), calls - seen.get(name).unwrap_or(&0)))
            .filter(|(name, calls)| *calls > 0 && *name != "info")
            .collect();
        assert_eq!(change, expected, "{operation}");
        std::mem::swap(&mut now, &mut seen);
    };
    let (name, new) = (key("session:S"), key("session:N"));
    assert!(matches!(store.create(&name, b"1", HOUR).await.unwrap(), Created::Created(_)));
    check("create", &[("set", 1)]);
    assert_eq!(store.create(&name, b"2", HOUR).await.unwrap(), Created::Exists);
    check("create again", &[("set", 1)]);
    let record = store.load(&name, None).await.unwrap().unwrap();
    check("load", &[("get", 1)]);
    let touch = Touch { ttl: HOUR, when_below: HOUR / 2 };
    assert!(!store.load(&name, Some(touch)).await.unwrap().unwrap().touched);
    check("the first script", &[("eval", 1), ("evalsha", 1), ("get", 1), ("pttl", 1)]);
    assert!(!store.load(&name, Some(touch)).await.unwrap().unwrap().touched);
    check("load of a life that is known to be long", &[("get", 1)]);
    let touch = Touch { ttl: 2 * HOUR, when_below: 2 * HOUR };
    assert!(store.load(&name, Some(touch)).await.unwrap().unwrap().touched);
    check("load with a touch", &[("evalsha", 1), ("get", 1), ("pexpire", 1), ("pttl", 1)]);
    let touch = Touch { ttl: HOUR, when_below: HOUR / 2 };
    assert!(!other.load(&name, Some(touch)).await.unwrap().unwrap().touched);
    check("load with a touch not due", &[("evalsha", 1), ("get", 1), ("pttl", 1)]);
    assert!(!other.load(&name, Some(touch)).await.unwrap().unwrap().touched);
    check("load with a touch not due again", &[("get", 1)]);
    store.replace(&name, &record, b"2", HOUR).await.unwrap();
    let first = [("eval", 1), ("evalsha", 1), ("get", 1), ("set", 2)];
    let with_script = [("evalsha", 1), ("get", 1), ("set", 1)];
    let alone = [("set", 1)];
    check("the first replace", if compares { &alone } else { &first });
    store.replace(&name, &Record::new("2"), b"3", HOUR).await.unwrap();
    check("replace", if compares { &alone } else { &with_script });
    let conflict = store.replace(&name, &record, b"4", HOUR).await.unwrap();
    assert!(matches!(conflict, Replaced::Conflict(found) if found.payload == b"3"));
    check("replace with a conflict", if compares { &alone } else { &with_script[..2] });
    renew(&store, &name, "3", &key("session:other")).await;
    check("the first renew", &[("eval", 1), ("evalsha", 1), ("get", 1), ("set", 2)]);
    renew(&store, &key("session:other"), "new", &new).await;
    check("renew", &[("evalsha", 1), ("get", 1), ("set", 2)]);
    assert_eq!(store.delete(&new).await.unwrap(), Deleted::Deleted);
    check("delete", &[("del", 1)]);
    assert_eq!(store.delete(&new).await.unwrap(), Deleted::Gone);
    check("delete again", &[("del", 1)]);
}

async fn renew(store: &RedisStore, old: &RecordKey, current: &str, new: &RecordKey) {
    let current = &Record::new(current);
    let (retired, retired_ttl) = (&b"\xc0"[..], HOUR);
    let renewal = Renewal { old, current, new, payload: b"new", ttl: HOUR, retired, retired_ttl };
    assert!(matches!(conformance::renew(store, renewal).await.unwrap(), Replaced::Replaced(_)));
}

#[tokio::test]
async fn scripts_are_sent_again_after_the_server_forgot_them() {
    let server = server();
    let (store, name) = (store_at(&server, "").await, key("session:S"));
    store.create(&name, b"0", HOUR).await.unwrap();
    for round in 0..3 {
        assert_eq!(increment(&store, &name).await.unwrap(), round + 1);
        ask(server.port(), &["SCRIPT", "FLUSH"]).unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn eight_clients_lose_no_increment() {
    let server = server();
    let name = key("session:S");
    store_at(&server, "").await.create(&name, b"0", HOUR).await.unwrap();
    let mut clients = JoinSet::new();
    for _ in 0..8 {
        let (store, name) = (store_at(&server, "").await, name.clone());
        clients.spawn(async move {
            for _ in 0..1000 {
                increment(&store, &name).await.unwrap();
            }
        });
    }
    while let Some(client) = clients.join_next().await {
        client.unwrap();
    }
    assert_eq!(ask(server.port(), &["GET", "session:S"]).unwrap().trim(), "8000");
}

#[tokio::test]
async fn a_server_that_stops_answering_costs_the_deadline_and_no_restart() {
    let server = server();
    let store = store_at(&server, "").await.with_deadline(Duration::from_millis(800));
    let name = key("session:S");
    store.create(&name, b"0", HOUR).await.unwrap();
    signal(server.pid(), "-STOP");
    for _ in 0..3 {
        let start = Instant::now();
        let error = store.load(&name, None).await.unwrap_err();
        assert!(error.is_transient(), "{error}");
        assert!(start.elapsed() < Duration::from_secs(1), "{:?}", start.elapsed());
    }
    signal(server.pid(), "-CONT");
    let start = Instant::now();
    while store.load(&name, None).await.is_err() {}
    eprintln!("back {:?} after SIGCONT", start.elapsed());
    assert!(start.elapsed() < Duration::from_secs(2), "{:?}", start.elapsed());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_was_restarted_is_found_again() {
    let port = free_port().unwrap();
    let mut server = start(port, &[]).unwrap();
    let (store, name) = (store_at(&server, "").await, key("session:S"));
    store.create(&name, b"0", HOUR).await.unwrap();
    // While no request is under way, a restart is not even noticed.
    server.kill();
    drop(server);
    let mut server = start(port, &[]).unwrap();
    assert!(matches!(store.create(&name, b"0", HOUR).await.unwrap(), Created::Created(_)));
    server.kill();
    let start_of_outage = Instant::now();
    while start_of_outage.elapsed() < Duration::from_secs(6) {
        let error = store.load(&name, None).await.unwrap_err();
        // A request that the server's end has overtaken cannot know whether it was sent.
        let is_outage = error.is_unreachable();
        assert!(is_outage || matches!(error, StoreError::Unavailable(_)), "{error}");
        assert!(is_outage || start_of_outage.elapsed() < Duration::from_secs(1), "{error}");
    }
    let start_of_error = Instant::now();
    store.load(&name, None).await.unwrap_err();
    let elapsed = start_of_error.elapsed();
    assert!(elapsed < Duration::from_millis(500), "a long outage answers at once, not {elapsed:?}");
    drop(server);
    let _server = start(port, &[]).unwrap();
    let back = Instant::now();
    while store.load(&name, None).await.is_err() {
        sleep(Duration::from_millis(10)).await;
    }
    eprintln!("back {:?} after a restart", back.elapsed());
    assert!(back.elapsed() < Duration::from_millis(1500), "{:?}", back.elapsed());
}

#[tokio::test]
async fn a_write_without_its_replica_is_an_error() {
    let server = server();
    let store = store_at(&server, "?wait_replicas=1&wait_timeout_ms=100").await;
    let name = key("session:S");
    let error = store.create(&name, b"0", HOUR).await.unwrap_err();
    assert!(matches!(error, StoreError::Unavailable(_)), "{error}");
    assert!(error.to_string().contains("wait_replicas"), "{error}");
    assert_eq!(store.load(&name, None).await.unwrap().unwrap().payload, b"0");
}

#[tokio::test]
async fn a_full_server_says_so_at_once() {
    let server = server();
    let (store, name) = (store_at(&server, "").await, key("session:S"));
    store.create(&name, b"0", HOUR).await.unwrap();
    ask(server.port(), &["CONFIG", "SET", "maxmemory", "1"]).unwrap();
    let start = Instant::now();
    for _ in 0..3 {
        let created = store.create(&key("session:N"), b"0", HOUR).await.unwrap_err();
        let replaced = store.replace(&name, &Record::new("0"), b"1", HOUR).await.unwrap_err();
        for error in [created, replaced] {
            assert!(matches!(error, StoreError::Unavailable(_)), "{error}");
            assert!(error.to_string().contains("memory is full"), "{error}");
        }
    }
    assert_eq!(store.load(&name, None).await.unwrap().unwrap().payload, b"0");
    assert!(start.elapsed() < Duration::from_secs(1), "{:?}", start.elapsed());
}

#[tokio::test]
async fn what_is_no_record_is_neither_listed_nor_replaced() {
    let server = server();
    let store = store_at(&server, "").await;
    ask(server.port(), &["RPUSH", "session:list", "1"]).unwrap();
    ask(server.port(), &["SET", "session:forever", "1"]).unwrap();
    let page = store.scan("session:", None, 10).await.unwrap();
    let found: Vec<_> = page.entries.iter().map(|e| (e.key.as_str(), e.expires_in)).collect();
    assert_eq!((found, page.next), (vec![("session:forever", None)], None));
    assert!(store.scan("session:", Some("0"), 10).await.is_err());
    let error = store.replace(&key("session:list"), &Record::new("1"), b"2", HOUR).await;
    let Err(StoreError::Refused(error)) = error else { panic!("{error:?}") };
    let error = error.to_string();
    assert!(error.contains("something else") && !error.contains("list"), "{error}");
}

#[tokio::test]
async fn a_record_is_followed_to_another_node() {
    let cluster = Cluster::start().unwrap();
    let store = RedisStore::connect(&format!("redis+cluster://{}", cluster.hosts())).await.unwrap();
    let (moving, name) = (key("session:moving"), key("{session:moving}:new"));
    store.create(&moving, b"0", HOUR).await.unwrap();
    let old = cluster.master_of("session:moving").unwrap();
    let new = (0..3).find(|number| *number != old).unwrap();
    let ask = |number: usize, arguments: &[&str]| {
        let answer = ask(cluster.nodes()[number].port(), arguments).unwrap();
        assert!(!answer.contains("ERR"), "{answer}");
        answer.trim().to_owned()
    };
    let slot = ask(old, &["CLUSTER", "KEYSLOT", "session:moving"]);
    let (from, to) = (ask(old, &["CLUSTER", "MYID"]), ask(new, &["CLUSTER", "MYID"]));
    ask(new, &["CLUSTER", "SETSLOT", &slot, "IMPORTING", &from]);
    ask(old, &["CLUSTER", "SETSLOT", &slot, "MIGRATING", &to]);
    // While its slot moves, what is not there any more, or yet, is on the new node.
    assert!(matches!(store.create(&name, b"0", HOUR).await.unwrap(), Created::Created(_)));
    assert_eq!(ask(new, &["CLUSTER", "COUNTKEYSINSLOT", &slot]), "1");
    assert_eq!(increment(&store, &name).await.unwrap(), 1);
    assert_eq!(increment(&store, &moving).await.unwrap(), 1);
    let port = cluster.nodes()[new].port().to_string();
    ask(old, &["MIGRATE", "127.0.0.1", &port, "session:moving", "0", "5000"]);
    assert_eq!(increment(&store, &moving).await.unwrap(), 2);
    for number in [new, old] {
        ask(number, &["CLUSTER", "SETSLOT", &slot, "NODE", &to]);
    }
    assert_eq!(increment(&store, &moving).await.unwrap(), 3);
    assert_eq!(increment(&store, &name).await.unwrap(), 2);
    let address = format!("redis://127.0.0.1:{}", cluster.nodes()[old].port());
    let error = RedisStore::connect(&address).await.unwrap_err().to_string();
    assert!(error.contains("redis+cluster://"), "{error}");
}
