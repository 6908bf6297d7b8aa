//! What a server refuses, and what is done again.

use std::sync::atomic::Ordering;

use aws_sdk_dynamodb::Client;
use hipflask::store::{DynamoDbStore, Record, Renewal, Replaced, Store, StoreError, Touch};
use hipflask_servers::{
    DynamoDb,
    dynamodb::{SECRET_ACCESS_KEY, client_config},
};
use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader},
    net::{TcpListener, TcpStream},
};

use super::{HOUR, RETIRED, Requests, is_replaced, key};

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
    check(SECRET_ACCESS_KEY, "create it, as the store's `prepare` does").await;
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
async fn a_read_does_without_the_touch_that_is_refused() {
    const ITEM: Option<(u16, &str)> =
        Some((200, r#"{"Item":{"id":{"S":"a"},"val":{"B":"b25l"}}}"#));
    const REFUSALS: [Option<(u16, &str)>; 2] = [
        Some((400, r#"{"__type":"AccessDeniedException"}"#)),
        Some((400, r#"{"__type":"ProvisionedThroughputExceededException"}"#)),
    ];
    const SCRIPTS: [[Script; 2]; 2] = [
        [&[ITEM, REFUSALS[0]], &[REFUSALS[0], ITEM]],
        [&[ITEM, REFUSALS[1]], &[REFUSALS[1], ITEM]],
    ];
    for (script, when_below) in
        SCRIPTS.iter().flat_map(|[due, always]| [(due, HOUR / 2), (always, HOUR)])
    {
        let (store, requests) = scripted(script).await;
        let touch = Touch { ttl: HOUR, when_below };
        let record = store.load(&key("a"), Some(touch)).await.unwrap().unwrap();
        assert!(record.payload == b"one" && !record.touched);
        assert_eq!(requests.take(), 2);
    }
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
