//! SQLite's statements: also for those who have an SQLite of their own, and so without its client.

use super::dialect::Texts;

/// The options of an address that are not the table's.
pub(super) const OPTIONS: [&str; 1] = ["journal_mode"];

/// A time is text of 26 characters, as SQLAlchemy writes it, and compared as text. SQLite's own
/// clock stops at milliseconds, so the time is a value.
pub(super) const TEXTS: Texts = Texts {
    sign: Some('?'),
    quote: '"',
    now: "(strftime('%Y-%m-%d %H:%M:%S', :now / 1000000, 'unixepoch') \
          || printf('.%06d', :now % 1000000))",
    after: "(strftime('%Y-%m-%d %H:%M:%S', (:now + {}) / 1000000, 'unixepoch') \
            || printf('.%06d', (:now + {}) % 1000000))",
    live: "session_id = :key AND (expiry IS NULL OR expiry > {now})",
    kept: "data NOT IN (x'c0', x'6e756c6c', x'80054e2e')",
    load: "SELECT data, {due} FROM {table} WHERE {live}",
    // An UPDATE takes the lock of writers even when it changes nothing.
    load_and_touch: None,
    touch_if_due: "UPDATE {table} SET expiry = {in :ttl} \
                   WHERE {live} AND {due} AND {kept}",
    create: "INSERT INTO {table} (session_id, data, expiry) VALUES (:key, :payload, {in :ttl}) \
             ON CONFLICT (session_id) DO UPDATE SET data = excluded.data, expiry = excluded.expiry \
             WHERE expiry <= {now}",
    clear: "DELETE FROM {table} WHERE session_id = :key AND expiry <= {now}",
    twin: None,
    replace: "UPDATE {table} SET data = :payload, expiry = {in :ttl} \
              WHERE {live} AND CAST(data AS BLOB) = :current",
    renew: &[
        "UPDATE {table} SET data = :retired, expiry = {in :retired_ttl} \
         WHERE {live} AND CAST(data AS BLOB) = :current",
        "INSERT INTO {table} (session_id, data, expiry) VALUES (:new, :payload, {in :ttl})",
    ],
    delete: "DELETE FROM {table} WHERE {live}",
    scan: "SELECT CASE WHEN is_meant THEN data END, \
           CAST(strftime('%s', expiry) AS INTEGER) * 1000000 \
           + CAST(substr(expiry, 21, 6) AS INTEGER) - :now, \
           id, CASE WHEN is_meant THEN session_id END \
           FROM (SELECT id, session_id, data, expiry, \
           (expiry IS NULL OR expiry > {now}) AND substr(session_id, 1, length(:prefix)) = :prefix AS is_meant \
           FROM {table} WHERE id > :cursor ORDER BY id LIMIT :limit) ORDER BY id",
    purge: "DELETE FROM {table} WHERE id IN \
            (SELECT id FROM {table} WHERE expiry <= {now} ORDER BY expiry LIMIT :limit)",
    limit: None,
    ddl: &[
        "CREATE TABLE IF NOT EXISTS {table} (id INTEGER NOT NULL, session_id VARCHAR(255), \
         data BLOB, expiry DATETIME, PRIMARY KEY (id), UNIQUE (session_id))",
        "CREATE INDEX IF NOT EXISTS {index in schema} ON {table's own name} (expiry)",
    ],
};
