//! DynamoDB, as two servers that speak its language.

use std::{
    env,
    io::Write,
    process::Command,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, SystemTime},
};

use aws_sdk_dynamodb::{
    Client,
    config::{ConfigBag, Intercept, RuntimeComponents, interceptors},
    error::BoxError,
    primitives::Blob,
    types::AttributeValue,
};
use hipflask::store::{
    ConnectError, Created, Deleted, DynamoDbStore, Record, RecordKey, Renewal, Replaced, Store,
    StoreError, Touch, Touched,
    conformance::{self, Abilities},
};
use hipflask_servers::{
    DynamoDb,
    dynamodb::{ACCESS_KEY_ID, SECRET_ACCESS_KEY, client_config},
};
use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader},
    net::{TcpListener, TcpStream},
    time::{Instant, sleep},
};

const HOUR: Duration = Duration::from_secs(3600);
const MAX_PAYLOAD: usize = 390_000;
const RETIRED: &[u8] = b"\xc0";

#[derive(Clone, Debug, Default)]
struct Requests(Arc<AtomicUsize>);

impl Requests {
    fn take(&self) -> usize {
        self.0.swap(0, Ordering::SeqCst)
    }
}

impl Intercept for Requests {
    fn name(&self) -> &'static str {
        "requests"
    }

    fn read_before_transmit(
        &self,
        _: &interceptors::BeforeTransmitInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        self.0.fetch_add(1, Ordering::SeqCst);
        Ok(())
    }
}

/// A server with its table, a client, and a store that counts its requests.
struct Rig {
    server: DynamoDb,
    client: Client,
    store: DynamoDbStore,
    requests: Requests,
}

async fn rig(server: DynamoDb) -> Rig {
    let requests = Requests::default();
    let client = Client::from_conf(server.config(SECRET_ACCESS_KEY).build());
    let counted = server.config(SECRET_ACCESS_KEY).interceptor(requests.clone()).build();
    let store = DynamoDbStore::from_client(&Client::from_conf(counted), "Sessions");
    store.create_table().await.unwrap();
    requests.take();
    Rig { server, client, store, requests }
}

async fn both() -> [Rig; 2] {
    [rig(DynamoDb::extenddb().unwrap()).await, rig(DynamoDb::dynoxide().unwrap()).await]
}

fn key(name: &str) -> RecordKey {
    RecordKey::new(format!("session:{name}"))
}

fn since_epoch() -> Duration {
    SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap()
}

/// Puts an item as the table may have it from elsewhere; the expiration as it is written.
async fn put(rig: &Rig, id: &RecordKey, val: Option<&[u8]>, expiration: Option<String>) {
    let val = val.map(|val| AttributeValue::B(Blob::new(val)));
    let put = rig.client.put_item().table_name("Sessions");
    let mut put = put.item("id", AttributeValue::S(id.as_str().to_owned()));
    for (name, value) in [("val", val), ("expiration", expiration.map(AttributeValue::N))] {
        if let Some(value) = value {
            put = put.item(name, value);
        }
    }
    put.send().await.unwrap();
}

async fn expiration(rig: &Rig, id: &RecordKey) -> Option<String> {
    let get = rig.client.get_item().table_name("Sessions").consistent_read(true);
    let get = get.key("id", AttributeValue::S(id.as_str().to_owned()));
    let item = get.send().await.unwrap().item?;
    item.get("expiration").map(|number| number.as_n().unwrap().clone())
}

fn is_replaced(answer: &Replaced) -> bool {
    matches!(answer, Replaced::Replaced(_))
}

fn conflict(answer: Replaced) -> Vec<u8> {
    match answer {
        Replaced::Conflict(record) => record.payload,
        other => panic!("no conflict: {other:?}"),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn store_keeps_every_rule() {
    for rig in both().await {
        let abilities = Abilities::new().with_max_payload(MAX_PAYLOAD);
        let passed = conformance::run(&rig.store, "suite:", abilities).await.unwrap();
        assert!(passed.rules().len() > 20);
    }
}

#[tokio::test]
async fn every_method_is_one_request() {
    for Rig { store, requests, .. } in both().await {
        let (a, b) = (key("a"), key("b"));
        let one = Record::new(b"one");
        assert!(matches!(store.create(&a, b"one", HOUR).await, Ok(Created::Created(_))));
        assert_eq!(requests.take(), 1);
        assert_eq!(store.create(&a, b"other", HOUR).await.unwrap(), Created::Exists);
        assert_eq!(requests.take(), 1);
        assert_eq!(store.load(&a, None).await.unwrap(), Some(one.clone()));
        assert_eq!(requests.take(), 1);
        assert_eq!(store.load(&b, None).await.unwrap(), None);
        assert_eq!(requests.take(), 1);
        assert!(is_replaced(&store.replace(&a, &one, b"two", HOUR).await.unwrap()));
        assert_eq!(requests.take(), 1);
        assert_eq!(conflict(store.replace(&a, &one, b"three", HOUR).await.unwrap()), b"two");
        assert_eq!(requests.take(), 1);
        assert_eq!(store.replace(&b, &one, b"two", HOUR).await.unwrap(), Replaced::Gone);
        assert_eq!(requests.take(), 1);
        assert_eq!(store.touch(&a, HOUR).await.unwrap(), Touched::Touched);
        assert_eq!(store.touch(&b, HOUR).await.unwrap(), Touched::Gone);
        assert_eq!(requests.take(), 2);
        assert_eq!(store.delete(&a).await.unwrap(), Deleted::Deleted);
        assert_eq!(store.delete(&a).await.unwrap(), Deleted::Gone);
        assert_eq!(requests.take(), 2);
    }
}

#[tokio::test]
async fn renew_moves_a_record_in_one_request_or_not_at_all() {
    for Rig { store, requests, .. } in both().await {
        let [old, new, taken, missing] = ["old", "new", "taken", "missing"].map(key);
        let (one, two) = (Record::new(b"one"), Record::new(b"two"));
        store.create(&old, b"one", HOUR).await.unwrap();
        store.create(&taken, b"taken", HOUR).await.unwrap();
        requests.take();
        let renewal = Renewal {
            old: &old,
            current: &two,
            new: &new,
            payload: b"renewed",
            ttl: HOUR,
            retired: RETIRED,
            retired_ttl: HOUR,
        };
        assert_eq!(conflict(store.renew(renewal).await.unwrap()), b"one");
        let gone = store.renew(Renewal { old: &missing, ..renewal }).await.unwrap();
        assert_eq!(gone, Replaced::Gone);
        let refused = store.renew(Renewal { new: &taken, current: &one, ..renewal }).await;
        assert!(matches!(refused, Err(StoreError::Key(_))), "{refused:?}");
        assert_eq!(requests.take(), 3);
        assert_eq!(store.load(&new, None).await.unwrap(), None);
        assert_eq!(store.load(&old, None).await.unwrap(), Some(one.clone()));
        requests.take();
        let renewal = Renewal { current: &one, ..renewal };
        assert!(is_replaced(&store.renew(renewal).await.unwrap()));
        assert_eq!(requests.take(), 1);
        assert_eq!(store.load(&new, None).await.unwrap(), Some(Record::new(b"renewed")));
        assert!(store.load(&old, None).await.unwrap().unwrap().is_retired());
        assert!(conflict(store.replace(&old, &one, b"late", HOUR).await.unwrap()) == RETIRED);
    }
}

#[tokio::test]
async fn load_extends_a_life_only_when_it_is_due() {
    for rig in both().await {
        let Rig { store, requests, .. } = &rig;
        let a = key("a");
        store.create(&a, b"one", HOUR / 2).await.unwrap();
        let before = expiration(&rig, &a).await;
        let check = async |when_below, touched, n_requests| {
            requests.take();
            let touch = Touch { ttl: HOUR, when_below };
            let record = store.load(&a, Some(touch)).await.unwrap().unwrap();
            assert_eq!((record.payload.as_slice(), record.touched), (&b"one"[..], touched));
            assert_eq!(requests.take(), n_requests);
        };
        check(HOUR / 4, false, 1).await;
        assert_eq!(expiration(&rig, &a).await, before);
        check(HOUR * 3 / 4, true, 2).await;
        assert_ne!(expiration(&rig, &a).await, before);
        check(HOUR * 3 / 4, false, 1).await;
        // Where every read extends the life, reading and writing are one request.
        check(HOUR * 2, true, 1).await;
        let touch = Touch { ttl: HOUR, when_below: HOUR * 2 };
        assert_eq!(store.load(&key("b"), Some(touch)).await.unwrap(), None);
        assert_eq!(requests.take(), 1);
        for payload in [RETIRED, b"null", b"\x80\x05N."] {
            let retired = RecordKey::new(format!("session:retired-{}", payload.len()));
            store.create(&retired, payload, HOUR / 2).await.unwrap();
            let before = expiration(&rig, &retired).await;
            for when_below in [HOUR * 3 / 4, HOUR * 2] {
                let touch = Touch { ttl: HOUR, when_below };
                let record = store.load(&retired, Some(touch)).await.unwrap().unwrap();
                assert!(record.is_retired() && !record.touched);
            }
            assert_eq!(expiration(&rig, &retired).await, before);
            store.delete(&retired).await.unwrap();
        }
    }
}

#[tokio::test]
async fn items_of_flask_session_are_read() {
    for rig in both().await {
        let store = &rig.store;
        let flask = key("flask");
        // Python's Decimal of a float: every digit of the binary fraction.
        let fraction = ".1234560012817382812500000000";
        let live = format!("{}{fraction}", since_epoch().as_secs() + 1000);
        put(&rig, &flask, Some(b"\x81\xa1a\x01"), Some(live)).await;
        let record = store.load(&flask, None).await.unwrap().unwrap();
        assert_eq!(record.payload, b"\x81\xa1a\x01");
        let page = store.scan("session:", None, 10).await.unwrap();
        let left = page.entries[0].expires_in.unwrap().as_secs();
        assert!((990..=1000).contains(&left), "{left}");
        assert!(is_replaced(&store.replace(&flask, &record, b"new", HOUR).await.unwrap()));
        let written = expiration(&rig, &flask).await.unwrap();
        assert!(written.parse::<u64>().unwrap() > since_epoch().as_secs(), "{written}");
    }
}

#[tokio::test]
async fn what_has_expired_or_is_no_record_is_absent() {
    for rig in both().await {
        let store = &rig.store;
        let past = format!("{}.5", since_epoch().as_secs() - 1);
        let future = (since_epoch().as_secs() + 1000).to_string();
        let val = Some(&b"one"[..]);
        let cases = [(val, Some(past)), (None, Some(future)), (val, None)];
        for (case, (val, expiration)) in cases.into_iter().enumerate() {
            let item = key(&format!("case-{case}"));
            put(&rig, &item, val, expiration.clone()).await;
            let (one, touch) = (Record::new(b"one"), Touch { ttl: HOUR, when_below: HOUR });
            assert_eq!(store.load(&item, None).await.unwrap(), None);
            assert_eq!(store.load(&item, Some(touch)).await.unwrap(), None);
            let touch = Touch { when_below: HOUR / 2, ..touch };
            assert_eq!(store.load(&item, Some(touch)).await.unwrap(), None);
            assert_eq!(store.replace(&item, &one, b"two", HOUR).await.unwrap(), Replaced::Gone);
            assert_eq!(store.touch(&item, HOUR).await.unwrap(), Touched::Gone);
            assert_eq!(store.delete(&item).await.unwrap(), Deleted::Gone);
            assert!(store.scan("", None, 10).await.unwrap().entries.is_empty());
            let renewal = Renewal {
                old: &item,
                current: &one,
                new: &key("new"),
                payload: b"two",
                ttl: HOUR,
                retired: RETIRED,
                retired_ttl: HOUR,
            };
            assert_eq!(store.renew(renewal).await.unwrap(), Replaced::Gone);
            let created = store.create(&item, b"two", HOUR).await.unwrap();
            assert!(matches!(created, Created::Created(_)), "case {case}");
            assert_eq!(store.delete(&item).await.unwrap(), Deleted::Deleted);
        }
    }
}

#[tokio::test]
async fn scan_and_purge_walk_the_table() {
    for rig in both().await {
        let store = &rig.store;
        let past = (since_epoch().as_secs() - 1).to_string();
        for n in 0..7 {
            store.create(&key(&format!("live-{n}")), b"one", HOUR).await.unwrap();
            store.create(&RecordKey::new(format!("other:{n}")), b"one", HOUR).await.unwrap();
            put(&rig, &key(&format!("dead-{n}")), Some(b"one"), Some(past.clone())).await;
        }
        let (mut keys, mut cursor, mut pages) = (Vec::new(), None, 0);
        loop {
            let page = store.scan("session:", cursor.as_deref(), 4).await.unwrap();
            keys.extend(page.entries.into_iter().map(|entry| entry.key));
            pages += 1;
            cursor = page.next;
            if cursor.is_none() {
                break;
            }
        }
        keys.sort();
        let expected: Vec<_> = (0..7).map(|n| key(&format!("live-{n}"))).collect();
        assert!(keys == expected && pages >= 5, "{} keys, {pages} pages", keys.len());
        assert_eq!(store.purge(3).await.unwrap(), 3);
        assert_eq!(store.purge(100).await.unwrap(), 4);
        assert_eq!(store.purge(100).await.unwrap(), 0);
        assert_eq!(store.scan("session:", None, 100).await.unwrap().entries.len(), 7);
    }
}

#[tokio::test]
async fn largest_record_is_the_servers_limit() {
    for Rig { store, requests, .. } in both().await {
        let a = key("a");
        let error = store.create(&a, &[7; 500_000], HOUR).await.unwrap_err();
        let StoreError::TooLarge { size: 500_000, limit } = error else { panic!("{error}") };
        assert_eq!(requests.take(), 0);
        assert_eq!(limit, MAX_PAYLOAD);
        let (first, second) = (vec![0; limit], vec![255; limit]);
        store.create(&a, &first, HOUR).await.unwrap();
        let current = store.load(&a, None).await.unwrap().unwrap();
        assert!(current.payload == first);
        assert!(is_replaced(&store.replace(&a, &current, &second, HOUR).await.unwrap()));
        assert!(store.load(&a, None).await.unwrap().unwrap().payload == second);
        assert!(matches!(store.load(&RecordKey::new(""), None).await, Err(StoreError::Key(_))));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn four_clients_lose_no_count() {
    for rig in both().await {
        let counter = key("counter");
        rig.store.create(&counter, b"0", HOUR).await.unwrap();
        let clients = (0..4).map(|_| {
            let config = rig.server.config(SECRET_ACCESS_KEY).build();
            let store = DynamoDbStore::from_client(&Client::from_conf(config), "Sessions");
            tokio::spawn(async move {
                let counter = key("counter");
                for _ in 0..250 {
                    let mut current = store.load(&counter, None).await.unwrap().unwrap();
                    loop {
                        let text = std::str::from_utf8(&current.payload).unwrap();
                        let next = (text.parse::<u32>().unwrap() + 1).to_string();
                        let next = next.as_bytes();
                        match store.replace(&counter, &current, next, HOUR).await.unwrap() {
                            Replaced::Replaced(_) => break,
                            Replaced::Conflict(record) => current = record,
                            Replaced::Gone => panic!("the counter is gone"),
                        }
                    }
                }
            })
        });
        for client in clients.collect::<Vec<_>>() {
            client.await.unwrap();
        }
        let record = rig.store.load(&counter, None).await.unwrap().unwrap();
        assert_eq!(record.payload, b"1000");
    }
}

#[tokio::test]
async fn refusals_say_what_to_do() {
    let server = DynamoDb::extenddb().unwrap();
    let check = async |secret, expected: &str| {
        let config = server.config(secret).build();
        let store = DynamoDbStore::from_client(&Client::from_conf(config), "Missing");
        for error in [
            store.load(&key("a"), None).await.unwrap_err(),
            store.create(&key("a"), b"one", HOUR).await.unwrap_err(),
            store.scan("", None, 1).await.unwrap_err(),
        ] {
            assert!(matches!(error, StoreError::Refused(_)), "{error}");
            assert!(error.to_string().contains(expected), "{error}");
            assert!(!format!("{error:?}").contains("session:"), "{error:?}");
        }
    };
    check("wrong", "credentials or the signature are not accepted").await;
    check(SECRET_ACCESS_KEY, "create it, as DynamoDbStore::create_table does").await;
}

#[tokio::test]
async fn create_table_keeps_a_table_and_has_expired_items_removed() {
    let rig = rig(DynamoDb::extenddb().unwrap()).await;
    let dying = key("dying");
    rig.store.create(&dying, b"one", Duration::from_secs(1)).await.unwrap();
    rig.store.create(&key("living"), b"one", HOUR).await.unwrap();
    rig.store.create_table().await.unwrap();
    let start = Instant::now();
    while expiration(&rig, &dying).await.is_some() {
        assert!(start.elapsed() < Duration::from_secs(90), "the item was not removed");
        sleep(Duration::from_millis(500)).await;
    }
    assert!(rig.store.load(&key("living"), None).await.unwrap().is_some());
}

#[tokio::test]
async fn log_of_the_client_shows_no_key_and_no_value() {
    #[derive(Clone, Default)]
    struct Log(Arc<Mutex<Vec<u8>>>);
    impl Write for Log {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }
        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }
    let rig = rig(DynamoDb::dynoxide().unwrap()).await;
    let log = Log::default();
    let writer = log.clone();
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(tracing_subscriber::filter::LevelFilter::TRACE)
        .with_writer(move || writer.clone())
        .finish();
    let _guard = tracing_subscriber::util::SubscriberInitExt::set_default(subscriber);
    let shows = || {
        let text = String::from_utf8_lossy(&log.0.lock().unwrap()).into_owned();
        text.contains("session:kkkk") || text.contains("dmFsdWU") || text.contains("118, 97, 108")
    };
    let secret = key("kkkk");
    rig.store.create(&secret, b"value", HOUR).await.unwrap();
    let current = rig.store.load(&secret, None).await.unwrap().unwrap();
    rig.store.replace(&secret, &Record::new(b"other"), b"value", HOUR).await.unwrap();
    rig.store.replace(&secret, &current, b"value", HOUR).await.unwrap();
    rig.store.scan("session:", None, 9).await.unwrap();
    rig.store.delete(&secret).await.unwrap();
    assert!(!shows());
    // The client's own log does show it, so the check can fail.
    put(&rig, &secret, Some(b"value"), None).await;
    std::fs::write("/tmp/dyn/trace.log", &*log.0.lock().unwrap()).unwrap();
    assert!(shows());
}

/// Runs a test of this file in a process of its own, which has the environment that it needs.
#[track_caller]
fn run_alone(test: &str, env: &[(&str, &str)]) {
    let output = Command::new(env::current_exe().unwrap())
        .args(["--exact", &format!("dynamodb::{test}"), "--ignored"])
        .env_remove("AWS_ACCESS_KEY_ID")
        .env_remove("AWS_SECRET_ACCESS_KEY")
        .env_remove("AWS_SESSION_TOKEN")
        .envs(env.iter().copied())
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
    assert!(output.status.success() && text.contains("1 passed"), "{text}");
}

const KEYS: [(&str, &str); 2] =
    [("AWS_ACCESS_KEY_ID", ACCESS_KEY_ID), ("AWS_SECRET_ACCESS_KEY", SECRET_ACCESS_KEY)];

async fn connected(server: &DynamoDb) -> Result<DynamoDbStore, ConnectError> {
    let address = format!("dynamodb://us-east-1/Sessions?endpoint={}", server.endpoint());
    DynamoDbStore::connect(&address).await
}

#[test]
fn connect_takes_credentials_from_the_environment() {
    run_alone("connected_store_works", &KEYS);
    run_alone("connect_without_credentials_is_refused", &[]);
}

#[tokio::test]
#[ignore = "connect_takes_credentials_from_the_environment runs it"]
async fn connected_store_works() {
    let server = DynamoDb::extenddb().unwrap();
    let store = connected(&server).await.unwrap();
    store.create_table().await.unwrap();
    store.create(&key("a"), b"one", HOUR).await.unwrap();
    // There are more requests than connections: the rest waits for one.
    let loads = (0..300).map(|_| {
        let store = store.clone();
        tokio::spawn(async move { store.load(&key("a"), None).await.unwrap() })
    });
    for load in loads.collect::<Vec<_>>() {
        assert_eq!(load.await.unwrap(), Some(Record::new(b"one")));
    }
}

#[tokio::test]
#[ignore = "connect_takes_credentials_from_the_environment runs it"]
async fn connect_without_credentials_is_refused() {
    let server = DynamoDb::dynoxide().unwrap();
    let error = connected(&server).await.unwrap_err();
    assert!(error.to_string().contains("AWS_ACCESS_KEY_ID"), "{error}");
}

#[test]
fn outage_is_an_error_and_recovery_needs_no_restart() {
    run_alone("connected_store_outlives_an_outage", &KEYS);
}

#[tokio::test]
#[ignore = "outage_is_an_error_and_recovery_needs_no_restart runs it"]
async fn connected_store_outlives_an_outage() {
    let mut server = DynamoDb::dynoxide().unwrap();
    let store = connected(&server).await.unwrap();
    store.create_table().await.unwrap();
    store.create(&key("a"), b"one", HOUR).await.unwrap();
    let one = Record::new(b"one");
    for _ in 0..2 {
        server.stop();
        let start = Instant::now();
        let answer = store.load(&key("a"), None).await;
        assert!(matches!(answer, Err(StoreError::Unavailable(_))), "{answer:?}");
        let answer = store.replace(&key("a"), &one, b"two", HOUR).await;
        assert!(matches!(answer, Err(StoreError::Unavailable(_))), "{answer:?}");
        assert!(start.elapsed() < Duration::from_secs(5));
        server.restart().unwrap();
        assert_eq!(store.load(&key("a"), None).await.unwrap(), Some(one.clone()));
    }
    // A write after a pause in which the server has gone and come back: on a new connection.
    server.restart().unwrap();
    sleep(Duration::from_millis(50)).await;
    assert!(is_replaced(&store.replace(&key("a"), &one, b"two", HOUR).await.unwrap()));
}

#[test]
fn server_that_never_answers_is_given_up() {
    run_alone("connected_store_gives_up_a_silent_server", &KEYS);
}

#[tokio::test]
#[ignore = "server_that_never_answers_is_given_up runs it"]
async fn connected_store_gives_up_a_silent_server() {
    let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address =
        format!("dynamodb://us-east-1/Sessions?endpoint=http://{}", silent.local_addr().unwrap());
    let store = DynamoDbStore::connect(&address).await.unwrap();
    let start = Instant::now();
    let answer = store.load(&key("a"), None).await;
    assert!(matches!(answer, Err(StoreError::Unavailable(_))), "{answer:?}");
    assert!(start.elapsed() < Duration::from_secs(6), "{:?}", start.elapsed());
}

/// What a server answers that the real ones cannot be made to: a status and a body, or nothing.
type Script = &'static [Option<(u16, &'static str)>];

/// Starts a server that answers one request after the other as the script says, and counts them.
async fn scripted(script: Script) -> (DynamoDbStore, Requests) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let endpoint = format!("http://{}", listener.local_addr().unwrap());
    let requests = Requests::default();
    let counter = requests.clone();
    tokio::spawn(async move {
        for answer in script {
            let (stream, _) = listener.accept().await.unwrap();
            let mut stream = read_request(stream).await;
            counter.0.fetch_add(1, Ordering::SeqCst);
            let Some((status, body)) = answer else { continue };
            let head = format!("HTTP/1.1 {status} -\r\nconnection: close\r\n");
            let text = format!("{head}content-length: {}\r\n\r\n{body}", body.len());
            stream.write_all(text.as_bytes()).await.unwrap();
        }
    });
    let config = client_config(&endpoint, SECRET_ACCESS_KEY).build();
    (DynamoDbStore::from_client(&Client::from_conf(config), "Sessions"), requests)
}

async fn read_request(stream: TcpStream) -> BufReader<TcpStream> {
    let mut stream = BufReader::new(stream);
    let (mut line, mut length) = (String::new(), 0);
    while line != "\r\n" {
        line.clear();
        stream.read_line(&mut line).await.unwrap();
        if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length:") {
            length = value.trim().parse().unwrap();
        }
    }
    stream.read_exact(&mut vec![0; length]).await.unwrap();
    stream
}

#[tokio::test]
async fn write_is_repeated_only_if_the_server_did_nothing() {
    const DONE: Option<(u16, &str)> = Some((200, "{}"));
    const BUSY: Option<(u16, &str)> =
        Some((400, r#"{"__type":"com.amazonaws.dynamodb#TransactionConflictException"}"#));
    const TOO_MANY: Option<(u16, &str)> =
        Some((400, r#"{"__type":"ProvisionedThroughputExceededException"}"#));
    let check = async |script: Script, done: bool, n_requests| {
        let (store, requests) = scripted(script).await;
        let answer = store.replace(&key("a"), &Record::new(b"one"), b"two", HOUR).await;
        match &answer {
            Ok(Replaced::Replaced(_)) => assert!(done),
            Err(StoreError::Unavailable(_)) => assert!(!done),
            other => panic!("{other:?}"),
        }
        assert_eq!(requests.take(), n_requests, "{answer:?}");
    };
    check(&[DONE], true, 1).await;
    check(&[BUSY, BUSY, DONE], true, 3).await;
    check(&[BUSY, BUSY, BUSY, BUSY, BUSY, DONE], false, 5).await;
    // The answer is lost: the write may have been done, so it is not done again.
    check(&[None, DONE], false, 1).await;
    check(&[Some((500, r#"{"__type":"InternalServerError"}"#)), DONE], false, 1).await;
    check(&[Some((503, "busy")), DONE], false, 1).await;
    check(&[Some((400, r#"{"__type":"ThrottlingException"}"#)), DONE], false, 1).await;
    check(&[TOO_MANY, DONE], false, 1).await;
}

#[tokio::test]
async fn renewal_is_repeated_only_if_another_transaction_was_in_the_way() {
    const BUSY: Option<(u16, &str)> = Some((
        400,
        r#"{"__type":"TransactionCanceledException",
            "CancellationReasons":[{"Code":"None"},{"Code":"TransactionConflict"}]}"#,
    ));
    let (store, requests) = scripted(&[BUSY, Some((200, "{}"))]).await;
    let renewal = Renewal {
        old: &key("old"),
        current: &Record::new(b"one"),
        new: &key("new"),
        payload: b"two",
        ttl: HOUR,
        retired: RETIRED,
        retired_ttl: HOUR,
    };
    assert!(is_replaced(&store.renew(renewal).await.unwrap()));
    assert_eq!(requests.take(), 2);
}
