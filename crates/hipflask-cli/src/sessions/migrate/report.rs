//! What a migration has done, in numbers.

use std::{collections::BTreeMap, fmt::Write};

use serde_json::{Map, Value, json};

/// What became of one record of the source.
#[derive(Clone, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(super) enum Outcome {
    /// It is in the target now, and was read from there.
    Copied,
    /// The target has it.
    Same,
    /// The target had what an earlier run has written, and has the newer one now.
    Updated,
    /// Users have changed it in the target since.
    Newer,
    /// It was renewed: another record has the session.
    Renewed,
    /// It has expired on the way.
    Expired,
    /// It has ended in the target since.
    EndedInTarget,
    /// It has ended in the source since, and so in the target, too.
    EndedInSource,
    /// The same, but it is not certain that users have ended it, or it cannot be found in the target.
    Lingering,
    /// The target has something else, and nothing is known of it. It stays.
    Different,
    /// Users have changed it on both sides. The target's stays.
    Conflict,
    /// It was written, and then was not there.
    Lost,
    /// The target does not take it.
    Refused(String),
    /// It cannot be read, or not be written in the format of the target.
    Unreadable(String),
}

impl Outcome {
    /// The name in JSON, and the words.
    const fn words(&self) -> (&'static str, &'static str) {
        match self {
            Self::Copied => ("copied", "copied"),
            Self::Same => ("already_there", "already there"),
            Self::Updated => ("brought_up_to_date", "brought up to date"),
            Self::Newer => {
                ("newer_in_target", "left, for users have changed them in the target since")
            }
            Self::Renewed => ("renewed", "left, for the session has another id now"),
            Self::Expired => ("expired", "expired on the way"),
            Self::EndedInTarget => {
                ("ended_in_target", "left, for they have ended in the target since")
            }
            Self::EndedInSource => {
                ("ended_in_source", "ended in the target, for they have ended in the source")
            }
            Self::Lingering => (
                "gone_from_source",
                "gone from the source and left in the target, which cannot be listed, or the source was emptied",
            ),
            Self::Different => ("different", "left, for the target has another state of them"),
            Self::Conflict => ("conflicts", "changed on both sides: the target's stay"),
            Self::Lost => ("lost", "written and not there afterwards"),
            Self::Refused(_) => ("refused", "not taken by the target"),
            Self::Unreadable(_) => ("unreadable", "unreadable"),
        }
    }

    /// Every pass tells it again.
    const fn is_state(&self) -> bool {
        !matches!(self, Self::Copied | Self::Same | Self::Updated | Self::Expired | Self::Lost)
    }

    /// The target has what the source has.
    pub(super) const fn settles(&self) -> bool {
        matches!(self, Self::Copied | Self::Same | Self::Updated)
    }

    const fn is_fault(&self) -> bool {
        matches!(self, Self::Conflict | Self::Lost | Self::Refused(_) | Self::Unreadable(_))
    }

    const fn why(&self) -> Option<&String> {
        match self {
            Self::Refused(why) | Self::Unreadable(why) => Some(why),
            _ => None,
        }
    }
}

/// The counts.
pub(super) struct Report {
    is_dry: bool,
    counts: BTreeMap<Outcome, u64>,
    n_written_in_pass: u64,
}

impl Report {
    pub(super) const fn new(is_dry: bool) -> Self {
        Self { is_dry, counts: BTreeMap::new(), n_written_in_pass: 0 }
    }

    pub(super) fn begin_pass(&mut self) {
        self.n_written_in_pass = 0;
        self.counts.retain(|outcome, _| !outcome.is_state());
    }

    pub(super) fn add(&mut self, outcome: Outcome) {
        self.add_many(outcome, 1);
    }

    pub(super) fn add_many(&mut self, outcome: Outcome, n: u64) {
        if n > 0 {
            let is_written = matches!(outcome, Outcome::Copied | Outcome::Updated);
            self.n_written_in_pass += if is_written { n } else { 0 };
            *self.counts.entry(outcome).or_default() += n;
        }
    }

    pub(super) const fn has_written_in_pass(&self) -> bool {
        self.n_written_in_pass > 0
    }

    /// Reports whether nothing was left behind that should not be.
    pub(super) fn is_clean(&self) -> bool {
        !self.counts.keys().any(Outcome::is_fault)
    }

    pub(super) fn to_json(&self) -> Value {
        let mut object = Map::from_iter([("dry_run".into(), json!(self.is_dry))]);
        for name in ["copied", "already_there", "brought_up_to_date"] {
            object.insert(name.into(), json!(0));
        }
        for (outcome, n) in &self.counts {
            let (name, _) = outcome.words();
            match outcome.why() {
                None => drop(object.insert(name.into(), json!(n))),
                Some(why) => {
                    let reasons = object.entry(name).or_insert_with(|| json!({}));
                    reasons[why] = json!(n);
                }
            }
        }
        Value::Object(object)
    }

    pub(super) fn to_text(&self) -> String {
        let mut text = String::new();
        if self.is_dry {
            text.push_str("nothing was written; it would be:\n");
        }
        if self.counts.is_empty() {
            text.push_str("no sessions");
        }
        for (outcome, n) in &self.counts {
            let why = outcome.why().map(|why| format!(": {why}")).unwrap_or_default();
            // Writing to a string cannot fail.
            let _ = writeln!(text, "{n:>9} {}{why}", outcome.words().1);
        }
        text.truncate(text.trim_end().len());
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn report_tells_faults_with_their_reasons() {
        let mut report = Report::new(false);
        report.add_many(Outcome::Copied, 3);
        assert!(report.is_clean() && report.has_written_in_pass());
        report.add(Outcome::Unreadable("broken".into()));
        assert!(!report.is_clean());
        assert_eq!(report.to_text(), "        3 copied\n        1 unreadable: broken");
        assert_eq!(report.to_json()["unreadable"], json!({ "broken": 1 }));
        report.begin_pass();
        assert_eq!(report.to_json()["copied"], 3);
        assert!(report.is_clean() && !report.has_written_in_pass());
    }
}
