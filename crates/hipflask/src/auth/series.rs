//! Remember cookies whose theft shows, in a store.

use std::{sync::Arc, time::Duration};

use hipflask_core::{
    UnixTime,
    auth::{Returned, Series, SeriesToken},
    cookie::{self, Attributes},
    engine::EngineError,
    record::{self, Format},
    serializer::Limits,
    session,
    store::{Created, Record, RecordKey, Replaced, Store, StoreError},
    value::{Dict, Value},
};

use crate::{
    config::{ConfigError, SessionConfig},
    store::AnyStore,
};

const ENDED: &str = "ended";

/// How often ending all series of a user meets another one that does the same.
const MOST_ATTEMPTS: usize = 16;

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

    /// Sets how long a user is remembered from the last return on, if the log-in does not
    /// [say so](super::LogIn::remembered_for): 400 days at most, because browsers keep no cookie for longer.
    #[must_use]
    pub const fn with_duration(mut self, life: Duration) -> Self {
        self.life = life;
        self
    }

    /// Ends all series of a user that have begun by now, on all devices; before
    /// [`revoke_user`](crate::SessionInterface::revoke_user), which ends the sessions. A request under way
    /// that has come back by its cookie just before may still get its session.
    ///
    /// ```
    /// # use hipflask::{Result, SessionInterface, auth::RememberSeries};
    /// async fn out_everywhere(sessions: &SessionInterface, series: &RememberSeries) -> Result<()> {
    ///     series.revoke_user("7", sessions.now()).await?;
    ///     sessions.revoke_user("7").await
    /// }
    /// # let _ = out_everywhere;
    /// ```
    ///
    /// # Errors
    ///
    /// [`Error`](crate::Error) when the store does not answer: then they may go on.
    pub async fn revoke_user(&self, user_id: &str, now: UnixTime) -> crate::Result<()> {
        let (key, ended) = (key_of_ended(user_id), now.as_millis());
        let content = Dict::from_iter([(ENDED.into(), Value::from(ended))]);
        let payload = record::encode(&content, self.format()).map_err(EngineError::from)?;
        for _ in 0..MOST_ATTEMPTS {
            let there = self.store.load(&key, None).await.map_err(failed)?;
            let is_done = match there {
                Some(there) if self.ended(&there).is_none_or(|it| it >= now) => true,
                Some(there) => {
                    let replaced =
                        self.store.replace(&key, &there, &payload, Series::LONGEST).await;
                    matches!(replaced.map_err(failed)?, Replaced::Replaced(_))
                }
                None => {
                    let created = self.store.create(&key, &payload, Series::LONGEST).await;
                    matches!(created.map_err(failed)?, Created::Created(_))
                }
            };
            if is_done {
                return Ok(());
            }
        }
        Err(EngineError::Contended.into())
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
        let series = Series::new(user_id, &token, life.unwrap_or(self.life), now);
        self.store.create(&key(&token), &self.payload(&series), series.life()).await?;
        Ok(self.line(&token, series.life(), now))
    }

    /// Judges a cookie, and replaces its token.
    pub(super) async fn returned(&self, value: &[u8], now: UnixTime) -> Result<Return, StoreError> {
        let unknown = Return { user_id: None, line: Some(self.deletion()) };
        let Some(shown) = SeriesToken::parse(value) else { return Ok(unknown) };
        let key = key(&shown);
        let Some(record) = self.store.load(&key, None).await? else { return Ok(unknown) };
        let Some(series) = self.series(&record) else { return Ok(unknown) };
        if self.is_ended(&series).await? {
            self.store.delete(&key).await?;
            return Ok(unknown);
        }
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
        match self.store.replace(key, record, &payload, series.life()).await? {
            Replaced::Replaced(_) => {
                Ok(Return { user_id, line: self.line(&next, series.life(), now) })
            }
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

    /// Reports whether a series had begun when all of its user were ended.
    async fn is_ended(&self, series: &Series) -> Result<bool, StoreError> {
        let there = self.store.load(&key_of_ended(series.user_id()), None).await?;
        // What is damaged ends all: nobody knows any more what it spared.
        Ok(there.is_some_and(|it| self.ended(&it).is_none_or(|at| series.started_at() <= at)))
    }

    /// Returns when all series of a user were ended; `None` if that is damaged.
    fn ended(&self, record: &Record) -> Option<UnixTime> {
        let content = record::decode(&record.payload, self.format(), Limits::default());
        content.ok()?.content?.get(ENDED).and_then(session::time_of)
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

fn key_of_ended(user_id: &str) -> RecordKey {
    RecordKey::new(Series::key_of_ended(user_id))
}

fn failed(error: StoreError) -> crate::Error {
    EngineError::Store(Arc::new(error)).into()
}

fn key(token: &SeriesToken) -> RecordKey {
    RecordKey::new(token.record_key())
}

fn fresh_token() -> Option<SeriesToken> {
    let mut entropy = [0; SeriesToken::ENTROPY];
    getrandom::fill(&mut entropy).ok()?;
    Some(SeriesToken::from_entropy(&entropy))
}
