//! A request's session as a state machine without I/O: opening, updating, saving, ending, revoking.
//!
//! The last stage of the core, and the only way in. A [`Machine`] says what to ask the store, takes
//! the answer, or the news that none came, and says at the end what the browser is told. A signed
//! cookie is a machine that asks nothing. Whoever drives one is a loop with a deadline and decides
//! nothing.
//!
//! ```
//! use hipflask_core::{
//!     UnixTime, engine::EngineError, session::SessionError, signing::KeyRing, interface::CookieSessions,
//!     store::{Question, StoreError}, visit::{Machine, Sessions, Step},
//! };
//!
//! /// The whole of a driver, but for the deadline.
//! fn drive(machine: &mut impl Machine) -> Result<(), EngineError> {
//!     loop {
//!         match machine.step() {
//!             Step::Ask(_) => machine.answer(Err(StoreError::unreachable("no store here")))?,
//!             Step::Done => return Ok(()),
//!             Step::Wait(_) => machine.waited(),
//!         }
//!     }
//! }
//!
//! let sessions = Sessions::from(CookieSessions::new(&KeyRing::new("k")));
//! let now = UnixTime::from_secs(1_763_692_860);
//! let cookie = b"eyJhIjoxfQ.aR_RAA.VYsLQ_U2fgKvqx9fBqYtUdliftw"; // Flask wrote this.
//!
//! let mut opening = sessions.open(Some(cookie), now);
//! drive(&mut opening)?;
//! let (mut session, visit) = opening.finish().into_parts();
//! session.insert("a", 2).unwrap();
//!
//! let mut closing = visit.close(&session, &[], now)?;
//! drive(&mut closing)?;
//! assert!(closing.finish()?.action.header().is_some_and(|it| it.starts_with("session=eyJ")));
//! # Ok::<(), EngineError>(())
//! ```

mod checking;
mod closing;
mod comparing;
mod editing;
mod listing;
mod listing_user;
mod looking;
mod marking;
mod opening;
mod origin;
mod reading;
mod revoking;
mod revoking_session;
mod revoking_user;
mod sessions;
mod settling;
mod storing;
mod turns;
mod updating;
mod wanting;
mod watching;

use std::time::Duration;

pub use closing::Closing;
pub use comparing::Difference;
pub use listing::Listing;
pub use listing_user::ListingUser;
pub use opening::{Opened, Opening};
pub use revoking::Revoking;
pub use revoking_session::RevokingSession;
pub use revoking_user::RevokingUser;
pub use sessions::{Sessions, Visit};
pub use turns::{Turn, Turns};
pub use updating::Updating;
pub use watching::Watch;

use crate::{
    engine::EngineError,
    store::{Answer, Question, StoreError},
};

/// What a driver does next.
#[derive(Debug)]
#[expect(clippy::exhaustive_enums, reason = "every step must be carried out")]
pub enum Step<'a> {
    /// Ask the store, and [answer](Machine::answer).
    Ask(Question<'a>),
    /// Nothing: the machine has come to its end.
    Done,
    /// Make way for other requests: wait a random time up to this, then call
    /// [`waited`](Machine::waited).
    Wait(Duration),
}

/// One thing that is done with a session, as a state machine.
pub trait Machine {
    /// Returns what to do next.
    fn step(&self) -> Step<'_>;

    /// Takes the store's answer to what [`step`](Self::step) asks, or why there is none.
    ///
    /// # Errors
    ///
    /// [`EngineError`] when it cannot be done.
    fn answer(&mut self, answer: Result<Answer, StoreError>) -> Result<(), EngineError>;

    /// Goes on after [`Step::Wait`].
    fn waited(&mut self);
}

/// Returns the longest time to wait before another attempt; the more often other requests were in the
/// way, the longer.
///
/// Every other attempt is made at once: what was read is outdated after a wait, so that the attempt
/// that follows can hardly do more than read again, and the next one has as good a chance as anybody's.
fn back_off(attempts: u32) -> Option<Duration> {
    let waits = attempts > 0 && !attempts.is_multiple_of(2);
    waits.then(|| Duration::from_millis(1 << attempts.min(4))) // at most 16 ms
}
