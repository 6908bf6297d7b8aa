//! Why a session could not be opened, changed or saved.

use std::sync::Arc;

use super::MergeConflict;
use crate::{
    interface::CookieError,
    record::{DecodeError, EncodeError},
    store::StoreError,
};

/// Why a session could not be opened, changed or saved in its store.
///
/// ```
/// use hipflask_core::engine::EngineError;
///
/// assert!(EngineError::Contended.to_string().contains("other requests"));
/// ```
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum EngineError {
    /// Other requests have changed the session again and again.
    #[error("other requests kept changing the session: try again")]
    Contended,
    /// Another request has changed the same key.
    #[error(transparent)]
    Conflict(#[from] MergeConflict),
    /// The cookie cannot be sent.
    #[error(transparent)]
    Cookie(#[from] CookieError),
    /// A value cannot be written.
    #[error(transparent)]
    Encode(#[from] EncodeError),
    /// Another request has ended the session, or given it a new id.
    #[error("another request has ended the session meanwhile, so it can no longer be changed")]
    Gone,
    /// The id of a new session is in use.
    #[error("the id of a new session is in use: the source of randomness repeats itself")]
    IdTaken,
    /// The store's answer to a write was lost, and what is there now does not tell whether the write
    /// was done.
    #[error("the store's answer was lost, and whether the change was kept is unknown: {0}")]
    InDoubt(Arc<StoreError>),
    /// The store has not answered.
    #[error(transparent)]
    Store(Arc<StoreError>),
    /// The user has as many sessions as allowed, and was not to get another one.
    #[error("the user has as many sessions as allowed (SESSION_USER_LIMIT): end one of them first")]
    TooManySessions,
    /// Another request has changed the session, and its record cannot be read here because of how it is
    /// encrypted, or that it is not.
    #[error("another request has changed the session meanwhile, and {0}")]
    Unread(DecodeError),
}

impl EngineError {
    /// Reports whether the store is the cause, and asking again later may help.
    pub const fn is_unavailable(&self) -> bool {
        matches!(self, Self::InDoubt(_) | Self::Store(_))
    }

    /// Reports whether other requests were in the way.
    pub const fn is_conflict(&self) -> bool {
        matches!(self, Self::Conflict(_) | Self::Contended | Self::Gone)
    }
}
