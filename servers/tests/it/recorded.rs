//! What Flask-Session was recorded to send to Redis and to Memcached, sent again to real servers:
//! our stores read what it leaves there, and leave the same.

use std::{
    io::{Read, Write},
    net::TcpStream,
    time::{Duration, SystemTime},
};

use hipflask::store::{Created, RecordKey, Store};
use serde_json::Value;

/// When the bytes were recorded.
const RECORDED_AT: u64 = 1_763_692_800;
/// Above this, Memcached takes a time to live for a moment.
const MONTH: u64 = 2_592_000;

fn rows(kind: &str) -> Vec<Value> {
    let path = "../crates/hipflask-core/tests/vectors/flask_session_store.jsonl";
    let text = std::fs::read_to_string(path).unwrap();
    let rows = text.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    rows.filter(|row| row["kind"] == kind).collect()
}

fn bytes(hex: &Value) -> Vec<u8> {
    let hex = hex.as_str().unwrap().as_bytes().chunks(2);
    hex.map(|pair| u8::from_str_radix(str::from_utf8(pair).unwrap(), 16).unwrap()).collect()
}

/// Sends bytes and returns what a server answers at once.
fn send(port: u16, bytes: &[u8]) -> Vec<u8> {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
    stream.write_all(bytes).unwrap();
    let mut answer = vec![0; 1 << 16];
    let len = stream.read(&mut answer).unwrap();
    answer.truncate(len);
    answer
}

/// Returns the strings of a command to Redis.
fn strings(resp: &[u8]) -> Vec<Vec<u8>> {
    let mut rest = &resp[resp.windows(2).position(|it| it == b"\r\n").unwrap() + 2..];
    let mut strings = Vec::new();
    while let Some(end) = rest.windows(2).position(|it| it == b"\r\n") {
        let len: usize = str::from_utf8(&rest[1..end]).unwrap().parse().unwrap();
        strings.push(rest[end + 2..end + 2 + len].to_vec());
        rest = &rest[end + 2 + len + 2..];
    }
    strings
}

#[cfg(feature = "redis")]
#[tokio::test]
async fn redis_holds_what_flask_session_sends() {
    use hipflask_servers::redis::{ask, start};
    let server = start(hipflask_servers::free_port().unwrap(), &[]).unwrap();
    let port = server.port();
    let store = hipflask::store::connect(&format!("redis://127.0.0.1:{port}")).await.unwrap();
    let rows = rows("redis");
    assert_eq!(rows.len(), 8);
    for row in &rows {
        let command = strings(&bytes(&row["resp_hex"]));
        let key = RecordKey::new(String::from_utf8(command[1].clone()).unwrap());
        let [_, _, value, _, ttl] = &command[..] else {
            let hour = Duration::from_secs(3600);
            store.create(&key, b"there", hour).await.unwrap();
            let answer = send(port, &bytes(&row["resp_hex"]));
            assert!(answer == b"$5\r\nthere\r\n" || answer == b":1\r\n", "{row}");
            continue;
        };
        let ttl = Duration::from_secs(str::from_utf8(ttl).unwrap().parse().unwrap());
        assert_eq!(send(port, &bytes(&row["resp_hex"])), b"+OK\r\n", "{row}");
        assert_eq!(store.load(&key, None).await.unwrap().unwrap().payload, *value, "{row}");
        store.delete(&key).await.unwrap();
        assert!(matches!(store.create(&key, value, ttl).await, Ok(Created::Created(_))), "{row}");
        let get = [b"GET ", key.as_str().as_bytes(), b"\r\n"].concat();
        let expected = [format!("${}\r\n", value.len()).as_bytes(), value, b"\r\n"].concat();
        assert_eq!(send(port, &get), expected, "{row}");
        let left: u128 = ask(port, &["PTTL", key.as_str()]).unwrap().trim().parse().unwrap();
        assert!(left <= ttl.as_millis() && left + 900 > ttl.as_millis(), "{row}");
        store.delete(&key).await.unwrap();
    }
}

#[cfg(feature = "memcached")]
#[tokio::test]
async fn memcached_holds_what_flask_session_sends() {
    let port = hipflask_servers::free_port().unwrap();
    let _server = hipflask_servers::memcached::start(port, &[]).unwrap();
    let address = format!("memcached://127.0.0.1:{port}");
    let store = hipflask::store::connect(&address).await.unwrap();
    let key = RecordKey::new("session:abc");
    let since = SystemTime::UNIX_EPOCH.elapsed().unwrap().as_secs() - RECORDED_AT;
    let rows = rows("memcached");
    assert_eq!(rows.len(), 14);
    for row in rows.iter().filter(|row| row["ttl"].is_u64()) {
        let recorded = bytes(&row["bytes_hex"]);
        let end = recorded.windows(2).position(|it| it == b"\r\n").unwrap();
        let words: Vec<&str> = str::from_utf8(&recorded[..end]).unwrap().split(' ').collect();
        let ["set", name, "0", expiry, _, "noreply"] = words[..] else { panic!("{row}") };
        let (ttl, expiry) = (row["ttl"].as_u64().unwrap(), expiry.parse::<u64>().unwrap());
        // A moment of then is a moment of now.
        let expiry = if expiry > MONTH { expiry + since } else { expiry };
        let value = recorded[end + 2..].strip_suffix(b"\r\n").unwrap();
        let set = format!("set {name} 0 {expiry} {}\r\n", value.len());
        let set = [set.as_bytes(), value, b"\r\n"].concat();
        assert_eq!(send(port, &set), b"STORED\r\n", "{row}");
        assert_eq!(store.load(&key, None).await.unwrap().unwrap().payload, value, "{row}");
        store.delete(&key).await.unwrap();
        let lives = Duration::from_secs(ttl.max(1));
        assert!(matches!(store.create(&key, value, lives).await, Ok(Created::Created(_))), "{row}");
        let answer = send(port, b"mg session:abc v t f\r\n");
        if ttl <= 1 {
            continue; // It may be over already.
        }
        let head = answer.split(|byte| *byte == b'\r').next().unwrap();
        let words: Vec<&str> = str::from_utf8(head).unwrap().split(' ').collect();
        let [_, _, left, "f0"] = words[..] else { panic!("{row}: {words:?}") };
        let left: u64 = left[1..].parse().unwrap();
        // The server looks at the clock once a second, or later.
        assert!(left.abs_diff(ttl) <= 2, "{row}: {left}");
        assert!(answer.ends_with(&[b"\r\n", value, b"\r\n"].concat()), "{row}");
        store.delete(&key).await.unwrap();
    }
}
