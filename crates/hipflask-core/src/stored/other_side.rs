//! Recognises the cookies of a side where `SESSION_USE_SIGNER` is set otherwise than here.
//!
//! Such a cookie opens nothing, but it is somebody's session on the other side, so only what a
//! handler does itself may take its place.

use super::{SessionId, Settings};
use crate::{encoding, reason::Reason, session::Session, signing::Digest};

/// Returns the reason that names the setting, if the cookie is of a side that has it otherwise.
pub(super) fn recognise(settings: &Settings, cookie: &[u8]) -> Option<Reason> {
    let is_id = |id: &[u8]| SessionId::parse(id).is_some();
    if settings.signer.is_some() {
        return is_id(cookie).then_some(Reason::UnsignedId);
    }
    let dot = cookie.iter().rposition(|byte| *byte == b'.')?;
    let (id, signature) = (&cookie[..dot], &cookie[dot + 1..]);
    let is_tag = |it: Vec<u8>| Digest::ALL.iter().any(|digest| digest.output_len() == it.len());
    let is_signature = |it: &[u8]| encoding::decode_url(it).is_some_and(is_tag);
    (is_id(id) && is_signature(signature)).then_some(Reason::SignedId)
}

/// Reports whether the cookie stays as it is: nothing was put into the session, nor was it ended.
pub(crate) fn is_left_alone(session: &Session, reason: Reason) -> bool {
    matches!(reason, Reason::SignedId | Reason::UnsignedId)
        && session.is_blank()
        && !session.is_cleared()
}
