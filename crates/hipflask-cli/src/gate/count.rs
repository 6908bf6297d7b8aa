//! What operators see: how many answers there were, why sessions were there or not, and how long it took.

use std::{
    collections::BTreeMap,
    fmt::Write,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

/// The upper bounds of times, in seconds.
const BOUNDS: [f64; 9] = [0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.025, 0.1, 1.0];

/// Counts of one process.
#[derive(Debug, Default)]
pub(super) struct Counts(Mutex<Numbers>);

#[derive(Debug, Default)]
struct Numbers {
    answers: BTreeMap<u16, u64>,
    reasons: BTreeMap<&'static str, u64>,
    within: [u64; BOUNDS.len()],
    seconds: f64,
}

impl Counts {
    /// Counts one answer. There is no reason where the store did not answer.
    pub(super) fn add(&self, status: u16, reason: Option<&'static str>, took: Duration) {
        let mut numbers = self.lock();
        *numbers.answers.entry(status).or_default() += 1;
        if let Some(reason) = reason {
            *numbers.reasons.entry(reason).or_default() += 1;
        }
        let took = took.as_secs_f64();
        numbers.seconds += took;
        for (count, bound) in numbers.within.iter_mut().zip(BOUNDS) {
            *count += u64::from(took <= bound);
        }
    }

    /// Writes them in the text format of Prometheus.
    pub(super) fn text(&self) -> String {
        let numbers = self.lock();
        let mut text = String::from("# TYPE hipflask_gate_answers_total counter\n");
        // Writing to a string cannot fail.
        for (status, count) in &numbers.answers {
            let _ = writeln!(text, "hipflask_gate_answers_total{{status=\"{status}\"}} {count}");
        }
        text.push_str("# TYPE hipflask_gate_sessions_total counter\n");
        for (reason, count) in &numbers.reasons {
            let _ = writeln!(text, "hipflask_gate_sessions_total{{reason=\"{reason}\"}} {count}");
        }
        text.push_str("# TYPE hipflask_gate_seconds histogram\n");
        for (count, bound) in numbers.within.iter().zip(BOUNDS) {
            let _ = writeln!(text, "hipflask_gate_seconds_bucket{{le=\"{bound}\"}} {count}");
        }
        let all: u64 = numbers.answers.values().sum();
        let _ = writeln!(text, "hipflask_gate_seconds_bucket{{le=\"+Inf\"}} {all}");
        let _ = writeln!(text, "hipflask_gate_seconds_sum {}", numbers.seconds);
        let _ = writeln!(text, "hipflask_gate_seconds_count {all}");
        text
    }

    fn lock(&self) -> MutexGuard<'_, Numbers> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_has_what_was_counted() {
        let counts = Counts::default();
        counts.add(200, Some("verified"), Duration::from_micros(200));
        counts.add(401, Some("no_cookie"), Duration::from_micros(50));
        counts.add(503, None, Duration::from_secs(2));
        let text = counts.text();
        for line in [
            "hipflask_gate_answers_total{status=\"401\"} 1",
            "hipflask_gate_sessions_total{reason=\"verified\"} 1",
            "hipflask_gate_seconds_bucket{le=\"0.0001\"} 1",
            "hipflask_gate_seconds_bucket{le=\"0.00025\"} 2",
            "hipflask_gate_seconds_bucket{le=\"1\"} 2",
            "hipflask_gate_seconds_bucket{le=\"+Inf\"} 3",
            "hipflask_gate_seconds_count 3",
        ] {
            assert!(text.lines().any(|it| it == line), "{line}\n{text}");
        }
    }
}
