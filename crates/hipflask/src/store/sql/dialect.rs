//! What the engines have in common: which statements there are, and what an error means.

use std::future::Future;

use sqlx::error::DatabaseError;

use super::{statement::Statement, table::Settings};

/// How to make a connection.
pub(super) type Options<DB> = <<DB as sqlx::Database>::Connection as sqlx::Connection>::Options;

/// An engine: its statements and its errors.
pub(super) trait Engine: sqlx::Database {
    /// What OpenTelemetry calls it.
    const SYSTEM: &'static str;
    /// What takes the lock of a transaction before its first statement needs it.
    const BEGIN: &'static str;
    /// Whether a database can end with its last connection.
    const HAS_ANCHOR: bool;

    /// Tells what an error of the server means.
    fn fault(error: &dyn DatabaseError) -> Fault;

    /// Says where the server is, without a name or a password.
    fn place(options: &Options<Self>) -> String;

    /// Returns how to connect to what may not be there yet.
    fn creating(options: Options<Self>) -> Options<Self> {
        options
    }

    /// Prepares a new connection.
    fn prepare(
        connection: &mut Self::Connection,
    ) -> impl Future<Output = Result<(), sqlx::Error>> + Send;
}

/// What an error of a server means. Its text is not kept: it can hold keys.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub(super) enum Fault {
    #[error("the server is busy, stopping or starting")]
    Busy,
    #[error("the server does not take these credentials, or they may not use this database")]
    Credentials,
    #[error("a row with this key is there already")]
    Duplicate,
    #[error(
        "there is no such table, or it is not one of Flask-Session: create it with the \
         store's `prepare`, with the option create=true, or by the statements of SqlStore::ddl"
    )]
    NoTable,
    #[error("there is no such database")]
    NoDatabase,
    #[error(
        "there is no such file, or it cannot be opened: the store's `prepare`, or the option \
         create=true, makes a new one"
    )]
    NoFile,
    #[error("the server does not do this, whatever it says about the reason")]
    Other,
    #[error(
        "the server, or a pooler before it, has closed the connection: it has too many, or it does \
         not take an option of the address"
    )]
    Pooler,
    #[error(
        "a pooler before the server gives each statement another connection, so nothing can be \
         prepared: add prepared=false to the address"
    )]
    Prepared,
    #[error("the database is read-only: connect to the server that takes changes")]
    ReadOnly,
    /// The server has undone the statement, so it can be sent again.
    #[error("the server has undone the change, because it met others")]
    RolledBack,
    #[error("the column of the data is too short: give it a longer type")]
    TooLong,
}

impl Fault {
    /// Reports whether asking again may help.
    pub(super) const fn is_transient(self) -> bool {
        matches!(self, Self::Busy | Self::Pooler | Self::ReadOnly | Self::RolledBack)
    }
}

/// The statements of an engine as texts.
///
/// In them `{table}`, `{index}` and `{sequence}` are names, `{now}` is the time, `{in :ttl}` the
/// time after a time to live, `{live}` the condition that a row is that of `:key` and has not
/// expired, `{due}` that its life is to be extended, and `{kept}` that it is not a retired record.
///
/// A row without an expiry is a record that lives until it is read, and gets one then.
/// DIFFERENCE: Flask-Session takes such a row, which it never writes, for one that has expired.
pub(super) struct Texts {
    /// Stands before the number of a parameter, where they have numbers.
    pub(super) sign: Option<char>,
    pub(super) quote: char,
    pub(super) now: &'static str,
    pub(super) after: &'static str,
    pub(super) live: &'static str,
    pub(super) kept: &'static str,
    pub(super) load: &'static str,
    /// In one statement what else takes two, where statements are prepared.
    pub(super) load_and_touch: Option<&'static str>,
    pub(super) touch_if_due: &'static str,
    pub(super) create: &'static str,
    /// Removes a row that is in the way, if it has expired.
    pub(super) clear: &'static str,
    /// Finds the row that hinders `create`: 1 if it is that of the key itself.
    pub(super) twin: Option<&'static str>,
    pub(super) replace: &'static str,
    /// One statement or the steps of a transaction, each of which must change a row.
    pub(super) renew: &'static [&'static str],
    pub(super) delete: &'static str,
    pub(super) scan: &'static str,
    pub(super) purge: &'static str,
    /// Tells how much one row takes.
    pub(super) limit: Option<&'static str>,
    pub(super) ddl: &'static [&'static str],
}

/// The statements of an engine, ready for its client.
pub(super) struct Statements {
    pub(super) load: Statement,
    pub(super) load_and_touch: Option<Statement>,
    pub(super) touch_if_due: Statement,
    pub(super) create: Statement,
    pub(super) clear: Statement,
    pub(super) twin: Option<Statement>,
    pub(super) replace: Statement,
    pub(super) renew: Vec<Statement>,
    pub(super) delete: Statement,
    pub(super) scan: Statement,
    pub(super) purge: Statement,
    pub(super) limit: Option<Statement>,
}

impl Texts {
    /// Puts the names into the texts.
    pub(super) fn statements(&self, settings: &Settings) -> Statements {
        let write = |text: &str| {
            let text = self.fill(text, settings);
            match settings.prepared {
                true => Statement::new(&text, self.sign),
                false => Statement::plain(&text),
            }
        };
        let read = |text: &str| write(text).with_rows();
        Statements {
            load: read(self.load),
            // Planned each time, it would take longer than both of the two that it stands for.
            load_and_touch: self
                .load_and_touch
                .filter(|_| settings.prepared)
                .map(|text| read(text).that_touches()),
            touch_if_due: write(self.touch_if_due).that_touches(),
            create: write(self.create),
            clear: write(self.clear),
            twin: self.twin.map(read),
            replace: write(self.replace),
            renew: self.renew.iter().map(|text| write(text)).collect(),
            delete: write(self.delete),
            scan: read(self.scan),
            purge: write(self.purge),
            limit: self.limit.map(read),
        }
    }

    /// Returns the texts with their names put in, for those who have a client of their own: such a one
    /// reads and touches in two steps, and moves a record likewise.
    pub(super) fn named(&self, settings: &Settings) -> Vec<(&'static str, Vec<String>)> {
        let one = |text: &str| vec![self.fill(text, settings)];
        let limit = self.limit.map_or_else(Vec::new, one);
        vec![
            ("load", one(self.load)),
            ("touch_if_due", one(self.touch_if_due)),
            ("create", one(self.create)),
            ("clear", one(self.clear)),
            ("replace", one(self.replace)),
            ("delete", one(self.delete)),
            ("purge", one(self.purge)),
            ("limit", limit),
            ("ddl", self.ddl(settings)),
        ]
    }

    /// Returns the statements that create the table.
    pub(super) fn ddl(&self, settings: &Settings) -> Vec<String> {
        let is_meant = |text: &&&str| settings.sequence.is_some() || !text.contains("{sequence}");
        self.ddl.iter().filter(is_meant).map(|text| self.fill(text, settings)).collect()
    }

    fn fill(&self, text: &str, settings: &Settings) -> String {
        let quote = self.quote;
        let sequence = settings.sequence.iter().map(|name| format!("{quote}{name}{quote}"));
        let sequence: String = sequence.collect();
        let (id, next) = match sequence.is_empty() {
            true => ("", String::new()),
            false => ("id, ", format!("nextval('{sequence}'), ")),
        };
        let text = text
            .replace("{id}", id)
            .replace("{next}", &next)
            .replace("{sequence}", &sequence)
            .replace("{live}", self.live)
            .replace("{kept}", self.kept)
            .replace("{due}", "(expiry IS NULL OR expiry < {in :below})")
            .replace("{now}", self.now)
            .replace("{table}", &settings.qualified(&settings.table, quote))
            .replace("{index in schema}", &settings.qualified(&settings.index(), quote))
            .replace("{index}", &format!("{quote}{}{quote}", settings.index()))
            .replace("{table's own name}", &format!("{quote}{}{quote}", settings.table))
            .replace("{table as text}", &settings.table)
            .replace("{schema as text}", settings.schema.as_deref().unwrap_or_default());
        ["ttl", "retired_ttl", "below"].into_iter().fold(text, |text, name| {
            let after = self.after.replace("{}", &format!(":{name}"));
            text.replace(&format!("{{in :{name}}}"), &after)
        })
    }
}
