//! The index of one user's sessions: a record beside those of the sessions.

use std::{cmp::Reverse, time::Duration};

use super::{OnUserLimit, Settings};
use crate::{
    UnixTime,
    record::{Coding, EncodeError},
    store::{Record, RecordKey},
    value::{Dict, Value},
};

const CREATED: &str = "created";
const DEVICE: &str = "device";
const KEY: &str = "key";
const REFUSES_UNTIL: &str = "refuses_until";
const SEEN: &str = "seen";
const SESSIONS: &str = "sessions";

/// More sessions than these no user has: the oldest end.
pub const MOST_SESSIONS: usize = 1000;

/// A session of a user, as the index has it.
#[derive(Clone, Debug, Eq, PartialEq)] // safe to print: `RecordKey` redacts itself
pub struct Listed {
    pub(crate) key: RecordKey,
    pub(crate) created: UnixTime,
    pub(crate) seen: UnixTime,
    pub(crate) device: Option<String>,
}

impl Listed {
    pub(crate) fn new(key: RecordKey, now: UnixTime, device: Option<String>) -> Self {
        Self { key, created: now, seen: now, device }
    }

    /// Returns where the session's record lies.
    pub const fn key(&self) -> &RecordKey {
        &self.key
    }

    /// Returns since when the user has had the session under this id, to the second.
    pub const fn created(&self) -> UnixTime {
        self.created
    }

    /// Returns when it was last used, as exactly as [`Settings::seen_every`].
    pub const fn seen(&self) -> UnixTime {
        self.seen
    }

    /// Returns the device that it was seen on, if that was told.
    pub fn device(&self) -> Option<&str> {
        self.device.as_deref()
    }

    fn to_value(&self) -> Value {
        let mut items = Dict::from_iter([
            (KEY.into(), Value::from(self.key.as_str())),
            (CREATED.into(), self.created.as_secs().into()),
            (SEEN.into(), self.seen.as_secs().into()),
        ]);
        if let Some(device) = &self.device {
            items.insert(DEVICE, device.as_str().into());
        }
        Value::Dict(items)
    }

    fn of_value(value: &Value) -> Option<Self> {
        let items = value.as_dict()?;
        Some(Self {
            key: RecordKey::new(items.get(KEY)?.as_str()?),
            created: seconds(items, CREATED)?,
            seen: seconds(items, SEEN)?,
            device: items.get(DEVICE).and_then(Value::as_str).map(str::to_owned),
        })
    }
}

fn seconds(items: &Dict, key: &str) -> Option<UnixTime> {
    Some(UnixTime::from_secs(u64::try_from(items.get(key)?.as_i64()?).ok()?))
}

/// Which sessions a user has.
///
/// ```
/// use hipflask_core::listing::UserIndex;
///
/// assert!(UserIndex::default().sessions().is_empty());
/// ```
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct UserIndex {
    /// Until then a session that is not in it was ended; afterwards none of that time is left.
    refuses_until: UnixTime,
    sessions: Vec<Listed>,
}

impl UserIndex {
    /// Returns the sessions, in the order of their log-ins.
    pub fn sessions(&self) -> &[Listed] {
        &self.sessions
    }

    pub(crate) fn has(&self, key: &RecordKey) -> bool {
        self.sessions.iter().any(|it| it.key == *key)
    }

    /// Reports whether a session was ended that is not in it.
    pub(crate) fn refuses(&self, key: &RecordKey, now: UnixTime) -> bool {
        now < self.refuses_until && !self.has(key)
    }

    /// Drops what has certainly ended by itself.
    pub(crate) fn prune(&mut self, now: UnixTime, longest: Duration) {
        self.sessions.retain(|it| now.since(it.seen) <= longest);
    }

    /// Adds a session, and returns those that end because there are too many; `None` if this one is
    /// refused because of that. What it takes the place of does not count.
    pub(crate) fn add(
        &mut self,
        session: Listed,
        instead_of: Option<&RecordKey>,
        settings: &Settings,
    ) -> Option<Vec<RecordKey>> {
        self.remove(&session.key);
        let others = self.sessions.iter().filter(|it| Some(&it.key) != instead_of);
        let mut others: Vec<_> = others.map(|it| (Reverse(it.seen), it.key.clone())).collect();
        let most = settings.most.unwrap_or(MOST_SESSIONS).clamp(1, MOST_SESSIONS);
        if others.len() >= most && settings.on_user_limit == OnUserLimit::Refuse {
            return None;
        }
        others.sort_by_key(|(seen, _)| *seen);
        let end = others.split_off((most - 1).min(others.len()));
        let end: Vec<RecordKey> = end.into_iter().map(|(_, key)| key).collect();
        self.sessions.retain(|it| !end.contains(&it.key));
        self.sessions.push(session);
        Some(end)
    }

    /// Notes that a session is used, and reports whether that is worth keeping.
    pub(crate) fn see(&mut self, session: &Listed, every: Duration) -> bool {
        match self.sessions.iter_mut().find(|it| it.key == session.key) {
            Some(it) if session.seen.since(it.seen) < every => false,
            Some(it) => {
                it.seen = session.seen;
                it.device = session.device.clone().or(it.device.take());
                true
            }
            None => {
                self.sessions.push(session.clone());
                true
            }
        }
    }

    /// Removes a session, and reports whether it was there.
    pub(crate) fn remove(&mut self, key: &RecordKey) -> bool {
        let n = self.sessions.len();
        self.sessions.retain(|it| it.key != *key);
        self.sessions.len() < n
    }

    /// Ends all sessions but one, also those that are not in it, and returns where they lie.
    pub(crate) fn take(&mut self, but: Option<&Listed>, refuses_until: UnixTime) -> Vec<RecordKey> {
        let sessions = std::mem::take(&mut self.sessions);
        let is_spared = |it: &Listed| but.is_some_and(|but| it.key == but.key);
        let (spared, ended): (Vec<_>, Vec<_>) = sessions.into_iter().partition(is_spared);
        self.sessions = if spared.is_empty() { but.cloned().into_iter().collect() } else { spared };
        self.refuses_until = refuses_until;
        ended.into_iter().map(|it| it.key).collect()
    }

    /// No session is left that is not in it.
    pub(crate) fn relax(&mut self) -> bool {
        let was = std::mem::take(&mut self.refuses_until);
        was != self.refuses_until
    }

    /// Writes an index that lies under a key.
    pub(crate) fn encode(&self, coding: &Coding, key: &RecordKey) -> Result<Vec<u8>, EncodeError> {
        let sessions = self.sessions.iter().map(Listed::to_value).collect();
        let content = Dict::from_iter([
            (REFUSES_UNTIL.into(), Value::from(self.refuses_until.as_secs())),
            (SESSIONS.into(), Value::List(sessions)),
        ]);
        coding.encode(&content, key.as_str())
    }

    /// Reads an index; `None` if it is damaged.
    pub(crate) fn decode(record: &Record, coding: &Coding, key: &RecordKey) -> Option<Self> {
        let content = coding.decode(&record.payload, key.as_str()).ok()?.content?;
        let sessions = content.get(SESSIONS)?.as_list()?.iter().map(Listed::of_value);
        Some(Self {
            refuses_until: seconds(&content, REFUSES_UNTIL)?,
            sessions: sessions.collect::<Option<_>>()?,
        })
    }
}
