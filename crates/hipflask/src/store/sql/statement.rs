//! Statements with named parameters, and what they are given and answer.
//!
//! A dialect writes `:name` where a value goes; a value never becomes part of a statement's text.

use std::{sync::Arc, time::Duration};

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
}

/// How an engine numbers parameters.
#[derive(Clone, Copy)]
pub(super) enum Numbering {
    /// A sign and a number, so that one value can stand in two places.
    Numbered(char),
    /// A question mark each.
    Positional,
}

impl Statement {
    /// Takes a statement with named parameters. `:` before another word is left as it is.
    pub(super) fn new(text: &str, numbering: Numbering) -> Self {
        let mut parts = text.split(':');
        let mut sql = parts.next().unwrap_or_default().to_owned();
        let mut parameters: Vec<Parameter> = Vec::new();
        for part in parts {
            let end = part.find(|c: char| !c.is_ascii_lowercase() && c != '_');
            let (name, rest) = part.split_at(end.unwrap_or(part.len()));
            let Some(parameter) = PARAMETERS.iter().find(|(known, _)| *known == name) else {
                sql.push(':');
                sql.push_str(part);
                continue;
            };
            match numbering {
                Numbering::Positional => {
                    parameters.push(*parameter);
                    sql.push('?');
                }
                Numbering::Numbered(sign) => {
                    let known = parameters.iter().position(|(known, _)| *known == name);
                    let index = known.unwrap_or_else(|| {
                        parameters.push(*parameter);
                        parameters.len() - 1
                    });
                    sql.push_str(&format!("{sign}{}", index + 1));
                }
            }
            sql.push_str(rest);
        }
        Self { sql: sql.into(), parameters, has_rows: false }
    }

    /// Makes it one that answers rows.
    pub(super) const fn with_rows(mut self) -> Self {
        self.has_rows = true;
        self
    }
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
    fn check(numbering: Numbering, sql: &str, names: &[&str]) {
        let text = "SELECT data::bytea FROM t WHERE a = :key AND b > :ttl AND c < :key";
        let statement = Statement::new(text, numbering);
        assert_eq!(&*statement.sql, sql);
        let actual: Vec<_> = statement.parameters.iter().map(|(name, _)| *name).collect();
        assert_eq!(actual, names);
    }

    #[test]
    fn statement_numbers_parameters_as_its_engine_does() {
        check(
            Numbering::Numbered('$'),
            "SELECT data::bytea FROM t WHERE a = $1 AND b > $2 AND c < $1",
            &["key", "ttl"],
        );
        check(
            Numbering::Positional,
            "SELECT data::bytea FROM t WHERE a = ? AND b > ? AND c < ?",
            &["key", "ttl", "key"],
        );
    }

    #[test]
    fn micros_of_the_longest_duration_stay_in_pythons_years() {
        assert_eq!(micros(Duration::from_millis(1)), 1000);
        assert_eq!(micros(Duration::MAX), micros(LONGEST));
    }
}
