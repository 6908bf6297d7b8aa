//! Which table, and the options of an address that say so.

use super::{
    ConnectError,
    address::{Options, refuse_options, split_options, unknown_option},
};

/// How many connections a store has at most, unless it is told.
const MAX_CONNECTIONS: usize = 10;
/// The longest name that every engine takes.
const MAX_NAME: usize = 63;

/// What a store is told besides where its server is.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct Settings {
    /// `SESSION_SQLALCHEMY_TABLE`.
    pub(super) table: String,
    /// `SESSION_SQLALCHEMY_SCHEMA`.
    pub(super) schema: Option<String>,
    /// `SESSION_SQLALCHEMY_SEQUENCE`.
    pub(super) sequence: Option<String>,
    /// Whether a missing table is created.
    pub(super) create: bool,
    pub(super) max_connections: usize,
    /// Whether statements are prepared: else their values are a part of their texts.
    pub(super) prepared: bool,
    /// The options that the engine's client takes.
    pub(super) client: Options,
}

impl Settings {
    /// Takes the options of an address. The client takes those that are named in `client`.
    pub(super) fn new(options: Options, client: &[&str]) -> Result<Self, ConnectError> {
        let (client, others): (_, Options) =
            options.into_iter().partition(|(name, _)| client.contains(&name.as_str()));
        let mut settings = Self {
            table: "sessions".to_owned(),
            schema: None,
            sequence: None,
            create: false,
            max_connections: MAX_CONNECTIONS,
            prepared: true,
            client,
        };
        let mut unknown = Options::new();
        for (name, value) in others {
            let is_taken = match name.as_str() {
                "table" => identifier(&value).map(|name| settings.table = name),
                "schema" => identifier(&value).map(|name| settings.schema = Some(name)),
                "sequence" => identifier(&value).map(|name| settings.sequence = Some(name)),
                "create" => value.parse().ok().map(|create| settings.create = create),
                "max_connections" => count(&value).map(|n| settings.max_connections = n),
                _ => {
                    unknown.push((name.clone(), value));
                    Some(())
                }
            };
            is_taken.ok_or_else(|| unknown_option(&name))?;
        }
        refuse_options(unknown)?;
        Ok(settings)
    }

    /// Reads options that stand alone: `name=value&…`.
    pub(super) fn of(options: &str, client: &[&str]) -> Result<Self, ConnectError> {
        let (_, options) = split_options(&format!("?{options}"))?;
        Self::new(options, client)
    }

    /// Returns the name of `thing` with its schema, both in quotation marks.
    pub(super) fn qualified(&self, thing: &str, quote: char) -> String {
        let schema = self.schema.iter().map(|schema| format!("{quote}{schema}{quote}."));
        schema.chain([format!("{quote}{thing}{quote}")]).collect()
    }

    /// Returns `place` with the options that the client takes.
    #[cfg(any(feature = "mysql", feature = "postgres"))]
    pub(super) fn address(&self, place: &str) -> String {
        let escaped = |value: &str| value.bytes().map(|byte| format!("%{byte:02x}")).collect();
        let options = self.client.iter().map(|(name, value)| {
            let value: String = escaped(value);
            format!("{name}={value}")
        });
        format!("{place}?{}", options.collect::<Vec<_>>().join("&"))
    }

    /// Returns the name of the index on `expiry`, as SQLAlchemy forms it.
    pub(super) fn index(&self) -> String {
        format!("ix_{}_expiry", self.table).chars().take(MAX_NAME).collect()
    }
}

/// Identifiers are put into statements as they are, so only plain ones are let in.
fn identifier(name: &str) -> Option<String> {
    let is_plain = (1..=MAX_NAME).contains(&name.len())
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
        && !name.starts_with(|first: char| first.is_ascii_digit());
    is_plain.then(|| name.to_owned())
}

fn count(value: &str) -> Option<usize> {
    value.parse().ok().filter(|n| (1..=1000).contains(n))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(query: &str, expected: Result<(&str, usize), &str>) {
        let (_, options) = split_options(query).unwrap();
        let actual = Settings::new(options, &["sslmode"]);
        let actual =
            actual.map(|settings| (settings.qualified("t", '"'), settings.max_connections));
        let actual = actual.map_err(|error| match error {
            ConnectError::Option { name } => name,
            other => panic!("{other}"),
        });
        let expected = expected.map(|(name, n)| (name.to_owned(), n)).map_err(str::to_owned);
        assert_eq!(actual, expected, "{query}");
    }

    #[test]
    fn settings_take_plain_names_and_refuse_the_rest() {
        check("?", Ok((r#""t""#, 10)));
        check("?schema=s1&max_connections=3&sslmode=require", Ok((r#""s1"."t""#, 3)));
        check("?table=a_1&create=true&sequence=seq", Ok((r#""t""#, 10)));
        for (query, name) in [
            ("table=", "table"),
            ("table=1st", "table"),
            ("table=a\"b", "table"),
            ("table=a;drop", "table"),
            ("schema=a.b", "schema"),
            ("schema=a%2e", "schema"),
            ("create=yes", "create"),
            ("max_connections=0", "max_connections"),
            ("tabel=x", "tabel"),
        ] {
            check(&format!("?{query}"), Err(name));
        }
        check(&format!("?table={}", "x".repeat(64)), Err("table"));
    }
}
