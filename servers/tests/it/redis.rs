//! Sessions in Redis: one server, Sentinel and Cluster, and each of them failing.

use std::{
    collections::BTreeMap,
    process::Command,
    time::{Duration, Instant},
};

use hipflask::store::{
    ConnectError, Created, Deleted, Record, RecordKey, RedisStore, Renewal, Replaced, Store,
    StoreError, Touch, Touched,
    conformance::{self, Abilities},
};
use hipflask_servers::{
    Server, free_port,
    redis::{Cluster, Sentinel, ask, start, start_with_tls},
};
use tokio::{task::JoinSet, time::sleep};

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

fn signal(server: &Server, signal: &str) {
    let done = Command::new("kill").args([signal, &server.pid().to_string()]).status().unwrap();
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
async fn a_cluster_keeps_all_rules() {
    let cluster = Cluster::start().unwrap();
    let address = format!("redis+cluster://{}", cluster.hosts());
    let store = RedisStore::connect(&address).await.unwrap();
    conforms(&store).await;
    // With braces in the prefix, all sessions are in one slot, and renewed in one step.
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
        let passed = conformance::run(&store, "session:", Abilities::new()).await;
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
    let error = RedisStore::connect(&format!("rediss://app:s%25cret@localhost:{port}")).await;
    let error = error.unwrap_err().to_string();
    assert!(error.contains("certificate"), "{error}");
    assert!(!error.contains("s%cret"), "{error}");
}

/// Returns how often each command was called by clients, scripts' own calls left out.
fn calls(server: &Server) -> BTreeMap<String, u64> {
    let answer = ask(server.port(), &["INFO", "commandstats"]).unwrap();
    let lines = answer.lines().filter_map(|line| line.strip_prefix("cmdstat_")?.split_once(":calls="));
    let calls = lines.map(|(name, rest)| (name.to_owned(), rest.split(',').next().unwrap()));
    calls.map(|(name, calls)| (name, calls.parse().unwrap())).collect()
}

#[tokio::test]
async fn operations_cost_one_round_trip_each() {
    let server = server();
    let store = store_at(&server, "").await;
    let mut seen = calls(&server);
    // What scripts call is counted as well, so each operation is told by all its commands.
    let mut check = |operation: &str, expected: &[(&str, u64)]| {
        let mut now = calls(&server);
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
    store.load(&name, Some(touch)).await.unwrap();
    check("the first script", &[("eval", 1), ("evalsha", 1), ("get", 1), ("pttl", 1)]);
    assert!(!store.load(&name, Some(touch)).await.unwrap().unwrap().touched);
    check("load with a touch not due", &[("evalsha", 1), ("get", 1), ("pttl", 1)]);
    let touch = Touch { ttl: 2 * HOUR, when_below: 2 * HOUR };
    assert!(store.load(&name, Some(touch)).await.unwrap().unwrap().touched);
    check("load with a touch", &[("evalsha", 1), ("get", 1), ("pexpire", 1), ("pttl", 1)]);
    store.replace(&name, &record, b"2", HOUR).await.unwrap();
    check("the first replace", &[("eval", 1), ("evalsha", 1), ("get", 1), ("set", 1)]);
    store.replace(&name, &Record::new("2"), b"3", HOUR).await.unwrap();
    check("replace", &[("evalsha", 1), ("get", 1), ("set", 1)]);
    let conflict = store.replace(&name, &record, b"4", HOUR).await.unwrap();
    assert!(matches!(conflict, Replaced::Conflict(found) if found.payload == b"3"));
    check("replace with a conflict", &[("evalsha", 1), ("get", 1)]);
    renew(&store, &name, "3", &key("session:other")).await;
    check("the first renew", &[("eval", 1), ("evalsha", 1), ("get", 1), ("set", 2)]);
    renew(&store, &key("session:other"), "new", &new).await;
    check("renew", &[("evalsha", 1), ("get", 1), ("set", 2)]);
    assert_eq!(store.touch(&new, HOUR).await.unwrap(), Touched::Touched);
    check("the first touch", &[("eval", 1), ("evalsha", 1), ("get", 1), ("pexpire", 1)]);
    assert_eq!(store.delete(&new).await.unwrap(), Deleted::Deleted);
    check("delete", &[("del", 1)]);
    assert_eq!(store.delete(&new).await.unwrap(), Deleted::Gone);
    check("delete again", &[("del", 1)]);
}

async fn renew(store: &RedisStore, old: &RecordKey, current: &str, new: &RecordKey) {
    let current = &Record::new(current);
    let (retired, retired_ttl) = (&b"\xc0"[..], HOUR);
    let renewal = Renewal { old, current, new, payload: b"new", ttl: HOUR, retired, retired_ttl };
    assert!(matches!(store.renew(renewal).await.unwrap(), Replaced::Replaced(_)));
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

/// Adds one to the number in a record, and returns the new one.
async fn increment(store: &RedisStore, key: &RecordKey) -> Result<u64, StoreError> {
    let mut current = match store.load(key, None).await? {
        Some(record) => record,
        None => return Err(StoreError::unavailable("the record is gone")),
    };
    loop {
        let number: u64 = std::str::from_utf8(&current.payload).unwrap().parse().unwrap();
        let next = (number + 1).to_string();
        match store.replace(key, &current, next.as_bytes(), HOUR).await? {
            Replaced::Replaced(_) => return Ok(number + 1),
            Replaced::Conflict(found) => current = found,
            Replaced::Gone => return Err(StoreError::unavailable("the record is gone")),
        }
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
    signal(&server, "-STOP");
    for _ in 0..3 {
        let start = Instant::now();
        let error = store.load(&name, None).await.unwrap_err();
        assert!(error.is_transient(), "{error}");
        assert!(start.elapsed() < Duration::from_secs(1), "{:?}", start.elapsed());
    }
    signal(&server, "-CONT");
    let start = Instant::now();
    while store.load(&name, None).await.is_err() {}
    println!("back {:?} after SIGCONT", start.elapsed());
    assert!(start.elapsed() < Duration::from_secs(2), "{:?}", start.elapsed());
}

#[tokio::test]
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
        assert!(matches!(error, StoreError::Unavailable(_)), "{error}");
        assert!(error.to_string().contains("cannot connect"), "{error}");
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
    println!("back {:?} after a restart", back.elapsed());
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
async fn what_is_no_record_is_left_alone() {
    let server = server();
    let store = store_at(&server, "").await;
    ask(server.port(), &["RPUSH", "session:list", "1"]).unwrap();
    ask(server.port(), &["SET", "session:forever", "1"]).unwrap();
    let error = store.load(&key("session:list"), None).await.unwrap_err().to_string();
    assert!(error.contains("something else") && !error.contains("list"), "{error}");
    let page = store.scan("session:", None, 10).await.unwrap();
    let found: Vec<_> = page.entries.iter().map(|e| (e.key.as_str(), e.expires_in)).collect();
    assert_eq!((found, page.next), (vec![("session:forever", None)], None));
    let touch = Some(Touch { ttl: HOUR, when_below: HOUR });
    assert!(!store.load(&key("session:forever"), touch).await.unwrap().unwrap().touched);
    assert!(store.scan("session:", Some("0"), 10).await.is_err());
    let error = store.replace(&key("session:list"), &Record::new("1"), b"2", HOUR).await;
    assert!(matches!(error, Err(StoreError::Refused(_))));
}

/// What eight tasks have met, each of which adds to its own record.
#[derive(Debug, Default)]
struct Report {
    writes: u64,
    errors: u64,
    lost: u64,
    longest_pause: Duration,
}

/// Adds to a record until the end, and looks each time whether what was answered is still there.
async fn write_steadily(store: RedisStore, name: RecordKey, end: Instant) -> Report {
    let (mut report, mut last, mut answered) = (Report::default(), Instant::now(), 0);
    while Instant::now() < end {
        match increment(&store, &name).await {
            Ok(number) => {
                // An increment whose answer was an error may have been done as well.
                report.lost += (answered + 1_u64).saturating_sub(number);
                report.longest_pause = report.longest_pause.max(last.elapsed());
                (answered, last) = (number, Instant::now());
                report.writes += 1;
            }
            Err(error) => {
                assert!(error.is_transient(), "{error}");
                report.errors += 1;
                sleep(Duration::from_millis(20)).await;
            }
        }
    }
    report.longest_pause = report.longest_pause.max(last.elapsed());
    let found = store.load(&name, None).await.unwrap().unwrap().payload;
    let found: u64 = std::str::from_utf8(&found).unwrap().parse().unwrap();
    report.lost += answered.saturating_sub(found);
    report
}

/// Lets eight tasks write, and kills the master and starts it again meanwhile.
async fn fail_over(what: &str, store: &RedisStore, mut kill: impl FnMut(), mut restart: impl FnMut()) -> Report {
    let (start, mut tasks) = (Instant::now(), JoinSet::new());
    let end = start + Duration::from_secs(20);
    for number in 0..8 {
        let name = key(format!("session:{number}"));
        store.create(&name, b"0", HOUR).await.unwrap();
        tasks.spawn(write_steadily(store.clone(), name, end));
    }
    sleep(Duration::from_secs(2)).await;
    tokio::task::block_in_place(&mut kill);
    sleep(Duration::from_secs(6)).await;
    tokio::task::block_in_place(&mut restart);
    let mut all = Report::default();
    while let Some(report) = tasks.join_next().await {
        let report = report.unwrap();
        all.writes += report.writes;
        all.errors += report.errors;
        all.lost += report.lost;
        all.longest_pause = all.longest_pause.max(report.longest_pause);
    }
    println!("{what}: {all:?}");
    assert!(all.longest_pause < Duration::from_secs(20), "{all:?}");
    all
}

async fn fail_over_in_a_cluster(options: &str) -> Report {
    let mut cluster = Cluster::start().unwrap();
    let address = format!("redis+cluster://{}{options}", cluster.hosts());
    let store = RedisStore::connect(&address).await.unwrap();
    let victim = cluster.master_of("session:0").unwrap();
    let cluster = std::cell::RefCell::new(&mut cluster);
    let kill = || cluster.borrow_mut().kill(victim);
    let restart = || cluster.borrow_mut().restart(victim).unwrap();
    fail_over(&format!("cluster{options}"), &store, kill, restart).await
}

async fn fail_over_by_sentinels(options: &str) -> Report {
    let mut servers = Sentinel::start().unwrap();
    let address = format!("redis+sentinel://{}/mymaster{options}", servers.hosts());
    let store = RedisStore::connect(&address).await.unwrap();
    let servers = std::cell::RefCell::new(&mut servers);
    let kill = || servers.borrow_mut().master_mut().kill();
    let restart = || servers.borrow_mut().restart_master().unwrap();
    fail_over(&format!("sentinel{options}"), &store, kill, restart).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cluster_survives_the_loss_of_a_master() {
    fail_over_in_a_cluster("").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cluster_that_waits_for_replicas_loses_no_write() {
    assert_eq!(fail_over_in_a_cluster("?wait_replicas=1").await.lost, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn sentinels_survive_the_loss_of_the_master() {
    fail_over_by_sentinels("").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn sentinels_that_wait_for_replicas_lose_no_write() {
    assert_eq!(fail_over_by_sentinels("?wait_replicas=1").await.lost, 0);
}
