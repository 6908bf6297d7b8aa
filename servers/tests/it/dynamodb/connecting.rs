//! Stores from addresses. They take credentials from the environment, so these tests run in
//! processes of their own.

use std::{env, process::Command, time::Duration};

use hipflask::store::{ConnectError, DynamoDbStore, Record, Store, StoreError};
use hipflask_servers::{
    DynamoDb,
    dynamodb::{ACCESS_KEY_ID, SECRET_ACCESS_KEY},
};
use tokio::{
    net::TcpListener,
    time::{Instant, sleep},
};

use super::{HOUR, is_replaced, key};

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
    store.prepare().await.unwrap();
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
    store.prepare().await.unwrap();
    store.create(&key("a"), b"one", HOUR).await.unwrap();
    let one = Record::new(b"one");
    for _ in 0..2 {
        server.stop();
        let start = Instant::now();
        let answer = store.load(&key("a"), None).await;
        assert!(matches!(answer, Err(StoreError::Unreachable(_))), "{answer:?}");
        let answer = store.replace(&key("a"), &one, b"two", HOUR).await;
        assert!(matches!(answer, Err(StoreError::Unreachable(_))), "{answer:?}");
        assert!(start.elapsed() < Duration::from_secs(5));
        server.restart().unwrap();
        assert_eq!(store.load(&key("a"), None).await.unwrap(), Some(one.clone()));
    }
    // A write after a pause in which the server has gone and come back: on a new connection.
    server.restart().unwrap();
    sleep(Duration::from_millis(50)).await;
    assert!(is_replaced(&store.replace(&key("a"), &one, b"two", HOUR).await.unwrap()));
}

/// A runtime that rests between two requests, as Python's does, sees nothing of what happens then.
#[test]
fn connections_that_the_server_has_closed_are_not_asked() {
    let mut server = DynamoDb::dynoxide().unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let keys = format!("access_key_id={ACCESS_KEY_ID}&secret_access_key=secret&create=true");
    let address = format!("dynamodb://us-east-1/Sessions?endpoint={}&{keys}", server.endpoint());
    let store = runtime.block_on(DynamoDbStore::connect(&address)).unwrap();
    for name in ["a", "b", "c"] {
        server.restart().unwrap();
        runtime.block_on(store.create(&key(name), b"one", HOUR)).unwrap();
    }
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

const KEYS: [(&str, &str); 2] =
    [("AWS_ACCESS_KEY_ID", ACCESS_KEY_ID), ("AWS_SECRET_ACCESS_KEY", SECRET_ACCESS_KEY)];

async fn connected(server: &DynamoDb) -> Result<DynamoDbStore, ConnectError> {
    let address = format!("dynamodb://us-east-1/Sessions?endpoint={}", server.endpoint());
    DynamoDbStore::connect(&address).await
}

/// Runs a test of this file in a process of its own, which has the environment that it needs.
#[track_caller]
fn run_alone(test: &str, env: &[(&str, &str)]) {
    let output = Command::new(env::current_exe().unwrap())
        .args(["--exact", &format!("dynamodb::connecting::{test}"), "--ignored"])
        .env_remove("AWS_ACCESS_KEY_ID")
        .env_remove("AWS_SECRET_ACCESS_KEY")
        .env_remove("AWS_SESSION_TOKEN")
        .envs(env.iter().copied())
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
    assert!(output.status.success() && text.contains("1 passed"), "{text}");
}
