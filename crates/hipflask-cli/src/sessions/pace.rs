//! How fast work may go.

use std::time::Duration;

/// Returns how long to wait, so that what was done is not more than a rate allows.
pub(super) fn pause(n_done: u64, per_second: u32, elapsed: Duration) -> Duration {
    let due = Duration::from_secs_f64(n_done as f64 / f64::from(per_second.max(1)));
    due.saturating_sub(elapsed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pause_keeps_the_rate() {
        let second = Duration::from_secs(1);
        assert_eq!(pause(200, 100, second), second);
        assert_eq!(pause(100, 100, second), Duration::ZERO);
        assert_eq!(pause(10, 100, second), Duration::ZERO);
    }
}
