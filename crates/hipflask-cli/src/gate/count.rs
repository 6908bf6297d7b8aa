//! What operators see: how many answers there were, why sessions were there or not, and how long it took;
//! and what the library counts itself.

use std::time::Duration;

use hyper::{
    Response,
    header::{CONTENT_TYPE, HeaderValue},
};
use metrics::{counter, histogram};
use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusHandle};

use crate::output::Failure;

/// The upper bounds of times, in seconds.
const BOUNDS: [f64; 9] = [0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.025, 0.1, 1.0];
/// The text format of Prometheus.
const FORMAT: HeaderValue = HeaderValue::from_static("text/plain; version=0.0.4");
/// How often measured times are sorted into buckets, scraped or not.
const UPKEEP: Duration = Duration::from_secs(5);

/// Counts of this process.
pub(super) struct Counts(PrometheusHandle);

impl Counts {
    /// Begins to count. Needs a runtime.
    pub(super) fn install() -> Result<Self, Failure> {
        let failed = |error| Failure::Configuration(format!("cannot count: {error}"));
        let handle = builder().and_then(PrometheusBuilder::install_recorder).map_err(failed)?;
        let upkeep = handle.clone();
        tokio::spawn(async move {
            loop {
                tokio::time::sleep(UPKEEP).await;
                upkeep.run_upkeep();
            }
        });
        Ok(Self(handle))
    }

    /// Counts one answer. There is no reason where the store did not answer.
    pub(super) fn add(&self, status: u16, reason: Option<&'static str>, took: Duration) {
        counter!("hipflask_gate_answers_total", "status" => status.to_string()).increment(1);
        if let Some(reason) = reason {
            counter!("hipflask_gate_sessions_total", "reason" => reason).increment(1);
        }
        histogram!("hipflask_gate_seconds").record(took);
    }

    /// Answers with all of them.
    pub(super) fn answer(&self) -> Response<String> {
        let mut response = Response::new(self.0.render());
        response.headers_mut().insert(CONTENT_TYPE, FORMAT);
        response
    }
}

fn builder() -> Result<PrometheusBuilder, metrics_exporter_prometheus::BuildError> {
    PrometheusBuilder::new().set_buckets(&BOUNDS)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answer_has_what_was_counted() {
        let recorder = builder().unwrap().build_recorder();
        let counts = Counts(recorder.handle());
        metrics::with_local_recorder(&recorder, || {
            counts.add(200, Some("verified"), Duration::from_micros(200));
            counts.add(401, Some("no_cookie"), Duration::from_micros(50));
            counts.add(503, None, Duration::from_secs(2));
        });
        let text = counts.answer().into_body();
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
