//! Revoking a user: the end of all of a user's sessions, or of all but one, wherever they lie.

use std::sync::Arc;

use super::{
    Machine, Sessions, Step, Visit,
    listing::{Change, Listing},
    marking::Marking,
    revoking::Revoking,
};
use crate::{
    UnixTime,
    engine::{EngineError, Losses},
    listing::Listed,
    store::{Answer, Page, Question, RecordKey, StoreError},
    stored::StoredSessions,
};

/// How many records are read in one step.
pub(super) const PART: usize = 256;

/// How often all records are gone through until none is found any more: a request under way may give
/// a session a new id behind the reader's back.
const MOST_WALKS: usize = 8;

/// The sessions of a user, being ended, as a state machine.
///
/// In signed cookies all that was signed so far is refused. In a store the records are deleted that
/// the list of the user's sessions has, and then those that are found by reading all records. Where
/// a store cannot be read through, what is not listed is refused from now on.
///
/// ```
/// use hipflask_core::{
///     UnixTime, interface::CookieSessions, revocation::{RevocableSessions, Settings}, signing::KeyRing,
///     store::{Answer, Created, Question, Revision}, visit::{Machine, Sessions, Step},
/// };
///
/// let cookies = CookieSessions::new(&KeyRing::new("k"));
/// let sessions = Sessions::from(RevocableSessions::new(cookies, Settings::default()));
/// let mut revoking = sessions.revoke_user("7", UnixTime::from_secs(1_763_692_800)).unwrap();
/// revoking.answer(Ok(Answer::Loaded(None)))?;
/// assert!(matches!(revoking.step(), Step::Ask(Question::Create { .. })));
/// revoking.answer(Ok(Answer::Created(Created::Created(Revision::default()))))?;
/// assert!(matches!(revoking.step(), Step::Done));
/// # Ok::<(), hipflask_core::engine::EngineError>(())
/// ```
#[derive(Clone, Debug)]
pub struct RevokingUser(Way);

#[derive(Clone, Debug)]
enum Way {
    Cookies(Box<Marking>),
    Store(Box<Clearing>),
}

/// The records of a user, being deleted.
#[derive(Clone, Debug)]
struct Clearing {
    rules: Arc<StoredSessions>,
    user: String,
    but: Option<RecordKey>,
    stage: Stage,
    /// All records are being read.
    has_begun: bool,
    /// Where the next part of them starts.
    cursor: Option<String>,
    /// Something was found in this round.
    has_found: bool,
    n_walks: usize,
    losses: Losses,
    now: UnixTime,
}

#[derive(Clone, Debug)]
enum Stage {
    /// Empties the list.
    Taking(Box<Listing>),
    Deleting(Revoking),
    Scanning,
    /// Looks which of those that were found have logged in since the list was emptied.
    Checking(Box<Listing>, Vec<RecordKey>),
    Relaxing(Box<Listing>),
    Done,
}

impl Sessions {
    /// Ends all sessions of a user; `None` for signed cookies that cannot be revoked.
    pub fn revoke_user(&self, user: &str, now: UnixTime) -> Option<RevokingUser> {
        Some(RevokingUser(match self {
            Self::Revocable(rules) => Way::Cookies(Box::new(Marking::of_user(rules, user, now))),
            Self::Signed(_) => return None,
            Self::Stored(rules) => Way::Store(Box::new(Clearing::new(rules, user, None, now))),
        }))
    }
}

impl Visit {
    /// Ends all sessions of a user but this one; `None` for signed cookies that cannot be revoked, or
    /// that had no user when they were opened.
    pub fn revoke_others(&self, user: &str, now: UnixTime) -> Option<RevokingUser> {
        Some(RevokingUser(match &self.sessions {
            Sessions::Revocable(rules) => {
                Way::Cookies(Box::new(Marking::of_others(rules, self.origin.as_deref()?, now)?))
            }
            Sessions::Signed(_) => return None,
            Sessions::Stored(rules) => {
                let mine = self.held().map(|held| held.snapshot().key().clone());
                Way::Store(Box::new(Clearing::new(rules, user, mine, now)))
            }
        }))
    }
}

impl Machine for RevokingUser {
    fn step(&self) -> Step<'_> {
        match &self.0 {
            Way::Cookies(marking) => marking.step(),
            Way::Store(clearing) => clearing.step(),
        }
    }

    fn answer(&mut self, answer: Result<Answer, StoreError>) -> Result<(), EngineError> {
        match &mut self.0 {
            Way::Cookies(marking) => marking.answer(answer),
            Way::Store(clearing) => clearing.answer(answer),
        }
    }

    fn waited(&mut self) {
        match &mut self.0 {
            Way::Cookies(marking) => marking.waited(),
            Way::Store(clearing) => clearing.waited(),
        }
    }
}

impl Clearing {
    fn new(rules: &Arc<StoredSessions>, user: &str, but: Option<RecordKey>, now: UnixTime) -> Self {
        let mut clearing = Self {
            rules: Arc::clone(rules),
            user: user.to_owned(),
            but,
            stage: Stage::Deleting(Revoking::of_records(Vec::new())),
            has_begun: false,
            cursor: None,
            has_found: false,
            n_walks: 0,
            losses: Losses::default(),
            now,
        };
        if rules.settings().listing.is_some() {
            let but = clearing.but.clone().map(|key| Listed::new(key, now, None));
            clearing.stage = Stage::Taking(clearing.listing(Change::Take { but }));
        } else {
            (clearing.stage, clearing.has_begun) = (Stage::Scanning, true);
        }
        clearing
    }

    fn listing(&self, change: Change) -> Box<Listing> {
        let index = self.rules.index_of(&self.user);
        Box::new(Listing::new(&self.rules, index, change, self.now))
    }

    /// Finds the sessions of the user in a part of all records.
    fn find(&mut self, page: Page) -> Stage {
        self.cursor = page.next;
        let entries = page.entries.into_iter();
        let found = entries.filter(|entry| {
            let content = self.rules.content_of(entry, self.now);
            let user = content.and_then(|content| self.rules.user_of(&content));
            user.as_ref() == Some(&self.user) && Some(&entry.key) != self.but.as_ref()
        });
        let found: Vec<RecordKey> = found.map(|entry| entry.key).collect();
        if !found.is_empty() && self.rules.settings().listing.is_some() {
            return Stage::Checking(self.listing(Change::Read), found);
        }
        self.delete(found)
    }

    fn delete(&mut self, keys: Vec<RecordKey>) -> Stage {
        self.has_found |= !keys.is_empty();
        Stage::Deleting(Revoking::of_records(keys))
    }

    /// What follows a part of all records.
    fn next_part(&mut self) -> Result<Stage, EngineError> {
        if self.cursor.is_some() {
            return Ok(Stage::Scanning);
        }
        self.n_walks += 1;
        match (std::mem::take(&mut self.has_found), self.rules.settings().listing.is_some()) {
            (true, _) if self.n_walks == MOST_WALKS => Err(EngineError::Contended),
            (true, _) => Ok(Stage::Scanning),
            (false, true) => Ok(Stage::Relaxing(self.listing(Change::Relax))),
            (false, false) => Ok(Stage::Done),
        }
    }

    /// Goes on to the next stage that has something to ask.
    fn go_on(&mut self) -> Result<(), EngineError> {
        loop {
            self.stage = match &mut self.stage {
                Stage::Taking(taking) if taking.is_done() => {
                    Stage::Deleting(Revoking::of_records(taking.take_ended()))
                }
                Stage::Deleting(revoking) if revoking.is_done() && !self.has_begun => {
                    self.has_begun = true;
                    Stage::Scanning
                }
                Stage::Deleting(revoking) if revoking.is_done() => self.next_part()?,
                Stage::Checking(listing, found) if listing.is_done() => {
                    let index = listing.index();
                    let mut found = std::mem::take(found);
                    found.retain(|key| !index.is_some_and(|index| index.has(key)));
                    self.delete(found)
                }
                Stage::Relaxing(relaxing) if relaxing.is_done() => Stage::Done,
                _ => return Ok(()),
            };
        }
    }

    fn step(&self) -> Step<'_> {
        match &self.stage {
            Stage::Taking(it) | Stage::Checking(it, _) | Stage::Relaxing(it) => it.step(),
            Stage::Deleting(revoking) => revoking.step(),
            Stage::Scanning => Step::Ask(Question::Scan {
                prefix: &self.rules.settings().key_prefix,
                cursor: self.cursor.as_deref(),
                limit: PART,
            }),
            Stage::Done => Step::Done,
        }
    }

    fn answer(&mut self, answer: Result<Answer, StoreError>) -> Result<(), EngineError> {
        match (&mut self.stage, answer) {
            (Stage::Taking(it) | Stage::Checking(it, _) | Stage::Relaxing(it), answer) => {
                it.answer(answer)?;
            }
            (Stage::Deleting(revoking), answer) => revoking.answer(answer)?,
            (Stage::Scanning, Ok(Answer::Scanned(page))) => {
                self.losses.settle();
                self.stage = self.find(page);
            }
            // What is not listed is refused from now on.
            (Stage::Scanning, Err(StoreError::Unsupported(_)))
                if self.rules.settings().listing.is_some() =>
            {
                self.stage = Stage::Done;
            }
            (Stage::Scanning, Err(error)) => self.losses.note(error)?,
            (Stage::Scanning, Ok(_)) | (Stage::Done, _) => {}
        }
        self.go_on()
    }

    fn waited(&mut self) {
        match &mut self.stage {
            Stage::Taking(it) | Stage::Checking(it, _) | Stage::Relaxing(it) => it.waited(),
            Stage::Deleting(_) | Stage::Scanning | Stage::Done => {}
        }
    }
}
