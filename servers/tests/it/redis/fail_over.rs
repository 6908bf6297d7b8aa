//! The loss of a master while eight tasks write: how long they pause, and what is lost.

use std::{
    cell::RefCell,
    thread,
    time::{Duration, Instant},
};

use hipflask::store::{Record, RecordKey, RedisStore, Replaced, Store, StoreError};
use hipflask_servers::redis::{Cluster, Other, Sentinel, ask};
use tokio::{task::JoinSet, time::sleep};

use super::{HOUR, key, signal};

/// What eight tasks have met, each of which adds to its own record.
#[derive(Debug, Default)]
struct Report {
    writes: u64,
    errors: u64,
    lost: u64,
    longest_pause: Duration,
}

/// Writes the number of each attempt over the one before until the end, and looks each time whether
/// what was answered is still there.
async fn write_steadily(store: RedisStore, name: RecordKey, end: Instant) -> Report {
    let (mut report, mut last, mut answered) = (Report::default(), Instant::now(), 0);
    for attempt in 1_u64.. {
        let is_over = Instant::now() >= end;
        let found = match store.load(&name, None).await {
            Ok(found) => found,
            Err(error) => {
                assert!(!is_over, "{error}");
                report.fail(&error).await;
                continue;
            }
        };
        // What was not answered may be there too, but only over what was.
        let found = found.unwrap_or_else(|| Record::new("0"));
        let number: u64 = std::str::from_utf8(&found.payload).unwrap().parse().unwrap();
        report.lost += u64::from(number < answered);
        answered = number;
        report.longest_pause = report.longest_pause.max(last.elapsed());
        if is_over {
            break;
        }
        match store.replace(&name, &found, attempt.to_string().as_bytes(), HOUR).await {
            Ok(Replaced::Replaced(_)) => {
                report.longest_pause = report.longest_pause.max(last.elapsed());
                (answered, last) = (attempt, Instant::now());
                report.writes += 1;
            }
            Ok(_) => {}
            Err(error) => report.fail(&error).await,
        }
    }
    report
}

impl Report {
    async fn fail(&mut self, error: &StoreError) {
        assert!(error.is_transient(), "{error}");
        self.errors += 1;
        sleep(Duration::from_millis(20)).await;
    }
}

/// Lets eight tasks write, and kills the master and starts it again meanwhile.
async fn fail_over(
    what: &str,
    store: &RedisStore,
    mut kill: impl FnMut(),
    mut restart: impl FnMut(),
) -> Report {
    let (start, mut tasks) = (Instant::now(), JoinSet::new());
    let end = start + Duration::from_secs(26);
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
    eprintln!("{what}: {all:?}");
    assert!(all.longest_pause < Duration::from_secs(20), "{all:?}");
    all
}

/// Kills a master after it has gone on for a moment without its replica, which will take over.
fn cut_off_and_kill(master: u16, replica: u32, kill: impl FnOnce()) {
    signal(replica, "-STOP");
    ask(master, &["CLIENT", "KILL", "TYPE", "replica"]).unwrap();
    thread::sleep(Duration::from_millis(600));
    kill();
    signal(replica, "-CONT");
}

async fn fail_over_in_a_cluster(mut cluster: Cluster, options: &str) -> Report {
    let address = format!("redis+cluster://{}{options}", cluster.hosts());
    let store = RedisStore::connect(&address).await.unwrap();
    let victim = cluster.master_of("session:0").unwrap();
    let (port, replica) =
        (cluster.nodes()[victim].port(), cluster.replica_of(victim).unwrap().pid());
    let cluster = RefCell::new(&mut cluster);
    let kill = || cut_off_and_kill(port, replica, || cluster.borrow_mut().kill(victim));
    let restart = || cluster.borrow_mut().restart(victim).unwrap();
    fail_over(&format!("cluster{options}"), &store, kill, restart).await
}

async fn fail_over_by_sentinels(mut servers: Sentinel, options: &str) -> Report {
    let address = format!("redis+sentinel://{}/mymaster{options}", servers.hosts());
    let store = RedisStore::connect(&address).await.unwrap();
    let (port, replica) = (servers.servers()[0].port(), servers.servers()[1].pid());
    let servers = RefCell::new(&mut servers);
    let kill = || cut_off_and_kill(port, replica, || servers.borrow_mut().kill_master());
    let restart = || servers.borrow_mut().restart_master().unwrap();
    fail_over(&format!("sentinel{options}"), &store, kill, restart).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cluster_survives_the_loss_of_a_master_but_not_all_writes_do() {
    assert_ne!(fail_over_in_a_cluster(Cluster::start().unwrap(), "").await.lost, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cluster_that_waits_for_replicas_loses_no_write() {
    assert_eq!(fail_over_in_a_cluster(Cluster::start().unwrap(), "?wait_replicas=1").await.lost, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn sentinels_survive_the_loss_of_the_master_but_not_all_writes_do() {
    assert_ne!(fail_over_by_sentinels(Sentinel::start().unwrap(), "").await.lost, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn sentinels_that_wait_for_replicas_lose_no_write() {
    assert_eq!(
        fail_over_by_sentinels(Sentinel::start().unwrap(), "?wait_replicas=1").await.lost,
        0
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cluster_of_valkeys_that_waits_for_replicas_loses_no_write() {
    let cluster = Cluster::start_of(Other::Valkey9).unwrap();
    assert_eq!(fail_over_in_a_cluster(cluster, "?wait_replicas=1").await.lost, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn valkeys_that_wait_for_replicas_lose_no_write() {
    let servers = Sentinel::start_of(Other::Valkey9).unwrap();
    assert_eq!(fail_over_by_sentinels(servers, "?wait_replicas=1").await.lost, 0);
}
