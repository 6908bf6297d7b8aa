//! Keeps what the rounds gave for `benches/page.py`: `BENCH_JSON` names a file, to which each line is added.

use std::{env, fs::File, io, io::Write};

use serde_json::{Value, json};

/// Writes down the samples of one contender in one case, if somebody keeps them.
///
/// # Errors
///
/// When the file cannot be written to.
pub fn keep(
    bench: &str,
    case: &str,
    contender: &str,
    measure: &str,
    samples: &[f64],
) -> io::Result<()> {
    append(&line(bench, case, contender, measure, samples))
}

/// Returns the line that [`keep`] writes.
pub fn line(bench: &str, case: &str, contender: &str, measure: &str, samples: &[f64]) -> Value {
    json!({
        "bench": bench, "case": case, "contender": contender, "measure": measure, "samples": samples,
    })
}

/// Writes down why a contender is in no table.
///
/// # Errors
///
/// As [`keep`].
pub fn keep_missing(bench: &str, contender: &str, reason: &str) -> io::Result<()> {
    append(&json!({ "bench": bench, "contender": contender, "missing": reason }))
}

fn append(line: &Value) -> io::Result<()> {
    let Some(path) = env::var_os("BENCH_JSON") else { return Ok(()) };
    let mut file = File::options().append(true).create(true).open(path)?;
    writeln!(file, "{line}")
}
