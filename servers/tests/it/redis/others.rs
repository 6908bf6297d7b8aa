//! Redis 8, Valkey 8 and Valkey 9 keep the same rules, and cost as many round trips. The Valkeys compare and
//! set without a script.

use hipflask::store::{RedisStore, connect};
use hipflask_servers::{Server, free_port, redis::Other};

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
