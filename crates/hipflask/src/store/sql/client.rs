//! The client's types, of which each engine has its own: values in, rows out.

use std::future::Future;

use sqlx::{AssertSqlSafe, Error, query::Query, raw_sql};

use super::{
    dialect::Engine,
    statement::{Row, Value},
};

/// A statement with its values.
pub(super) type Bound<'q, DB> = Query<'q, DB, <DB as sqlx::Database>::Arguments>;

/// What a server is asked.
pub(super) enum Asked<'q, DB: sqlx::Database> {
    /// A text that is not prepared.
    Plain(String),
    Prepared(Bound<'q, DB>),
}

/// What is written the same for each engine, but on types of its own.
pub(super) trait Client: Engine {
    /// Adds a value to a statement.
    fn bind<'q>(query: Bound<'q, Self>, value: Value<'q>) -> Bound<'q, Self>;

    /// Runs a statement and returns how many rows it has changed.
    fn execute(
        connection: &mut Self::Connection,
        asked: Asked<'_, Self>,
    ) -> impl Future<Output = Result<u64, Error>> + Send;

    /// Runs a statement and returns its rows.
    fn fetch(
        connection: &mut Self::Connection,
        asked: Asked<'_, Self>,
    ) -> impl Future<Output = Result<Vec<Row>, Error>> + Send;
}

macro_rules! client {
    ($feature:literal, $engine:ident) => {
        #[cfg(feature = $feature)]
        impl Client for sqlx::$engine {
            fn bind<'q>(query: Bound<'q, Self>, value: Value<'q>) -> Bound<'q, Self> {
                match value {
                    Value::Bytes(bytes) => query.bind(bytes),
                    Value::Int(number) => query.bind(number),
                    Value::Text(text) => query.bind(text),
                }
            }

            async fn execute(
                connection: &mut Self::Connection,
                asked: Asked<'_, Self>,
            ) -> Result<u64, Error> {
                let result = match asked {
                    Asked::Plain(text) => raw_sql(AssertSqlSafe(text)).execute(connection).await?,
                    Asked::Prepared(query) => query.execute(connection).await?,
                };
                Ok(result.rows_affected())
            }

            async fn fetch(
                connection: &mut Self::Connection,
                asked: Asked<'_, Self>,
            ) -> Result<Vec<Row>, Error> {
                use sqlx::Row as _;

                let read = |row: &<Self as sqlx::Database>::Row| {
                    let is_scan = row.len() > 2;
                    Ok(Row {
                        // What is no bytes is a record that nobody can read.
                        data: row.try_get(0).unwrap_or_default(),
                        number: row.try_get(1)?,
                        id: if is_scan { row.try_get(2)? } else { None },
                        key: if is_scan { row.try_get(3)? } else { None },
                    })
                };
                let rows = match asked {
                    Asked::Plain(text) => {
                        raw_sql(AssertSqlSafe(text)).fetch_all(connection).await?
                    }
                    Asked::Prepared(query) => query.fetch_all(connection).await?,
                };
                rows.iter().map(read).collect()
            }
        }
    };
}

client!("mysql", MySql);
client!("postgres", Postgres);
client!("sqlite", Sqlite);
