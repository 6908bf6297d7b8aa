//! Makes calls between marks, so that valgrind counts the instructions of each: see `benches/instructions.py`.
//!
//! A mark is a call of `getppid`, at which valgrind writes down what it has counted since the one before. Then comes a
//! line on standard output: what was counted, and the number of calls. With arguments, `-- NAME CALLS`, it only makes
//! those calls, for a profiler.
#![expect(clippy::print_stdout, reason = "the lines are what it is for")]

use std::{env, error::Error};

use hipflask_benches::{
    contender::LOCAL,
    measure::Runner,
    router,
    workload::{Operation, Workload},
};

const CONTENDERS: [&str; 2] = ["floor", "hipflask"];
const N_CALLS: u32 = 500;

fn main() -> Result<(), Box<dyn Error>> {
    let args: Vec<String> = env::args().skip(1).collect();
    let mut runners = runners()?;
    match &args[..] {
        [] => {
            for (name, runner) in &mut runners {
                // The first calls may set up what a thread keeps.
                runner.run(N_CALLS)?;
                mark("", 0);
                runner.run(N_CALLS)?;
                mark(name, N_CALLS);
            }
            Ok(())
        }
        [wanted, n_calls] => {
            let found = runners.iter_mut().find(|(name, _)| name == wanted);
            let (_, runner) = found.ok_or("nothing has this name: see the table")?;
            Ok(runner.run(n_calls.parse()?).map(drop)?)
        }
        _ => Err("expected nothing, or: NAME CALLS".into()),
    }
}

type Named = (String, Box<dyn Runner>);

fn runners() -> Result<Vec<Named>, Box<dyn Error>> {
    let mut runners: Vec<Named> = Vec::new();
    for operation in Operation::ALL {
        for workload in Workload::all().into_iter().filter(|load| load.has(operation)) {
            for (contender, prepare) in LOCAL.iter().filter(|(it, _)| CONTENDERS.contains(it)) {
                let name = format!("{} {}, {contender}", operation.name(), workload.name);
                runners.push((name, prepare(&workload, operation).ok_or("nothing to run")?));
            }
        }
    }
    for case in router::cases()? {
        runners.push((format!("router: {}", case.name), Box::new(case)));
    }
    Ok(runners)
}

fn mark(name: &str, n_calls: u32) {
    let _pid = rustix::process::getppid();
    println!("{name}\t{n_calls}");
}
