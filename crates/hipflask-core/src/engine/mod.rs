//! Saves a session that other requests may have changed, renewed or ended meanwhile: snapshot,
//! compare-and-swap, merge.
//!
//! Between the session and the stores; pure, so that every order of events can be tried. Nothing is
//! written that would undo what this request has not seen, and nothing that has ended is written
//! back.

mod error;
mod losses;
mod merge;
mod saving;
mod snapshot;
mod wish;

pub use error::EngineError;
pub(crate) use losses::Losses;
pub use merge::{Changes, ConflictPolicy, MergeConflict};
pub(crate) use saving::MAX_ATTEMPTS;
pub use saving::{AFTERLIFE, Saving};
pub use snapshot::Snapshot;
pub use wish::{Outcome, Wish};
