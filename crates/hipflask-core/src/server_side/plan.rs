//! Saving: what is to become of a session, and what the browser is told in the end.

use std::time::Duration;

use super::{Held, ServerSide, SessionId};
use crate::{
    cookie,
    engine::{EngineError, Outcome, Saving, Wish},
    interface::{SaveAction, SaveError, Saved},
    reason::Reason,
    session::{Fate, Session},
};

/// What is to become of a session: first an end, if there is one, then the saving.
#[derive(Debug)]
#[non_exhaustive]
pub struct Plan {
    /// Ends the session that was, where a new one follows.
    pub ending: Option<Saving>,
    /// Saves the session that is.
    pub saving: Saving,
    id: SessionId,
    permanent: bool,
    modified: bool,
    accessed: bool,
    blank: bool,
    touched: bool,
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
        let touched = held.as_ref().is_some_and(|held| held.touched);
        let is_superseded = reason == Reason::Renewed && session.fate() != Fate::Renewed;
        if is_superseded || !(session.is_modified() || touched) {
            return Ok(None);
        }
        let blank = session.is_blank();
        let over = session.fate() == Fate::Ended;
        let (ending, held) = if over && !blank { (held, None) } else { (None, held) };
        let fresh = held.is_none() || session.fate() == Fate::Renewed;
        let id = match &held {
            Some(held) if !fresh || blank => held.id.clone(),
            _ => SessionId::from_entropy(entropy),
        };
        let (content, ttl) = self.stamped(session, fresh && !blank, now);
        let ends = blank && (over || session.is_cleared());
        let snapshot = held.map(|held| held.snapshot);
        let content = match &snapshot {
            Some(snapshot) if !session.is_modified() => snapshot.content().clone(),
            _ => content,
        };
        let wish = |content, ttl| Wish {
            content,
            key: self.key_of(&id),
            ttl,
            format: self.settings.format,
            policy: self.settings.conflict_policy,
            limits: self.settings.limits,
        };
        Ok(Some(Plan {
            ending: ending
                .map(|held| Saving::new(Some(held.snapshot), wish(None, ttl)))
                .transpose()?,
            saving: Saving::new(snapshot, wish((!ends).then_some(content), ttl))?,
            permanent: session.is_permanent(),
            modified: session.is_modified(),
            accessed: session.is_accessed(),
            id,
            blank,
            touched,
        }))
    }

    /// Decides what the browser is told after the saving has come to `outcome`.
    ///
    /// # Errors
    ///
    /// [`SaveError`] when the cookie cannot be written.
    pub fn finish(&self, plan: &Plan, outcome: Outcome, now: Duration) -> Result<Saved, SaveError> {
        let delete = || {
            SaveAction::Delete(cookie::write_deletion(
                &self.settings.name,
                &self.settings.attributes,
            ))
        };
        let action = match outcome {
            Outcome::Emptied | Outcome::Ended | Outcome::Gone => delete(),
            Outcome::Unchanged if plan.blank && plan.modified => delete(),
            Outcome::RenewedElsewhere => SaveAction::Keep,
            Outcome::Unchanged if !plan.modified && !(plan.touched && plan.permanent) => {
                SaveAction::Keep
            }
            Outcome::Saved | Outcome::Unchanged => {
                SaveAction::Set(self.write_cookie(&plan.id, plan.permanent, now)?)
            }
        };
        let vary = plan.accessed || action != SaveAction::Keep;
        Ok(Saved { action, vary })
    }
}
