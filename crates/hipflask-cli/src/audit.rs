//! `hipflask audit`: judges the secret keys, and how they are configured.
//!
//! Prints positions, fingerprints and codes, never a key. The words that explain them go to
//! standard error.

use std::fmt::Write;

use hipflask_core::signing::{
    Key,
    strength::{self, Weakness},
};

use crate::{
    cli::AuditArgs,
    key,
    output::{Failure, Status, print_line, say},
};

/// Judges all keys.
pub(crate) fn run(args: &AuditArgs, env: impl key::Env) -> Result<Status, Failure> {
    let found = key::find(&args.keys, env)?;
    let keys: Vec<_> = found.keys().collect();
    let judged: Vec<_> = keys
        .iter()
        .enumerate()
        .map(|(n, (position, key))| Judged::new(*position, key, &keys[..n]))
        .collect();
    let problems: Vec<_> = found.problems.iter().map(|problem| problem.code()).collect();
    let is_ok = problems.is_empty() && judged.iter().all(|key| key.findings.is_empty());

    let report =
        if args.format.json { json(is_ok, &judged, &problems) } else { text(&judged, &problems) };
    print_line(report.as_bytes())?;
    for problem in &found.problems {
        say(format_args!("{}: {problem}", problem.code()));
    }
    for key in &judged {
        for (code, words) in &key.findings {
            say(format_args!("{code}: key {}: {words}", key.position));
        }
    }
    Ok(Status::refused_if(!is_ok))
}

/// What is said of one key.
struct Judged {
    position: usize,
    fingerprint: String,
    findings: Vec<(&'static str, String)>,
}

impl Judged {
    fn new(position: usize, key: &Key, before: &[(usize, &Key)]) -> Self {
        let mut findings = Vec::new();
        if let Err(weakness) = strength::judge(key.as_bytes()) {
            findings.push((code(weakness), weakness.to_string()));
        }
        if let Some((other, _)) = before.iter().find(|(_, other)| *other == key) {
            findings.push(("duplicate", format!("it is the same as key {other}: remove one")));
        }
        Self { position, fingerprint: key.fingerprint(), findings }
    }

    fn codes(&self) -> Vec<&'static str> {
        self.findings.iter().map(|(code, _)| *code).collect()
    }
}

const fn code(weakness: Weakness) -> &'static str {
    match weakness {
        Weakness::Empty => "empty",
        Weakness::LowEntropy { .. } => "low_entropy",
        Weakness::PubliclyKnown => "publicly_known",
        Weakness::Short { .. } => "short",
        _ => "weak",
    }
}

/// A line for each key, then one for each problem: position, fingerprint and codes, between tabs.
fn text(keys: &[Judged], problems: &[&str]) -> String {
    let key = |key: &Judged| {
        let codes = key.codes().join(",");
        let codes = if codes.is_empty() { "ok" } else { &codes };
        format!("{}\t{}\t{codes}", key.position, key.fingerprint)
    };
    let problem = |problem: &&str| format!("-\t-\t{problem}");
    keys.iter().map(key).chain(problems.iter().map(problem)).collect::<Vec<_>>().join("\n")
}

/// Positions, fingerprints and codes hold nothing that JSON would escape.
fn json(is_ok: bool, keys: &[Judged], problems: &[&str]) -> String {
    let list = |codes: &[&str]| match codes {
        [] => "[]".to_owned(),
        codes => format!("[\"{}\"]", codes.join("\",\"")),
    };
    let mut line = format!(r#"{{"ok":{is_ok},"keys":["#);
    for (n, key) in keys.iter().enumerate() {
        let comma = if n == 0 { "" } else { "," };
        // Writing to a string cannot fail.
        let _ = write!(
            line,
            r#"{comma}{{"key":{},"fingerprint":"{}","findings":{}}}"#,
            key.position,
            key.fingerprint,
            list(&key.codes()),
        );
    }
    line + r#"],"findings":"# + &list(problems) + "}"
}
