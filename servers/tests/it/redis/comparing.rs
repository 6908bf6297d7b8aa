//! The table of docs/store_redis.md: what each server answers to a write that compares, and what its
//! replica then has.

use std::time::{Duration, Instant};

use hipflask::store::{Record, RedisStore, Replaced, Store};
use hipflask_servers::{
    Server, free_port,
    redis::{Other, ask, start},
};

use super::{HOUR, key, store_at};

/// A server, and its replica.
struct Pair {
    master: Server,
    replica: Server,
}

impl Pair {
    fn start(start: impl Fn(&[&str]) -> Server) -> Self {
        let master = start(&[]);
        let port = master.port().to_string();
        let replica = start(&["--replicaof", "127.0.0.1", &port]);
        let pair = Self { master, replica };
        pair.until("the replica is connected", || {
            pair.ask("INFO replication").contains("state=online")
        });
        pair
    }

    fn ask(&self, line: &str) -> String {
        let words: Vec<_> = line.split(' ').collect();
        ask(self.master.port(), &words).unwrap().trim_end().to_owned()
    }

    fn ask_replica(&self, line: &str) -> String {
        let words: Vec<_> = line.split(' ').collect();
        ask(self.replica.port(), &words).unwrap().trim_end().to_owned()
    }

    fn life(&self, key: &str) -> i64 {
        self.ask(&format!("PTTL {key}")).parse().unwrap()
    }

    /// How often the replica was sent a command.
    fn sent(&self, command: &str) -> u64 {
        let counts = self.ask_replica("INFO commandstats");
        let start = format!("cmdstat_{command}:calls=");
        let count = counts.lines().find_map(|line| line.strip_prefix(&start)?.split(',').next());
        count.map_or(0, |count| count.parse().unwrap())
    }

    #[track_caller]
    fn until(&self, what: &str, is_so: impl Fn() -> bool) {
        let end = Instant::now() + Duration::from_secs(60);
        while !is_so() {
            assert!(Instant::now() < end, "{what}: not after a minute");
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    fn wait_for_an_end(&self, key: &str) {
        self.ask(&format!("SET {key} old PX 1"));
        self.until("it has expired", || self.ask(&format!("EXISTS {key}")) == "0");
    }
}

fn others(kind: Other) -> Pair {
    Pair::start(|options| kind.start_with(free_port().unwrap(), options).unwrap())
}

/// Compares and sets through the store, by whatever the server has.
async fn replaces_as_the_page_says(pair: &Pair) {
    let store = store_at(&pair.master, "?wait_replicas=1").await;
    let replace = async |store: &RedisStore, name: &str| {
        store.replace(&key(name), &Record::new("old"), b"new", HOUR).await
    };
    // What the server has is found out by the first one.
    pair.ask("SET a old PX 9000");
    assert!(matches!(replace(&store, "a").await.unwrap(), Replaced::Replaced(_)));
    assert!(pair.life("a") > 9000, "the new life");
    assert_eq!(pair.ask_replica("GET a"), "new", "the replica has it when it is answered");
    let on_replica: i64 = pair.ask_replica("PTTL a").parse().unwrap();
    assert!(on_replica > 9000, "and its life");

    pair.ask("SET b other PX 9000");
    pair.until("the replica has it", || pair.ask_replica("GET b") == "other");
    let sent = pair.sent("set");
    let conflict = replace(&store, "b").await.unwrap();
    assert!(matches!(conflict, Replaced::Conflict(found) if found.payload == b"other"));
    assert!((1..=9000).contains(&pair.life("b")), "its life stays");
    assert_eq!(pair.sent("set"), sent, "a replica hears nothing of what was refused");

    pair.wait_for_an_end("c");
    for missing in ["c", "d"] {
        assert_eq!(replace(&store, missing).await.unwrap(), Replaced::Gone);
        assert_eq!(pair.ask(&format!("EXISTS {missing}")), "0", "none is made");
    }
    pair.ask("RPUSH e old");
    let wrong = replace(&store, "e").await.unwrap_err().to_string();
    assert!(wrong.contains("something else than a string"), "{wrong}");
    for script in ["eval", "evalsha"] {
        assert_eq!(pair.sent(script), 0, "a replica is sent what was done, not the script");
    }
}

#[tokio::test]
async fn redis_7_compares_by_a_script() {
    let pair = Pair::start(|options| start(free_port().unwrap(), options).unwrap());
    assert_eq!(pair.ask("SET a new IFEQ old GET PX 9000"), "ERR syntax error");
    assert!(pair.ask("DELIFEQ a old").starts_with("ERR unknown command"));
    replaces_as_the_page_says(&pair).await;
}

#[tokio::test]
async fn redis_8_2_compares_by_a_script() {
    let pair = others(Other::Redis8);
    assert_eq!(pair.ask("SET a new IFEQ old GET PX 9000"), "ERR syntax error");
    assert!(pair.ask("DELIFEQ a old").starts_with("ERR unknown command"));
    replaces_as_the_page_says(&pair).await;
}

#[tokio::test]
async fn valkeys_compare_by_a_command() {
    for kind in [Other::Valkey8, Other::Valkey9] {
        let pair = others(kind);
        pair.ask("SET a old PX 9000");
        assert_eq!(pair.ask("SET a new IFEQ other GET PX 90000"), "old", "what is there");
        assert!(pair.life("a") <= 9000, "its life stays");
        assert_eq!(pair.ask("SET a new IFEQ old GET PX 90000"), "old", "what was there");
        assert!(pair.life("a") > 9000, "the new life");
        assert_eq!(pair.ask("SET a old IFEQ new GET"), "new");
        assert_eq!(pair.life("a"), -1, "no life is given, none is kept");
        if matches!(kind, Other::Valkey9) {
            assert_eq!(pair.ask("DELIFEQ a other"), "0", "another value");
            assert_eq!(pair.ask("DELIFEQ a old"), "1");
            assert_eq!(pair.ask("DELIFEQ a old"), "0", "it is missing");
        } else {
            assert!(pair.ask("DELIFEQ a old").starts_with("ERR unknown command"));
        }
        pair.wait_for_an_end("b");
        for missing in ["b", "c"] {
            assert_eq!(pair.ask(&format!("SET {missing} new IFEQ old GET PX 9000")), "");
            assert_eq!(pair.ask(&format!("EXISTS {missing}")), "0", "none is made");
        }
        pair.ask("RPUSH d old");
        assert!(pair.ask("SET d new IFEQ old GET PX 9000").starts_with("WRONGTYPE"));
        pair.ask("DEL d");
        replaces_as_the_page_says(&pair).await;
    }
}
