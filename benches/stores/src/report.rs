//! Lets the contenders take turns and prints what they did.

use hipflask_servers::{free_port, redis};

use crate::{
    Anything,
    app::CONTENDERS,
    load::{Sample, sample},
    process::Contender,
};

const PATHS: [(&str, &str); 3] = [("untouched", "/"), ("read", "/read"), ("write", "/write")];

pub(crate) fn compare(n_rounds: usize) -> Anything<()> {
    let redis = redis::start(free_port()?, &[])?;
    let address = format!("redis://127.0.0.1:{}", redis.port());
    let contenders = CONTENDERS.map(|name| Contender::start(name, &address));
    let contenders = contenders.into_iter().collect::<Anything<Vec<_>>>()?;
    let mut samples = vec![Vec::new(); contenders.len() * PATHS.len()];
    for round in 0..n_rounds {
        for turn in 0..samples.len() {
            // Another order each time, so that nobody always follows the same neighbour.
            let at = (turn + round) % samples.len();
            let (contender, path) = (&contenders[at % contenders.len()], at / contenders.len());
            samples[at].push(sample(contender, PATHS[path].1, redis.pid())?);
        }
    }
    println!("One Redis, 32 keep-alive connections, medians of {n_rounds} interleaved rounds.\n");
    println!("| | | requests/s | p50, µs | p99, µs | server CPU, µs | Redis CPU, µs |");
    println!("|---|---|--:|--:|--:|--:|--:|");
    for (at, samples) in samples.iter().enumerate() {
        let of = |field: fn(&Sample) -> f64| {
            let mut values: Vec<f64> = samples.iter().map(field).collect();
            values.sort_by(f64::total_cmp);
            values[values.len() / 2]
        };
        println!(
            "| {} | {} | {:.0} | {:.0} | {:.0} | {:.1} | {:.1} |",
            PATHS[at / contenders.len()].0,
            CONTENDERS[at % contenders.len()],
            of(|sample| sample.rate),
            of(|sample| sample.p50),
            of(|sample| sample.p99),
            of(|sample| sample.server_cpu),
            of(|sample| sample.redis_cpu),
        );
    }
    Ok(())
}
