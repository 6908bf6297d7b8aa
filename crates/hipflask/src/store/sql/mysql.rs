//! The statements of MariaDB and MySQL.

use sqlx::{
    Executor, MySql,
    error::DatabaseError,
    mysql::{MySqlConnectOptions, MySqlConnection, MySqlDatabaseError},
};

use super::{
    ConnectError, SqlStore,
    dialect::{Engine, Fault, Texts},
    table::Settings,
};

const EXPECTED: &str = "mysql://USER:PASSWORD@HOST:PORT/DATABASE";
/// The options that are not the table's.
pub(super) const OPTIONS: [&str; 10] = [
    "socket",
    "ssl-ca",
    "ssl-cert",
    "ssl-key",
    "ssl-mode",
    "sslca",
    "sslcert",
    "sslkey",
    "sslmode",
    "statement-cache-capacity",
];

/// What a connection is told, whatever the server's settings are. In a mode that is not strict, the
/// server would cut data that is too long, and say Ok. Without autocommit, or with transactions that
/// follow each other by themselves, it would say Ok and undo the change at the end.
const SESSION: &str = "SET SESSION sql_mode = 'STRICT_ALL_TABLES', autocommit = 1, \
    completion_type = 0, sql_safe_updates = 0, sql_select_limit = 18446744073709551615, unique_checks = 1; \
    SET SESSION TRANSACTION ISOLATION LEVEL REPEATABLE READ";

/// The collation of Flask-Session's table takes upper and lower case for the same, so the key is
/// compared twice: once so that the index is used, and once byte by byte.
///
/// There is no statement that both changes and returns a row, so a touch that is due takes a second
/// one. `INSERT … ON DUPLICATE KEY UPDATE` would burn an id and lock more, and does not tell what
/// it has done, because the client counts rows found and not rows changed.
pub(super) const TEXTS: Texts = Texts {
    sign: None,
    quote: '`',
    now: "UTC_TIMESTAMP(6)",
    after: "(UTC_TIMESTAMP(6) + INTERVAL {} MICROSECOND)",
    live: "session_id = :key AND CAST(session_id AS BINARY) = CAST(:key AS BINARY) \
           AND (expiry IS NULL OR expiry > {now})",
    kept: "data NOT IN (x'c0', x'6e756c6c', x'80054e2e')",
    load: "SELECT data, {due} FROM {table} WHERE {live}",
    load_and_touch: None,
    touch_if_due: "UPDATE {table} SET expiry = {in :ttl} \
                   WHERE {live} AND {due} AND {kept}",
    create: "INSERT INTO {table} (session_id, data, expiry) VALUES (:key, :payload, {in :ttl})",
    clear: "DELETE FROM {table} \
            WHERE session_id = :key AND CAST(session_id AS BINARY) = CAST(:key AS BINARY) \
            AND expiry <= {now}",
    twin: Some(
        "SELECT NULL, CAST(session_id AS BINARY) = CAST(:key AS BINARY) \
         FROM {table} WHERE session_id = :key",
    ),
    replace: "UPDATE {table} SET data = :payload, expiry = {in :ttl} \
              WHERE {live} AND data = :current",
    renew: &[
        "UPDATE {table} SET data = :retired, expiry = {in :retired_ttl} \
         WHERE {live} AND data = :current",
        "INSERT INTO {table} (session_id, data, expiry) VALUES (:new, :payload, {in :ttl})",
    ],
    delete: "DELETE FROM {table} WHERE {live}",
    scan: "SELECT CASE WHEN is_meant THEN data END, \
           TIMESTAMPDIFF(MICROSECOND, {now}, expiry), \
           CAST(id AS SIGNED), CASE WHEN is_meant THEN session_id END \
           FROM (SELECT id, session_id, data, expiry, (expiry IS NULL OR expiry > {now}) AND \
           CAST(LEFT(session_id, CHAR_LENGTH(:prefix)) AS BINARY) = CAST(:prefix AS BINARY) \
           AS is_meant FROM {table} WHERE id > :cursor ORDER BY id LIMIT :limit) AS part \
           ORDER BY id",
    purge: "DELETE FROM {table} WHERE expiry <= {now} ORDER BY expiry LIMIT :limit",
    // A statement carries two payloads at most, and must fit into one packet.
    limit: Some(
        "SELECT NULL, CAST(LEAST(CHARACTER_MAXIMUM_LENGTH, (@@max_allowed_packet - 4096) DIV 2) \
         AS SIGNED) FROM information_schema.columns WHERE column_name = 'data' \
         AND table_name = '{table as text}' \
         AND table_schema = COALESCE(NULLIF('{schema as text}', ''), DATABASE())",
    ),
    // Flask-Session's own has BLOB, which ends at 64 KiB, and times without a fraction.
    ddl: &["CREATE TABLE IF NOT EXISTS {table} (id BIGINT NOT NULL AUTO_INCREMENT, \
         session_id VARCHAR(255) CHARACTER SET ascii COLLATE ascii_bin, data LONGBLOB, \
         expiry DATETIME(6), PRIMARY KEY (id), UNIQUE (session_id), INDEX {index} (expiry))"],
};

impl Engine for MySql {
    const SYSTEM: &'static str = "mysql";
    const BEGIN: &'static str = "BEGIN";
    const HAS_ANCHOR: bool = false;

    fn fault(error: &dyn DatabaseError) -> Fault {
        if error.is_unique_violation() {
            return Fault::Duplicate;
        }
        let error = error.try_downcast_ref::<MySqlDatabaseError>();
        match error.map_or(0, MySqlDatabaseError::number) {
            1044 | 1045 | 1142 | 1143 | 1227 | 1251 | 1698 => Fault::Credentials,
            1049 => Fault::NoDatabase,
            1054 | 1146 => Fault::NoTable,
            1153 | 1406 => Fault::TooLong,
            // 1020 when a snapshot is out of date, where the server looks for that
            1020 | 1213 => Fault::RolledBack,
            1290 | 1792 | 1836 => Fault::ReadOnly,
            // connections, memory, disk, shutdown, locks, killed, idle
            1021
            | 1037..=1042
            | 1053
            | 1114
            | 1152
            | 1158..=1161
            | 1203
            | 1205
            | 1226
            | 1317
            | 1927
            | 1969
            | 3024
            | 4031 => Fault::Busy,
            _ => Fault::Other,
        }
    }

    fn place(options: &MySqlConnectOptions) -> String {
        match options.get_socket() {
            Some(socket) => format!("MySQL at {}", socket.display()),
            None => format!("MySQL at {}:{}", options.get_host(), options.get_port()),
        }
    }

    async fn prepare(connection: &mut MySqlConnection) -> Result<(), sqlx::Error> {
        connection.execute(SESSION).await.map(drop)
    }
}

/// How the store treats MariaDB and MySQL.
pub(super) async fn open(place: &str, settings: Settings) -> Result<SqlStore, ConnectError> {
    let options = settings.address(place).parse::<MySqlConnectOptions>();
    let options = options.map_err(|_| ConnectError::Address { expected: EXPECTED })?;
    SqlStore::open::<MySql>(tuned(options), &TEXTS, settings).await
}

impl SqlStore {
    /// Connects with the client's own options; `options` are those of an address, such as
    /// `table=sessions`.
    ///
    /// # Errors
    ///
    /// As of [`connect`](Self::connect).
    pub async fn from_mysql(
        client: MySqlConnectOptions,
        options: &str,
    ) -> Result<Self, ConnectError> {
        Self::open::<MySql>(tuned(client), &TEXTS, Settings::of(options, &[])?).await
    }
}

/// Leaves out what the client would set on each connection in a statement of its own: no statement
/// here depends on it.
fn tuned(options: MySqlConnectOptions) -> MySqlConnectOptions {
    let options = options.pipes_as_concat(false).no_engine_substitution(false);
    options.timezone(None).set_names(false)
}
