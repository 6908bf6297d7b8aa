//! What a request wants to become of its session, and what became of it.

use std::time::Duration;

use super::ConflictPolicy;
use crate::{
    record::Coding,
    store::RecordKey,
    value::{Dict, Text},
};

/// What a request wants to become of its session.
#[derive(Clone, Debug)]
#[expect(clippy::exhaustive_structs, reason = "whoever saves fills in all of it")]
pub struct Wish {
    /// What the session holds now; `None` ends it.
    pub content: Option<Dict>,
    /// The lists in it that were [grown](crate::session::Session::grown).
    pub grown: Vec<Text>,
    /// Where it is to be kept: the key that it was read from, another one to renew it, or a first
    /// one.
    pub key: RecordKey,
    /// Where another request may have moved the record to without renewing the session.
    pub moved: Option<RecordKey>,
    /// How long it lives.
    pub ttl: Duration,
    /// How it is written, and how another request's record is read.
    pub coding: Coding,
    /// What wins when another request has changed the same key.
    pub policy: ConflictPolicy,
    /// Whether the store moves a record in one step; else it is written anew, and then retired.
    pub renews_at_once: bool,
}

/// What became of a session.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Outcome {
    /// Nothing is left in it, so that it ends unless a request under way adds something.
    Emptied,
    /// It was ended, as wished.
    Ended,
    /// Another request has ended it; nothing was written.
    Gone,
    /// Another request has given it a new id; nothing was written.
    RenewedElsewhere,
    /// It was written.
    Saved,
    /// Its content is what it was; nothing was written.
    Unchanged,
}
