//! PostgreSQL's statements.

use sqlx::{
    Postgres,
    error::DatabaseError,
    postgres::{PgConnectOptions, PgConnection},
};

use super::{
    BoxFuture, ConnectError, Dialect, SqlStore,
    dialect::{Engine, Fault, Texts},
    table::Settings,
};

const EXPECTED: &str = "postgres://USER:PASSWORD@HOST:PORT/DATABASE";
/// The options that are not the table's.
const OPTIONS: [&str; 16] = [
    "application_name",
    "dbname",
    "host",
    "hostaddr",
    "options",
    "password",
    "port",
    "ssl-ca",
    "ssl-cert",
    "ssl-key",
    "sslcert",
    "sslkey",
    "sslmode",
    "sslrootcert",
    "statement-cache-capacity",
    "user",
];

/// Every operation is one statement, and so a transaction of its own. Within one statement all
/// parts see the same rows, so what a lost `replace` has met is asked for in a second one.
const TEXTS: Texts = Texts {
    sign: Some('$'),
    quote: '"',
    now: "(now() AT TIME ZONE 'UTC')",
    after: "(now() AT TIME ZONE 'UTC' + {} * interval '1 microsecond')",
    live: "session_id = :key AND expiry > {now}",
    kept: r"data NOT IN ('\xc0', '\x6e756c6c', '\x80054e2e')",
    load: "SELECT data, 0::bigint FROM {table} WHERE {live}",
    load_and_touch: Some(
        "WITH touched AS (UPDATE {table} SET expiry = {in :ttl} \
         WHERE {live} AND expiry < {in :below} AND {kept} RETURNING id) \
         SELECT data, (SELECT count(*) FROM touched) FROM {table} WHERE {live}",
    ),
    touch_if_due: "UPDATE {table} SET expiry = {in :ttl} \
                   WHERE {live} AND expiry < {in :below} AND {kept}",
    create: "INSERT INTO {table} AS present ({id}session_id, data, expiry) \
             VALUES ({next}:key, :payload, {in :ttl}) \
             ON CONFLICT (session_id) DO UPDATE SET data = excluded.data, expiry = excluded.expiry \
             WHERE present.expiry IS NULL OR present.expiry <= {now}",
    clear: "DELETE FROM {table} WHERE session_id = :key AND (expiry IS NULL OR expiry <= {now})",
    twin: None,
    replace: "UPDATE {table} SET data = :payload, expiry = {in :ttl} \
              WHERE {live} AND data = :current",
    renew: &["WITH retired AS (UPDATE {table} SET data = :retired, expiry = {in :retired_ttl} \
              WHERE {live} AND data = :current RETURNING id) \
              INSERT INTO {table} ({id}session_id, data, expiry) \
              SELECT {next}:new, :payload, {in :ttl} FROM retired"],
    delete: "DELETE FROM {table} WHERE {live}",
    scan: "SELECT CASE WHEN is_meant THEN data END, \
           (extract(epoch FROM expiry - {now}) * 1000000)::bigint, \
           id::bigint, CASE WHEN is_meant THEN session_id END \
           FROM (SELECT id, session_id, data, expiry, \
           expiry > {now} AND starts_with(session_id, :prefix) AS is_meant \
           FROM {table} WHERE id > :cursor ORDER BY id LIMIT :limit) AS part ORDER BY id",
    // An array, because the planner would join a subquery with all rows of a small table.
    purge: "DELETE FROM {table} WHERE id = ANY (ARRAY \
            (SELECT id FROM {table} WHERE expiry <= {now} ORDER BY expiry LIMIT :limit \
            FOR UPDATE SKIP LOCKED))",
    limit: None,
    ddl: &[
        "CREATE SEQUENCE IF NOT EXISTS {sequence}",
        "CREATE TABLE IF NOT EXISTS {table} (id BIGSERIAL NOT NULL, session_id VARCHAR(255), \
         data BYTEA, expiry TIMESTAMP WITHOUT TIME ZONE, PRIMARY KEY (id), UNIQUE (session_id))",
        "CREATE INDEX IF NOT EXISTS {index} ON {table} (expiry)",
    ],
};

impl Engine for Postgres {
    const BEGIN: &'static str = "BEGIN";
    const HAS_ANCHOR: bool = false;

    fn fault(error: &dyn DatabaseError) -> Fault {
        let code = error.code().unwrap_or_default();
        match &*code {
            "23505" => Fault::Duplicate,
            "40001" | "40P01" => Fault::RolledBack,
            "42P01" | "42703" | "42P10" | "3F000" => Fault::NoTable,
            "25006" => Fault::Busy, // read-only: the primary is another server by now
            "22001" | "54000" => Fault::TooLong,
            "3D000" => Fault::NoDatabase,
            "42501" => Fault::Credentials,
            _ => match code.get(..2) {
                Some("08" | "53" | "55" | "57" | "58") => Fault::Busy,
                Some("28") => Fault::Credentials,
                _ => Fault::Other,
            },
        }
    }

    async fn prepare(_: &mut PgConnection) -> Result<(), sqlx::Error> {
        Ok(())
    }
}

/// How the store treats PostgreSQL.
pub(super) const DIALECT: Dialect = Dialect { texts: &TEXTS, options: &OPTIONS, open };

fn open(place: &str, settings: Settings) -> BoxFuture<'_, Result<SqlStore, ConnectError>> {
    Box::pin(async move {
        let options = settings.address(place).parse::<PgConnectOptions>();
        let options = options.map_err(|_| ConnectError::Address { expected: EXPECTED })?;
        SqlStore::open::<Postgres>(options, &TEXTS, settings).await
    })
}

impl SqlStore {
    /// Connects with the client's own options; `options` are those of an address, such as
    /// `table=sessions`.
    ///
    /// # Errors
    ///
    /// As of [`connect`](Self::connect).
    pub async fn from_postgres(
        client: PgConnectOptions,
        options: &str,
    ) -> Result<Self, ConnectError> {
        Self::open::<Postgres>(client, &TEXTS, Settings::of(options)?).await
    }
}
