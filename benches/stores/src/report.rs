//! Lets the contenders take turns and prints what they did.

use crate::{
    Anything,
    load::{Sample, sample},
    process::{Contender, start_redis},
    samples,
};

const PATHS: [(&str, &str); 3] = [("untouched", "/"), ("read", "/read"), ("write", "/write")];

type Measure = (&'static str, fn(&Sample) -> f64);

const MEASURES: [Measure; 5] = [
    ("requests/s", |sample| sample.rate),
    ("p50, µs", |sample| sample.p50),
    ("p99, µs", |sample| sample.p99),
    ("server CPU, µs", |sample| sample.server_cpu),
    ("Redis CPU, µs", |sample| sample.redis_cpu),
];

/// Beside whom the others are shown, if it takes part.
const BESIDE: &str = "tower-sessions";

pub(crate) fn compare(n_rounds: usize, names: &[&str]) -> Anything<()> {
    let (redis, address) = start_redis()?;
    let (mut names, all, mut contenders) = (Vec::new(), names, Vec::new());
    for name in all {
        match Contender::start(name, &address) {
            Ok(contender) => {
                names.push(*name);
                contenders.push(contender);
            }
            Err(error) => {
                samples::keep_missing("stores", name, &error.to_string())?;
                println!("{name} is not in the table: {error}.\n");
            }
        }
    }
    let mut samples = vec![Vec::new(); contenders.len() * PATHS.len()];
    for round in 0..n_rounds {
        for turn in 0..samples.len() {
            // Another order each time, so that nobody always follows the same neighbour.
            let at = (turn + round) % samples.len();
            let (contender, path) = (&contenders[at % contenders.len()], at / contenders.len());
            samples[at].push(sample(contender, PATHS[path].1, redis.pid())?);
        }
    }
    let beside = names.iter().position(|name| *name == BESIDE).unwrap_or(0);
    println!(
        "One Redis, 32 keep-alive connections, 64 sessions, {n_rounds} interleaved rounds: medians, and the"
    );
    println!("medians (lower to upper quartile) of what a round gave beside {}.\n", names[beside]);
    println!(
        "| | | requests/s | p50, µs | p99, µs | server CPU, µs | Redis CPU, µs | requests/s beside | server CPU beside | Redis CPU beside |"
    );
    println!("|---|---|--:|--:|--:|--:|--:|--:|--:|--:|");
    for (at, own) in samples.iter().enumerate() {
        let (path, contender) = (at / contenders.len(), at % contenders.len());
        let other = &samples[path * contenders.len() + beside];
        let of = |field: fn(&Sample) -> f64| quartiles(own.iter().map(field)).1;
        let beside =
            |field: fn(&Sample) -> f64| ratio(own.iter().map(field), other.iter().map(field));
        let name = names[contender].rsplit('/').next().unwrap_or_default();
        for (measure, field) in MEASURES {
            let values: Vec<f64> = own.iter().map(field).collect();
            samples::keep("stores", PATHS[path].0, name, measure, &values)?;
        }
        println!(
            "| {} | {} | {:.0} | {:.0} | {:.0} | {:.1} | {:.1} | {} | {} | {} |",
            PATHS[path].0,
            name,
            of(|sample| sample.rate),
            of(|sample| sample.p50),
            of(|sample| sample.p99),
            of(|sample| sample.server_cpu),
            of(|sample| sample.redis_cpu),
            beside(|sample| sample.rate),
            beside(|sample| sample.server_cpu),
            beside(|sample| sample.redis_cpu),
        );
    }
    Ok(())
}

/// Returns what each round gave beside the other one, as the median (lower to upper quartile).
pub(crate) fn ratio(own: impl Iterator<Item = f64>, other: impl Iterator<Item = f64>) -> String {
    let (low, middle, high) = quartiles(own.zip(other).map(|(own, other)| own / other));
    format!("{middle:.2} ({low:.2} to {high:.2})")
}

/// Returns the lower quartile, the median and the upper quartile.
pub(crate) fn quartiles(values: impl Iterator<Item = f64>) -> (f64, f64, f64) {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    let at = |part: usize| values[(values.len() * part / 4).min(values.len() - 1)];
    (at(1), at(2), at(3))
}
