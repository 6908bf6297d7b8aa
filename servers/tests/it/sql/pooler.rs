//! PostgreSQL behind PgBouncer, which gives each transaction another connection of the server.

use hipflask_servers::PgBouncer;

use super::*;

/// Five clients of their own, twenty rounds each.
async fn serve(address: &str, prefix: &str) -> Result<(), StoreError> {
    let mut clients: tokio::task::JoinSet<Result<(), StoreError>> = tokio::task::JoinSet::new();
    for client in 0..5 {
        let (address, prefix) = (address.to_owned(), prefix.to_owned());
        clients.spawn(async move {
            let store = SqlStore::connect(&address).await.map_err(StoreError::refused)?;
            for round in 0..20 {
                let name = format!("{prefix}{client}-{round}");
                let (old, new) = (key(&name), key(&format!("{name}-new")));
                store.create(&old, b"one", TTL).await?;
                let current = store.load(&old, Some(Touch { ttl: TTL, when_below: TTL })).await?;
                let current = current.ok_or_else(|| StoreError::refused("it is gone"))?;
                store.replace(&old, &current, b"\x00'\\\xff", TTL).await?;
                let current = store.load(&old, None).await?.unwrap_or_default();
                assert_eq!(current.payload, b"\x00'\\\xff");
                store.renew(renewal(&old, &current, &new)).await?;
                assert!(store.load(&old, None).await?.is_some_and(|record| record.is_retired()));
                store.delete(&new).await?;
            }
            Ok(())
        });
    }
    while let Some(client) = clients.join_next().await {
        client.map_err(StoreError::refused)??;
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn pgbouncer_needs_no_setting_in_any_mode() -> Done {
    let server = Postgres::start()?;
    // Many installations let the clients' setting pass, and drop it.
    let ignore = "ignore_startup_parameters = extra_float_digits";
    for (n, (mode, settings)) in [
        ("transaction", ""),
        ("transaction", ignore),
        ("statement", ignore),
        ("session", "default_pool_size = 20"),
    ]
    .into_iter()
    .enumerate()
    {
        let pooler = PgBouncer::start(&server, mode, settings)?;
        SqlStore::connect(&format!("{}?create=true", pooler.address())).await?;
        serve(&pooler.address(), &n.to_string()).await?;
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn postgres_conforms_behind_pgbouncer() -> Done {
    let server = Postgres::start()?;
    // What a text of the server looks like depends on settings.
    let settings = "ALTER DATABASE postgres SET standard_conforming_strings = off; \
                    ALTER DATABASE postgres SET bytea_output = 'escape'";
    postgres(&server).await?.execute(settings).await?;
    let pooler = PgBouncer::start(&server, "transaction", "")?;
    let store = SqlStore::connect(&format!("{}?create=true", pooler.address())).await?;
    conformance::run(&store, "session:", Abilities::new()).await?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn statements_that_are_not_prepared_are_one_each() -> Done {
    let server = Postgres::start()?;
    let address = format!("{}?create=true&prepared=false", server.address());
    let store = SqlStore::connect(&address).await?;
    let log = || Ok(server.log()?.matches(" statement: ").count());
    let expected = [1, 1, 1, 2, 1, 1, 1, 1, 1];
    assert_eq!(count(&store, log).await?, expected, "{OPERATIONS}");
    Ok(())
}

/// A pooler that hides itself is met when it hands out a connection of another client.
#[tokio::test(flavor = "multi_thread")]
async fn an_error_names_the_setting() -> Done {
    let server = Postgres::start()?;
    let ignore = "ignore_startup_parameters = extra_float_digits";
    let pooler = PgBouncer::start(&server, "transaction", ignore)?;
    SqlStore::connect(&format!("{}?create=true", pooler.address())).await?;
    let error = serve(&format!("{}?prepared=true", pooler.address()), "").await.unwrap_err();
    assert!(error.to_string().contains("add prepared=false to the address"), "{error}");
    let error = SqlStore::connect(&format!("{}?prepared=yes", pooler.address())).await;
    assert!(matches!(error, Err(ConnectError::Option { name }) if name == "prepared"));
    Ok(())
}
