//! Redis 8, Valkey 8 and Valkey 9 keep the same rules, and cost as many round trips. The Valkeys compare and
//! set without a script.

use hipflask::store::{RedisStore, connect};
use hipflask_servers::{
    Server, free_port,
    redis::{Other, ask},
};

use super::{conforms, count_round_trips};

async fn keeps_all_rules(server: &Server, compares: bool) {
    let address = format!("valkey://127.0.0.1:{}", server.port());
    conforms(&RedisStore::connect(&address).await.unwrap()).await;
    conforms(&RedisStore::connect(&format!("{address}/3?protocol=2")).await.unwrap()).await;
    connect(&address).await.unwrap();
    count_round_trips(server, compares).await;
}

#[tokio::test]
async fn redis_8_keeps_all_rules() {
    keeps_all_rules(&Other::Redis8.start(free_port().unwrap()).unwrap(), false).await;
}

#[tokio::test]
async fn valkey_8_keeps_all_rules() {
    keeps_all_rules(&Other::Valkey8.start(free_port().unwrap()).unwrap(), true).await;
}

#[tokio::test]
async fn valkey_9_keeps_all_rules() {
    keeps_all_rules(&Other::Valkey9.start(free_port().unwrap()).unwrap(), true).await;
}

/// The table of docs/store_redis.md.
#[tokio::test]
async fn compare_and_set_of_valkey_answers_as_the_page_says() {
    for server in [Other::Valkey8, Other::Valkey9] {
        let server = server.start(free_port().unwrap()).unwrap();
        let ask = |line: &str| {
            let words: Vec<_> = line.split(' ').collect();
            ask(server.port(), &words).unwrap().trim_end().to_owned()
        };
        ask("SET a old PX 9000");
        assert_eq!(ask("SET a new IFEQ other GET PX 90000"), "old", "another value: what is there");
        assert_eq!(ask("GET a"), "old");
        assert!(ask("PTTL a").parse::<u64>().unwrap() <= 9000, "its life stays");
        assert_eq!(ask("SET a new IFEQ old GET PX 90000"), "old", "the value: what was there");
        assert_eq!(ask("GET a"), "new");
        assert!(ask("PTTL a").parse::<u64>().unwrap() > 9000, "the new life");
        assert_eq!(ask("SET a old IFEQ new GET"), "new");
        assert_eq!(ask("PTTL a"), "-1", "no life is given, none is kept");
        ask("SET b old PX 1");
        std::thread::sleep(std::time::Duration::from_millis(5));
        for missing in ["b", "c"] {
            assert_eq!(ask(&format!("SET {missing} new IFEQ old GET PX 9000")), "");
            assert_eq!(ask(&format!("EXISTS {missing}")), "0", "none is made");
        }
        ask("RPUSH d old");
        assert!(ask("SET d new IFEQ old GET PX 9000").starts_with("WRONGTYPE"));
    }
}
