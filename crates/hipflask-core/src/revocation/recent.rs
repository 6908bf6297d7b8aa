//! What a process has looked up lately, and how long it may rely on it.

use std::{collections::HashMap, time::Duration};

use super::Mark;
use crate::{UnixTime, store::RecordKey};

/// So many sessions are remembered; about 200 bytes each.
const MOST: usize = 1 << 16;

#[derive(Debug, Default)]
pub(super) struct Recent(HashMap<RecordKey, (UnixTime, Option<Mark>)>);

impl Recent {
    pub(super) fn get(
        &self,
        key: &RecordKey,
        now: UnixTime,
        delay: Duration,
    ) -> Option<Option<Mark>> {
        let (at, mark) = self.0.get(key)?;
        // A clock that was set back must not make anything last.
        let is_recent = *at <= now && now.since(*at) < delay;
        is_recent.then(|| mark.clone())
    }

    pub(super) fn put(
        &mut self,
        key: &RecordKey,
        mark: Option<&Mark>,
        now: UnixTime,
        delay: Duration,
    ) {
        if self.0.len() >= MOST {
            self.0.retain(|_, (at, _)| now.since(*at) < delay);
        }
        if self.0.len() < MOST {
            self.0.insert(key.clone(), (now, mark.cloned()));
        }
    }
}
