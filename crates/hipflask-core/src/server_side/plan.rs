//! Saving: what is to become of a session, and what the browser is told in the end.

use std::time::Duration;

use super::{Held, ServerSide, SessionId, other_side};
use crate::{
    cookie,
    engine::{EngineError, Outcome, Saving, Wish},
    interface::{SaveAction, SaveError, Saved},
    reason::Reason,
    session::{self, Fate, Session},
    value::Dict,
};

/// What is to become of a session: first an end, if there is one, then the saving.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Plan {
    /// Ends the session that was, where a new one follows.
    pub ending: Option<Saving>,
    /// Saves the session that is.
    pub saving: Saving,
    id: SessionId,
    modified: bool,
    accessed: bool,
    blank: bool,
}

impl ServerSide {
    /// Plans how to save a session; `None` if there is nothing to do, neither in the store nor in
    /// the browser. `reason` and `held` are as they were opened, `entropy` are
    /// [`Settings::id_length`](super::Settings::id_length) random bytes.
    ///
    /// # Errors
    ///
    /// [`EngineError::Encode`] when a value cannot be written.
    #[doc(alias = "save_session")]
    pub fn plan(
        &self,
        session: &Session,
        reason: Reason,
        held: Option<Held>,
        entropy: &[u8],
        now: Duration,
    ) -> Result<Option<Plan>, EngineError> {
        let (modified, blank) = (session.is_modified(), session.is_blank());
        if !modified && (blank || !held.as_ref().is_some_and(|held| self.is_due(held, now))) {
            return Ok(None);
        }
        if other_side::is_left_alone(session, reason) {
            return Ok(None);
        }
        let fate = if modified { session.fate() } else { Fate::Kept };
        let ends = blank && (fate == Fate::Ended || session.is_cleared());
        let (ending, held) = if fate == Fate::Ended && !ends { (held, None) } else { (None, held) };
        let keeps_id = blank || fate == Fate::Kept;
        let id = match &held {
            Some(held) if keeps_id => held.id.clone(),
            _ => SessionId::from_entropy(entropy),
        };
        let earlier = held.as_ref().map(|held| held.snapshot.content());
        let mut content = match earlier {
            Some(earlier) if !modified => earlier.clone(),
            _ => session.to_dict(),
        };
        if !blank {
            self.stamp(&mut content, earlier.filter(|_| keeps_id), now);
        }
        let wish = Wish {
            grown: session.grown(),
            ..self.wish(&id, held.as_ref(), (!ends).then_some(content), now)
        };
        let saving = if reason == Reason::Renewed && (ends || fate == Fate::Kept) {
            // The session goes on under an id that this browser is about to get.
            Saving::dropped(wish, Outcome::RenewedElsewhere)
        } else {
            Saving::new(held.map(|held| held.snapshot), wish)?
        };
        let end = |held: Held| {
            let wish = self.wish(&held.id, Some(&held), None, now);
            Saving::new(Some(held.snapshot), wish)
        };
        let (ending, accessed) = (ending.map(end).transpose()?, session.is_accessed());
        Ok(Some(Plan { ending, saving, id, modified, accessed, blank }))
    }

    /// Reports whether a session that was only read has something to save: it was touched, so that
    /// its cookie is to live longer, too, or the start of its absolute timeout is not yet known.
    pub fn is_due(&self, held: &Held, now: Duration) -> bool {
        let is_timed = self.settings.absolute_timeout.is_some();
        held.touched || is_timed && self.time_left(held.snapshot.content(), now).is_none()
    }

    fn wish(
        &self,
        id: &SessionId,
        held: Option<&Held>,
        content: Option<Dict>,
        now: Duration,
    ) -> Wish {
        let moved = held.map(|held| (self.key_of(&held.id), held.snapshot.key()));
        Wish {
            ttl: content.as_ref().map_or(self.settings.idle(), |it| self.time_to_live(it, now)),
            content,
            grown: Vec::new(),
            key: self.key_of(id),
            moved: moved.and_then(|(key, read)| (key != *read).then_some(key)),
            format: self.settings.format,
            policy: self.settings.conflict_policy,
            limits: self.settings.limits,
        }
    }

    /// Decides what the browser is told after the saving has come to `outcome`.
    ///
    /// # Errors
    ///
    /// [`SaveError`] when the cookie cannot be written.
    pub fn finish(&self, plan: &Plan, outcome: Outcome, now: Duration) -> Result<Saved, SaveError> {
        let Plan { saving, modified, blank, .. } = plan;
        let permanent = saving.content().is_some_and(session::is_permanent);
        let forget = match outcome {
            Outcome::Emptied | Outcome::Ended | Outcome::Gone => true,
            // Whoever wants to be logged out here must not stay logged in there.
            Outcome::RenewedElsewhere => saving.content().is_none(),
            Outcome::Saved => false,
            Outcome::Unchanged => *blank,
        };
        let settings = &self.settings;
        let action = if forget {
            SaveAction::Delete(cookie::write_deletion(&settings.name, &settings.attributes))
        } else if outcome != Outcome::RenewedElsewhere && (*modified || permanent) {
            SaveAction::Set(self.write_cookie(&plan.id, permanent, now)?)
        } else {
            SaveAction::Keep
        };
        let vary = plan.accessed || action != SaveAction::Keep;
        Ok(Saved { action, vary })
    }
}
