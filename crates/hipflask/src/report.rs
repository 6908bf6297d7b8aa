//! Tells operators why sessions are what they are: `tracing` events and, with the feature
//! `metrics`, counters.
//!
//! Never tells a key, a cookie or a value: only the reason, ages, sizes, and a key's fingerprint.

use std::sync::{Arc, Mutex, Once, PoisonError};

use hipflask_core::{
    cookie::SameSite,
    engine::EngineError,
    interface::{CookieFacts, CookieSessions},
    reason::Reason,
    record::{DecodeError, Format},
    signing::Digest,
};

use crate::{SaveError, SessionConfig, config::ConfigError};

/// Counts sessions that could not be saved by `reason`.
#[cfg(feature = "metrics")]
const SAVE_FAILED: &str = "hipflask_sessions_save_failed_total";
/// Counts sessions whose changes were dropped by `reason`.
#[cfg(feature = "metrics")]
const DROPPED: &str = "hipflask_sessions_dropped_total";
/// Counts how often another request's change had to be merged.
#[cfg(feature = "metrics")]
const CONFLICTS: &str = "hipflask_sessions_conflicts_total";
/// Counts requests that another site has started, or may have, by `reason`.
#[cfg(all(feature = "axum", feature = "metrics"))]
const CSRF_REFUSED: &str = "hipflask_csrf_refused_total";
/// Counts proofs of devices that were refused by `reason`.
#[cfg(all(feature = "dbsc", feature = "metrics"))]
const DBSC_REFUSED: &str = "hipflask_dbsc_refused_total";
/// Counts operations that a store did not carry out by `operation`.
#[cfg(feature = "metrics")]
const STORE_FAILED: &str = "hipflask_store_failed_total";

/// What an operator wants to know of a layer.
#[derive(Clone, Debug)]
pub(crate) struct Built {
    cookie: String,
    signed_ids: bool,
    keys: String,
    lifetime: u64,
    same_site: Option<SameSite>,
    secure: bool,
    unused: Vec<(String, &'static str)>,
    /// What of the lifetime browsers do not keep.
    beyond_browsers: Option<String>,
    /// Settings that have no effect in a signed cookie, and in one that can be revoked.
    needing_a_store: [Vec<&'static str>; 2],
    names_revocations: bool,
    told: Arc<Once>,
}

impl Built {
    pub(crate) fn of(config: &SessionConfig, interface: &CookieSessions) -> Self {
        Self {
            cookie: interface.name().to_owned(),
            signed_ids: config.signs_ids(),
            keys: config.secret_key().fingerprints().join(" "),
            lifetime: config.lifetime().as_secs(),
            same_site: interface.attributes().same_site(),
            secure: interface.attributes().is_secure(),
            unused: config.unused().to_vec(),
            beyond_browsers: config.beyond_browsers(),
            needing_a_store: [false, true].map(|is_revocable| config.needing_a_store(is_revocable)),
            names_revocations: config.revocations().is_some(),
            told: Arc::new(Once::new()),
        }
    }

    /// Tells it when the layer is first put around something: a router does that for each route.
    pub(crate) fn tell(&self, store: Option<&'static str>, revocations: Option<&'static str>) {
        self.told.call_once(|| {
            tracing::info!(
                target: "hipflask",
                cookie = self.cookie,
                store = store.unwrap_or("signed cookie"),
                revocations,
                signed_ids = store.is_none() || self.signed_ids,
                keys = self.keys,
                lifetime = self.lifetime,
                same_site = self.same_site.map_or("unset", SameSite::as_str),
                secure = self.secure,
                "sessions are ready"
            );
            for (name, instead) in &self.unused {
                tracing::warn!(target: "hipflask", "the setting {name} is not used: {instead}");
            }
            if let Some(text) = &self.beyond_browsers {
                tracing::warn!(target: "hipflask", "{text}");
            }
            if self.names_revocations && store.is_some() {
                tracing::warn!(
                    target: "hipflask",
                    "the setting SESSION_REVOCATIONS has no effect: sessions lie in a store, where they are \
                     ended"
                );
            }
            let needing = self.needing_a_store[usize::from(revocations.is_some())].iter();
            for name in needing.filter(|_| store.is_none()) {
                tracing::warn!(
                    target: "hipflask",
                    "the setting {name} has no effect: sessions lie in signed cookies, which nobody can \
                     end, and not in a store"
                );
            }
        });
    }
}

pub(crate) fn opened(reason: Reason, cookie: Option<CookieFacts>, fingerprints: &[String]) {
    let facts = cookie.unwrap_or_default();
    let fingerprint = facts.key.and_then(|key| fingerprints.get(key)).map(String::as_str);
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
            fingerprint,
            digest = facts.digest.map(Digest::name),
            "session opened"
        );
    }
}

/// The file of keys has changed.
pub(crate) fn keys(fingerprints: &[String]) {
    tracing::info!(target: "hipflask", keys = fingerprints.join(" "), "the keys were read again");
}

/// The file of keys has changed and cannot be used.
pub(crate) fn keys_refused(error: &ConfigError) {
    tracing::error!(target: "hipflask", "the keys stay what they were: {error}");
}

pub(crate) fn save_failed(failure: &SaveError) {
    let reason = failure.reason().map_or("unwritable", Reason::code);
    #[cfg(feature = "metrics")]
    metrics::counter!(SAVE_FAILED, "reason" => reason).increment(1);
    tracing::error!(target: "hipflask", reason, "session not saved: {failure}");
}

/// The changes of a request were dropped because its session is another's business now.
pub(crate) fn dropped(reason: Reason) {
    #[cfg(feature = "metrics")]
    metrics::counter!(DROPPED, "reason" => reason.code()).increment(1);
    tracing::info!(target: "hipflask", reason = reason.code(), "changes dropped: {reason}");
}

/// A record was written in another format than it was read in. Once for each format and process: a store is
/// full of such records.
pub(crate) fn reformatted((read, written): (Format, Format)) {
    static TOLD: Mutex<Vec<Format>> = Mutex::new(Vec::new());
    {
        let mut told = TOLD.lock().unwrap_or_else(PoisonError::into_inner);
        if told.contains(&read) {
            return;
        }
        told.push(read);
    }
    tracing::warn!(
        target: "hipflask",
        "a record that was read as {read} was written as {written}: nodes of Flask-Session before 0.7, or of \
         Quart-Session, take it for none and overwrite it. While there are any, set SESSION_KEEP_FORMAT"
    );
}

/// A session has ended that was watched after its request.
pub(crate) fn ended(reason: Reason) {
    tracing::info!(target: "hipflask", reason = reason.code(), "watched session ended: {reason}");
}

/// Other requests changed a session while it was saved.
pub(crate) fn conflicts(n: u32) {
    #[cfg(feature = "metrics")]
    metrics::counter!(CONFLICTS).increment(u64::from(n));
    if n > 0 {
        tracing::debug!(target: "hipflask", conflicts = n, "session merged");
    }
}

/// The store has a record that cannot be read; the text may name a class, and nothing of the content.
pub(crate) fn record_refused(fault: &DecodeError) {
    let reason = Reason::CorruptRecord.code();
    tracing::info!(target: "hipflask", reason, "record refused: {fault}");
}

/// A session could not be opened.
pub(crate) fn open_failed(error: &EngineError) {
    #[cfg(feature = "metrics")]
    metrics::counter!(STORE_FAILED, "operation" => "load").increment(1);
    let reason = Reason::StoreUnavailable.code();
    tracing::error!(target: "hipflask", reason, operation = "load", "{error}");
}

/// A request was refused because another site may have started it.
#[cfg(feature = "axum")]
pub(crate) fn csrf_refused(reason: Reason) {
    #[cfg(feature = "metrics")]
    metrics::counter!(CSRF_REFUSED, "reason" => reason.code()).increment(1);
    tracing::info!(target: "hipflask", reason = reason.code(), "request refused: {reason}");
}

/// A browser's proof was refused; if it may be tried again, that is part of every refresh.
#[cfg(feature = "dbsc")]
pub(crate) fn dbsc_refused(reason: Reason, may_retry: bool) {
    #[cfg(feature = "metrics")]
    metrics::counter!(DBSC_REFUSED, "reason" => reason.code()).increment(1);
    if may_retry {
        tracing::debug!(target: "hipflask", reason = reason.code(), "proof asked for: {reason}");
    } else {
        tracing::info!(target: "hipflask", reason = reason.code(), "proof refused: {reason}");
    }
}
