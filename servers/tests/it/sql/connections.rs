//! Connections that a server has set up otherwise, closed, or left without an answer.

use super::*;

/// Settings of a MariaDB server under which a change would be answered and lost, or half done.
const HARMFUL: [(&str, &str); 8] = [
    ("autocommit", "0"),
    ("init_connect", "'SET autocommit = 0'"),
    ("completion_type", "1"),
    ("completion_type", "2"),
    ("sql_mode", "'ORACLE,EMPTY_STRING_IS_NULL'"),
    ("init_connect", "'SET sql_select_limit = 1, sql_safe_updates = 1'"),
    ("tx_isolation", "'SERIALIZABLE'"),
    ("tx_isolation", "'READ-UNCOMMITTED'"),
];

#[tokio::test(flavor = "multi_thread")]
async fn mariadb_commits_whatever_its_settings_are() -> Done {
    let server = MariaDb::start()?;
    let mut connection = mysql(&server).await?;
    for (n, (name, value)) in HARMFUL.into_iter().enumerate() {
        let set = |value| sqlx::AssertSqlSafe(format!("SET GLOBAL {name} = {value}"));
        connection.execute(set(value)).await?;
        let address = format!("{}?table=t{n}&create=true", server.plain_address());
        let store = SqlStore::connect(&address).await?;
        store.create(&key("a"), b"one", TTL).await?;
        let current = Record::new(b"one");
        store.replace(&key("a"), &current, b"two", TTL).await?;
        let current = Record::new(b"two");
        let renewed = store.renew(renewal(&key("a"), &current, &key("b"))).await?;
        assert!(matches!(renewed, Replaced::Replaced(_)), "{name} = {value}");
        for _ in 0..3 {
            store.create(&key("c"), b"one", TTL).await?;
        }
        assert_eq!(store.scan("session:", None, 10).await?.entries.len(), 3, "{name} = {value}");
        connection.execute(set("DEFAULT")).await?;

        let query =
            format!("SELECT CAST(GROUP_CONCAT(session_id ORDER BY id) AS BINARY) FROM t{n}");
        let row = connection.fetch_one(sqlx::AssertSqlSafe(query)).await?;
        let found: Option<Vec<u8>> = row.try_get(0)?;
        let found = String::from_utf8(found.unwrap_or_default())?;
        assert_eq!(found, "session:a,session:b,session:c", "{name} = {value}");
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn strict_transactions_lose_no_increment() -> Done {
    let server = Postgres::start()?;
    for (table, isolation) in [("t1", "repeatable read"), ("t2", "serializable")] {
        let set =
            format!("ALTER DATABASE postgres SET default_transaction_isolation = '{isolation}'");
        postgres(&server).await?.execute(sqlx::AssertSqlSafe(set)).await?;
        let options = "options=-c%20synchronous_commit%3Doff&create=true";
        loses_no_increment(&format!("{}?{options}&table={table}", server.address()), 100).await?;
    }
    Ok(())
}

/// Leaves five connections at rest.
async fn rest(store: &SqlStore) -> Done {
    let mut tasks = tokio::task::JoinSet::new();
    for n in 0..5 {
        let store = store.clone();
        tasks.spawn(async move { store.create(&key(&format!("rest{n}")), b"one", TTL).await });
    }
    while let Some(answer) = tasks.join_next().await {
        answer??;
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn connections_that_were_closed_while_idle_cost_nothing() -> Done {
    let (postgres, mariadb) = (Postgres::start()?, MariaDb::start()?);
    mysql(&mariadb).await?.execute("SET GLOBAL wait_timeout = 2").await?;
    let mut stores = Vec::new();
    for address in [
        format!("{}?options=-c%20idle_session_timeout%3D2s&create=true", postgres.address()),
        format!("{}?create=true", mariadb.address()),
    ] {
        let store = SqlStore::connect(&address).await?;
        rest(&store).await?;
        stores.push(store);
    }
    tokio::time::sleep(Duration::from_secs(4)).await;
    for store in stores {
        let created = store.create(&key("first"), b"one", TTL).await?;
        assert!(matches!(created, Created::Created(_)));
        rest(&store).await?;
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restart_of_the_server_costs_nothing() -> Done {
    let (mut postgres, mariadb) = (Postgres::start()?, MariaDb::start()?);
    let mut stores = Vec::new();
    for address in [postgres.address(), mariadb.address()] {
        let store = SqlStore::connect(&format!("{address}?create=true")).await?;
        rest(&store).await?;
        stores.push(store);
    }
    postgres.kill();
    postgres.restart()?;
    let _mariadb = mariadb.restart()?;
    for store in stores {
        assert!(store.load(&key("rest0"), None).await?.is_some());
        rest(&store).await?;
    }
    Ok(())
}

/// Who asks gives up before the store does: there may be a deadline above it.
#[tokio::test(flavor = "multi_thread")]
async fn a_question_without_an_answer_casts_doubt_on_other_connections() -> Done {
    let server = Postgres::start()?;
    let store = SqlStore::connect(&format!("{}?create=true", server.address())).await?;
    let mut blocker = postgres(&server).await?;
    rest(&store).await?;
    blocker.execute("BEGIN; LOCK TABLE sessions").await?;
    let name = key("rest0");
    let asked = tokio::time::timeout(Duration::from_millis(200), store.load(&name, None));
    assert!(asked.await.is_err(), "the table was not locked");
    let end = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity \
               WHERE pid <> pg_backend_pid() AND backend_type = 'client backend'";
    blocker.execute(end).await?;
    blocker.execute("ROLLBACK").await?;
    assert!(store.load(&key("rest0"), None).await?.is_some());
    Ok(())
}

/// However many rest, one that is found broken takes the others with it.
#[tokio::test(flavor = "multi_thread")]
async fn one_broken_connection_is_the_last_that_is_tried() -> Done {
    let server = Postgres::start()?;
    let store = SqlStore::connect(&format!("{}?create=true", server.address())).await?;
    rest(&store).await?;
    let end = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity \
               WHERE pid <> pg_backend_pid() AND backend_type = 'client backend'";
    postgres(&server).await?.execute(end).await?;
    // Within the time that a connection is trusted.
    let lost = store.load(&key("rest0"), None).await;
    assert!(!matches!(&lost, Err(error) if !error.is_transient()), "{lost:?}");
    assert!(store.load(&key("rest0"), None).await?.is_some());
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn errors_name_the_server_that_was_not_reached() -> Done {
    let port = hipflask_servers::free_port()?;
    for scheme in ["postgres", "mysql"] {
        let address = format!("{scheme}://someone:hunter2@127.0.0.1:{port}/db");
        let error = SqlStore::connect(&address).await.unwrap_err();
        let text = format!("{error} {error:?}");
        assert!(text.contains(&format!("127.0.0.1:{port}: connection refused")), "{text}");
        assert!(text.contains("check that the server runs"), "{text}");
        assert!(!text.contains("hunter2") && !text.contains("someone"), "{text}");
        let address = format!("{scheme}://someone:hunter2@no-such-host.invalid:{port}/db");
        let error = SqlStore::connect(&address).await.unwrap_err();
        assert!(error.to_string().contains(&format!("no-such-host.invalid:{port}: ")), "{error}");
        assert!(error.to_string().contains("lookup"), "{error}");
    }
    let server = MariaDb::start()?;
    let store = SqlStore::connect(&format!("{}?create=true", server.address())).await?;
    let address = server.address();
    drop(server);
    tokio::time::sleep(Duration::from_secs(1)).await;
    let (_, place) = address.split_once('@').ok_or("no login")?;
    let place = place.split('/').next().unwrap_or_default();
    let error = store.load(&key("a"), None).await.unwrap_err();
    assert!(error.is_transient() && error.to_string().contains(place), "{error}");
    Ok(())
}
