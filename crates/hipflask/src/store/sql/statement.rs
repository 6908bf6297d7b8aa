//! Statements with named parameters, and what they are given and answer.
//!
//! A dialect writes `:name` where a value goes. A value becomes part of a statement's text only where
//! nothing can be prepared, and then as a number or as hexadecimal digits.

use std::{fmt::Write, sync::Arc, time::Duration};

/// The longest time that is ever added: what comes of it stays within the years that Python has.
const LONGEST: Duration = Duration::from_secs(1000 * 366 * 24 * 60 * 60);

/// The values of an operation, of which each statement takes those that it names.
#[derive(Clone, Copy, Default)]
pub(super) struct Values<'a> {
    pub(super) key: &'a str,
    pub(super) new: &'a str,
    pub(super) prefix: &'a str,
    pub(super) current: &'a [u8],
    pub(super) payload: &'a [u8],
    pub(super) retired: &'a [u8],
    /// Times are in microseconds.
    pub(super) ttl: i64,
    pub(super) retired_ttl: i64,
    pub(super) below: i64,
    /// Since 1970; only SQLite, which has no server, is told what time it is.
    pub(super) now: i64,
    pub(super) cursor: i64,
    pub(super) limit: i64,
}

/// One value, as the engines take it.
pub(super) enum Value<'a> {
    Bytes(&'a [u8]),
    Int(i64),
    Text(&'a str),
}

/// A parameter: its name in a statement, and which value it stands for.
type Parameter = (&'static str, for<'v, 'a> fn(&'v Values<'a>) -> Value<'a>);

const PARAMETERS: [Parameter; 12] = [
    ("key", |values| Value::Text(values.key)),
    ("new", |values| Value::Text(values.new)),
    ("prefix", |values| Value::Text(values.prefix)),
    ("current", |values| Value::Bytes(values.current)),
    ("payload", |values| Value::Bytes(values.payload)),
    ("retired", |values| Value::Bytes(values.retired)),
    ("ttl", |values| Value::Int(values.ttl)),
    ("retired_ttl", |values| Value::Int(values.retired_ttl)),
    ("below", |values| Value::Int(values.below)),
    ("now", |values| Value::Int(values.now)),
    ("cursor", |values| Value::Int(values.cursor)),
    ("limit", |values| Value::Int(values.limit)),
];

/// A statement as the engine takes it, and the parameters in their order.
#[derive(Clone)]
pub(super) struct Statement {
    pub(super) sql: Arc<str>,
    pub(super) parameters: Vec<Parameter>,
    /// It answers rows, and not only how many it has changed.
    pub(super) has_rows: bool,
    /// It is not prepared, and still has the names of its parameters.
    pub(super) is_plain: bool,
    /// It extends a record's life on the way, which does not matter if it cannot be done.
    pub(super) is_touch: bool,
}

impl Statement {
    /// Takes a statement with named parameters.
    ///
    /// With a sign, parameters are numbered, so that one value can stand in two places; without
    /// one, each is a question mark.
    pub(super) fn new(text: &str, sign: Option<char>) -> Self {
        let mut parameters: Vec<Parameter> = Vec::new();
        let sql = fill(text, |parameter| {
            let known = parameters.iter().position(|(known, _)| *known == parameter.0);
            match (sign, known) {
                (Some(sign), Some(index)) => return format!("{sign}{}", index + 1),
                _ => parameters.push(*parameter),
            }
            sign.map_or("?".to_owned(), |sign| format!("{sign}{}", parameters.len()))
        });
        Self { sql: sql.into(), parameters, has_rows: false, is_plain: false, is_touch: false }
    }

    /// Takes a statement that is never prepared, on PostgreSQL.
    pub(super) fn plain(text: &str) -> Self {
        Self { sql: text.into(), parameters: Vec::new(), is_plain: true, ..Self::new("", None) }
    }

    /// Returns the text of a plain statement with its values.
    pub(super) fn with_literals(&self, values: &Values<'_>) -> String {
        let sql = fill(&self.sql, |(_, value)| match value(values) {
            Value::Bytes(bytes) => format!("decode('{}', 'hex')", hex(bytes, "")),
            Value::Int(number) => format!("'{number}'::bigint"),
            // A function's result would have a collation of its own, and find no index.
            Value::Text(text) => format!("E'{}'", hex(text.as_bytes(), "\\x")),
        });
        // Answers are texts, too, and these may have the form of long ago.
        if self.has_rows { format!("SET LOCAL bytea_output = hex; {sql}") } else { sql }
    }

    /// Makes it one that nothing depends on but a longer life.
    pub(super) const fn that_touches(mut self) -> Self {
        self.is_touch = true;
        self
    }

    /// Makes it one that answers rows.
    pub(super) const fn with_rows(mut self) -> Self {
        self.has_rows = true;
        self
    }
}

/// Replaces each parameter's name; `:` before another word is left as it is.
fn fill(text: &str, mut put: impl FnMut(&Parameter) -> String) -> String {
    let mut parts = text.split(':');
    let mut sql = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let end = part.find(|c: char| !c.is_ascii_lowercase() && c != '_');
        let (name, rest) = part.split_at(end.unwrap_or(part.len()));
        if let Some(parameter) = PARAMETERS.iter().find(|(known, _)| *known == name) {
            sql.push_str(&put(parameter));
            sql.push_str(rest);
        } else {
            sql.push(':');
            sql.push_str(part);
        }
    }
    sql
}

/// Writes each byte as `sign` and two digits.
fn hex(bytes: &[u8], sign: &str) -> String {
    bytes.iter().fold(String::with_capacity(bytes.len() * 4), |mut text, byte| {
        let _ = write!(text, "{sign}{byte:02x}");
        text
    })
}

/// What a statement has answered.
#[derive(Default)]
pub(super) struct Answer {
    pub(super) affected: u64,
    pub(super) rows: Vec<Row>,
}

/// A row: `data`, a number, and in a scan the row's `id` and `session_id`.
pub(super) struct Row {
    pub(super) data: Option<Vec<u8>>,
    pub(super) number: Option<i64>,
    pub(super) id: Option<i64>,
    pub(super) key: Option<String>,
}

/// Returns a time to live in microseconds.
pub(super) fn micros(ttl: Duration) -> i64 {
    i64::try_from(ttl.min(LONGEST).as_micros()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(sign: Option<char>, sql: &str, names: &[&str]) {
        let text = "SELECT data::bytea FROM t WHERE a = :key AND b > :ttl AND c < :key";
        let statement = Statement::new(text, sign);
        assert_eq!(&*statement.sql, sql);
        let actual: Vec<_> = statement.parameters.iter().map(|(name, _)| *name).collect();
        assert_eq!(actual, names);
    }

    #[test]
    fn statement_numbers_parameters_as_its_engine_does() {
        check(
            Some('$'),
            "SELECT data::bytea FROM t WHERE a = $1 AND b > $2 AND c < $1",
            &["key", "ttl"],
        );
        check(
            None,
            "SELECT data::bytea FROM t WHERE a = ? AND b > ? AND c < ?",
            &["key", "ttl", "key"],
        );
    }

    #[test]
    fn plain_statement_holds_no_text_of_a_value() {
        let values = Values { key: "a'b", current: b"'\\\xff", ttl: -5, ..Values::default() };
        let statement = Statement::plain("a::bytea = :current AND b = :key AND c < :ttl");
        assert_eq!(
            statement.with_literals(&values),
            r"a::bytea = decode('275cff', 'hex') AND b = E'\x61\x27\x62' AND c < '-5'::bigint"
        );
    }

    #[test]
    fn micros_of_the_longest_duration_stay_in_pythons_years() {
        assert_eq!(micros(Duration::from_millis(1)), 1000);
        assert_eq!(micros(Duration::MAX), micros(LONGEST));
    }
}
