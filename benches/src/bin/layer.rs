//! What the layer costs inside axum, without a network: a request through the router, in CPU time.
//!
//! `cargo run --release -p hipflask-benches --bin layer [-- ROUNDS]`
#![expect(clippy::print_stdout, reason = "the table is what it is for")]

use std::{env, error::Error};

use hipflask_benches::{
    measure::{Middle, Runner, calibrate},
    router, samples,
};

fn main() -> Result<(), Box<dyn Error>> {
    let n_rounds = env::args().nth(1).map_or(Ok(21), |rounds| rounds.parse())?;
    let mut cases = router::cases()?;
    let n_calls = cases.iter_mut().map(|case| calibrate(case)).collect::<Result<Vec<_>, _>>()?;
    let mut samples = vec![Vec::new(); cases.len()];
    for _ in 0..n_rounds {
        for (at, case) in cases.iter_mut().enumerate() {
            samples[at].push(case.run(n_calls[at])?);
        }
    }
    println!("| request through the router | ns | to bare axum |\n|---|--:|--:|");
    for (case, nanos) in cases.iter().zip(&samples) {
        samples::keep("layer", "", case.name, "CPU, ns", nanos)?;
        let ratio = Middle::of_ratios(nanos, &samples[0]);
        println!("| {} | {:.0} | {ratio} |", case.name, Middle::of(nanos.clone()).median);
    }
    Ok(())
}
