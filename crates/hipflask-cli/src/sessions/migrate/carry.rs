//! Brings records into the target: written if they are not there, read again afterwards.

use std::{collections::HashSet, time::Duration};

use hipflask::store::{AnyStore, Created, Creation, Record, Replaced, Store, StoreError, Touch};
use hipflask_core::record::Coding;

use super::{
    report::Outcome,
    source::{Job, SLACK},
    verdict::{Verdict, judge},
};
use crate::sessions::walk::patiently;

/// Writes into the target; or only looks.
pub(super) struct Carrier {
    pub(super) to: AnyStore,
    pub(super) is_dry: bool,
    /// There is nothing yet in which something could be.
    pub(super) is_missing: bool,
}

impl Carrier {
    /// Writes records of which the target knows nothing, as far as it can write many at once, and says of
    /// each whether it was written.
    pub(super) async fn create_many<'a>(
        &self,
        jobs: &'a [Job],
    ) -> Result<Vec<(&'a Job, bool)>, StoreError> {
        let is_new = |job: &&Job| !(self.is_dry || self.is_missing || job.was_there());
        let new = jobs.iter().filter(is_new).filter_map(|job| Some((job, job.ttl()?)));
        let (new, records): (Vec<_>, Vec<_>) = new
            .map(|(job, ttl)| (job.handle, Creation { key: &job.key, payload: &job.payload, ttl }))
            .unzip();
        if records.is_empty() {
            return Ok(jobs.iter().map(|job| (job, false)).collect());
        }
        let written = match patiently(|| self.to.create_many(&records)).await {
            Err(error) if error.is_transient() => return Err(error),
            // One of them is why none was written: each is tried by itself.
            written => written.unwrap_or_default(),
        };
        let written =
            new.into_iter().zip(written).filter_map(|(it, is_written)| is_written.then_some(it));
        let written: HashSet<_> = written.collect();
        Ok(jobs.iter().map(|job| (job, written.contains(&job.handle))).collect())
    }

    /// Sees to it that the target has a record. Faults of single records are outcomes.
    pub(super) async fn bring(
        &self,
        job: &Job,
        is_written: bool,
        coding: &Coding,
    ) -> Result<Outcome, StoreError> {
        let outcome = match is_written {
            true => self.verify(job, Outcome::Copied).await,
            false => self.try_bring(job, coding).await,
        };
        match outcome {
            Err(error @ (StoreError::Key(_) | StoreError::TooLarge { .. })) => {
                Ok(Outcome::Refused(refusal(&error)))
            }
            outcome => outcome,
        }
    }

    async fn try_bring(&self, job: &Job, coding: &Coding) -> Result<Outcome, StoreError> {
        let Some(ttl) = job.ttl() else { return Ok(Outcome::Expired) };
        if self.is_missing {
            return Ok(Outcome::Copied);
        }
        let was_there = job.was_there();
        if self.is_dry || was_there {
            match self.load(job, ttl).await? {
                Some(found) => return self.meet(found, job, ttl, coding).await,
                None if was_there && !self.has_expired_there(job) => {
                    return Ok(Outcome::EndedInTarget);
                }
                None if self.is_dry => return Ok(Outcome::Copied),
                None => {}
            }
        }
        match patiently(|| self.to.create(&job.key, &job.payload, ttl)).await? {
            Created::Created(_) => self.verify(job, Outcome::Copied).await,
            Created::Exists => match self.load(job, ttl).await? {
                Some(found) => self.meet(found, job, ttl, coding).await,
                None => Ok(Outcome::EndedInTarget),
            },
        }
    }

    /// Deals with what the target has.
    async fn meet(
        &self,
        found: Record,
        job: &Job,
        ttl: Duration,
        coding: &Coding,
    ) -> Result<Outcome, StoreError> {
        match judge(&found, job, coding) {
            Verdict::Keep(outcome) => Ok(outcome),
            Verdict::Replace if self.is_dry => Ok(Outcome::Updated),
            Verdict::Replace => {
                let replaced =
                    patiently(|| self.to.replace(&job.key, &found, &job.payload, ttl)).await?;
                match replaced {
                    Replaced::Replaced(_) => self.verify(job, Outcome::Updated).await,
                    // An answer that was lost, or a user.
                    Replaced::Conflict(it) if it.payload == job.payload => Ok(Outcome::Updated),
                    Replaced::Conflict(_) => Ok(Outcome::Newer),
                    Replaced::Gone => Ok(Outcome::EndedInTarget),
                }
            }
        }
    }

    /// Reads what was written. Something else is of a user who was faster.
    async fn verify(&self, job: &Job, outcome: Outcome) -> Result<Outcome, StoreError> {
        let found = patiently(|| self.to.load(&job.key, None)).await?;
        Ok(match found {
            Some(_) => outcome,
            None if job.ttl().is_none_or(|left| left < Duration::from_secs(2)) => Outcome::Expired,
            None => Outcome::Lost,
        })
    }

    /// Extends the life of a session that is unchanged, as far as it was extended in the source.
    pub(super) async fn extend(&self, job: &Job) -> Result<(), StoreError> {
        match job.ttl() {
            Some(ttl) if !self.is_dry => self.load(job, ttl).await.map(drop),
            _ => Ok(()),
        }
    }

    async fn load(&self, job: &Job, ttl: Duration) -> Result<Option<Record>, StoreError> {
        let touch = Touch { ttl, when_below: ttl.saturating_sub(SLACK) };
        let touch = Some(touch).filter(|_| !self.is_dry);
        patiently(|| self.to.load(&job.key, touch)).await
    }

    /// Reports whether a record that was written earlier may have ended by itself.
    fn has_expired_there(&self, job: &Job) -> bool {
        job.known.as_ref().is_none_or(|it| it.expires <= job.now.as_secs())
    }
}

/// Says why the target does not take a record, in words that are the same for many records.
fn refusal(error: &StoreError) -> String {
    match error {
        StoreError::TooLarge { limit, .. } => format!("larger than {limit} bytes"),
        error => error.to_string(),
    }
}
