//! Listing: what is noted of a session in the index of its user, and read from there.

use std::sync::Arc;

use super::{Machine, Sessions, Step, editing::Editing};
use crate::{
    UnixTime,
    engine::EngineError,
    listing::{Listed, UserIndex},
    store::{Answer, RecordKey, StoreError},
    stored::{ListedAs, StoredSessions},
};

/// The index of a user's sessions, being read or changed, as a state machine.
///
/// ```
/// use hipflask_core::{
///     UnixTime, listing, store::Answer, stored::{Settings, StoredSessions},
///     visit::{Machine, Sessions, Step},
/// };
///
/// let settings = Settings { listing: Some(listing::Settings::default()), ..Settings::default() };
/// let sessions = Sessions::from(StoredSessions::new(settings));
/// let mut listing = sessions.list("7", UnixTime::from_secs(1_763_692_800)).unwrap();
/// assert!(matches!(listing.step(), Step::Ask(_)));
/// listing.answer(Ok(Answer::Loaded(None)))?;
/// assert!(matches!(listing.step(), Step::Done) && listing.index().is_none());
/// # Ok::<(), hipflask_core::engine::EngineError>(())
/// ```
#[derive(Clone, Debug)]
pub struct Listing {
    rules: Arc<StoredSessions>,
    change: Change,
    editing: Editing,
    /// The index as it is now; nothing before it was read, and if it is missing or damaged.
    index: Option<UserIndex>,
    /// The session was ended that the change is about.
    is_refused: bool,
    /// The sessions that end by the change.
    ended: Vec<RecordKey>,
    now: UnixTime,
}

#[derive(Clone, Debug)]
pub(super) enum Change {
    /// Add a session that is about to be written, perhaps in the place of another one.
    Add {
        session: Listed,
        instead_of: Option<RecordKey>,
    },
    /// Look whether a session is still there that was added.
    Confirm(RecordKey),
    /// None: look whether a session was ended.
    Look(RecordKey),
    /// None.
    Read,
    /// Say that no session is left that is not listed.
    Relax,
    Remove(RecordKey),
    /// Note that a session is used.
    See(Listed),
    /// End all sessions but one.
    Take {
        but: Option<Listed>,
    },
}

impl Sessions {
    /// Reads which sessions a user has; `None` where they are not listed.
    pub fn list(&self, user: &str, now: UnixTime) -> Option<Listing> {
        let rules = self.listed()?;
        Some(Listing::new(rules, rules.index_of(user), Change::Read, now))
    }

    /// Removes a session of a user from the list, because its record has ended; `None` where sessions
    /// are not listed.
    pub(super) fn unlist(&self, user: &str, session: RecordKey, now: UnixTime) -> Option<Listing> {
        let rules = self.listed()?;
        Some(Listing::new(rules, rules.index_of(user), Change::Remove(session), now))
    }

    fn listed(&self) -> Option<&Arc<StoredSessions>> {
        let Self::Stored(rules) = self else { return None };
        rules.settings().listing.is_some().then_some(rules)
    }
}

impl Listing {
    pub(super) fn new(
        rules: &Arc<StoredSessions>,
        index: RecordKey,
        change: Change,
        now: UnixTime,
    ) -> Self {
        let editing = Editing::new(index, rules.longest());
        let rules = Arc::clone(rules);
        Self { rules, change, editing, index: None, is_refused: false, ended: Vec::new(), now }
    }

    /// Notes that a session is used, unless that was noted a short while ago.
    pub(super) fn see(
        rules: &Arc<StoredSessions>,
        listed: &ListedAs,
        device: Option<&str>,
        now: UnixTime,
    ) -> Option<Self> {
        let session = Listed::new(listed.key.clone(), now, device.map(str::to_owned));
        let see = || Self::new(rules, listed.index.clone(), Change::See(session), now);
        (!rules.was_seen(&listed.key, now)).then(see)
    }

    /// Looks whether a session was ended, and leaves no trace.
    pub(super) fn look(rules: &Arc<StoredSessions>, listed: &ListedAs, now: UnixTime) -> Self {
        Self::new(rules, listed.index.clone(), Change::Look(listed.key.clone()), now)
    }

    /// Returns the index as it is now; `None` if it is missing or damaged.
    pub const fn index(&self) -> Option<&UserIndex> {
        self.index.as_ref()
    }

    pub(super) const fn is_refused(&self) -> bool {
        self.is_refused
    }

    pub(super) const fn is_done(&self) -> bool {
        self.editing.is_done()
    }

    pub(super) const fn attempts(&self) -> u32 {
        self.editing.attempts()
    }

    /// Returns the sessions that end by the change.
    pub(super) fn take_ended(&mut self) -> Vec<RecordKey> {
        std::mem::take(&mut self.ended)
    }

    /// Makes the change to what is there.
    fn plan(&mut self, there: Option<UserIndex>) -> Result<(), EngineError> {
        let (rules, now) = (Arc::clone(&self.rules), self.now);
        let Some(settings) = &rules.settings().listing else {
            self.editing.keep();
            return Ok(());
        };
        let is_there = there.is_some();
        let mut index = there.unwrap_or_default();
        index.prune(now, rules.longest());
        let is_changed = match &self.change {
            Change::Read => false,
            Change::Confirm(key) => {
                self.is_refused = is_there && !index.has(key);
                false
            }
            // Nothing takes the place of a session that was ended.
            Change::Add { instead_of: Some(earlier), .. } if index.refuses(earlier, now) => {
                self.is_refused = true;
                false
            }
            Change::Add { session, instead_of } => {
                let ended = index.add(session.clone(), instead_of.as_ref(), settings);
                self.ended.extend(ended.ok_or(EngineError::TooManySessions)?);
                true
            }
            Change::Look(key) => {
                self.is_refused = index.refuses(key, now);
                false
            }
            Change::See(session) => {
                self.is_refused = index.refuses(session.key(), now);
                !self.is_refused && index.see(session, settings.seen_every)
            }
            Change::Remove(key) => index.remove(key),
            Change::Relax => index.relax(),
            Change::Take { but } => {
                // Whoever was ended meanwhile does not end others.
                if is_there && but.as_ref().is_some_and(|but| !index.has(but.key())) {
                    return Err(EngineError::Gone);
                }
                let until = now.checked_add(rules.longest()).unwrap_or(now);
                self.ended.extend(index.take(but.as_ref(), until));
                true
            }
        };
        // What an attempt before this one was about to end may have been left to live.
        self.ended.retain(|key| !index.has(key));
        if is_changed {
            let payload = index.encode(&rules.settings().coding(now), self.editing.key())?;
            self.editing.write(payload)?;
        } else {
            self.editing.keep();
        }
        self.index = (is_there || is_changed).then_some(index);
        Ok(())
    }

    /// Takes over in this process what is known now.
    fn finish(&self) {
        match &self.change {
            Change::See(session) if !self.is_refused => {
                self.rules.note_seen(session.key(), self.now);
            }
            Change::Take { .. } => self.rules.forget_seen(),
            _ => {}
        }
    }
}

impl Machine for Listing {
    fn step(&self) -> Step<'_> {
        self.editing.step()
    }

    fn answer(&mut self, answer: Result<Answer, StoreError>) -> Result<(), EngineError> {
        self.editing.answer(answer)?;
        if let Some(current) = self.editing.current() {
            let (coding, key) = (self.rules.settings().coding(self.now), self.editing.key());
            let there = current.and_then(|record| UserIndex::decode(record, &coding, key));
            self.plan(there)?;
        }
        if self.editing.is_done() {
            self.finish();
        }
        Ok(())
    }

    fn waited(&mut self) {
        self.editing.waited();
    }
}
