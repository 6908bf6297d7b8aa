//! Spans, by OpenTelemetry's names, and what is counted and measured where they end.
//!
//! Neither has a key, an id, a cookie or a value. A span that nobody wants is never made.

use std::future::Future;

use hipflask_core::{
    UnixTime,
    engine::Outcome,
    interface::{CookieFacts, SaveAction, Saved},
    reason::Reason,
    session::Session,
    store::{Answer, Question, StoreError},
    visit::{Closing, Visit},
};
use http::StatusCode;
use tracing::{Instrument, Span, Value, debug_span, field::Empty};

use crate::SaveError;

/// Counts opened sessions by `reason`.
#[cfg(feature = "metrics")]
const OPENED: &str = "hipflask_sessions_opened_total";
/// Counts cookies that a key confirmed by `key`, which is its position, and `digest`.
#[cfg(feature = "metrics")]
const VERIFIED: &str = "hipflask_sessions_verified_total";
/// Counts sessions at the end of their requests by `outcome`.
#[cfg(feature = "metrics")]
const SAVED: &str = "hipflask_sessions_saved_total";
/// Counts the bytes of `Set-Cookie` that were sent.
#[cfg(feature = "metrics")]
const SENT: &str = "hipflask_cookies_sent_bytes_total";
/// Counts what a `store` was asked by `operation` and `outcome`.
#[cfg(feature = "metrics")]
const OPERATIONS: &str = "hipflask_store_operations_total";
/// Measures how long a `store` takes for an `operation`.
#[cfg(feature = "metrics")]
const SECONDS: &str = "hipflask_store_operation_seconds";
/// Counts the bytes of records that a `store` has sent.
#[cfg(feature = "metrics")]
const READ: &str = "hipflask_store_read_bytes_total";
/// Counts the bytes of records that a `store` has taken.
#[cfg(feature = "metrics")]
const WRITTEN: &str = "hipflask_store_written_bytes_total";

/// Begins to open a session.
pub(crate) fn opening() -> Span {
    debug_span!(
        target: "hipflask",
        "session.open",
        otel.status_code = Empty,
        hipflask.reason = Empty,
        hipflask.cookie.size = Empty,
        error.type = Empty
    )
}

/// A session was opened.
pub(crate) fn opened(span: &Span, visit: &Visit) {
    let reason = visit.reason();
    note(span, "hipflask.reason", reason.code());
    if let Some(cookie) = visit.cookie() {
        note(span, "hipflask.cookie.size", cookie.len);
    }
    count_opened(reason, visit.cookie());
}

/// Counts a session, and the key of its cookie.
#[cfg_attr(not(feature = "metrics"), expect(unused_variables, reason = "nothing is counted"))]
pub(crate) fn count_opened(reason: Reason, cookie: Option<CookieFacts>) {
    #[cfg(feature = "metrics")]
    {
        metrics::counter!(OPENED, "reason" => reason.code()).increment(1);
        let confirmed = cookie.and_then(|cookie| Some((cookie.key?, cookie.digest)));
        if let Some((key, digest)) = confirmed {
            let digest = digest.map_or("encrypted", hipflask_core::signing::Digest::name);
            let labels = [("key", key.to_string()), ("digest", digest.to_owned())];
            metrics::counter!(VERIFIED, &labels).increment(1);
        }
    }
}

/// The store did not answer.
pub(crate) fn not_opened(span: &Span) {
    fail(span, Reason::StoreUnavailable.code());
}

/// Begins to save a session.
pub(crate) fn saving() -> Span {
    debug_span!(
        target: "hipflask",
        "session.save",
        otel.status_code = Empty,
        hipflask.outcome = Empty,
        hipflask.cookie.size = Empty,
        error.type = Empty
    )
}

/// Begins to save what a request has left of its session.
#[inline]
pub(crate) fn close(
    visit: Visit,
    session: &Session,
    now: UnixTime,
) -> Result<(Closing, Span), SaveError> {
    let span = saving();
    let entered = span.enter();
    let mut entropy = vec![0; visit.entropy_len(session)];
    let random = if entropy.is_empty() { Ok(()) } else { getrandom::fill(&mut entropy) };
    let failure = match random {
        Ok(()) => match visit.close(session, &entropy, now) {
            Ok(closing) => {
                drop(entered);
                return Ok((closing, span));
            }
            Err(error) => error.into(),
        },
        Err(_) => SaveError::no_entropy(),
    };
    not_saved(&span, &failure);
    Err(failure)
}

/// A session was saved, after others were in the way for so many `attempts`, or need not be.
pub(crate) fn saved(
    span: &Span,
    saved: &Saved,
    outcome: Option<Outcome>,
    attempts: u32,
    is_dropped: bool,
) {
    let word = match outcome {
        Some(Outcome::RenewedElsewhere) => "renewed",
        Some(Outcome::Gone) => "gone",
        _ if is_dropped => "gone",
        Some(Outcome::Emptied | Outcome::Ended) => "ended",
        Some(Outcome::Saved) if attempts > 0 => "merged",
        Some(Outcome::Saved) => "written",
        Some(_) => "unchanged",
        None => match &saved.action {
            SaveAction::Set(_) => "written",
            SaveAction::Delete(_) => "ended",
            _ => "unchanged",
        },
    };
    let len = saved.action.header().map_or(0, str::len);
    note(span, "hipflask.cookie.size", len);
    settle(span, word);
    #[cfg(feature = "metrics")]
    metrics::counter!(SENT).increment(len as u64);
}

/// A session could not be saved.
pub(crate) fn not_saved(span: &Span, failure: &SaveError) {
    let word = match failure.reason() {
        Some(Reason::GoneDuringRequest) => "gone",
        _ if failure.status() == StatusCode::CONFLICT => "conflict",
        _ => "failed",
    };
    settle(span, word);
    fail(span, failure.reason().map_or(word, Reason::code));
}

fn settle(span: &Span, outcome: &'static str) {
    note(span, "hipflask.outcome", outcome);
    #[cfg(feature = "metrics")]
    metrics::counter!(SAVED, "outcome" => outcome).increment(1);
}

fn fail(span: &Span, kind: &'static str) {
    note(span, "error.type", kind);
    note(span, "otel.status_code", "ERROR");
}

/// Fills in a field. A span that nobody wants would look for its name all the same.
fn note(span: &Span, field: &'static str, value: impl Value) {
    if !span.is_disabled() {
        span.record(field, value);
    }
}

/// Waits for a store's answer in a span of its own.
pub(crate) async fn asking(
    system: &'static str,
    question: Question<'_>,
    answer: impl Future<Output = Result<Answer, StoreError>>,
) -> Result<Answer, StoreError> {
    let span = debug_span!(
        target: "hipflask",
        "store",
        otel.name = question.word(),
        otel.kind = "client",
        otel.status_code = Empty,
        db.system.name = system,
        db.operation.name = question.word(),
        hipflask.outcome = Empty,
        hipflask.record.size = Empty,
        error.type = Empty
    );
    #[cfg(feature = "metrics")]
    let start = std::time::Instant::now();
    let answer = answer.instrument(span.clone()).await;
    let (read, written) = match &answer {
        Ok(answer) if answer.is_written() => (answer.read_len(), question.payload_len()),
        Ok(answer) => (answer.read_len(), 0),
        Err(_) => (0, 0),
    };
    match &answer {
        Ok(answer) => {
            note(&span, "hipflask.outcome", answer.word());
            note(&span, "hipflask.record.size", read + written);
        }
        Err(error) => fail(&span, error.word()),
    }
    #[cfg(feature = "metrics")]
    {
        let labels = [("store", system), ("operation", question.word())];
        metrics::histogram!(SECONDS, &labels).record(start.elapsed());
        let outcome = answer.as_ref().map_or_else(StoreError::word, Answer::word);
        let labels = [labels[0], labels[1], ("outcome", outcome)];
        metrics::counter!(OPERATIONS, &labels).increment(1);
        metrics::counter!(READ, "store" => system).increment(read as u64);
        metrics::counter!(WRITTEN, "store" => system).increment(written as u64);
    }
    answer
}
