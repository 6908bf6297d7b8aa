//! Records that others have written, or that cannot be written.

use axum::{Router, body::Body, http::Request, routing::get};
use hipflask::{SecretKey, Session, SessionLayer};
use tower::ServiceExt;

use super::*;

const DUE: Option<Touch> = Some(Touch { ttl: TTL, when_below: TTL });

/// What is there is read and not touched, and a change says why it is none.
async fn reads_only(store: &SqlStore) -> Done {
    for _ in 0..3 {
        let record = store.load(&key("a"), DUE).await?.ok_or("no record")?;
        assert_eq!((record.payload.as_slice(), record.touched), (b"one".as_slice(), false));
    }
    let error = store.create(&key("b"), b"one", TTL).await.unwrap_err();
    let text = error.to_string();
    assert!(text.contains("read-only") || text.contains("credentials"), "{text}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_that_takes_no_changes_is_read() -> Done {
    let server = Postgres::start()?;
    let store = SqlStore::connect(&format!("{}?create=true", server.address())).await?;
    store.create(&key("a"), b"one", TTL / 2).await?;
    let mut connection = postgres(&server).await?;
    connection
        .execute(
            "CREATE ROLE reader LOGIN PASSWORD 'secret'; GRANT SELECT ON sessions TO reader; \
             ALTER DATABASE postgres SET default_transaction_read_only = on",
        )
        .await?;
    for address in [server.address(), server.address().replace("postgres:secret", "reader:secret")]
    {
        reads_only(&SqlStore::connect(&address).await?).await?;
        reads_only(&SqlStore::connect(&format!("{address}?prepared=false")).await?).await?;
    }

    let server = MariaDb::start()?;
    let store = SqlStore::connect(&format!("{}?create=true", server.plain_address())).await?;
    store.create(&key("a"), b"one", TTL / 2).await?;
    let mut connection = mysql(&server).await?;
    for (set, reset) in [
        ("SET GLOBAL read_only = 1", "SET GLOBAL read_only = 0"),
        ("SET GLOBAL tx_read_only = 1", "SET GLOBAL tx_read_only = 0"),
    ] {
        connection.execute(set).await?;
        reads_only(&SqlStore::connect(&server.plain_address()).await?).await?;
        connection.execute(reset).await?;
    }

    let folder = tempfile::tempdir()?;
    let path = folder.path().join("a.db");
    let store = SqlStore::connect(&format!("sqlite:{}?create=true", path.display())).await?;
    store.create(&key("a"), b"one", TTL / 2).await?;
    let options = sqlx::sqlite::SqliteConnectOptions::new().filename(&path).read_only(true);
    reads_only(&SqlStore::from_sqlite(options, "").await?).await
}

/// Another process may hold the lock of writers for long, and readers need none.
#[tokio::test(flavor = "multi_thread")]
async fn sqlite_is_read_beside_a_writer() -> Done {
    let folder = tempfile::tempdir()?;
    let path = format!("{}/a.db", folder.path().display());
    let store = SqlStore::connect(&format!("sqlite:{path}?create=true")).await?;
    store.create(&key("a"), b"one", TTL / 2).await?;
    let mut writer = sqlite(&path).await?;
    writer.execute("BEGIN IMMEDIATE").await?;
    let name = key("a");
    let reading = tokio::time::timeout(Duration::from_secs(2), store.load(&name, DUE));
    assert!(!reading.await??.ok_or("no record")?.touched);
    writer.execute("ROLLBACK").await?;
    assert!(store.load(&key("a"), DUE).await?.ok_or("no record")?.touched);
    Ok(())
}

/// Nothing was done where a transaction could not begin.
#[tokio::test(flavor = "multi_thread")]
async fn sqlite_that_is_locked_was_not_changed() -> Done {
    let folder = tempfile::tempdir()?;
    let path = format!("{}/a.db", folder.path().display());
    let options = sqlx::sqlite::SqliteConnectOptions::new().filename(&path).create_if_missing(true);
    let options = options.busy_timeout(Duration::ZERO);
    let store = SqlStore::from_sqlite(options, "create=true").await?;
    store.create(&key("a"), b"one", TTL).await?;
    let mut writer = sqlite(&path).await?;
    writer.execute("BEGIN IMMEDIATE").await?;
    let (old, current, new) = (key("a"), Record::new(b"one"), key("b"));
    let error = store.renew(renewal(&old, &current, &new)).await.unwrap_err();
    assert!(error.is_unreachable(), "{error}");
    Ok(())
}

/// A transaction that failed, or that nobody waits for, holds no lock that the next question meets.
#[tokio::test(flavor = "multi_thread")]
async fn sqlite_in_memory_is_free_again() -> Done {
    let store = SqlStore::connect("sqlite::memory:?create=true").await?;
    let (old, current, new) = (key("old"), Record::new(b"first"), key("new"));
    store.create(&old, b"first", TTL).await?;
    store.create(&new, b"taken", TTL).await?;
    for turn in 0..200 {
        let renewing = store.renew(renewal(&old, &current, &new));
        let patience = if turn % 2 == 0 { TTL } else { Duration::from_micros(5 * turn) };
        let result = tokio::time::timeout(patience, renewing).await;
        assert!(!matches!(result, Ok(Ok(_))), "the new key is taken");
        assert!(store.load(&new, DUE).await?.is_some(), "turn {turn}");
    }
    Ok(())
}

/// Sets a column of all rows.
async fn set(address: &str, assignment: &str) -> Result<u64, sqlx::Error> {
    let sql = sqlx::AssertSqlSafe(format!("UPDATE sessions SET {assignment}"));
    let result = match address.split(':').next() {
        Some("sqlite") => {
            let path = address.strip_prefix("sqlite:").unwrap_or_default();
            return Ok(sqlite(path).await?.execute(sql).await?.rows_affected());
        }
        Some("mysql") => {
            let mut connection = sqlx::MySqlConnection::connect(address).await?;
            connection.execute(sql).await?.rows_affected()
        }
        _ => sqlx::PgConnection::connect(address).await?.execute(sql).await?.rows_affected(),
    };
    Ok(result)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_record_without_an_expiry_gets_one() -> Done {
    let (postgres, mariadb) = (Postgres::start()?, MariaDb::start()?);
    let folder = tempfile::tempdir()?;
    let sqlite = format!("sqlite:{}/a.db", folder.path().display());
    for address in [postgres.address(), mariadb.address(), sqlite] {
        let store = SqlStore::connect(&format!("{address}?create=true")).await?;
        store.create(&key("a"), b"one", TTL).await?;
        set(&address, "expiry = NULL").await?;
        assert_eq!(store.create(&key("a"), b"two", TTL).await?, Created::Exists);
        assert_eq!(store.purge(10).await?, 0);
        let page = store.scan("session:", None, 10).await?;
        let expiries: Vec<_> = page.entries.iter().map(|entry| entry.expires_in).collect();
        assert_eq!(expiries, [None], "{address}");
        let rarely = Touch { ttl: TTL, when_below: TTL / 10 };
        for expected in [true, false] {
            let record = store.load(&key("a"), Some(rarely)).await?.ok_or("no record")?;
            assert_eq!(record.touched, expected, "{address}");
        }
        let page = store.scan("session:", None, 10).await?;
        let left = page.entries.first().and_then(|entry| entry.expires_in).ok_or("no expiry")?;
        assert!(left <= TTL && left > TTL / 2, "{left:?}");
    }
    Ok(())
}

fn app(store: SqlStore) -> Result<Router, Box<dyn Error>> {
    async fn reason(session: Session) -> &'static str {
        session.reason().code()
    }
    async fn put(session: Session) -> hipflask::Result<()> {
        session.insert("a", 1)
    }
    async fn end(session: Session) -> hipflask::Result<()> {
        session.destroy()
    }
    let sessions = SessionLayer::new(SecretKey::random()?)?.with_store(store);
    let routes = Router::new().route("/reason", get(reason)).route("/put", get(put));
    Ok(routes.route("/end", get(end)).layer(sessions))
}

async fn visit(app: &Router, path: &str, cookie: &mut String) -> Result<String, Box<dyn Error>> {
    let request = Request::get(path).header("cookie", cookie.as_str()).body(Body::empty())?;
    let response = app.clone().oneshot(request).await?;
    assert_eq!(response.status(), 200, "{path}");
    if let Some(set) = response.headers().get("set-cookie") {
        *cookie = set.to_str()?.split(';').next().unwrap_or_default().to_owned();
    }
    let body = axum::body::to_bytes(response.into_body(), 1000).await?;
    Ok(String::from_utf8(body.to_vec())?)
}

#[tokio::test(flavor = "multi_thread")]
async fn data_that_nobody_can_read_is_a_corrupt_record() -> Done {
    let (postgres, mariadb) = (Postgres::start()?, MariaDb::start()?);
    let folder = tempfile::tempdir()?;
    let sqlite = format!("sqlite:{}/a.db", folder.path().display());
    for (address, data) in [
        (postgres.address(), "NULL"),
        (mariadb.address(), "NULL"),
        (sqlite.clone(), "NULL"),
        (sqlite.clone(), "7"),
        (sqlite.clone(), "1.5"),
        (sqlite.clone(), "'text'"),
    ] {
        let store = SqlStore::connect(&format!("{address}?create=true")).await?;
        let app = app(store.clone())?;
        let (mut cookie, mut other) = (String::new(), String::new());
        visit(&app, "/put", &mut cookie).await?;
        visit(&app, "/put", &mut other).await?;
        let damaged = cookie.clone();
        set(&address, &format!("data = {data}")).await?;
        let what = format!("{data} in {}", address.split(':').next().unwrap_or_default());
        assert_eq!(visit(&app, "/reason", &mut cookie).await?, "corrupt_record", "{what}");
        visit(&app, "/put", &mut cookie).await?;
        assert_ne!(cookie, damaged, "{what}");
        assert_eq!(visit(&app, "/reason", &mut cookie).await?, "found", "{what}");
        visit(&app, "/end", &mut other).await?;
    }
    Ok(())
}

/// Text that a cast has made of bytes is still the record, and can be changed.
#[tokio::test(flavor = "multi_thread")]
async fn sqlite_replaces_text() -> Done {
    let folder = tempfile::tempdir()?;
    let address = format!("sqlite:{}/a.db", folder.path().display());
    let store = SqlStore::connect(&format!("{address}?create=true")).await?;
    store.create(&key("a"), b"one", TTL).await?;
    set(&address, "data = 'two'").await?;
    let found = store.load(&key("a"), None).await?.ok_or("no record")?;
    let replaced = store.replace(&key("a"), &found, b"three", TTL).await?;
    assert!(matches!(replaced, Replaced::Replaced(_)), "{replaced:?}");
    Ok(())
}
