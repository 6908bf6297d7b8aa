//! Counts the instructions of one call under valgrind: the same on every run and any load.
//!
//! `cargo run --release -p hipflask-benches --bin callgrind` prints the table. With arguments,
//! `-- hipflask open w1 1000`, it only runs the calls, for valgrind or a profiler. Valgrind knows
//! no SHA instructions, so the share of the HMAC is far larger here than in truth.
#![expect(clippy::print_stdout, reason = "the table is what it is for")]

use std::{env, error::Error, io, path::Path, process::Command};

use hipflask_benches::{
    contender::{LOCAL, Prepare},
    workload::{Operation, Workload},
};

const CONTENDERS: [&str; 2] = ["floor", "hipflask"];

fn main() -> Result<(), Box<dyn Error>> {
    let args: Vec<String> = env::args().skip(1).collect();
    match &args[..] {
        [] => print_table(),
        [contender, operation, workload, n_calls] => {
            run(contender, operation, workload, n_calls.parse()?)
        }
        _ => Err("expected nothing, or: CONTENDER OPERATION WORKLOAD CALLS".into()),
    }
}

fn run(name: &str, operation: &str, workload: &str, n_calls: u32) -> Result<(), Box<dyn Error>> {
    let by_name = |(candidate, _): &&(&str, Prepare)| *candidate == name;
    let (_, prepare) = LOCAL.iter().find(by_name).ok_or("no such contender")?;
    let operation = Operation::ALL.into_iter().find(|it| it.name() == operation);
    let workload = Workload::all().into_iter().find(|it| it.name == workload);
    let (operation, workload) = operation.zip(workload).ok_or("no such operation or workload")?;
    prepare(&workload, operation).ok_or("nothing to run")?.run(n_calls)?;
    Ok(())
}

fn print_table() -> Result<(), Box<dyn Error>> {
    println!("| instructions of one call | workload | floor | hipflask | more | ratio |");
    println!("|---|---|--:|--:|--:|--:|");
    for operation in Operation::ALL {
        for workload in Workload::all().into_iter().filter(|load| load.has(operation)) {
            let count = |contender| per_call(contender, operation, workload.name);
            let [floor, ours] = [count(CONTENDERS[0])?, count(CONTENDERS[1])?];
            let ratio = ours as f64 / floor as f64;
            let (name, more) = (operation.name(), ours - floor);
            println!("| {name} | {} | {floor} | {ours} | {more} | {ratio:.2} |", workload.name);
        }
    }
    Ok(())
}

/// The difference of two runs leaves start-up and preparation out.
fn per_call(contender: &str, operation: Operation, workload: &str) -> io::Result<i64> {
    let few = instructions(contender, operation, workload, 100)?;
    let many = instructions(contender, operation, workload, 1100)?;
    Ok((many - few) / 1000)
}

fn instructions(
    contender: &str,
    operation: Operation,
    workload: &str,
    n_calls: u32,
) -> io::Result<i64> {
    let output = Command::new("valgrind")
        .args(["--tool=callgrind", "--callgrind-out-file=/dev/null"])
        .arg(Path::new(&env::current_exe()?))
        .args([contender, operation.name(), workload, &n_calls.to_string()])
        .output()?;
    let words = String::from_utf8_lossy(&output.stderr);
    let count = words.lines().find_map(|line| line.split("Collected :").nth(1));
    let count = count.filter(|_| output.status.success());
    count.and_then(|count| count.trim().parse().ok()).ok_or_else(|| {
        io::Error::other(format!("valgrind has counted nothing: {}", words.trim_end()))
    })
}
