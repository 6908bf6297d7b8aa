//! What N sessions take in Redis and in PostgreSQL, and what reading and writing one of them costs among so many.
//!
//! Prints JSON lines, which `benches/scale.py` reads. A first read is of a session that this process has not read before, by
//! which its store may learn something; each is of another session. A read is of one of some thousand sessions in use, at
//! random, and so is a write: it reads, and then compares and swaps.

use std::{
    process,
    sync::Arc,
    time::{Duration, Instant},
};

use hipflask::store::{AnyStore, RecordKey, Replaced, Store, Touch, connect};
use sqlx::PgPool;

use crate::{
    Anything, drivers,
    memory::{record_of, used_memory},
    process::{cpu_of, family_cpu, start_redis},
    samples,
    wire::Wire,
};

const SIZES: [usize; 3] = [10_000, 100_000, 1_000_000];
const N_ROUNDS: usize = 5;
const N_TASKS: usize = 32;
/// Of which the bytes are counted.
const N_COUNTED: usize = 1_000;
/// Sessions in use at a time.
const N_IN_USE: usize = 10_000;
const BATCH: usize = 10_000;
const DAY: Duration = Duration::from_secs(24 * 60 * 60);
const TTL: Duration = DAY.saturating_mul(31);
/// As a session in use has it: it is looked whether its life is to be extended, which it is not.
const TOUCH: Touch = Touch { ttl: TTL, when_below: DAY.saturating_mul(30) };

pub(crate) fn measure(most: usize) -> Anything<()> {
    let (_, record) = record_of("hipflask", "w2")?;
    tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(async {
        let (redis, address) = start_redis()?;
        let connection = redis::Client::open(address.as_str())?.get_connection()?;
        let sessions = Sessions::Redis(Box::new(connection));
        grow(sessions, redis.pid(), redis.port(), &address, &record, most).await?;
        drop(redis);
        let (postgres, pool) = drivers::postgres().await?;
        let pid = "SELECT split_part(pg_read_file('postmaster.pid'), E'\\n', 1)::int";
        let pid = sqlx::query_scalar::<_, i32>(pid).fetch_one(&pool).await?.try_into()?;
        let sessions = Sessions::Postgres(pool);
        grow(sessions, pid, postgres.port(), &postgres.address(), &record, most).await
    })
}

#[derive(Clone, Copy, PartialEq)]
enum Operation {
    FirstRead,
    Read,
    Write,
}

const OPERATIONS: [Operation; 3] = [Operation::FirstRead, Operation::Read, Operation::Write];

impl Operation {
    const fn name(self) -> &'static str {
        match self {
            Self::FirstRead => "first read",
            Self::Read => "read",
            Self::Write => "write",
        }
    }
}

/// A connection beside the store's.
enum Sessions {
    Redis(Box<redis::Connection>),
    Postgres(PgPool),
}

async fn grow(
    mut sessions: Sessions,
    pid: u32,
    port: u16,
    address: &str,
    record: &[u8],
    most: usize,
) -> Anything<()> {
    let store = connect(address).await?;
    store.prepare().await?;
    let mut store = Arc::new(store);
    let (wire, wire_port) = Wire::to(port).await?;
    let counted_address = address.replacen(&format!(":{port}"), &format!(":{wire_port}"), 1);
    let empty = sessions.bytes().await?;
    let mut n_stored = 0;
    for n_sessions in SIZES.into_iter().filter(|size| *size <= most) {
        sessions.vacuum().await?;
        for start in (n_stored..n_sessions).step_by(BATCH) {
            sessions.fill(start..(start + BATCH).min(n_sessions), record).await?;
        }
        n_stored = n_sessions;
        sessions.vacuum().await?;
        let name = sessions.name();
        let say = |measure: &str, values: &[f64]| {
            let size = n_sessions.to_string();
            println!("{}", samples::line("scale", &size, name, measure, values));
            samples::keep("scale", &size, name, measure, values)
        };
        let bytes = sessions.bytes().await?;
        for ((part, bytes), (_, empty)) in bytes.iter().zip(&empty) {
            say(part, &[(bytes - empty) / n_sessions as f64])?;
        }
        let counted = connect(&counted_address).await?;
        for operation in OPERATIONS {
            let what = operation.name();
            let mut rounds = Vec::new();
            let written = sessions.logged().await?;
            for round in 0..N_ROUNDS {
                // PostgreSQL's store remembers nothing, and the time of processes that have ended is not counted.
                if operation == Operation::FirstRead && matches!(sessions, Sessions::Redis(_)) {
                    store = Arc::new(connect(address).await?);
                }
                rounds.push(sample(&store, pid, n_sessions, operation, round).await?);
            }
            let of = |field: fn(&Round) -> f64| rounds.iter().map(field).collect::<Vec<_>>();
            say(&format!("{what}: per second"), &of(|round| round.rate))?;
            say(&format!("{what}: client CPU, µs"), &of(|round| round.client))?;
            say(&format!("{what}: store CPU, µs"), &of(|round| round.store))?;
            if let (Some(before), Some(after)) = (written, sessions.logged().await?) {
                let n_done: f64 = rounds.iter().map(|round| round.n_done).sum();
                say(&format!("{what}: log, bytes"), &[(after - before) / n_done])?;
            }
            // The first one also says what the connection remembers.
            once(&counted, &drawn(0, n_sessions), operation).await?;
            let before = wire.bytes();
            for n in 1..=N_COUNTED {
                once(&counted, &drawn(n, n_sessions), operation).await?;
            }
            let after = wire.bytes();
            let each = |after: u64, before: u64| [(after - before) as f64 / N_COUNTED as f64];
            say(&format!("{what}: sent, bytes"), &each(after.0, before.0))?;
            say(&format!("{what}: received, bytes"), &each(after.1, before.1))?;
        }
    }
    Ok(())
}

impl Sessions {
    const fn name(&self) -> &'static str {
        match self {
            Self::Redis(_) => "Redis",
            Self::Postgres(_) => "PostgreSQL",
        }
    }

    /// Writes many at once, as no request does.
    async fn fill(&mut self, numbers: std::ops::Range<usize>, record: &[u8]) -> Anything<()> {
        let keys = numbers.map(|n| key(n).as_str().to_owned());
        match self {
            Self::Redis(redis) => {
                let mut pipeline = redis::pipe();
                for key in keys {
                    pipeline.cmd("SET").arg(key).arg(record).arg("EX").arg(TTL.as_secs()).ignore();
                }
                Ok(pipeline.exec(redis)?)
            }
            Self::Postgres(pool) => {
                let fill = "INSERT INTO sessions (session_id, data, expiry) SELECT key, $2, \
                     now() AT TIME ZONE 'UTC' + interval '31 days' FROM unnest($1::text[]) AS key";
                let query = sqlx::query(fill).bind(keys.collect::<Vec<_>>()).bind(record);
                query.execute(&*pool).await?;
                Ok(())
            }
        }
    }

    /// Gives the space of what was written over back to the table, as PostgreSQL does by itself in time.
    async fn vacuum(&self) -> Anything<()> {
        if let Self::Postgres(pool) = self {
            sqlx::raw_sql("VACUUM ANALYZE sessions").execute(pool).await?;
        }
        Ok(())
    }

    /// Returns the parts of what all sessions take.
    async fn bytes(&mut self) -> Anything<Vec<(&'static str, f64)>> {
        Ok(match self {
            Self::Redis(redis) => vec![("memory, bytes", used_memory(redis)? as f64)],
            Self::Postgres(pool) => {
                let sizes =
                    "SELECT pg_table_size('sessions')::float8, pg_indexes_size('sessions')::float8";
                let (table, index) = sqlx::query_as(sizes).fetch_one(&*pool).await?;
                vec![("table, bytes", table), ("index, bytes", index)]
            }
        })
    }

    /// Returns how much has been written to the log of changes, which Redis does not have here.
    async fn logged(&self) -> Anything<Option<f64>> {
        let Self::Postgres(pool) = self else { return Ok(None) };
        let logged = "SELECT pg_wal_lsn_diff(pg_current_wal_insert_lsn(), '0/0')::float8";
        Ok(Some(sqlx::query_scalar(logged).fetch_one(pool).await?))
    }
}

struct Round {
    n_done: f64,
    rate: f64,
    client: f64,
    store: f64,
}

/// Lets 32 tasks of this thread work for a second; times in microseconds of each operation.
async fn sample(
    store: &Arc<AnyStore>,
    pid: u32,
    n_sessions: usize,
    operation: Operation,
    round: usize,
) -> Anything<Round> {
    if operation == Operation::Read && round == 0 {
        for n in 0..N_IN_USE {
            once(store, &drawn(n, n_sessions), operation).await?;
        }
    }
    let (start, client, server) = (Instant::now(), cpu_of(process::id())?, family_cpu(pid)?);
    let tasks: Vec<_> = (0..N_TASKS)
        .map(|task| {
            let store = Arc::clone(store);
            tokio::spawn(async move {
                let mut n_done = 0;
                while start.elapsed() < Duration::from_secs(1) {
                    let turn = round * n_sessions / N_ROUNDS + n_done * N_TASKS + task;
                    let n = match operation {
                        Operation::FirstRead if n_done >= n_sessions / N_TASKS => break,
                        Operation::FirstRead => turn,
                        _ => random(turn as u64) as usize % N_IN_USE,
                    };
                    once(&store, &drawn(n, n_sessions), operation).await?;
                    n_done += 1;
                }
                Ok::<_, Box<dyn std::error::Error + Send + Sync>>(n_done)
            })
        })
        .collect();
    let mut n_done = 0;
    for task in tasks {
        n_done += task.await??;
    }
    let (elapsed, n_done) = (start.elapsed().as_secs_f64(), n_done as f64);
    let micros = |now: Duration, before| now.saturating_sub(before).as_secs_f64() * 1e6 / n_done;
    let client = micros(cpu_of(process::id())?, client);
    let store = micros(family_cpu(pid)?, server);
    Ok(Round { n_done, rate: n_done / elapsed, client, store })
}

async fn once(store: &AnyStore, key: &RecordKey, operation: Operation) -> Anything<()> {
    let current = store.load(key, Some(TOUCH)).await?.ok_or("a session is missing")?;
    if operation == Operation::Write {
        let mut next = current.payload.clone();
        // The last byte is of a text, and stays one.
        let last = next.last_mut().ok_or("an empty session")?;
        *last = if *last == b'a' { b'b' } else { b'a' };
        // Two tasks may have drawn one session: then one of them has asked for nothing, as in life.
        if let Replaced::Gone = store.replace(key, &current, &next, TTL).await? {
            return Err("a session is gone".into());
        }
    }
    Ok(())
}

/// Returns the key of the n-th session that is drawn: all are, before one is again, in no order of theirs.
fn drawn(n: usize, n_sessions: usize) -> RecordKey {
    const STEP: usize = 7_368_787; // A prime, and so no divisor of a power of ten.
    key(n * STEP % n_sessions)
}

/// Keys as long as those of sessions, which come in no order, as those do not.
fn key(n: usize) -> RecordKey {
    let [one, two, three] = [1, 2, 3].map(|part| random((n as u64) << 2 | part));
    RecordKey::new(format!("session:{one:016x}{two:016x}{:011x}", three >> 20))
}

/// The numbers of SplitMix64, which look random and are the same in each run.
const fn random(n: u64) -> u64 {
    let n = n.wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let n = (n ^ (n >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let n = (n ^ (n >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    n ^ (n >> 31)
}
