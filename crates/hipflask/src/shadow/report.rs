//! What shadow mode has counted.

use std::{collections::BTreeMap, fmt, time::Duration};

use hipflask_core::visit::Difference;
use serde::Serialize;

/// How many examples of a difference are kept.
const EXAMPLES: usize = 5;

/// What would have been different with Hipflask: counts, and no value, id or cookie. It does not grow.
///
/// Its text is for people; serialized, it is for programs.
///
/// ```
/// use hipflask::shadow::ShadowReport;
///
/// let report = ShadowReport::default();
/// assert!(report.to_string().starts_with("0 of 0 requests looked at"));
/// assert_eq!(report.unexplained(), 0);
/// ```
#[derive(Clone, Debug, Default, Serialize)]
#[non_exhaustive]
pub struct ShadowReport {
    /// The requests that came by.
    pub requests: u64,
    /// Those that were looked at.
    pub looked_at: u64,
    /// How often the session was what it was, by the code of its [reason](crate::Reason).
    pub reasons: BTreeMap<&'static str, u64>,
    /// The differences, by their code.
    pub differences: BTreeMap<&'static str, Counted>,
    /// How long the requests took that were looked at, without the looking.
    pub time: Duration,
    /// How long looking at them took.
    pub time_looking: Duration,
}

/// How often a difference was met.
#[derive(Clone, Debug, Default, Serialize)]
#[non_exhaustive]
pub struct Counted {
    /// How often.
    pub count: u64,
    /// The row of the page on compatibility that explains it; without one it is unexplained.
    pub row: Option<&'static str>,
    /// The first five that are unlike each other, in words.
    pub examples: Vec<String>,
}

impl ShadowReport {
    /// Returns how many differences have no explanation.
    pub fn unexplained(&self) -> u64 {
        self.differences.values().filter(|it| it.row.is_none()).map(|it| it.count).sum()
    }

    pub(super) fn count(&mut self, difference: &Difference) {
        let counted = self.differences.entry(difference.code()).or_default();
        counted.count += 1;
        counted.row = difference.row();
        if counted.examples.len() < EXAMPLES {
            let example = difference.to_string();
            if !counted.examples.contains(&example) {
                counted.examples.push(example);
            }
        }
    }
}

impl fmt::Display for ShadowReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { requests, looked_at, time, time_looking, .. } = self;
        writeln!(f, "{looked_at} of {requests} requests looked at")?;
        writeln!(f, "{} differences that nobody has explained", self.unexplained())?;
        for (code, counted) in &self.differences {
            write!(f, "{:>10}  {code}", counted.count)?;
            match counted.row {
                Some(row) => writeln!(f, " [COMPATIBILITY.md: {row}]")?,
                None => writeln!(f)?,
            }
            for example in &counted.examples {
                writeln!(f, "            {example}")?;
            }
        }
        writeln!(f, "sessions, by reason:")?;
        for (code, count) in &self.reasons {
            writeln!(f, "{count:>10}  {code}")?;
        }
        write!(f, "looking took {time_looking:.1?} beside {time:.1?} of the requests themselves")
    }
}
