//! Connections to one server, and how a statement is run on one of them.
//!
//! Not the client's own pool: that one asks the server after every statement whether the connection
//! still works, waits for the answer without end, and keeps the connections that a restart of the
//! server has broken until each has failed once. This one asks only a connection that has rested for
//! a while, or that it has reason to doubt, and with one that is broken drops all that rest.

use std::{
    mem,
    sync::{Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use hipflask_core::store::StoreError;
use sqlx::{AssertSqlSafe, ConnectOptions, Connection, Error, SqlStr};
use tokio::{
    sync::{Semaphore, SemaphorePermit},
    time::{timeout, timeout_at},
};

use super::{
    client::{Asked, Client},
    dialect::{Fault, Options},
    statement::{Answer, Statement, Values},
    trouble::Trouble,
};

/// How long an operation may take, waiting for a connection included.
pub(super) const PATIENCE: Duration = Duration::from_secs(5);
/// How long a connection may rest: a firewall on the way may have forgotten it by then.
const MAX_REST: Duration = Duration::from_secs(300);
/// How long a connection may rest and still be used unasked. No server takes less for idle.
const TRUSTED_REST: Duration = Duration::from_secs(1);
/// How long a connection may take to say that it works. There must be time for a new one.
const PING_PATIENCE: Duration = Duration::from_millis(500);
/// How often a change is sent that the server has undone.
const ATTEMPTS: usize = 5;

/// Connections that rest, and how to make more.
pub(super) struct Pool<DB: Client> {
    options: Options<DB>,
    slots: Semaphore,
    resting: Mutex<Vec<Resting<DB>>>,
    /// When the answer to a question was not waited for: the server may be gone.
    doubted: Mutex<Option<Instant>>,
    /// Keeps a database in memory alive.
    anchor: Mutex<Option<DB::Connection>>,
}

struct Resting<DB: Client> {
    connection: DB::Connection,
    since: Instant,
}

/// Why a statement did not do what was asked.
pub(super) enum Failure {
    /// There is a row with this key already.
    Duplicate,
    Store(StoreError),
}

impl From<Failure> for StoreError {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::Duplicate => Self::refused(Fault::Duplicate),
            Failure::Store(error) => error,
        }
    }
}

impl<DB: Client> Pool<DB> {
    pub(super) fn new(options: Options<DB>, max_connections: usize) -> Self {
        Self {
            options,
            slots: Semaphore::new(max_connections),
            resting: Mutex::default(),
            doubted: Mutex::default(),
            anchor: Mutex::default(),
        }
    }

    /// Opens a connection that stays open, and unused, as long as the pool: without it a database
    /// in memory would end with the first connection that is closed.
    pub(super) async fn anchor(&self) -> Result<(), StoreError> {
        let connection = timeout(PATIENCE, self.connect()).await;
        *lock(&self.anchor) = Some(connection.map_err(|_| StoreError::Deadline)??);
        Ok(())
    }

    async fn connect(&self) -> Result<DB::Connection, Trouble> {
        self.connect_to(&self.options).await
    }

    async fn connect_to(&self, options: &Options<DB>) -> Result<DB::Connection, Trouble> {
        connect::<DB>(options).await.map_err(|error| Trouble::at::<DB>(options, &error))
    }

    async fn acquire(&self) -> Result<(SemaphorePermit<'_>, DB::Connection), Trouble> {
        let slot = self.slots.acquire().await;
        let slot = slot.map_err(|_| Trouble::of::<DB>(&Error::PoolClosed))?;
        while let Some(Resting { mut connection, since }) = self.pop() {
            let is_trusted = since.elapsed() < TRUSTED_REST && Some(since) > *lock(&self.doubted);
            if is_trusted || matches!(timeout(PING_PATIENCE, connection.ping()).await, Ok(Ok(()))) {
                return Ok((slot, connection));
            }
            self.clear();
        }
        Ok((slot, self.connect().await?))
    }

    fn pop(&self) -> Option<Resting<DB>> {
        let mut resting = lock(&self.resting);
        resting.retain(|resting| resting.since.elapsed() < MAX_REST);
        resting.pop()
    }

    fn release(&self, connection: DB::Connection) {
        lock(&self.resting).push(Resting { connection, since: Instant::now() });
    }

    /// Closes what rests: where one connection is broken, the others are.
    fn clear(&self) {
        drop(mem::take(&mut *lock(&self.resting)));
    }

    /// Runs a statement; several are a transaction, which ends without effect when one of them
    /// changes no row. Returns the answer of the last one that ran.
    pub(super) async fn run(
        &self,
        statements: &[&Statement],
        values: &Values<'_>,
    ) -> Result<Answer, Failure> {
        let until = Instant::now() + PATIENCE;
        let work = async {
            let mut attempts = 1..;
            loop {
                let result = self.attempt(statements, values, until).await;
                let is_last = attempts.next() >= Some(ATTEMPTS);
                match result.as_ref().map_err(|trouble| trouble.fault) {
                    Err(Some(Fault::RolledBack)) if !is_last => {}
                    _ => return result,
                }
            }
        };
        match timeout_at(until.into(), work).await {
            Ok(result) => result.map_err(|trouble| match trouble.fault {
                Some(Fault::Duplicate) => Failure::Duplicate,
                _ => Failure::Store(trouble.into()),
            }),
            Err(_) => Err(Failure::Store(StoreError::Deadline)),
        }
    }

    /// A connection that is not given back is closed: also that of an operation that nobody waits
    /// for any more, as its answer may be on the way.
    async fn attempt(
        &self,
        statements: &[&Statement],
        values: &Values<'_>,
        until: Instant,
    ) -> Result<Answer, Trouble> {
        let acquired = timeout_at(until.into(), self.acquire()).await;
        let (_slot, mut connection) = acquired.map_err(|_| Trouble::no_connection())??;
        let mut question = Question { doubted: Some(&self.doubted) };
        let result = match statements {
            [statement] => {
                let answer = execute::<DB>(&mut connection, statement, values).await;
                answer.map_err(|error| Trouble::of::<DB>(&error))
            }
            _ => transact::<DB>(&mut connection, statements, values).await,
        };
        question.doubted = None;
        match result.as_ref().map_err(|trouble| trouble.fault) {
            Ok(_) => self.release(connection),
            Err(Some(Fault::Duplicate)) if statements.len() == 1 => self.release(connection),
            Err(Some(Fault::Credentials | Fault::ReadOnly))
                if statements.iter().all(|statement| statement.is_touch) =>
            {
                self.release(connection);
            }
            Err(None | Some(Fault::Busy | Fault::Pooler | Fault::ReadOnly)) => self.clear(),
            // What has been prepared on it may be out of date.
            Err(Some(_)) => {}
        }
        result
    }

    /// Runs a statement with each of many values in one transaction, and returns how many rows each has
    /// changed. Unlike with `run`, one that changes none does not end it.
    pub(super) async fn run_each(
        &self,
        statement: &Statement,
        values: &[Values<'_>],
    ) -> Result<Vec<u64>, StoreError> {
        let work = async {
            let (_slot, mut connection) = self.acquire().await?;
            let mut question = Question { doubted: Some(&self.doubted) };
            let affected = each::<DB>(&mut connection, statement, values).await;
            question.doubted = None;
            let affected = affected.map_err(|error| Trouble::of::<DB>(&error))?;
            self.release(connection);
            Ok(affected)
        };
        let answer: Result<_, Trouble> =
            timeout(PATIENCE, work).await.map_err(|_| StoreError::Deadline)?;
        Ok(answer?)
    }

    /// Runs the statements that create the table.
    pub(super) async fn create(&self, texts: &[String]) -> Result<(), StoreError> {
        let work = async {
            let options = DB::creating(self.options.clone());
            let mut connection = self.connect_to(&options).await?;
            for text in texts.iter().cloned() {
                let result = DB::execute(&mut connection, Asked::Plain(text)).await;
                result.map_err(|error| Trouble::of::<DB>(&error))?;
            }
            Ok(())
        };
        timeout(PATIENCE, work).await.unwrap_or(Err(StoreError::Deadline))
    }
}

/// Makes a connection.
pub(super) async fn connect<DB: Client>(options: &Options<DB>) -> Result<DB::Connection, Error> {
    let mut connection = options.connect().await?;
    DB::prepare(&mut connection).await?;
    Ok(connection)
}

/// A question that was sent. Dropped without an answer, it casts doubt on what rests by then.
struct Question<'a> {
    doubted: Option<&'a Mutex<Option<Instant>>>,
}

impl Drop for Question<'_> {
    fn drop(&mut self) {
        if let Some(doubted) = self.doubted {
            *lock(doubted) = Some(Instant::now());
        }
    }
}

async fn execute<DB: Client>(
    connection: &mut DB::Connection,
    statement: &Statement,
    values: &Values<'_>,
) -> Result<Answer, Error> {
    let asked = if statement.is_plain {
        Asked::Plain(statement.with_literals(values))
    } else {
        let query = sqlx::query(AssertSqlSafe(statement.sql.clone()));
        let parameters = statement.parameters.iter();
        Asked::Prepared(parameters.fold(query, |query, (_, value)| DB::bind(query, value(values))))
    };
    if statement.has_rows {
        return Ok(Answer { affected: 0, rows: DB::fetch(connection, asked).await? });
    }
    Ok(Answer { affected: DB::execute(connection, asked).await?, rows: Vec::new() })
}

async fn transact<DB: Client>(
    connection: &mut DB::Connection,
    statements: &[&Statement],
    values: &Values<'_>,
) -> Result<Answer, Trouble> {
    let begun = connection.begin_with(SqlStr::from_static(DB::BEGIN)).await;
    let mut transaction = begun.map_err(|error| Trouble::before::<DB>(&error))?;
    let work = async {
        let mut answer = Answer::default();
        for statement in statements {
            answer = execute::<DB>(&mut transaction, statement, values).await?;
            if answer.affected == 0 {
                transaction.rollback().await?;
                return Ok(answer);
            }
        }
        transaction.commit().await?;
        Ok(answer)
    };
    work.await.map_err(|error| Trouble::of::<DB>(&error))
}

async fn each<DB: Client>(
    connection: &mut DB::Connection,
    statement: &Statement,
    values: &[Values<'_>],
) -> Result<Vec<u64>, Error> {
    let mut transaction = connection.begin_with(SqlStr::from_static(DB::BEGIN)).await?;
    let mut affected = Vec::with_capacity(values.len());
    for values in values {
        affected.push(execute::<DB>(&mut transaction, statement, values).await?.affected);
    }
    transaction.commit().await?;
    Ok(affected)
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
