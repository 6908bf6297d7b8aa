//! Servers that have closed a connection while nobody used it, or were started again: the next write
//! is served.

use std::{thread::sleep, time::Duration};

use hipflask::store::{Created, RedisStore, Store};
use hipflask_servers::{
    Server, free_port,
    redis::{Cluster, Sentinel, ask, start, start_with_tls},
};
use tokio::runtime::{Builder, Runtime};

use super::{HOUR, key};

/// Longer than servers of these tests keep a connection that nobody uses.
const SILENCE: Duration = Duration::from_secs(4);

/// A store in a runtime that stands still between two calls, as it does in Python.
struct Caller {
    runtime: Runtime,
    store: RedisStore,
}

impl Caller {
    fn new(address: &str) -> Self {
        let runtime = Builder::new_current_thread().enable_all().build().unwrap();
        let store = runtime.block_on(RedisStore::connect(address)).unwrap();
        Self { runtime, store }
    }

    #[track_caller]
    fn write(&self, name: &str) {
        let created = self.runtime.block_on(self.store.create(&key(name), b"0", HOUR));
        assert!(matches!(created, Ok(Created::Created(_))), "{name}: {created:?}");
    }
}

fn close_idle_connections(server: &Server) {
    ask(server.port(), &["CONFIG", "SET", "timeout", "2"]).unwrap();
}

fn callers(port: u16) -> Vec<Caller> {
    let address = format!("redis://127.0.0.1:{port}");
    let mut callers = vec![Caller::new(&address), Caller::new(&format!("{address}?protocol=2"))];
    let runtime = Builder::new_current_thread().enable_all().build().unwrap();
    let client = redis::Client::open(address).unwrap();
    callers.push(Caller { runtime, store: RedisStore::from_client(&client) });
    callers
}

fn all_write(callers: &[Caller], when: &str) {
    for (number, caller) in callers.iter().enumerate() {
        caller.write(&format!("session:{number}:{when}"));
    }
}

#[test]
fn a_write_after_a_silence_is_served() {
    let server = start(free_port().unwrap(), &["--timeout", "2"]).unwrap();
    let callers = callers(server.port());
    all_write(&callers, "before");
    sleep(SILENCE);
    all_write(&callers, "after");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_write_after_a_silence_in_a_running_program_is_served() {
    let server = start(free_port().unwrap(), &["--timeout", "2"]).unwrap();
    let address = format!("redis://127.0.0.1:{}", server.port());
    let client = redis::Client::open(&*address).unwrap();
    let stores = [
        RedisStore::connect(&address).await.unwrap(),
        RedisStore::connect(&format!("{address}?protocol=2")).await.unwrap(),
        RedisStore::from_client(&client),
    ];
    for when in ["before", "after"] {
        for (number, store) in stores.iter().enumerate() {
            let name = key(format!("session:{number}:{when}"));
            let created = store.create(&name, b"0", HOUR).await;
            assert!(matches!(created, Ok(Created::Created(_))), "{number}: {created:?}");
        }
        tokio::time::sleep(SILENCE).await;
    }
}

#[test]
fn a_write_after_a_restart_is_served() {
    let port = free_port().unwrap();
    let server = start(port, &[]).unwrap();
    let callers = callers(port);
    all_write(&callers, "before");
    drop(server);
    sleep(Duration::from_secs(1));
    let _server = start(port, &[]).unwrap();
    all_write(&callers, "after");
}

#[test]
fn a_write_after_a_connection_with_tls_was_closed_is_served() {
    let port = free_port().unwrap();
    let (server, certificate) = start_with_tls(port, "secret").unwrap();
    let certificate = certificate.display();
    let address = format!("rediss://app:secret@localhost:{port}?ssl_ca_certs={certificate}");
    let callers = [Caller::new(&address), Caller::new(&format!("{address}&protocol=2"))];
    all_write(&callers, "before");
    let kill = ["--user", "app", "--pass", "secret", "CLIENT", "KILL", "TYPE", "normal"];
    assert_eq!(ask(server.port(), &kill).unwrap().trim(), "2");
    sleep(Duration::from_secs(1));
    all_write(&callers, "after");
}

#[test]
fn a_write_to_the_master_of_sentinels_after_a_silence_is_served() {
    let mut servers = Sentinel::start().unwrap();
    let address = format!("redis+sentinel://{}/mymaster", servers.hosts());
    let callers = [Caller::new(&address), Caller::new(&format!("{address}?protocol=2"))];
    close_idle_connections(&servers.servers()[0]);
    all_write(&callers, "before");
    sleep(SILENCE);
    all_write(&callers, "after a silence");
    servers.kill_master();
    while !servers.have_failed_over() {
        sleep(Duration::from_millis(50));
    }
    all_write(&callers, "after a fail-over");
}

#[test]
fn a_write_to_a_cluster_after_a_silence_is_served() {
    let mut cluster = Cluster::start().unwrap();
    let address = format!("redis+cluster://{}", cluster.hosts());
    let callers = [Caller::new(&address), Caller::new(&format!("{address}?protocol=2"))];
    cluster.nodes().iter().for_each(close_idle_connections);
    // Enough for all nodes.
    let all_write = |when: &str| {
        (0..8).for_each(|number| all_write(&callers, &format!("{when}:{number}")));
    };
    all_write("before");
    sleep(SILENCE);
    all_write("after a silence");
    let master = cluster.master_of("session:0").unwrap();
    cluster.kill(master);
    cluster.restart(master).unwrap();
    sleep(Duration::from_secs(1));
    all_write("after a restart");
}

#[test]
fn an_answer_that_is_lost_says_of_which_server_and_costs_one_request() {
    let port = free_port().unwrap();
    let mut server = start(port, &[]).unwrap();
    let caller = Caller::new(&format!("redis://127.0.0.1:{port}"));
    caller.write("session:before");
    server.pause().unwrap();
    let error = caller.runtime.block_on(async {
        let (store, name) = (caller.store.clone(), key("session:lost"));
        let asking = tokio::spawn(async move { store.create(&name, b"0", HOUR).await });
        tokio::time::sleep(Duration::from_millis(200)).await;
        server.kill();
        asking.await.unwrap().unwrap_err()
    });
    assert!(matches!(error, hipflask::store::StoreError::Unavailable(_)), "{error}");
    assert!(error.to_string().contains(&format!("127.0.0.1:{port} was lost")), "{error}");
    drop(server);
    let _server = start(port, &[]).unwrap();
    caller.write("session:again");
}
