//! How far long work is, drawn on standard error while it is a terminal.

use std::{
    cell::Cell,
    io::{self, IsTerminal, Write},
    time::{Duration, Instant},
};

/// How often it is drawn.
const EVERY: Duration = Duration::from_millis(100);
/// Characters of the bar.
const WIDTH: u64 = 30;

/// What is drawn; nothing where nobody looks.
pub(super) struct Progress {
    word: &'static str,
    is_shown: bool,
    started: Instant,
    drawn: Cell<Option<Instant>>,
    total: Cell<Option<u64>>,
}

impl Progress {
    /// Starts to count what is told by a word such as `copied`.
    pub(super) fn new(word: &'static str) -> Self {
        Self {
            word,
            is_shown: io::stderr().is_terminal(),
            started: Instant::now(),
            drawn: Cell::default(),
            total: Cell::default(),
        }
    }

    pub(super) const fn is_shown(&self) -> bool {
        self.is_shown
    }

    /// Notes how much there is in all, as far as that is known.
    pub(super) fn set_total(&self, total: u64) {
        self.total.set(Some(total));
    }

    /// Draws how much is done, unless it has just been drawn.
    pub(super) fn at(&self, n_done: u64) {
        if !self.is_shown || self.drawn.get().is_some_and(|at| at.elapsed() < EVERY) {
            return;
        }
        self.drawn.set(Some(Instant::now()));
        let line = line(self.word, n_done, self.total.get(), self.started.elapsed());
        let mut err = io::stderr().lock();
        let _ = write!(err, "\r\x1b[K{line}").and_then(|()| err.flush());
    }
}

impl Drop for Progress {
    /// Leaves the line to what is said next.
    fn drop(&mut self) {
        if self.drawn.get().is_some() {
            let mut err = io::stderr().lock();
            let _ = write!(err, "\r\x1b[K").and_then(|()| err.flush());
        }
    }
}

/// Returns the line: a bar where the total is known, else only numbers.
fn line(word: &str, n_done: u64, total: Option<u64>, elapsed: Duration) -> String {
    let rate = n_done as f64 / elapsed.as_secs_f64().max(0.001);
    let Some(total) = total.filter(|total| *total >= n_done && *total > 0) else {
        return format!("{n_done} {word}, {rate:.0}/s");
    };
    let full = usize::try_from(n_done * WIDTH / total).unwrap_or_default();
    let empty = usize::try_from(WIDTH).unwrap_or_default() - full;
    let left = (total - n_done) as f64 / rate.max(0.001);
    format!(
        "[{}{}] {}%  {n_done} of {total} {word}, {rate:.0}/s, {left:.0} s left",
        "#".repeat(full),
        "-".repeat(empty),
        n_done * 100 / total,
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn line_has_a_bar_where_the_total_is_known() {
        let second = Duration::from_secs(1);
        assert_eq!(line("copied", 50, None, second), "50 copied, 50/s");
        assert_eq!(
            line("copied", 50, Some(100), second),
            "[###############---------------] 50%  50 of 100 copied, 50/s, 1 s left",
        );
        assert_eq!(line("copied", 101, Some(100), second), "101 copied, 101/s");
    }
}
