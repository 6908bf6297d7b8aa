//! What the operations of a store cost beside the same statements by the bare driver.
//!
//! 32 tasks of one thread, each with a record of its own, do the same operation for a second; store and
//! driver take turns. The server is a process of its own, so that the CPU time is the client's alone.

use std::{
    process,
    sync::Arc,
    time::{Duration, Instant},
};

use hipflask::store::{AnyStore, Created, Record, RecordKey, Replaced, Store, Touch, connect};
use hipflask_servers::{MariaDb, Postgres, free_port, mongodb as mongod};
use mongodb::{
    Client, Collection,
    bson::{Binary, DateTime, Document, doc, spec::BinarySubtype},
    options::{CollectionOptions, WriteConcern},
};
use sqlx::{MySqlPool, PgPool, mysql::MySqlPoolOptions, postgres::PgPoolOptions};

use crate::{
    Anything,
    process::cpu_of,
    report::{quartiles, ratio},
    samples,
};

const N_TASKS: usize = 32;
const DAY: Duration = Duration::from_secs(24 * 60 * 60);
const TTL: Duration = DAY.saturating_mul(31);
/// As a session in use has it: it is looked whether its life is to be extended, which it is not.
const TOUCH: Touch = Touch { ttl: TTL, when_below: DAY.saturating_mul(30) };
/// As many as the store has.
const N_CONNECTIONS: u32 = 10;

const OPERATIONS: [Operation; 3] = [Operation::Read, Operation::ReadAndTouch, Operation::Swap];

#[derive(Clone, Copy)]
enum Operation {
    Read,
    /// The bare driver only reads.
    ReadAndTouch,
    Swap,
}

impl Operation {
    const fn name(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::ReadAndTouch => "read, touch if due; the driver reads",
            Self::Swap => "compare and swap",
        }
    }
}

enum Way {
    MariaDb(MySqlPool),
    MongoDb(Collection<Document>),
    Postgres(PgPool),
    Store(AnyStore),
}

pub(crate) fn compare(n_rounds: usize) -> Anything<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        println!("32 tasks of one thread, 10 connections, {n_rounds} interleaved rounds: medians, and");
        println!("medians (lower to upper quartile) of what a round gave beside the bare driver.\n");
        println!("| server | operation | driver, per second | store, per second | beside | driver CPU, µs | store CPU, µs | beside |");
        println!("|---|---|--:|--:|--:|--:|--:|--:|");
        missing_unless("PostgreSQL", on_postgres(n_rounds).await)?;
        missing_unless("MariaDB", on_mariadb(n_rounds).await)?;
        missing_unless("MongoDB", on_mongodb(n_rounds).await)
    })
}

/// A server that is not there takes no row from the others.
fn missing_unless(server: &str, result: Anything<()>) -> Anything<()> {
    let Err(error) = result else { return Ok(()) };
    println!("\n{server} is not in the table: {error}.");
    Ok(samples::keep_missing("drivers", server, &error.to_string())?)
}

async fn on_postgres(n_rounds: usize) -> Anything<()> {
    let (server, pool) = postgres().await?;
    rows("PostgreSQL", n_rounds, Way::Postgres(pool), &server.address()).await
}

async fn on_mariadb(n_rounds: usize) -> Anything<()> {
    let server = MariaDb::start()?;
    let pool = MySqlPoolOptions::new().max_connections(N_CONNECTIONS).test_before_acquire(false);
    let pool = pool.connect(&server.address()).await?;
    sqlx::raw_sql("SET GLOBAL general_log = 0").execute(&pool).await?;
    rows("MariaDB", n_rounds, Way::MariaDb(pool), &server.address()).await
}

async fn on_mongodb(n_rounds: usize) -> Anything<()> {
    let server = mongod::start(free_port()?, None)?;
    let address = format!("mongodb://127.0.0.1:{}/sessions", server.port());
    let client = Client::with_uri_str(&address).await?;
    let concern = WriteConcern::majority();
    let options = CollectionOptions::builder().write_concern(concern).build();
    let sessions = client.database("sessions").collection_with_options("sessions", options);
    rows("MongoDB", n_rounds, Way::MongoDb(sessions), &address).await
}

/// Starts a PostgreSQL that neither logs nor waits for its disk.
pub(crate) async fn postgres() -> Anything<(Postgres, PgPool)> {
    let server = Postgres::start()?;
    let pool = PgPoolOptions::new().max_connections(N_CONNECTIONS).test_before_acquire(false);
    let pool = pool.connect(&server.address()).await?;
    for quiet in ["log_statement = 'none'", "synchronous_commit = off"] {
        let set = format!("ALTER SYSTEM SET {quiet}");
        sqlx::raw_sql(sqlx::AssertSqlSafe(set)).execute(&pool).await?;
    }
    sqlx::raw_sql("SELECT pg_reload_conf()").execute(&pool).await?;
    Ok((server, pool))
}

async fn rows(server: &str, n_rounds: usize, bare: Way, address: &str) -> Anything<()> {
    let store = connect(address).await?;
    store.prepare().await?;
    for task in 0..N_TASKS {
        let created = store.create(&key(task), &payload(0), TTL).await?;
        if !matches!(created, Created::Created(_)) {
            return Err("there are records already".into());
        }
    }
    let ways = [Arc::new(bare), Arc::new(Way::Store(store))];
    for operation in OPERATIONS {
        let mut samples = [Vec::new(), Vec::new()];
        for round in 0..n_rounds * 2 {
            // The other one first in each round.
            let at = (round + round / 2) % 2;
            samples[at].push(sample(&ways[at], operation).await?);
        }
        let of =
            |at: usize, field: fn(&(f64, f64)) -> f64| quartiles(samples[at].iter().map(field)).1;
        let beside = |field: fn(&(f64, f64)) -> f64| {
            ratio(samples[1].iter().map(field), samples[0].iter().map(field))
        };
        let case = format!("{server}: {}", operation.name());
        for (contender, of) in [("driver", &samples[0]), ("hipflask", &samples[1])] {
            let (rates, cpu): (Vec<f64>, Vec<f64>) = of.iter().copied().unzip();
            samples::keep("drivers", &case, contender, "operations/s", &rates)?;
            samples::keep("drivers", &case, contender, "client CPU, µs", &cpu)?;
        }
        println!(
            "| {server} | {} | {:.0} | {:.0} | {} | {:.1} | {:.1} | {} |",
            operation.name(),
            of(0, |sample| sample.0),
            of(1, |sample| sample.0),
            beside(|sample| sample.0),
            of(0, |sample| sample.1),
            of(1, |sample| sample.1),
            beside(|sample| sample.1),
        );
    }
    Ok(())
}

/// Returns how many operations there were in a second, and the CPU time of each in microseconds.
async fn sample(way: &Arc<Way>, operation: Operation) -> Anything<(f64, f64)> {
    let (start, cpu) = (Instant::now(), cpu_of(process::id())?);
    let tasks: Vec<_> = (0..N_TASKS)
        .map(|task| tokio::spawn(work(Arc::clone(way), operation, task, start)))
        .collect();
    let mut n_done = 0;
    for task in tasks {
        n_done += task.await??;
    }
    let (elapsed, cpu) = (start.elapsed(), cpu_of(process::id())?.saturating_sub(cpu));
    let n_done = f64::from(n_done);
    Ok((n_done / elapsed.as_secs_f64(), cpu.as_secs_f64() * 1e6 / n_done))
}

async fn work(way: Arc<Way>, operation: Operation, task: usize, start: Instant) -> Anything<u32> {
    let key = key(task);
    let mut current = way.read(&key, None).await?;
    let mut n_done = 0;
    while start.elapsed() < Duration::from_secs(1) {
        n_done += 1;
        let touch = matches!(operation, Operation::ReadAndTouch).then_some(TOUCH);
        if let Operation::Swap = operation {
            let next = payload(current[0].wrapping_add(1));
            way.swap(&key, &current, &next).await?;
            current = next;
        } else if way.read(&key, touch).await?.len() != current.len() {
            return Err("another record".into());
        }
    }
    Ok(n_done)
}

fn key(task: usize) -> RecordKey {
    RecordKey::new(format!("session:{task:043}"))
}

/// As long as a log-in.
fn payload(first: u8) -> Vec<u8> {
    let mut payload = vec![7; 160];
    payload[0] = first;
    payload
}

const PG_READ: &str = r#"SELECT data, ((expiry IS NULL OR expiry < (now() AT TIME ZONE 'UTC' + $1 * interval '1 microsecond')))::int::bigint FROM "sessions" WHERE session_id = $2 AND (expiry IS NULL OR expiry > (now() AT TIME ZONE 'UTC'))"#;
const PG_SWAP: &str = r#"UPDATE "sessions" SET data = $1, expiry = (now() AT TIME ZONE 'UTC' + $2 * interval '1 microsecond') WHERE session_id = $3 AND (expiry IS NULL OR expiry > (now() AT TIME ZONE 'UTC')) AND data = $4"#;
const MY_READ: &str = "SELECT data, (expiry IS NULL OR expiry < (UTC_TIMESTAMP(6) + INTERVAL ? MICROSECOND)) FROM `sessions` WHERE session_id = ? AND CAST(session_id AS BINARY) = CAST(? AS BINARY) AND (expiry IS NULL OR expiry > UTC_TIMESTAMP(6))";
const MY_SWAP: &str = "UPDATE `sessions` SET data = ?, expiry = (UTC_TIMESTAMP(6) + INTERVAL ? MICROSECOND) WHERE session_id = ? AND CAST(session_id AS BINARY) = CAST(? AS BINARY) AND (expiry IS NULL OR expiry > UTC_TIMESTAMP(6)) AND data = ?";

impl Way {
    async fn read(&self, key: &RecordKey, touch: Option<Touch>) -> Anything<Vec<u8>> {
        let name = key.as_str();
        match self {
            Self::Store(store) => Ok(store.load(key, touch).await?.ok_or("no record")?.payload),
            Self::Postgres(pool) => {
                let query = sqlx::query_as::<_, (Vec<u8>, i64)>(PG_READ).bind(0_i64).bind(name);
                Ok(query.fetch_one(pool).await?.0)
            }
            Self::MariaDb(pool) => {
                let query = sqlx::query_as::<_, (Vec<u8>, i64)>(MY_READ);
                Ok(query.bind(0_i64).bind(name).bind(name).fetch_one(pool).await?.0)
            }
            Self::MongoDb(sessions) => {
                let found = sessions.find_one(live(key)).projection(doc! { "_id": 0, "val": 1 });
                let found = found.await?.ok_or("no document")?;
                Ok(found.get_binary_generic("val")?.clone())
            }
        }
    }

    async fn swap(&self, key: &RecordKey, current: &[u8], next: &[u8]) -> Anything<()> {
        let (name, ttl) = (key.as_str(), TTL.as_micros() as i64);
        let is_done = match self {
            Self::Store(store) => {
                let replaced = store.replace(key, &Record::new(current), next, TTL).await?;
                matches!(replaced, Replaced::Replaced(_))
            }
            Self::Postgres(pool) => {
                let query = sqlx::query(PG_SWAP).bind(next).bind(ttl).bind(name).bind(current);
                query.execute(pool).await?.rows_affected() == 1
            }
            Self::MariaDb(pool) => {
                let query = sqlx::query(MY_SWAP).bind(next).bind(ttl).bind(name).bind(name);
                query.bind(current).execute(pool).await?.rows_affected() == 1
            }
            Self::MongoDb(sessions) => {
                let mut filter = live(key);
                filter.insert("val", binary(current));
                let expiration =
                    DateTime::from_millis(DateTime::now().timestamp_millis() + ttl / 1000);
                let change = doc! { "$set": { "val": binary(next), "expiration": expiration } };
                sessions.update_one(filter, change).await?.matched_count == 1
            }
        };
        if is_done { Ok(()) } else { Err("not swapped".into()) }
    }
}

fn live(key: &RecordKey) -> Document {
    let is_live = [doc! { "expiration": { "$gt": DateTime::now() } }, doc! { "expiration": null }];
    doc! { "$or": is_live.to_vec(), "id": key.as_str() }
}

fn binary(payload: &[u8]) -> Binary {
    Binary { subtype: BinarySubtype::Generic, bytes: payload.into() }
}
