//! SQL databases: SQLite, PostgreSQL, MariaDB.

mod connections;
mod pooler;
mod records;

use std::{
    error::Error,
    time::{Duration, Instant},
};

use hipflask::store::{
    ConnectError, Created, Record, RecordKey, Renewal, Replaced, SqlStore, Store, StoreError,
    Touch,
    conformance::{self, Abilities},
};
use hipflask_servers::{MariaDb, Postgres};
use sqlx::{ConnectOptions, Connection, Executor, Row};

use crate::many;

const TTL: Duration = Duration::from_secs(60);
type Done = Result<(), Box<dyn Error>>;

/// The table as Flask-SQLAlchemy makes it.
const FLASK_ON_SQLITE: &str = "CREATE TABLE sessions ( id INTEGER NOT NULL, \
    session_id VARCHAR(255), data BLOB, expiry DATETIME, PRIMARY KEY (id), UNIQUE (session_id) )";
const FLASK_ON_POSTGRES: &str = "CREATE TABLE sessions ( id SERIAL NOT NULL, \
    session_id VARCHAR(255), data BYTEA, expiry TIMESTAMP WITHOUT TIME ZONE, PRIMARY KEY (id), \
    UNIQUE (session_id) )";
const FLASK_ON_MYSQL: &str = "CREATE TABLE sessions ( id INTEGER NOT NULL AUTO_INCREMENT, \
    session_id VARCHAR(255), data BLOB, expiry DATETIME, PRIMARY KEY (id), UNIQUE (session_id) )";

fn key(name: &str) -> RecordKey {
    RecordKey::new(format!("session:{name}"))
}

async fn sqlite(path: &str) -> Result<sqlx::SqliteConnection, sqlx::Error> {
    let options = sqlx::sqlite::SqliteConnectOptions::new().filename(path);
    options.create_if_missing(true).connect().await
}

async fn postgres(server: &Postgres) -> Result<sqlx::PgConnection, sqlx::Error> {
    sqlx::PgConnection::connect(&server.address()).await
}

async fn mysql(server: &MariaDb) -> Result<sqlx::MySqlConnection, sqlx::Error> {
    sqlx::MySqlConnection::connect(&server.address()).await
}

async fn prepared(address: &str) -> Result<SqlStore, Box<dyn Error>> {
    let store = SqlStore::connect(address).await?;
    store.prepare().await?;
    Ok(store)
}

#[tokio::test(flavor = "multi_thread")]
async fn sqlite_conforms() -> Done {
    let folder = tempfile::tempdir()?;
    for address in [
        "sqlite::memory:?create=true".to_owned(),
        format!("sqlite:{}/a.db?create=true&table=other", folder.path().display()),
        format!("sqlite:{}/b.db?create=true&journal_mode=wal", folder.path().display()),
    ] {
        let store = SqlStore::connect(&address).await?;
        conformance::run(&store, "session:", Abilities::new()).await?;
        many::assert_written(&store).await;
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn postgres_conforms() -> Done {
    let server = Postgres::start()?;
    let mut connection = postgres(&server).await?;
    connection.execute("CREATE SCHEMA s1").await?;
    let address = format!("{}?schema=s1&table=Other&sequence=seq", server.address());
    let store = prepared(&address).await?;
    conformance::run(&store, "session:", Abilities::new()).await?;
    many::assert_written(&store).await;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn mariadb_conforms() -> Done {
    let server = MariaDb::start()?;
    let store = prepared(&server.address()).await?;
    conformance::run(&store, "session:", Abilities::new()).await?;
    many::assert_written(&store).await;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn sqlite_shares_the_table_of_flask_session() -> Done {
    let folder = tempfile::tempdir()?;
    let path = format!("{}/flask.db", folder.path().display());
    let mut connection = sqlite(&path).await?;
    connection.execute(FLASK_ON_SQLITE).await?;
    connection
        .execute(
            "INSERT INTO sessions (session_id, data, expiry) VALUES \
             ('session:live', x'81a16101', '2999-01-01 00:00:00.000000'), \
             ('session:ended', x'81a16101', '2020-01-01 00:00:00.000000')",
        )
        .await?;
    let store = SqlStore::connect(&format!("sqlite:{path}")).await?;
    shares(&store).await?;
    let sql = "SELECT expiry, typeof(data), length(expiry) FROM sessions \
               WHERE session_id = 'session:new'";
    let row = connection.fetch_one(sql).await?;
    let (expiry, kind): (String, String) = (row.try_get_unchecked(0)?, row.try_get(1)?);
    assert_eq!((kind.as_str(), expiry.len()), ("blob", 26), "{expiry}");
    assert_eq!(&expiry[4..5], "-");
    assert_eq!(&expiry[10..11], " ");
    assert_eq!(&expiry[19..20], ".");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn postgres_shares_the_table_of_flask_session() -> Done {
    let server = Postgres::start()?;
    let mut connection = postgres(&server).await?;
    connection.execute(FLASK_ON_POSTGRES).await?;
    connection
        .execute(
            r"INSERT INTO sessions (session_id, data, expiry) VALUES
              ('session:live', '\x81a16101', '2999-01-01'),
              ('session:ended', '\x81a16101', '2020-01-01')",
        )
        .await?;
    // The time zones of the server and of its session do not matter.
    connection.execute("ALTER DATABASE postgres SET timezone = 'Asia/Kolkata'").await?;
    let store = SqlStore::connect(&server.address()).await?;
    shares(&store).await?;
    let sql = "SELECT extract(epoch FROM expiry - (now() AT TIME ZONE 'UTC'))::int8 \
               FROM sessions WHERE session_id = 'session:new'";
    let left: i64 = connection.fetch_one(sql).await?.try_get(0)?;
    assert!((50..=60).contains(&left), "{left}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn mariadb_shares_the_table_of_flask_session() -> Done {
    let server = MariaDb::start()?;
    let mut connection = mysql(&server).await?;
    connection.execute(FLASK_ON_MYSQL).await?;
    connection
        .execute(
            "INSERT INTO sessions (session_id, data, expiry) VALUES \
             ('session:live', x'81a16101', '2999-01-01'), \
             ('session:ended', x'81a16101', '2020-01-01')",
        )
        .await?;
    let store = SqlStore::connect(&server.address()).await?;
    shares(&store).await?;

    // Flask-Session's column is a BLOB, and the server is not strict: it would cut the data.
    let (new, large) = (key("large"), vec![7; 65_536]);
    let created = store.create(&new, &large[..65_535], TTL).await?;
    assert!(matches!(created, Created::Created(_)));
    let current = store.load(&new, None).await?.unwrap_or_default();
    assert_eq!(current.payload.len(), 65_535);
    let refused = store.replace(&new, &current, &large, TTL).await;
    assert!(matches!(refused, Err(StoreError::TooLarge { size: 65_536, limit: 65_535 })));
    connection.execute("DELETE FROM sessions").await?;
    connection.execute("ALTER TABLE sessions MODIFY data TINYBLOB").await?;
    let refused = store.create(&new, &large[..1000], TTL).await.unwrap_err();
    assert!(refused.to_string().contains("too short"), "{refused}");
    assert!(store.load(&new, None).await?.is_none());

    // Its collation takes these for the same; they must not become one session.
    store.create(&key("abc"), b"a", TTL).await?;
    assert!(store.load(&key("ABC"), None).await?.is_none());
    let refused = store.create(&key("ABC"), b"b", TTL).await.unwrap_err();
    assert!(matches!(refused, StoreError::Key(_)), "{refused}");
    assert!(!refused.to_string().to_lowercase().contains("abc"));
    Ok(())
}

/// What Flask-Session has written is read, and what has expired for it has expired.
async fn shares(store: &SqlStore) -> Done {
    let live = store.load(&key("live"), None).await?.ok_or("no record")?;
    assert_eq!(live.payload, b"\x81\xa1a\x01");
    let written = store.replace(&key("live"), &live, b"\x81\xa1a\x02", TTL).await?;
    assert!(matches!(written, Replaced::Replaced(_)));
    // Data that stays the same is no conflict.
    let live = Record::new(b"\x81\xa1a\x02");
    let written = store.replace(&key("live"), &live, b"\x81\xa1a\x02", TTL).await?;
    assert!(matches!(written, Replaced::Replaced(_)));
    assert!(store.load(&key("ended"), None).await?.is_none());
    let created = store.create(&key("ended"), b"\x80", TTL).await?;
    assert!(matches!(created, Created::Created(_)));
    store.create(&key("new"), b"\x80", TTL).await?;
    assert_eq!(store.create(&key("new"), b"\x80", TTL).await?, Created::Exists);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn operations_are_one_statement_each() -> Done {
    let server = Postgres::start()?;
    let store = prepared(&server.address()).await?;
    let log = || Ok(server.log()?.matches(" execute ").count());
    let expected = [1, 1, 1, 1, 1, 1, 1, 1, 1];
    assert_eq!(count(&store, log).await?, expected, "PostgreSQL: {OPERATIONS}");

    let server = MariaDb::start()?;
    let store = prepared(&server.address()).await?;
    let log = || {
        let log = server.log()?;
        Ok(log.matches("Execute\t").count() + log.matches("Query\t").count())
    };
    let expected = [1, 1, 1, 2, 1, 4, 1, 1, 1];
    assert_eq!(count(&store, log).await?, expected, "MariaDB: {OPERATIONS}");
    Ok(())
}

const OPERATIONS: &str =
    "create, load, load not due, load and touch, replace, renew, delete, scan, purge";

/// Counts the statements of each operation, once all of them have been prepared.
async fn count(
    store: &SqlStore,
    log: impl Fn() -> Result<usize, Box<dyn Error>>,
) -> Result<[usize; 9], Box<dyn Error>> {
    let mut counts = [0; 9];
    for round in ["a", "b"] {
        let (old, new) = (key(round), key(&format!("{round}2")));
        let (payload, current) = (b"\x81\xa1a\x01", Record::new(b"\x81\xa1a\x01"));
        for (operation, counted) in counts.iter_mut().enumerate() {
            let before = log()?;
            match operation {
                0 => drop(store.create(&old, payload, TTL / 2).await?),
                1 => drop(store.load(&old, None).await?),
                2 | 3 => {
                    let when_below = if operation == 2 { TTL / 10 } else { TTL };
                    let touch = Some(Touch { ttl: TTL, when_below });
                    let record = store.load(&old, touch).await?.ok_or("no record")?;
                    assert_eq!(record.touched, operation == 3);
                }
                4 => drop(store.replace(&old, &current, payload, TTL).await?),
                5 => drop(store.renew(renewal(&old, &current, &new)).await?),
                6 => drop(store.delete(&new).await?),
                7 => drop(store.scan("session:", None, 10).await?),
                _ => drop(store.purge(10).await?),
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
            *counted = log()? - before;
        }
    }
    Ok(counts)
}

fn renewal<'a>(old: &'a RecordKey, current: &'a Record, new: &'a RecordKey) -> Renewal<'a> {
    Renewal {
        old,
        current,
        new,
        payload: b"\x81\xa1a\x02",
        ttl: TTL,
        retired: b"\xc0",
        retired_ttl: TTL,
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn postgres_loses_no_increment() -> Done {
    let server = Postgres::start()?;
    // It is not about what survives a crash, so the disk need not be waited for.
    let address = format!("{}?options=-c%20synchronous_commit%3Doff", server.address());
    prepared(&address).await?;
    loses_no_increment(&address, 1000).await
}

#[tokio::test(flavor = "multi_thread")]
async fn mariadb_loses_no_increment() -> Done {
    let server = MariaDb::start()?;
    prepared(&server.address()).await?;
    loses_no_increment(&server.address(), 200).await
}

/// Each client has a file handle of its own, as another process would.
#[tokio::test(flavor = "multi_thread")]
async fn sqlite_loses_no_increment() -> Done {
    let folder = tempfile::tempdir()?;
    let address = format!("sqlite:{}/a.db", folder.path().display());
    prepared(&address).await?;
    loses_no_increment(&address, 100).await
}

/// As Flask-Session does, which looks for the table before it creates it.
#[tokio::test(flavor = "multi_thread")]
async fn a_table_that_is_there_needs_no_right_to_create_it() -> Done {
    let server = Postgres::start()?;
    let mut connection = postgres(&server).await?;
    connection.execute(FLASK_ON_POSTGRES).await?;
    connection.execute("CREATE ROLE plain LOGIN PASSWORD 'secret'").await?;
    connection.execute("GRANT ALL ON sessions, sessions_id_seq TO plain").await?;
    let address = server.address();
    let (_, place) = address.split_once('@').ok_or("no login")?;
    let address = format!("postgres://plain:secret@{place}");
    let store = SqlStore::connect(&format!("{address}?create=true")).await?;
    store.create(&key("a"), b"one", TTL).await?;
    let error = SqlStore::connect(&format!("{address}?create=true&table=other")).await;
    assert!(error.unwrap_err().to_string().contains("credentials"));
    Ok(())
}

async fn loses_no_increment(address: &str, times: u64) -> Done {
    let start = Instant::now();
    let shared = SqlStore::connect(address).await?;
    shared.create(&key("counter"), b"0", TTL).await?;
    let mut clients = tokio::task::JoinSet::new();
    for _ in 0..8 {
        let store = SqlStore::connect(address).await?;
        clients.spawn(async move {
            for _ in 0..times {
                let mut current = store.load(&key("counter"), None).await?.unwrap_or_default();
                loop {
                    let next = (number(&current) + 1).to_string();
                    let key = key("counter");
                    match store.replace(&key, &current, next.as_bytes(), TTL).await? {
                        Replaced::Conflict(newer) => current = newer,
                        Replaced::Replaced(_) => break,
                        Replaced::Gone => return Err(StoreError::refused("gone")),
                    }
                }
            }
            Ok(())
        });
    }
    while let Some(client) = clients.join_next().await {
        client??;
    }
    let found = shared.load(&key("counter"), None).await?.unwrap_or_default();
    assert_eq!(number(&found), 8 * times);
    eprintln!("{} increments in {:?}", 8 * times, start.elapsed());
    Ok(())
}

fn number(record: &Record) -> u64 {
    std::str::from_utf8(&record.payload).ok().and_then(|text| text.parse().ok()).unwrap_or(0)
}

#[tokio::test(flavor = "multi_thread")]
async fn purge_takes_no_longer_for_live_rows() -> Done {
    let server = Postgres::start()?;
    let store = prepared(&server.address()).await?;
    let mut connection = postgres(&server).await?;
    let purge = "DELETE FROM sessions WHERE id = ANY (ARRAY (SELECT id FROM sessions \
                 WHERE expiry <= (now() AT TIME ZONE 'UTC') ORDER BY expiry LIMIT 500 \
                 FOR UPDATE SKIP LOCKED))";
    for live in [10_000, 100_000] {
        connection
            .execute(sqlx::AssertSqlSafe(format!(
                "TRUNCATE sessions; INSERT INTO sessions (session_id, data, expiry) \
                 SELECT 'live' || n, repeat('x', 300)::bytea, now() + interval '1 day' \
                 FROM generate_series(1, {live}) n; \
                 INSERT INTO sessions (session_id, data, expiry) \
                 SELECT 'ended' || n, repeat('x', 300)::bytea, now() - interval '2 days' \
                 FROM generate_series(1, 1200) n; ANALYZE sessions"
            )))
            .await?;
        let plan = connection.fetch_all(sqlx::AssertSqlSafe(format!("EXPLAIN {purge}"))).await?;
        let plan: Vec<String> = plan.iter().map(|row| row.try_get(0)).collect::<Result<_, _>>()?;
        let plan = plan.join("\n");
        assert!(plan.contains("ix_sessions_expiry"), "{plan}");
        assert!(!plan.contains("Seq Scan"), "{plan}");
        let start = Instant::now();
        for expected in [500, 500, 200, 0] {
            assert_eq!(store.purge(500).await?, expected);
        }
        eprintln!("4 purges beside {live} live rows: {:?}", start.elapsed());
        let left: i64 = connection.fetch_one("SELECT count(*) FROM sessions").await?.try_get(0)?;
        assert_eq!(left, live);
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn purge_uses_the_index_on_mariadb_and_sqlite() -> Done {
    let server = MariaDb::start()?;
    prepared(&server.address()).await?;
    let mut connection = mysql(&server).await?;
    connection
        .execute(
            "INSERT INTO sessions (session_id, data, expiry) SELECT seq, 'x', \
             UTC_TIMESTAMP() + INTERVAL (CAST(seq AS SIGNED) - 100) MINUTE FROM seq_1_to_10000",
        )
        .await?;
    connection.execute("ANALYZE TABLE sessions").await?;
    let sql = "EXPLAIN DELETE FROM sessions WHERE expiry <= UTC_TIMESTAMP(6) \
               ORDER BY expiry LIMIT 50";
    let used: Option<String> = connection.fetch_one(sql).await?.try_get("key")?;
    assert_eq!(used.as_deref(), Some("ix_sessions_expiry"));

    let folder = tempfile::tempdir()?;
    let path = format!("{}/a.db", folder.path().display());
    prepared(&format!("sqlite:{path}")).await?;
    let sql = "EXPLAIN QUERY PLAN DELETE FROM sessions WHERE id IN (SELECT id FROM sessions \
               WHERE expiry <= strftime('%Y-%m-%d %H:%M:%S', 5, 'unixepoch') \
               || printf('.%06d', 6) ORDER BY expiry LIMIT 50)";
    let plan = sqlite(&path).await?.fetch_all(sql).await?;
    let plan: Vec<String> =
        plan.iter().map(|row| row.try_get("detail")).collect::<Result<_, _>>()?;
    let plan = plan.join("\n");
    assert!(plan.contains("COVERING INDEX ix_sessions_expiry (expiry<?)"), "{plan}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn postgres_may_crash_under_writes() -> Done {
    let mut server = Postgres::start()?;
    let store = prepared(&server.address()).await?;
    let stop = std::sync::Arc::new(std::sync::atomic::AtomicBool::new(false));
    let mut writers = tokio::task::JoinSet::new();
    for writer in 0..6 {
        let (store, stop) = (store.clone(), stop.clone());
        writers.spawn(async move {
            let (mut written, mut failures) = (Vec::new(), Vec::new());
            for n in 0.. {
                if stop.load(std::sync::atomic::Ordering::Relaxed) {
                    break;
                }
                let key = key(&format!("{writer}-{n}"));
                match store.create(&key, b"\x80", TTL * 10).await {
                    Ok(_) => written.push(key),
                    Err(error) => {
                        assert!(error.is_transient(), "{error}");
                        failures.push(Instant::now());
                        tokio::time::sleep(Duration::from_millis(10)).await;
                    }
                }
            }
            (written, failures)
        });
    }
    tokio::time::sleep(Duration::from_secs(1)).await;
    server.kill();
    tokio::time::sleep(Duration::from_millis(500)).await;
    server.restart()?;
    let restarted = Instant::now();
    tokio::time::sleep(Duration::from_secs(3)).await;
    stop.store(true, std::sync::atomic::Ordering::Relaxed);
    let mut count = 0;
    while let Some(writer) = writers.join_next().await {
        let (written, failures) = writer?;
        assert!(!failures.is_empty(), "the server was never away");
        let late = failures.iter().filter(|at| at.duration_since(restarted).as_millis() > 1000);
        assert_eq!(late.count(), 0, "failures later than a second after the restart");
        for key in &written {
            assert!(store.load(key, None).await?.is_some(), "a write that was answered is lost");
        }
        count += written.len();
    }
    eprintln!("{count} writes were answered, and all of them are there");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_stops_answering_is_an_error_in_time() -> Done {
    let server = Postgres::start()?;
    let store = prepared(&format!("{}?max_connections=2", server.address())).await?;
    store.create(&key("a"), b"\x80", TTL).await?;
    let mut blocker = postgres(&server).await?;
    blocker.execute("BEGIN; LOCK TABLE sessions").await?;
    let start = Instant::now();
    let mut tasks = tokio::task::JoinSet::new();
    for _ in 0..5 {
        let store = store.clone();
        tasks.spawn(async move { store.load(&key("a"), None).await });
    }
    let mut waiting = 0;
    while let Some(answer) = tasks.join_next().await {
        match answer? {
            Err(StoreError::Deadline) => {}
            Err(error) if error.is_unreachable() => waiting += 1,
            answer => panic!("{answer:?}"),
        }
    }
    // Who got no connection has asked nothing.
    assert_eq!(waiting, 3);
    assert!(start.elapsed() < Duration::from_secs(7));
    blocker.execute("ROLLBACK").await?;
    assert!(store.load(&key("a"), None).await?.is_some());
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn errors_say_what_to_do_and_no_secret() -> Done {
    let (postgres, mariadb) = (Postgres::start()?, MariaDb::start()?);
    let folder = tempfile::tempdir()?;
    let sqlite = format!("sqlite:{}/none.db", folder.path().display());
    for address in [postgres.address(), mariadb.address()] {
        let store = SqlStore::connect(&address).await?;
        let error = store.load(&key("a"), None).await.unwrap_err();
        assert!(error.to_string().contains("the store's `prepare`"), "{error}");
        let wrong = address.replace("secret", "hunter2");
        let error = SqlStore::connect(&wrong).await.unwrap_err();
        assert!(matches!(error, ConnectError::Refused(_)), "{error}");
        let text = format!("{error} {error:?}");
        assert!(text.contains("credentials"), "{text}");
        assert!(!text.contains("hunter2"), "{text}");
        let store = prepared(&address).await?;
        assert_eq!(format!("{store:?}"), "SqlStore { .. }");
        let error = SqlStore::connect(&format!("{address}?tabel=x")).await.unwrap_err();
        assert!(matches!(error, ConnectError::Option { name } if name == "tabel"));
    }
    let store = SqlStore::connect(&sqlite).await?;
    let error = store.load(&key("a"), None).await.unwrap_err();
    assert!(error.to_string().contains("there is no such file"), "{error}");
    store.prepare().await?;
    assert!(store.load(&key("a"), None).await?.is_none());
    let error = SqlStore::connect("sqlite:///none.db").await.unwrap_err();
    assert!(matches!(error, ConnectError::Address { .. }), "{error}");
    let ddl = SqlStore::ddl(&postgres.address())?;
    assert!(ddl.contains(r#"CREATE INDEX IF NOT EXISTS "ix_sessions_expiry""#), "{ddl}");
    Ok(())
}
