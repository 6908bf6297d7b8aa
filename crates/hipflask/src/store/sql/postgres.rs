//! PostgreSQL's statements.

use sqlx::{
    Postgres, Row,
    error::DatabaseError,
    postgres::{PgConnectOptions, PgConnection, PgDatabaseError, PgSeverity},
    raw_sql,
};
use tokio::time::timeout;

use super::{
    ConnectError, SqlStore,
    address::unknown_option,
    dialect::{Engine, Fault, Texts},
    pool::{self, PATIENCE},
    table::Settings,
};

const EXPECTED: &str = "postgres://USER:PASSWORD@HOST:PORT/DATABASE";
/// The options that are not the table's.
pub(super) const OPTIONS: [&str; 17] = [
    "application_name",
    "dbname",
    "host",
    "hostaddr",
    "options",
    "password",
    "port",
    PREPARED,
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

/// The option that says whether statements can be prepared.
const PREPARED: &str = "prepared";
/// A setting that no server has unless its client has asked for it: poolers keep it to themselves.
const MARK: i8 = -11;

/// Every operation is one statement, and so a transaction of its own. Within one statement all
/// parts see the same rows, so what a lost `replace` has met is asked for in a second one.
pub(super) const TEXTS: Texts = Texts {
    sign: Some('$'),
    quote: '"',
    now: "(now() AT TIME ZONE 'UTC')",
    after: "(now() AT TIME ZONE 'UTC' + {} * interval '1 microsecond')",
    live: "session_id = :key AND (expiry IS NULL OR expiry > {now})",
    // No backslash, which a server can be told to read in its own way.
    kept: "data NOT IN (decode('c0', 'hex'), decode('6e756c6c', 'hex'), decode('80054e2e', 'hex'))",
    load: "SELECT data, ({due})::int::bigint FROM {table} WHERE {live}",
    load_and_touch: Some(
        "WITH touched AS (UPDATE {table} SET expiry = {in :ttl} \
         WHERE {live} AND {due} AND {kept} RETURNING id) \
         SELECT data, (SELECT count(*) FROM touched) FROM {table} WHERE {live}",
    ),
    touch_if_due: "UPDATE {table} SET expiry = {in :ttl} \
                   WHERE {live} AND {due} AND {kept}",
    create: "INSERT INTO {table} AS present ({id}session_id, data, expiry) \
             VALUES ({next}:key, :payload, {in :ttl}) \
             ON CONFLICT (session_id) DO UPDATE SET data = excluded.data, expiry = excluded.expiry \
             WHERE present.expiry <= {now}",
    clear: "DELETE FROM {table} WHERE session_id = :key AND expiry <= {now}",
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
           (expiry IS NULL OR expiry > {now}) AND starts_with(session_id, :prefix) AS is_meant \
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
    const SYSTEM: &'static str = "postgresql";
    const BEGIN: &'static str = "BEGIN";
    const HAS_ANCHOR: bool = false;

    fn fault(error: &dyn DatabaseError) -> Fault {
        let code = error.code().unwrap_or_default();
        match &*code {
            "23505" => Fault::Duplicate,
            "40001" | "40P01" => Fault::RolledBack,
            "42P01" | "42703" | "42P10" | "3F000" => Fault::NoTable,
            "25006" => Fault::ReadOnly, // a standby: the primary may be another server by now
            "08P01" if is_fatal(error) => Fault::Pooler,
            // A statement of that name is another one, or not there, or takes other values.
            "08P01" | "26000" | "42P05" => Fault::Prepared,
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

    fn place(options: &PgConnectOptions) -> String {
        match options.get_socket() {
            Some(socket) => format!("PostgreSQL at {}", socket.display()),
            None => format!("PostgreSQL at {}:{}", options.get_host(), options.get_port()),
        }
    }

    async fn prepare(_: &mut PgConnection) -> Result<(), sqlx::Error> {
        Ok(())
    }
}

fn is_fatal(error: &dyn DatabaseError) -> bool {
    let error = error.try_downcast_ref::<PgDatabaseError>();
    error.is_some_and(|error| error.severity() == PgSeverity::Fatal)
}

pub(super) async fn open(place: &str, settings: Settings) -> Result<SqlStore, ConnectError> {
    let mut settings = settings;
    let prepared = take_prepared(&mut settings)?;
    let options = settings.address(place).parse::<PgConnectOptions>();
    let options = options.map_err(|_| ConnectError::Address { expected: EXPECTED })?;
    connect(options, settings, prepared).await
}

/// Takes what an address says about prepared statements.
fn take_prepared(settings: &mut Settings) -> Result<Option<bool>, ConnectError> {
    let Some(at) = settings.client.iter().position(|(name, _)| name == PREPARED) else {
        return Ok(None);
    };
    let (_, value) = settings.client.remove(at);
    value.parse().map(Some).map_err(|_| unknown_option(PREPARED))
}

/// Connects, and finds out whether statements can be prepared.
///
/// A pooler such as PgBouncer gives each transaction another connection of the server, where what
/// was prepared is not there, or is another client's statement of the same name. It is known by a
/// setting of the client's that it refuses, or keeps from the server.
async fn connect(
    options: PgConnectOptions,
    settings: Settings,
    prepared: Option<bool>,
) -> Result<SqlStore, ConnectError> {
    let marked = options.clone().extra_float_digits(MARK);
    let (options, prepared) = match (prepared, digits(&marked).await) {
        (None, Ok(digits)) => (marked, digits == MARK.to_string()),
        (prepared, Err(Some(Fault::Pooler))) => {
            (options.extra_float_digits(None), prepared.unwrap_or(false))
        }
        (prepared, _) => (options, prepared.unwrap_or(true)),
    };
    SqlStore::open::<Postgres>(options, &TEXTS, Settings { prepared, ..settings }).await
}

/// Asks a server for the setting that its client has marked.
async fn digits(options: &PgConnectOptions) -> Result<String, Option<Fault>> {
    let asking = async {
        let mut connection = pool::connect::<Postgres>(options).await?;
        let row = raw_sql("SHOW extra_float_digits").fetch_one(&mut connection).await?;
        row.try_get(0)
    };
    let answer = timeout(PATIENCE, asking).await.map_err(|_| None)?;
    answer.map_err(|error: sqlx::Error| error.as_database_error().map(Postgres::fault))
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
        let mut settings = Settings::of(options, &[PREPARED])?;
        let prepared = take_prepared(&mut settings)?;
        connect(client, settings, prepared).await
    }
}
