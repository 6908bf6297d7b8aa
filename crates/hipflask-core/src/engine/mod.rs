//! Saves a session that other requests may have changed, renewed or ended meanwhile: snapshot,
//! compare-and-swap, merge.
//!
//! Between the session and the stores; pure, so that every order of events can be tried. Nothing is
//! written that would undo what this request has not seen, and nothing that has ended is written
//! back.

mod error;
mod merge;
mod saving;
mod snapshot;

pub use error::EngineError;
pub use merge::{Changes, ConflictPolicy, MergeConflict};
pub use saving::{AFTERLIFE, Outcome, Saving, Wish};
pub(crate) use saving::{Losses, MAX_ATTEMPTS};
pub use snapshot::Snapshot;
