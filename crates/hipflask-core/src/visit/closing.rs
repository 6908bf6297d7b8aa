//! Closing: what is to become of a session, and what the browser is told in the end.

use super::{Machine, Sessions, Step, Visit, settling::Settling, storing::Storing};
use crate::{
    UnixTime,
    engine::{EngineError, Outcome},
    interface::Saved,
    reason::Reason,
    record::Format,
    session::{Fate, Session},
    store::{Answer, StoreError},
};

/// A session that is being saved, or ended, at the end of its request.
#[derive(Clone, Debug)]
pub struct Closing(Stage);

#[derive(Clone, Debug)]
enum Stage {
    /// There is nothing to ask.
    Decided(Saved),
    Revocable(Box<Settling>),
    Stored(Box<Storing>),
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
        let is_due = self.is_due(now);
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
                let whereabouts = self.whereabouts.map(|it| *it);
                let state = (self.reason, is_due);
                let storing =
                    Storing::new(rules, session, state, (held, whereabouts), entropy, now)?;
                storing.map_or_else(
                    || Stage::Decided(Saved::keep(session.is_accessed())),
                    |storing| Stage::Stored(Box::new(storing)),
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
            Stage::Stored(storing) => storing.finish(),
        }
    }

    /// Returns why the changes were dropped, if they were: the session is another request's business
    /// now.
    pub fn dropped(&self) -> Option<Reason> {
        match &self.0 {
            Stage::Decided(_) => None,
            Stage::Revocable(settling) => settling.dropped(),
            Stage::Stored(storing) => storing.dropped(),
        }
    }

    /// Returns what became of a stored session, once that is known.
    pub fn outcome(&self) -> Option<Outcome> {
        match &self.0 {
            Stage::Decided(_) | Stage::Revocable(_) => None,
            Stage::Stored(storing) => storing.outcome(),
        }
    }

    /// Returns in which format a record was read and in which another one it was written, if that is so:
    /// nodes that know only the former may take the session for none, and overwrite it.
    pub fn reformatted(&self) -> Option<(Format, Format)> {
        match &self.0 {
            Stage::Decided(_) | Stage::Revocable(_) => None,
            Stage::Stored(storing) => storing.reformatted(),
        }
    }

    /// Returns how often another request's change was in the way.
    pub fn attempts(&self) -> u32 {
        match &self.0 {
            Stage::Decided(_) => 0,
            Stage::Revocable(settling) => settling.attempts(),
            Stage::Stored(storing) => storing.attempts(),
        }
    }
}

impl Machine for Closing {
    fn step(&self) -> Step<'_> {
        match &self.0 {
            Stage::Decided(_) => Step::Done,
            Stage::Revocable(settling) => settling.step(),
            Stage::Stored(storing) => storing.step(),
        }
    }

    fn answer(&mut self, answer: Result<Answer, StoreError>) -> Result<(), EngineError> {
        match &mut self.0 {
            Stage::Decided(_) => Ok(()),
            Stage::Revocable(settling) => settling.answer(answer),
            Stage::Stored(storing) => storing.answer(answer),
        }
    }

    fn waited(&mut self) {
        match &mut self.0 {
            Stage::Decided(_) => {}
            Stage::Revocable(settling) => settling.waited(),
            Stage::Stored(storing) => storing.waited(),
        }
    }
}
