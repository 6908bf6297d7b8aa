//! The operations of a store as statements: which one, with what values, and what its answer means.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use hipflask_core::{
    record::Format,
    store::{
        Created, Creation, Deleted, Entry, Page, Record, RecordKey, Renewal, Replaced, Revision,
        Store, StoreError, Touch, async_trait,
    },
};
use tokio::time::timeout;

use super::{
    SqlStore,
    pool::Failure,
    statement::{Answer, Statement, Values, micros},
};

/// As many characters as `session_id` has.
const MAX_KEY: usize = 255;
/// How long a reader waits for what extends a life: another one may hold the lock of writers.
const TOUCH_PATIENCE: Duration = Duration::from_millis(500);
const WRONG_KEY: StoreError = StoreError::Key("it takes 1 to 255 characters of printable ASCII");
const TAKEN: StoreError = StoreError::Key("there is a record with the new key already");
const TWIN: StoreError = StoreError::Key(
    "the table takes upper and lower case for the same, and has a key that differs in nothing else",
);

#[async_trait]
impl Store for SqlStore {
    fn system(&self) -> &'static str {
        self.0.database.system()
    }

    fn record_format(&self) -> Option<Format> {
        None
    }

    fn renews_at_once(&self) -> bool {
        true
    }

    async fn prepare(&self) -> Result<(), StoreError> {
        // Who may use a table may still not be one who may create it.
        if self.check().await.is_err() {
            // Twice, because PostgreSQL refuses to create a table that another one is creating.
            if self.0.database.create(&self.0.ddl).await.is_err() {
                self.0.database.create(&self.0.ddl).await?;
            }
            self.check().await?;
        }
        Ok(())
    }

    async fn load(
        &self,
        key: &RecordKey,
        touch: Option<Touch>,
    ) -> Result<Option<Record>, StoreError> {
        let statements = &self.0.statements;
        let mut values = Values { key: checked(key)?, now: now(), ..Values::default() };
        let Some(touch) = touch else {
            return self.read(&values).await;
        };
        values.ttl = micros(touch.ttl);
        values.below = micros(touch.when_below);
        if let Some(statement) = &statements.load_and_touch {
            return match self.run(statement, &values).await {
                Ok(answer) => Ok(record(answer)),
                Err(StoreError::Deadline) => Err(StoreError::Deadline),
                // Reading may still be possible, where changing is not.
                Err(_) => self.read(&values).await,
            };
        }
        let Some(record) = record(self.run(&statements.load, &values).await?) else {
            return Ok(None);
        };
        let is_due = record.touched && !record.is_retired();
        let touching = timeout(TOUCH_PATIENCE, self.change(&statements.touch_if_due, &values));
        let touched = is_due && matches!(touching.await, Ok(Ok(true)));
        Ok(Some(record.with_touched(touched)))
    }

    async fn create(
        &self,
        key: &RecordKey,
        payload: &[u8],
        ttl: Duration,
    ) -> Result<Created, StoreError> {
        let key = checked(key)?;
        self.check_size(payload).await?;
        let values = Values { key, payload, ttl: micros(ttl), now: now(), ..Values::default() };
        let created = match self.insert(&[&self.0.statements.create], &values, key).await? {
            Some(answer) => answer.affected > 0,
            None => {
                self.refuse_twin(&values).await?;
                false
            }
        };
        Ok(if created { Created::Created(Revision::default()) } else { Created::Exists })
    }

    async fn create_many(&self, records: &[Creation<'_>]) -> Result<Vec<bool>, StoreError> {
        let now = now();
        let mut values = Vec::with_capacity(records.len());
        for Creation { key, payload, ttl } in records {
            self.check_size(payload).await?;
            let (key, ttl) = (checked(key)?, micros(*ttl));
            values.push(Values { key, payload, ttl, now, ..Values::default() });
        }
        let affected = self.0.database.run_each(&self.0.statements.create, &values).await?;
        Ok(affected.into_iter().map(|n| n > 0).collect())
    }

    async fn replace(
        &self,
        key: &RecordKey,
        current: &Record,
        payload: &[u8],
        ttl: Duration,
    ) -> Result<Replaced, StoreError> {
        let key_text = checked(key)?;
        self.check_size(payload).await?;
        let values = Values {
            key: key_text,
            current: &current.payload,
            payload,
            ttl: micros(ttl),
            now: now(),
            ..Values::default()
        };
        let is_replaced = self.change(&self.0.statements.replace, &values).await?;
        self.replaced(is_replaced, key).await
    }

    async fn renew(&self, renewal: Renewal<'_>) -> Result<Replaced, StoreError> {
        let Renewal { old, current, new, payload, ttl, retired, retired_ttl } = renewal;
        self.check_size(payload).await?;
        let values = Values {
            key: checked(old)?,
            current: &current.payload,
            new: checked(new)?,
            payload,
            ttl: micros(ttl),
            retired,
            retired_ttl: micros(retired_ttl),
            now: now(),
            ..Values::default()
        };
        let steps: Vec<&Statement> = self.0.statements.renew.iter().collect();
        let answer = self.insert(&steps, &values, new.as_str()).await?.ok_or(TAKEN)?;
        self.replaced(answer.affected > 0, old).await
    }

    async fn delete(&self, key: &RecordKey) -> Result<Deleted, StoreError> {
        let values = Values { key: checked(key)?, now: now(), ..Values::default() };
        let is_deleted = self.change(&self.0.statements.delete, &values).await?;
        Ok(if is_deleted { Deleted::Deleted } else { Deleted::Gone })
    }

    /// Walks the table by its primary key and looks at `limit` rows, whatever their keys are: so a
    /// page takes the same time anywhere, and the order of keys, which depends on the collation,
    /// does not matter.
    async fn scan(
        &self,
        prefix: &str,
        cursor: Option<&str>,
        limit: usize,
    ) -> Result<Page, StoreError> {
        let limit = limit.max(1);
        let after = cursor.map_or(Ok(i64::MIN), str::parse);
        let values = Values {
            prefix,
            cursor: after.map_err(|_| StoreError::Key("the cursor is none of this store"))?,
            limit: i64::try_from(limit).unwrap_or(i64::MAX),
            now: now(),
            ..Values::default()
        };
        let rows = self.run(&self.0.statements.scan, &values).await?.rows;
        let is_full = rows.len() >= limit;
        let last = rows.last().and_then(|row| row.id).filter(|_| is_full);
        let entries = rows.into_iter().filter_map(|row| {
            let left = row.number.map(u64::try_from).transpose().ok()?;
            Some(Entry {
                key: RecordKey::new(row.key?),
                record: Record::new(row.data.unwrap_or_default()),
                expires_in: left.map(Duration::from_micros),
            })
        });
        Ok(Page { entries: entries.collect(), next: last.map(|id| id.to_string()) })
    }

    async fn purge(&self, limit: usize) -> Result<usize, StoreError> {
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        let values = Values { limit, now: now(), ..Values::default() };
        let answer = self.run(&self.0.statements.purge, &values).await?;
        Ok(usize::try_from(answer.affected).unwrap_or(usize::MAX))
    }
}

impl SqlStore {
    /// Checks that the table is there, and ours.
    pub(super) async fn check(&self) -> Result<(), StoreError> {
        self.run(&self.0.statements.load, &Values::default()).await?;
        self.limit().await.map(drop)
    }

    async fn limit(&self) -> Result<Option<usize>, StoreError> {
        let Some(statement) = &self.0.statements.limit else { return Ok(None) };
        let ask = || async {
            let rows = self.run(statement, &Values::default()).await?.rows;
            let number = rows.first().and_then(|row| row.number);
            Ok(number.and_then(|number| usize::try_from(number).ok()))
        };
        self.0.limit.get_or_try_init(ask).await.copied()
    }

    /// Reads a record, and leaves its life as it is.
    async fn read(&self, values: &Values<'_>) -> Result<Option<Record>, StoreError> {
        let found = record(self.run(&self.0.statements.load, values).await?);
        Ok(found.map(|record| record.with_touched(false)))
    }

    async fn run(&self, statement: &Statement, values: &Values<'_>) -> Result<Answer, StoreError> {
        Ok(self.0.database.run(&[statement], values).await?)
    }

    async fn change(&self, statement: &Statement, values: &Values<'_>) -> Result<bool, StoreError> {
        Ok(self.run(statement, values).await?.affected > 0)
    }

    /// Tells whether somebody else has changed the record that was not replaced, or ended it.
    async fn replaced(&self, is_replaced: bool, key: &RecordKey) -> Result<Replaced, StoreError> {
        if is_replaced {
            return Ok(Replaced::Replaced(Revision::default()));
        }
        Ok(self.load(key, None).await?.map_or(Replaced::Gone, Replaced::Conflict))
    }

    /// Runs what inserts a row under `key`, and once more without an expired one that was in the
    /// way.
    async fn insert(
        &self,
        statements: &[&Statement],
        values: &Values<'_>,
        key: &str,
    ) -> Result<Option<Answer>, StoreError> {
        let run = || async {
            match self.0.database.run(statements, values).await {
                Ok(answer) => Ok(Some(answer)),
                Err(Failure::Duplicate) => Ok(None),
                Err(Failure::Store(error)) => Err(error),
            }
        };
        let answer = run().await?;
        let in_the_way = Values { key, now: values.now, ..Values::default() };
        if answer.is_some() {
            return Ok(answer);
        }
        // Whether it removes something does not matter: a purge may have done it in between.
        self.change(&self.0.statements.clear, &in_the_way).await?;
        run().await
    }

    async fn refuse_twin(&self, values: &Values<'_>) -> Result<(), StoreError> {
        let Some(twin) = &self.0.statements.twin else { return Ok(()) };
        let rows = self.run(twin, values).await?.rows;
        if rows.first().is_some_and(|row| row.number == Some(0)) { Err(TWIN) } else { Ok(()) }
    }

    async fn check_size(&self, payload: &[u8]) -> Result<(), StoreError> {
        match self.limit().await? {
            Some(limit) if payload.len() > limit => {
                Err(StoreError::TooLarge { size: payload.len(), limit })
            }
            _ => Ok(()),
        }
    }
}

fn checked(key: &RecordKey) -> Result<&str, StoreError> {
    let key = key.as_str();
    let is_taken = (1..=MAX_KEY).contains(&key.len())
        && key.bytes().all(|byte| byte == b' ' || byte.is_ascii_graphic());
    if is_taken { Ok(key) } else { Err(WRONG_KEY) }
}

/// Microseconds since 1970.
fn now() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_micros()).unwrap_or(i64::MAX)
}

/// Takes a row: a number says that its life is to be extended, or was.
fn record(answer: Answer) -> Option<Record> {
    let row = answer.rows.into_iter().next()?;
    let payload = row.data.unwrap_or_default();
    Some(Record::new(payload).with_touched(row.number.is_some_and(|number| number > 0)))
}
