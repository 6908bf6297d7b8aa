//! What a session was opened from that can be revoked.

use crate::{
    revocation::{CookieDigest, Identity},
    value::Value,
};

/// A cookie and when it was signed, in Unix seconds.
pub(super) type Signed = (CookieDigest, u64);

#[derive(Clone, Debug)]
pub(super) struct Origin {
    pub(super) identity: Identity,
    pub(super) signed: Signed,
    pub(super) user: Option<String>,
    /// What the session says of when its user has logged in.
    pub(super) authenticated: Option<Value>,
}
