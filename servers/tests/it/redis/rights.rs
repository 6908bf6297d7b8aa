//! Servers that cannot keep sessions, or are not what their address says: connecting finds it out.

use hipflask::store::{ConnectError, RedisStore, Store, StoreError};
use hipflask_servers::{
    Server, free_port,
    redis::{Cluster, ask, start, start_lone_node},
};

use super::{conforms, key, server};

#[track_caller]
fn check(error: &(impl ToString + std::fmt::Debug), expected: &[&str]) {
    let shown = error.to_string();
    for words in expected {
        assert!(shown.contains(words), "{words}: {shown}");
    }
}

async fn refused(address: &str, expected: &[&str]) {
    let error = RedisStore::connect(address).await.unwrap_err();
    assert!(matches!(error, ConnectError::Refused(_)), "{error:?}");
    check(&error, expected);
}

fn with_user(rights: &[&str]) -> (Server, String) {
    let server = server();
    let user = [&["ACL", "SETUSER", "app", "on", ">secret", "~session:*", "+@all"], rights];
    assert_eq!(ask(server.port(), &user.concat()).unwrap().trim(), "OK");
    let address = format!("redis://app:secret@127.0.0.1:{}", server.port());
    (server, address)
}

#[tokio::test]
async fn a_user_without_scripts_is_refused_when_connecting() {
    for (rights, command) in
        [("-eval", "run EVAL,"), ("-evalsha", "run EVALSHA,"), ("-@scripting", "run EVAL,")]
    {
        let (server, address) = with_user(&[rights]);
        refused(&address, &[command, "ACL SETUSER", "+eval +evalsha"]).await;
        let client = redis::Client::open(&*address).unwrap();
        let error = RedisStore::from_client(&client).load(&key("session:S"), None).await;
        let error = error.unwrap_err();
        assert!(matches!(error, StoreError::Refused(_)), "{error}");
        check(&error, &[command, "ACL SETUSER"]);
        ask(server.port(), &["ACL", "SETUSER", "app", "+eval", "+evalsha"]).unwrap();
        RedisStore::connect(&address).await.unwrap();
    }
}

#[tokio::test]
async fn a_user_with_the_commands_that_are_named_keeps_sessions() {
    let rights = ["+get", "+set", "+del", "+pttl", "+pexpire", "+eval", "+evalsha", "+scan"];
    let (_server, address) = with_user(&[&["-@all", "~*"], &rights[..]].concat());
    conforms(&RedisStore::connect(&address).await.unwrap()).await;
}

#[tokio::test]
async fn a_server_whose_scripts_were_renamed_is_refused_when_connecting() {
    for command in ["EVAL", "EVALSHA"] {
        for name in ["", "hidden"] {
            let options = ["--rename-command", command, name];
            let server = start(free_port().unwrap(), &options).unwrap();
            let address = format!("redis://127.0.0.1:{}", server.port());
            let command = format!("run {command},");
            refused(&address, &[&command, "rename-command"]).await;
            refused(&format!("{address}?protocol=2"), &[&command]).await;
        }
    }
}

#[tokio::test]
async fn a_node_of_a_cluster_is_refused_as_a_server_of_its_own() {
    let node = start_lone_node().unwrap();
    let address = format!("redis://127.0.0.1:{}", node.port());
    refused(&address, &["redis+cluster://"]).await;
    refused(&format!("{address}?protocol=2"), &["redis+cluster://"]).await;
    let client = redis::Client::open(address).unwrap();
    let error = RedisStore::from_client(&client).load(&key("session:S"), None).await;
    check(&error.unwrap_err(), &["redis+cluster://"]);
    let address = format!("redis+cluster://127.0.0.1:{}", node.port());
    conforms(&RedisStore::connect(&address).await.unwrap()).await;
}

#[tokio::test]
async fn other_servers_are_refused_by_the_scheme_that_they_have() {
    let server = server();
    refused(&format!("redis+cluster://127.0.0.1:{}", server.port()), &["with redis://"]).await;
    let servers = hipflask_servers::redis::Sentinel::start().unwrap();
    for sentinel in servers.hosts().split(',') {
        refused(&format!("redis://{sentinel}"), &["redis+sentinel://"]).await;
    }
    let cluster = Cluster::start().unwrap();
    for node in cluster.hosts().split(',') {
        refused(&format!("redis://{node}"), &["redis+cluster://"]).await;
    }
}
