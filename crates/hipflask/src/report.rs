//! Tells operators why sessions are what they are: `tracing` events and, with the feature
//! `metrics`, counters.
//!
//! Never tells a key, a cookie or a value: only the reason, ages, sizes, and a key's fingerprint.

use hipflask_core::{
    interface::{Opened, SaveError},
    reason::Reason,
};

/// Counts opened sessions by `reason`.
#[cfg(feature = "metrics")]
const OPENED: &str = "hipflask_sessions_opened_total";
/// Counts sessions that could not be saved by `reason`.
#[cfg(feature = "metrics")]
const SAVE_FAILED: &str = "hipflask_sessions_save_failed_total";

pub(crate) fn opened(opened: &Opened, fingerprints: &[String]) {
    #[cfg(feature = "metrics")]
    metrics::counter!(OPENED, "reason" => opened.reason.code()).increment(1);
    let reason = opened.reason;
    let facts = opened.cookie.unwrap_or_default();
    let key = facts.key.and_then(|key| fingerprints.get(key)).map(String::as_str);
    if reason.is_refusal() {
        tracing::info!(
            target: "hipflask",
            reason = reason.code(),
            age = facts.age,
            len = facts.len,
            "session cookie refused: {reason}"
        );
    } else {
        tracing::debug!(
            target: "hipflask",
            reason = reason.code(),
            age = facts.age,
            len = facts.len,
            key = facts.key,
            fingerprint = key,
            "session opened"
        );
    }
}

pub(crate) fn save_failed(error: &SaveError) {
    let reason = error.reason().map_or("unwritable", Reason::code);
    #[cfg(feature = "metrics")]
    metrics::counter!(SAVE_FAILED, "reason" => reason).increment(1);
    tracing::error!(target: "hipflask", reason, "session not saved: {error}");
}
