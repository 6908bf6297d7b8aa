//! Listing a user: the sessions that a user has in the store, read one after the other.

use std::{sync::Arc, time::Duration};

use super::{
    Machine, Sessions, Step,
    listing::{Change, Listing},
    revoking_user::PART,
};
use crate::{
    UnixTime,
    engine::{EngineError, Losses},
    listing::{Listed, UserSession},
    session::{self, AUTHENTICATED},
    store::{Answer, Entry, Page, Question, Record, RecordKey, StoreError},
    stored::StoredSessions,
};

/// How long a log-in may take that has listed its session and has not yet written it.
const LONGEST_LOG_IN: Duration = Duration::from_secs(60);

/// The sessions of a user, being read, as a state machine.
///
/// From the list of the user's sessions, if there is one: what has ended by itself is taken from it.
/// Else all records are read, and what is found is listed.
///
/// ```
/// use hipflask_core::{
///     UnixTime, store::{Answer, Page, Question}, stored::{Settings, StoredSessions},
///     visit::{Machine, Sessions, Step},
/// };
///
/// let sessions = Sessions::from(StoredSessions::new(Settings::default()));
/// let mut reading = sessions.sessions_of("7", UnixTime::from_secs(1_763_692_800)).unwrap();
/// assert!(matches!(reading.step(), Step::Ask(Question::Scan { prefix: "session:", .. })));
/// reading.answer(Ok(Answer::Scanned(Page::default())))?;
/// assert!(matches!(reading.step(), Step::Done) && reading.into_sessions().is_empty());
/// # Ok::<(), hipflask_core::engine::EngineError>(())
/// ```
#[derive(Clone, Debug)]
pub struct ListingUser {
    rules: Arc<StoredSessions>,
    user: String,
    stage: Stage,
    found: Vec<UserSession>,
    losses: Losses,
    now: UnixTime,
}

#[derive(Clone, Debug)]
enum Stage {
    Reading(Box<Listing>),
    /// Reads what is listed, the last first.
    Loading {
        listed: Vec<Listed>,
        ended: Vec<RecordKey>,
    },
    Scanning(Option<String>),
    /// Takes from the list what has ended, or adds to it what was found.
    Mending(Vec<Listing>),
    Done,
}

impl Sessions {
    /// Reads which sessions a user has; `None` where sessions lie in cookies: nobody knows how many
    /// there are.
    pub fn sessions_of(&self, user: &str, now: UnixTime) -> Option<ListingUser> {
        let Self::Stored(rules) = self else { return None };
        let stage = match self.list(user, now) {
            Some(listing) => Stage::Reading(Box::new(listing)),
            None => Stage::Scanning(None),
        };
        let (rules, user, losses) = (Arc::clone(rules), user.to_owned(), Losses::default());
        Some(ListingUser { rules, user, stage, found: Vec::new(), losses, now })
    }
}

impl ListingUser {
    /// Returns the sessions, in the order of their log-ins as far as that is known.
    pub fn into_sessions(self) -> Vec<UserSession> {
        let mut sessions = self.found;
        sessions.sort_by_key(|it| it.authenticated_at);
        sessions
    }

    pub(super) fn found(&self) -> &[UserSession] {
        &self.found
    }

    /// Returns what a record says, if it is one of a session of the user.
    fn session(&self, entry: Entry) -> Option<UserSession> {
        let content = self.rules.content_of(&entry, self.now)?;
        let user = self.rules.user_of(&content)?;
        (user == self.user).then(|| UserSession {
            key: entry.key,
            authenticated_at: content.get(AUTHENTICATED).and_then(session::time_of),
            last_seen: None,
            device: None,
            expires_in: entry.expires_in,
            len: entry.record.payload.len(),
        })
    }

    /// Takes up a session that is listed, or has ended by itself.
    fn loaded(&mut self, record: Option<Record>) {
        let Stage::Loading { listed, .. } = &mut self.stage else { return };
        let Some(it) = listed.pop() else { return };
        let entry = |record| Entry { key: it.key.clone(), record, expires_in: None };
        let found = record.and_then(|record| self.session(entry(record)));
        match (found, &mut self.stage) {
            (Some(found), _) => self.found.push(UserSession {
                authenticated_at: found.authenticated_at.or(Some(it.created)),
                last_seen: Some(it.seen),
                device: it.device,
                ..found
            }),
            (None, Stage::Loading { ended, .. }) if self.now.since(it.seen) >= LONGEST_LOG_IN => {
                ended.push(it.key);
            }
            (None, _) => {}
        }
    }

    fn scanned(&mut self, page: Page) {
        for entry in page.entries {
            self.found.extend(self.session(entry));
        }
        self.stage = match page.next {
            Some(next) => Stage::Scanning(Some(next)),
            None => self.mend(
                self.found
                    .iter()
                    .map(|it| Change::See(Listed::new(it.key.clone(), self.now, None))),
            ),
        };
    }

    fn mend(&self, changes: impl Iterator<Item = Change>) -> Stage {
        let index = self.rules.index_of(&self.user);
        let listing = |change| Listing::new(&self.rules, index.clone(), change, self.now);
        let is_listing = self.rules.settings().listing.is_some();
        Stage::Mending(changes.filter(|_| is_listing).map(listing).collect())
    }

    fn go_on(&mut self) {
        loop {
            self.stage = match &mut self.stage {
                Stage::Reading(listing) if listing.is_done() => match listing.index() {
                    Some(index) => {
                        let listed = index.sessions().iter().rev().cloned().collect();
                        Stage::Loading { listed, ended: Vec::new() }
                    }
                    None => Stage::Scanning(None),
                },
                Stage::Loading { listed, ended } if listed.is_empty() => {
                    let ended = std::mem::take(ended);
                    self.mend(ended.into_iter().map(Change::Remove))
                }
                Stage::Mending(listings) => {
                    listings.pop_if(|listing| listing.is_done());
                    match listings.last() {
                        None => Stage::Done,
                        Some(listing) if listing.is_done() => continue,
                        Some(_) => return,
                    }
                }
                _ => return,
            };
        }
    }
}

impl Machine for ListingUser {
    fn step(&self) -> Step<'_> {
        match &self.stage {
            Stage::Reading(listing) => listing.step(),
            Stage::Loading { listed, .. } => listed
                .last()
                .map_or(Step::Done, |it| Step::Ask(Question::Load { key: it.key(), touch: None })),
            Stage::Scanning(cursor) => Step::Ask(Question::Scan {
                prefix: &self.rules.settings().key_prefix,
                cursor: cursor.as_deref(),
                limit: PART,
            }),
            Stage::Mending(listings) => listings.last().map_or(Step::Done, Machine::step),
            Stage::Done => Step::Done,
        }
    }

    fn answer(&mut self, answer: Result<Answer, StoreError>) -> Result<(), EngineError> {
        match (&mut self.stage, answer) {
            (Stage::Reading(listing), answer) => listing.answer(answer)?,
            // What is listed wrongly is mended another time.
            (Stage::Mending(listings), answer) => {
                if listings.last_mut().is_some_and(|it| it.answer(answer).is_err()) {
                    listings.clear();
                }
            }
            (Stage::Loading { .. }, Ok(Answer::Loaded(record))) => {
                self.losses.settle();
                self.loaded(record);
            }
            (Stage::Scanning(_), Ok(Answer::Scanned(page))) => {
                self.losses.settle();
                self.scanned(page);
            }
            // Nobody has logged in since sessions are listed, or the list was lost.
            (Stage::Scanning(_), Err(StoreError::Unsupported(_)))
                if self.rules.settings().listing.is_some() =>
            {
                self.stage = Stage::Done;
            }
            (_, Err(error)) => self.losses.note(error)?,
            (_, Ok(_)) => {}
        }
        self.go_on();
        Ok(())
    }

    fn waited(&mut self) {
        match &mut self.stage {
            Stage::Reading(listing) => listing.waited(),
            Stage::Mending(listings) => listings.iter_mut().for_each(Machine::waited),
            Stage::Loading { .. } | Stage::Scanning(_) | Stage::Done => {}
        }
    }
}
