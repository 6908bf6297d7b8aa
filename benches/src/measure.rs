//! Times batches of calls, so that contenders can take turns.

use std::{hint::black_box, io};

use rustix::time::{ClockId, clock_gettime};

/// Something that can be called many times in a row.
pub trait Runner {
    /// Calls it `n_calls` times and returns the nanoseconds of CPU time that one call took.
    ///
    /// # Errors
    ///
    /// When another process does the calls and is gone.
    fn run(&mut self, n_calls: u32) -> io::Result<f64>;
}

/// Runs a closure in this thread.
pub(crate) struct Local<F>(pub(crate) F);

impl<R, F: FnMut() -> R> Runner for Local<F> {
    fn run(&mut self, n_calls: u32) -> io::Result<f64> {
        let start = thread_nanos();
        for _ in 0..n_calls {
            black_box((self.0)());
        }
        Ok((thread_nanos() - start) as f64 / f64::from(n_calls))
    }
}

/// Returns a runner and the number of calls that takes it about two milliseconds.
///
/// # Errors
///
/// As [`Runner::run`].
pub fn calibrate(runner: &mut dyn Runner) -> io::Result<u32> {
    runner.run(20)?;
    let nanos = runner.run(50)?.max(1.0);
    Ok((2e6 / nanos).clamp(20.0, 200_000.0) as u32)
}

/// Returns the median of `samples`, which is not empty.
pub fn median(samples: &mut [f64]) -> f64 {
    samples.sort_by(f64::total_cmp);
    samples[samples.len() / 2]
}

/// Returns the CPU time of this thread in nanoseconds.
pub fn thread_nanos() -> i64 {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    time.tv_sec * 1_000_000_000 + time.tv_nsec
}
