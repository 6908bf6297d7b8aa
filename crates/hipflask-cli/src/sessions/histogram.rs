//! How numbers are spread, as bars of text.

use std::fmt::Write;

/// Characters of the longest bar.
const WIDTH: u64 = 40;

/// Counts by ranges: each bound is the first number that its range no longer has.
#[derive(Debug)]
pub(super) struct Histogram {
    bounds: &'static [(u64, &'static str)],
    /// The last one is for all that is beyond the bounds.
    counts: Vec<u64>,
}

impl Histogram {
    pub(super) fn new(bounds: &'static [(u64, &'static str)]) -> Self {
        Self { bounds, counts: vec![0; bounds.len() + 1] }
    }

    pub(super) fn add(&mut self, number: u64) {
        let range = self.bounds.partition_point(|(bound, _)| *bound <= number);
        self.counts[range] += 1;
    }

    /// Returns each range with its count, as far as there is something beyond it.
    pub(super) fn ranges(&self) -> impl Iterator<Item = (String, u64)> {
        let labels = self.bounds.iter().map(|(_, label)| format!("under {label}"));
        let last = self.bounds.last().map_or("", |(_, label)| label);
        let labels = labels.chain([format!("{last} and more")]);
        let n_ranges = self.counts.iter().rposition(|count| *count > 0).map_or(0, |at| at + 1);
        let n_empty = self.counts.iter().take_while(|count| **count == 0).count();
        labels.zip(self.counts.iter().copied()).take(n_ranges).skip(n_empty)
    }

    /// Draws a line for each range.
    pub(super) fn draw(&self, text: &mut String) {
        let most = self.counts.iter().copied().max().unwrap_or_default().max(1);
        for (label, count) in self.ranges() {
            // What is there is seen.
            let len = (count * WIDTH).div_ceil(most);
            let bar = "█".repeat(usize::try_from(len).unwrap_or_default());
            // Writing to a string cannot fail.
            let _ = writeln!(text, "  {label:<16} {count:>9} {bar}");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bars_are_as_long_as_their_counts() {
        let mut histogram = Histogram::new(&[(10, "10"), (20, "20"), (30, "30")]);
        let mut text = String::new();
        histogram.draw(&mut text);
        assert_eq!(text, "");
        for number in [10, 19, 30, 31, 99, 40] {
            histogram.add(number);
        }
        histogram.draw(&mut text);
        let expected = format!(
            "  under 20                 2 {}\n  under 30                 0 \n  30 and more              4 {}\n",
            "█".repeat(20),
            "█".repeat(40),
        );
        assert_eq!(text, expected);
    }
}
