//! Storing: what is to become of a stored session, and of its place in the list of its user's.

use std::{sync::Arc, time::Duration};

use super::{
    Machine, Step, back_off,
    listing::{Change, Listing},
    revoking::Revoking,
    sessions::Whereabouts,
    wanting::{content, wish},
};
use crate::{
    UnixTime, cookie,
    engine::{EngineError, Outcome, Saving, Wish},
    interface::{SaveAction, Saved},
    listing::Listed,
    reason::Reason,
    record::Format,
    session::{self, Fate, Session},
    store::{Answer, RecordKey, StoreError},
    stored::{Held, ListedAs, SessionId, StoredSessions, is_left_alone},
};

/// A stored session on its way into the store, or to its end.
#[derive(Clone, Debug)]
pub(super) struct Storing {
    rules: Arc<StoredSessions>,
    stage: Stage,
    /// Ends the session that was, where a new one follows.
    ending: Option<Saving>,
    /// Saves the session that is.
    saving: Saving,
    /// Where the session was listed, and where it is to be.
    was_listed: Option<ListedAs>,
    is_listed: Option<ListedAs>,
    /// What ends, because of what was found in the list.
    ends: Vec<RecordKey>,
    is_revoked: bool,
    /// What the record was written as, and what else it is to be.
    reformatted: Option<(Format, Format)>,
    id: SessionId,
    modified: bool,
    accessed: bool,
    blank: bool,
    wait: Option<Duration>,
    attempts: u32,
    now: UnixTime,
}

/// In this order: at no time a session of a user is there that is not listed.
#[derive(Clone, Debug)]
enum Stage {
    /// Lists the session that is to be.
    Adding(Box<Listing>),
    Ending,
    Saving,
    /// Looks whether the session was ended that was just written: before it was there to be ended.
    Confirming(Box<Listing>),
    Removing(Box<Listing>),
    Deleting(Revoking),
    Done,
}

impl Storing {
    /// Plans how to save a session; `None` if there is nothing to do, neither in the store nor in
    /// the browser.
    pub(super) fn new(
        rules: Arc<StoredSessions>,
        session: &Session,
        (reason, is_due): (Reason, bool),
        (held, whereabouts): (Option<Held>, Option<Whereabouts>),
        entropy: &[u8],
        now: UnixTime,
    ) -> Result<Option<Self>, EngineError> {
        let (modified, blank) = (session.is_modified(), session.is_blank());
        let Whereabouts { device, listed: was_listed } = whereabouts.unwrap_or_default();
        if !modified && (blank || !is_due) || is_left_alone(session, reason) {
            return Ok(None);
        }
        let fate = if modified { session.fate() } else { Fate::Kept };
        let ends = blank && (fate == Fate::Ended || session.is_cleared());
        let (ending, held) = if fate == Fate::Ended && !ends { (held, None) } else { (None, held) };
        let keeps_id = blank || fate == Fate::Kept;
        let id = match &held {
            Some(held) if keeps_id => held.id().clone(),
            _ => SessionId::from_entropy(entropy),
        };
        let earlier = held.as_ref().map(|held| held.snapshot().content());
        let content = content(&rules, session, earlier, keeps_id, now);
        let wanted = Wish {
            grown: session.grown(),
            ..wish(&rules, &id, held.as_ref(), (!ends).then_some(content), now)
        };
        let is_listed =
            wanted.content.as_ref().and_then(|content| rules.listed_as(content, &wanted.key));
        let reformatted = held.as_ref().and_then(|held| held.snapshot().reformatted(&wanted));
        let saving = if reason == Reason::Renewed && (ends || fate == Fate::Kept) {
            // The session goes on under an id that this browser is about to get.
            Saving::dropped(wanted, Outcome::RenewedElsewhere)
        } else {
            Saving::new(held.map(Held::into_snapshot), wanted)?
        };
        let end = |held: Held| {
            let wish = wish(&rules, held.id(), Some(&held), None, now);
            Saving::new(Some(held.into_snapshot()), wish)
        };
        let (ending, accessed) = (ending.map(end).transpose()?, session.is_accessed());
        let adds = is_listed.as_ref().filter(|it| {
            was_listed.as_ref() != Some(it) && saving.outcome() != Some(Outcome::RenewedElsewhere)
        });
        let stage = match adds {
            Some(ListedAs { index, key }) => {
                let instead_of = was_listed.as_ref().map(|it| it.key.clone());
                let session = Listed::new(key.clone(), now, device);
                let add = Change::Add { session, instead_of };
                Stage::Adding(Box::new(Listing::new(&rules, index.clone(), add, now)))
            }
            None => Stage::Ending,
        };
        let mut storing = Self {
            rules,
            stage,
            ending,
            saving,
            was_listed,
            is_listed,
            ends: Vec::new(),
            is_revoked: false,
            reformatted,
            id,
            modified,
            accessed,
            blank,
            wait: None,
            attempts: 0,
            now,
        };
        storing.go_on();
        Ok(Some(storing))
    }

    /// Goes on to the next stage that has something to ask.
    fn go_on(&mut self) {
        loop {
            self.stage = match &mut self.stage {
                Stage::Adding(adding) if adding.is_done() && adding.is_refused() => {
                    self.is_revoked = true;
                    self.ends.extend(self.was_listed.take().map(|it| it.key));
                    self.delete()
                }
                Stage::Adding(adding) if adding.is_done() => {
                    self.ends = adding.take_ended();
                    Stage::Ending
                }
                Stage::Ending if self.ending.as_ref().is_none_or(|it| it.outcome().is_some()) => {
                    Stage::Saving
                }
                Stage::Saving => match self.saving.outcome() {
                    None => return,
                    Some(outcome) => self.saved(outcome),
                },
                Stage::Confirming(confirming) if confirming.is_done() => {
                    self.is_revoked = confirming.is_refused();
                    if let Some(listed) = self.is_listed.take_if(|_| self.is_revoked) {
                        self.ends.push(listed.key);
                    }
                    self.remove_earlier()
                }
                Stage::Removing(removing) if removing.is_done() => self.delete(),
                Stage::Deleting(revoking) if revoking.is_done() => Stage::Done,
                _ => return,
            };
        }
    }

    /// What follows once it is known what became of the session.
    fn saved(&mut self, outcome: Outcome) -> Stage {
        let is_there = matches!(outcome, Outcome::Saved | Outcome::Unchanged);
        let is_new = self.is_listed.is_some() && self.is_listed != self.was_listed;
        match &self.is_listed {
            Some(ListedAs { index, key }) if is_new && is_there => {
                let confirm = Change::Confirm(key.clone());
                let confirming = Listing::new(&self.rules, index.clone(), confirm, self.now);
                Stage::Confirming(Box::new(confirming))
            }
            // What was added is not there: it takes the place of what is to be removed.
            Some(_) if is_new && !is_there => {
                self.was_listed = self.is_listed.take();
                self.remove_earlier()
            }
            _ if !is_there => {
                self.is_listed = None;
                self.remove_earlier()
            }
            _ => self.remove_earlier(),
        }
    }

    /// Removes from the list what the session was before.
    fn remove_earlier(&mut self) -> Stage {
        match self.was_listed.take().filter(|it| self.is_listed.as_ref() != Some(it)) {
            Some(ListedAs { index, key }) => {
                let remove = Change::Remove(key);
                Stage::Removing(Box::new(Listing::new(&self.rules, index, remove, self.now)))
            }
            None => self.delete(),
        }
    }

    fn delete(&mut self) -> Stage {
        Stage::Deleting(Revoking::of_records(std::mem::take(&mut self.ends)))
    }

    pub(super) fn dropped(&self) -> Option<Reason> {
        match self.saving.outcome() {
            _ if self.is_revoked => Some(Reason::Revoked),
            Some(Outcome::Gone) => Some(Reason::GoneDuringRequest),
            Some(Outcome::RenewedElsewhere) => Some(Reason::Renewed),
            _ => None,
        }
    }

    pub(super) fn outcome(&self) -> Option<Outcome> {
        let outcome = if self.is_revoked { Some(Outcome::Gone) } else { self.saving.outcome() };
        outcome.filter(|_| matches!(self.stage, Stage::Done))
    }

    pub(super) fn attempts(&self) -> u32 {
        self.attempts.max(self.saving.attempts())
    }

    pub(super) fn reformatted(&self) -> Option<(Format, Format)> {
        self.reformatted.filter(|_| self.outcome() == Some(Outcome::Saved))
    }

    pub(super) fn finish(&self) -> Result<Saved, EngineError> {
        let outcome = self.outcome().ok_or(EngineError::Contended)?;
        let permanent = self.saving.content().is_some_and(session::is_permanent);
        let forget = match outcome {
            Outcome::Emptied | Outcome::Ended | Outcome::Gone => true,
            // Whoever wants to be logged out here must not stay logged in there.
            Outcome::RenewedElsewhere => self.saving.content().is_none(),
            Outcome::Saved => false,
            Outcome::Unchanged => self.blank,
        };
        let settings = self.rules.settings();
        let action = if forget {
            SaveAction::Delete(cookie::write_deletion(&settings.name, &settings.attributes))
        } else if outcome != Outcome::RenewedElsewhere && (self.modified || permanent) {
            SaveAction::Set(self.rules.write_cookie(&self.id, permanent, self.now)?)
        } else {
            SaveAction::Keep
        };
        let vary = self.accessed || action != SaveAction::Keep;
        Ok(Saved { action, vary })
    }
}

impl Machine for Storing {
    fn step(&self) -> Step<'_> {
        let saving = match &self.stage {
            Stage::Done => return Step::Done,
            Stage::Deleting(revoking) => return revoking.step(),
            Stage::Adding(it) | Stage::Confirming(it) | Stage::Removing(it) => return it.step(),
            Stage::Ending => self.ending.as_ref().unwrap_or(&self.saving),
            Stage::Saving => &self.saving,
        };
        match (self.wait, saving.question()) {
            (Some(wait), _) => Step::Wait(wait),
            (None, Some(question)) => Step::Ask(question),
            (None, None) => Step::Done,
        }
    }

    fn answer(&mut self, answer: Result<Answer, StoreError>) -> Result<(), EngineError> {
        match &mut self.stage {
            Stage::Done => return Ok(()),
            Stage::Deleting(revoking) => revoking.answer(answer)?,
            // What has ended has ended, listed or not.
            Stage::Removing(removing) => {
                if removing.answer(answer).is_err() {
                    self.stage = self.delete();
                }
            }
            Stage::Adding(listing) | Stage::Confirming(listing) => {
                listing.answer(answer)?;
                self.attempts = self.attempts.max(listing.attempts());
            }
            Stage::Ending | Stage::Saving => {
                let active = match (&self.stage, &mut self.ending) {
                    (Stage::Ending, Some(ending)) => ending,
                    _ => &mut self.saving,
                };
                let attempts = active.attempts();
                active.answer(answer)?;
                if active.attempts() > attempts {
                    self.wait = back_off(active.attempts());
                }
            }
        }
        self.go_on();
        Ok(())
    }

    fn waited(&mut self) {
        match &mut self.stage {
            Stage::Adding(it) | Stage::Confirming(it) | Stage::Removing(it) => it.waited(),
            _ => self.wait = None,
        }
    }
}
