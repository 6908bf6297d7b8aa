//! Times batches of calls, so that contenders can take turns.

use std::{fmt, hint::black_box, io};

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

/// The middle of the values that the rounds gave, and how far they lie apart.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Middle {
    /// The median.
    pub median: f64,
    /// Half the distance between the quartiles: half of the rounds are nearer to the median, more or less.
    pub spread: f64,
}

impl Middle {
    /// Takes one value of each round, of which there is one at least.
    pub fn of(values: impl IntoIterator<Item = f64>) -> Self {
        let mut values: Vec<f64> = values.into_iter().collect();
        values.sort_by(f64::total_cmp);
        let quarter = |n: usize| values[(values.len() - 1) * n / 4];
        Self { median: quarter(2), spread: (quarter(3) - quarter(1)) / 2.0 }
    }

    /// Takes what each round took, and what another contender took in the same round: the load of the machine changes
    /// from round to round, and less within one.
    pub fn of_ratios(values: &[f64], others: &[f64]) -> Self {
        Self::of(values.iter().zip(others).map(|(value, other)| value / other))
    }
}

impl fmt::Display for Middle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:.2} ± {:.2}", self.median, self.spread)
    }
}

/// Returns the CPU time of this thread in nanoseconds.
pub fn thread_nanos() -> i64 {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    time.tv_sec * 1_000_000_000 + time.tv_nsec
}
