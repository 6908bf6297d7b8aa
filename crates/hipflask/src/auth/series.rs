//! Remember cookies whose theft shows, in a store.

use std::time::Duration;

use hipflask_core::{
    UnixTime,
    auth::{Returned, Series, SeriesToken},
    cookie::{self, Attributes},
    record::{self, Format},
    serializer::Limits,
    store::{Record, RecordKey, Replaced, Store, StoreError},
};

use crate::{
    config::{ConfigError, SessionConfig},
    store::AnyStore,
};

/// Remembers users by a cookie whose value changes with each return, so that a copy of it is noticed:
/// whoever shows an old value, the thief or the user, ends the series for both.
///
/// A store keeps what confirms it, hashed, and ends it with the log-out.
///
/// ```
/// # #[cfg(feature = "memory")] {
/// use hipflask::{SecretKey, SessionConfig, auth::RememberSeries, store::MemoryStore};
///
/// let config = SessionConfig::new(SecretKey::random()?);
/// let series = RememberSeries::new(&config, MemoryStore::new())?;
/// # }
/// # Ok::<(), hipflask::ConfigError>(())
/// ```
#[derive(Clone, Debug)]
pub struct RememberSeries {
    store: AnyStore,
    name: String,
    life: Duration,
    attributes: Attributes,
}

/// What became of a cookie that was shown.
pub(super) struct Return {
    /// Whose it is, if it is good.
    pub(super) user_id: Option<String>,
    /// What the browser is to be told.
    pub(super) line: Option<String>,
}

impl RememberSeries {
    /// Keeps series in a store, mostly that of the sessions: for 30 days from the last return, in the
    /// cookie `hipflask_remember` with the attributes of the session's.
    ///
    /// # Errors
    ///
    /// [`ConfigError`] for every mistake in the configuration.
    pub fn new(config: &SessionConfig, store: impl Store) -> Result<Self, ConfigError> {
        Ok(Self {
            store: AnyStore::new(store),
            name: "hipflask_remember".into(),
            life: Duration::from_secs(30 * 86_400),
            attributes: config.build()?.attributes().clone(),
        })
    }

    /// Sets the cookie's name.
    #[must_use]
    pub fn with_name(mut self, name: impl Into<String>) -> Self {
        self.name = name.into();
        self
    }

    /// Sets how long a user is remembered from the last return on.
    #[must_use]
    pub const fn with_duration(mut self, life: Duration) -> Self {
        self.life = life;
        self
    }

    pub(super) fn name(&self) -> &str {
        &self.name
    }

    pub(super) fn deletion(&self) -> String {
        cookie::write_deletion(&self.name, &self.attributes)
    }

    /// Starts a series, and returns the header text that tells the browser.
    pub(super) async fn start(
        &self,
        user_id: &str,
        life: Option<Duration>,
        now: UnixTime,
    ) -> Result<Option<String>, StoreError> {
        let Some(token) = fresh_token() else { return Ok(None) };
        let life = life.unwrap_or(self.life);
        let payload = self.payload(&Series::new(user_id, &token, now));
        self.store.create(&key(&token), &payload, life).await?;
        Ok(self.line(&token, life, now))
    }

    /// Judges a cookie, and replaces its token.
    pub(super) async fn returned(&self, value: &[u8], now: UnixTime) -> Result<Return, StoreError> {
        let unknown = Return { user_id: None, line: Some(self.deletion()) };
        let Some(shown) = SeriesToken::parse(value) else { return Ok(unknown) };
        let key = key(&shown);
        let Some(record) = self.store.load(&key, None).await? else { return Ok(unknown) };
        let Some(series) = self.series(&record) else { return Ok(unknown) };
        match series.returned(&shown, now) {
            Returned::Current => self.rotate(&key, &record, &series, &shown, now).await,
            Returned::Lately => Ok(Return { user_id: Some(series.user_id().into()), line: None }),
            _ => {
                tracing::warn!(
                    target: "hipflask",
                    "a remember cookie was used twice: somebody has a copy of it, and it ends for both"
                );
                self.store.delete(&key).await?;
                Ok(unknown)
            }
        }
    }

    async fn rotate(
        &self,
        key: &RecordKey,
        record: &Record,
        series: &Series,
        shown: &SeriesToken,
        now: UnixTime,
    ) -> Result<Return, StoreError> {
        let user_id = Some(series.user_id().to_owned());
        let Some(fresh) = fresh_token() else { return Ok(Return { user_id, line: None }) };
        let next = shown.with_token_of(&fresh);
        let payload = self.payload(&series.rotated(&next, now));
        match self.store.replace(key, record, &payload, self.life).await? {
            Replaced::Replaced(_) => Ok(Return { user_id, line: self.line(&next, self.life, now) }),
            // Another request of the same browser was first, and tells it the new token.
            Replaced::Conflict(_) => Ok(Return { user_id, line: None }),
            Replaced::Gone => Ok(Return { user_id: None, line: Some(self.deletion()) }),
        }
    }

    /// Ends a series, with the log-out.
    pub(super) async fn end(&self, value: &[u8]) -> Result<(), StoreError> {
        if let Some(token) = SeriesToken::parse(value) {
            self.store.delete(&key(&token)).await?;
        }
        Ok(())
    }

    fn line(&self, token: &SeriesToken, life: Duration, now: UnixTime) -> Option<String> {
        let expires = i64::try_from(now.checked_add(life)?.as_secs()).ok()?;
        let value = token.to_value();
        cookie::write(&self.name, &value, &self.attributes, Some(expires), None).ok()
    }

    fn format(&self) -> Format {
        self.store.record_format().unwrap_or(Format::MsgPack)
    }

    fn payload(&self, series: &Series) -> Vec<u8> {
        // Texts and one number can be written in every format.
        record::encode(&series.to_content(), self.format()).unwrap_or_default()
    }

    fn series(&self, record: &Record) -> Option<Series> {
        let content = record::decode(&record.payload, self.format(), Limits::default());
        Series::from_content(&content.ok()?.content?)
    }
}

fn key(token: &SeriesToken) -> RecordKey {
    RecordKey::new(token.record_key())
}

fn fresh_token() -> Option<SeriesToken> {
    let mut entropy = [0; SeriesToken::ENTROPY];
    getrandom::fill(&mut entropy).ok()?;
    Some(SeriesToken::from_entropy(&entropy))
}
