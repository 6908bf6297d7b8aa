//! Lets the contenders take turns and prints what they did.

use crate::{
    Anything,
    load::{Sample, sample},
    process::{Contender, start_redis},
};

const PATHS: [(&str, &str); 3] = [("untouched", "/"), ("read", "/read"), ("write", "/write")];

/// Beside whom the others are shown, if it takes part.
const BESIDE: &str = "tower-sessions";

pub(crate) fn compare(n_rounds: usize, names: &[&str]) -> Anything<()> {
    let (redis, address) = start_redis()?;
    let contenders = names.iter().map(|name| Contender::start(name, &address));
    let contenders = contenders.collect::<Anything<Vec<_>>>()?;
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
        let beside = |field: fn(&Sample) -> f64| {
            let ratios = own.iter().map(field).zip(other.iter().map(field));
            let (low, middle, high) = quartiles(ratios.map(|(own, other)| own / other));
            format!("{middle:.2} ({low:.2} to {high:.2})")
        };
        println!(
            "| {} | {} | {:.0} | {:.0} | {:.0} | {:.1} | {:.1} | {} | {} | {} |",
            PATHS[path].0,
            names[contender].rsplit('/').next().unwrap_or_default(),
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

/// Returns the lower quartile, the median and the upper quartile.
pub(crate) fn quartiles(values: impl Iterator<Item = f64>) -> (f64, f64, f64) {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    let at = |part: usize| values[(values.len() * part / 4).min(values.len() - 1)];
    (at(1), at(2), at(3))
}
