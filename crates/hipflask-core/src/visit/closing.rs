//! Closing: what is to become of a session, and what the browser is told in the end.

use std::{sync::Arc, time::Duration};

use super::{Machine, Sessions, Step, Visit, back_off, settling::Settling};
use crate::{
    UnixTime, cookie,
    engine::{EngineError, Outcome, Saving, Wish},
    interface::{SaveAction, Saved},
    reason::Reason,
    session::{self, Fate, Session},
    store::{Answer, StoreError},
    stored::{Held, SessionId, StoredSessions, is_left_alone},
    value::Dict,
};

/// A session that is being saved, or ended, at the end of its request.
#[derive(Clone, Debug)]
pub struct Closing(Stage);

#[derive(Clone, Debug)]
enum Stage {
    /// There is nothing to ask.
    Decided(Saved),
    Revocable(Box<Settling>),
    Stored(Box<Plan>),
}

/// What is to become of a stored session: first an end, if there is one, then the saving.
#[derive(Clone, Debug)]
struct Plan {
    rules: Arc<StoredSessions>,
    /// Ends the session that was, where a new one follows.
    ending: Option<Saving>,
    /// Saves the session that is.
    saving: Saving,
    id: SessionId,
    modified: bool,
    accessed: bool,
    blank: bool,
    wait: Option<Duration>,
    now: UnixTime,
}

impl Visit {
    /// Returns how many random bytes saving needs; 0 if it makes no new id, and encrypts no cookie.
    pub fn entropy_len(&self, session: &Session) -> usize {
        let rules = match &self.sessions {
            Sessions::Revocable(rules) => return rules.cookies().entropy_len(session),
            Sessions::Signed(interface) => return interface.entropy_len(session),
            Sessions::Stored(rules) => rules,
        };
        let keeps_id = self.held.is_some() && session.fate() == Fate::Kept;
        if session.is_modified() && !keeps_id { rules.settings().id_length } else { 0 }
    }

    /// Saves what a request has left of its session. A new id, or the nonce of an encrypted cookie, is made of `entropy`, which must be
    /// as many random bytes as [`entropy_len`](Self::entropy_len) says.
    ///
    /// # Errors
    ///
    /// [`EngineError`] when the session cannot be sent or written.
    #[doc(alias = "save_session")]
    pub fn close(
        self,
        session: &Session,
        entropy: &[u8],
        now: UnixTime,
    ) -> Result<Closing, EngineError> {
        Ok(Closing(match self.sessions {
            Sessions::Revocable(rules) => {
                let origin = self.origin.map(|origin| *origin);
                Stage::Revocable(Box::new(Settling::new(&rules, session, origin, entropy, now)?))
            }
            Sessions::Signed(interface) => {
                Stage::Decided(interface.save_with(session, entropy, now)?)
            }
            Sessions::Stored(rules) => {
                let held = self.held.map(|held| *held);
                let plan = Plan::new(rules, session, self.reason, held, entropy, now)?;
                plan.map_or_else(
                    || Stage::Decided(Saved::keep(session.is_accessed())),
                    |plan| Stage::Stored(Box::new(plan)),
                )
            }
        }))
    }
}

impl Closing {
    /// Decides what the browser is told.
    ///
    /// # Errors
    ///
    /// [`EngineError::Cookie`] when the cookie cannot be written, [`EngineError::Contended`] before
    /// the end.
    pub fn finish(self) -> Result<Saved, EngineError> {
        match self.0 {
            Stage::Decided(saved) => Ok(saved),
            Stage::Revocable(settling) => settling.finish(),
            Stage::Stored(plan) => {
                let outcome = plan.saving.outcome().ok_or(EngineError::Contended)?;
                plan.finish(outcome)
            }
        }
    }

    /// Returns why the changes were dropped, if they were: the session is another request's business
    /// now.
    pub fn dropped(&self) -> Option<Reason> {
        let plan = match &self.0 {
            Stage::Decided(_) => return None,
            Stage::Revocable(settling) => return settling.dropped(),
            Stage::Stored(plan) => plan,
        };
        match plan.saving.outcome() {
            Some(Outcome::Gone) => Some(Reason::GoneDuringRequest),
            Some(Outcome::RenewedElsewhere) => Some(Reason::Renewed),
            _ => None,
        }
    }

    /// Returns what became of a stored session, once that is known.
    pub fn outcome(&self) -> Option<Outcome> {
        match &self.0 {
            Stage::Decided(_) | Stage::Revocable(_) => None,
            Stage::Stored(plan) => plan.saving.outcome(),
        }
    }

    /// Returns how often another request's change was in the way.
    pub fn attempts(&self) -> u32 {
        match &self.0 {
            Stage::Decided(_) => 0,
            Stage::Revocable(settling) => settling.attempts(),
            Stage::Stored(plan) => plan.saving.attempts(),
        }
    }
}

impl Machine for Closing {
    fn step(&self) -> Step<'_> {
        let plan = match &self.0 {
            Stage::Decided(_) => return Step::Done,
            Stage::Revocable(settling) => return settling.step(),
            Stage::Stored(plan) => plan,
        };
        match (plan.wait, plan.active().question()) {
            (Some(wait), _) => Step::Wait(wait),
            (None, Some(question)) => Step::Ask(question),
            (None, None) => Step::Done,
        }
    }

    fn answer(&mut self, answer: Result<Answer, StoreError>) -> Result<(), EngineError> {
        let plan = match &mut self.0 {
            Stage::Decided(_) => return Ok(()),
            Stage::Revocable(settling) => return settling.answer(answer),
            Stage::Stored(plan) => plan,
        };
        let active = match &mut plan.ending {
            Some(ending) if ending.outcome().is_none() => ending,
            _ => &mut plan.saving,
        };
        let attempts = active.attempts();
        active.answer(answer)?;
        if active.attempts() > attempts {
            plan.wait = back_off(active.attempts());
        }
        Ok(())
    }

    fn waited(&mut self) {
        match &mut self.0 {
            Stage::Decided(_) => {}
            Stage::Revocable(settling) => settling.waited(),
            Stage::Stored(plan) => plan.wait = None,
        }
    }
}

impl Plan {
    /// Plans how to save a session; `None` if there is nothing to do, neither in the store nor in
    /// the browser.
    fn new(
        rules: Arc<StoredSessions>,
        session: &Session,
        reason: Reason,
        held: Option<Held>,
        entropy: &[u8],
        now: UnixTime,
    ) -> Result<Option<Self>, EngineError> {
        let (modified, blank) = (session.is_modified(), session.is_blank());
        if !modified && (blank || !held.as_ref().is_some_and(|held| rules.is_due(held, now))) {
            return Ok(None);
        }
        if is_left_alone(session, reason) {
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
        Ok(Some(Self { rules, ending, saving, id, modified, accessed, blank, wait: None, now }))
    }

    /// What is asked for now: first the end, if there is one.
    fn active(&self) -> &Saving {
        let ending = self.ending.as_ref();
        ending.filter(|ending| ending.outcome().is_none()).unwrap_or(&self.saving)
    }

    fn finish(&self, outcome: Outcome) -> Result<Saved, EngineError> {
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

/// What a session holds in the end, and when it has started.
fn content(
    rules: &StoredSessions,
    session: &Session,
    earlier: Option<&Dict>,
    keeps_id: bool,
    now: UnixTime,
) -> Dict {
    let mut content = match earlier {
        Some(earlier) if !session.is_modified() => earlier.clone(),
        _ => session.to_dict(),
    };
    if !session.is_blank() {
        rules.stamp(&mut content, earlier.filter(|_| keeps_id), now);
    }
    content
}

fn wish(
    rules: &StoredSessions,
    id: &SessionId,
    held: Option<&Held>,
    content: Option<Dict>,
    now: UnixTime,
) -> Wish {
    let settings = rules.settings();
    let key = rules.key_of(id);
    // A record only moves where the store does so in one step.
    let stays = !rules.renews_at_once() && held.is_some_and(|held| held.id() == id);
    Wish {
        ttl: content.as_ref().map_or(settings.idle(), |it| rules.time_to_live(it, now)),
        content,
        grown: Vec::new(),
        moved: held.and_then(|held| rules.moved_from(held.id(), held.snapshot().key())),
        key: held.filter(|_| stays).map_or(key, |held| held.snapshot().key().clone()),
        coding: settings.coding(now),
        policy: settings.conflict_policy,
        renews_at_once: rules.renews_at_once(),
    }
}
