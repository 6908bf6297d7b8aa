//! Times opening, saving and refusing a cookie, all contenders taking turns in one run.
//!
//! `cargo run --release -p hipflask-benches --bin cookie [-- ROUNDS]`
#![expect(clippy::print_stdout, reason = "the table is what it is for")]

use std::{error::Error, io};

use hipflask_benches::{
    contender::{Flask, LOCAL},
    measure::{Middle, Runner, calibrate},
    samples,
    workload::{Operation, Workload},
};

struct Cell {
    row: usize,
    runner: Box<dyn Runner>,
    n_calls: u32,
    samples: Vec<f64>,
}

fn main() -> Result<(), Box<dyn Error>> {
    let n_rounds = std::env::args().nth(1).map_or(Ok(15), |arg| arg.parse::<usize>())?.max(9);
    let workloads = Workload::all();
    let flask = Flask::start();
    let mut rows: Vec<String> = LOCAL.iter().map(|(name, _)| (*name).to_owned()).collect();
    match &flask {
        Ok((_, version)) => {
            let row = |part: &&str| format!("Flask {version}, {part}");
            rows.extend(Flask::PARTS.iter().map(row));
        }
        Err(error) => {
            samples::keep_missing("cookie", "Flask", &error.to_string())?;
            println!("Flask is not in the table: {error}.\n");
        }
    }
    print_sizes(&workloads)?;
    println!(
        "Nanoseconds of CPU time, medians of {n_rounds} rounds; (ratio to the floor ± half the distance of its quartiles).\n"
    );
    for operation in Operation::ALL {
        let columns: Vec<_> = workloads.iter().filter(|load| load.has(operation)).collect();
        let mut table = Vec::new();
        for workload in &columns {
            let mut cells = prepare(workload, operation, flask.as_ref().ok().map(|(it, _)| it))?;
            for _ in 0..n_rounds {
                for cell in &mut cells {
                    cell.samples.push(cell.runner.run(cell.n_calls)?);
                }
            }
            let mut column = vec![None; rows.len()];
            let floor = cells[0].samples.clone();
            let case = format!("{} {}", operation.name(), workload.name);
            for Cell { row, samples, .. } in cells {
                samples::keep("cookie", &case, &rows[row], "CPU, ns", &samples)?;
                let ratio = Middle::of_ratios(&samples, &floor);
                column[row] = Some(format!("{:.0} ({ratio})", Middle::of(samples).median));
            }
            table.push(column);
        }
        print_table(operation, &columns, &rows, &table);
    }
    Ok(())
}

fn prepare(
    workload: &Workload,
    operation: Operation,
    flask: Option<&Flask>,
) -> io::Result<Vec<Cell>> {
    let local = LOCAL.iter().map(|(_, prepare)| prepare(workload, operation));
    let mut runners: Vec<_> = local.collect();
    for part in Flask::PARTS {
        runners.push(flask.map(|flask| flask.prepare(part, workload, operation)).transpose()?);
    }
    let present = runners.into_iter().enumerate().filter_map(|(row, runner)| Some((row, runner?)));
    let cell = |(row, mut runner): (usize, Box<dyn Runner>)| {
        let n_calls = calibrate(&mut *runner)?;
        Ok(Cell { row, runner, n_calls, samples: Vec::new() })
    };
    present.map(cell).collect()
}

fn print_sizes(workloads: &[Workload]) -> io::Result<()> {
    for load in workloads {
        let how = if load.is_compressed() { "compressed" } else { "not compressed" };
        let (json, cookie) = (load.json.len(), load.cookie.len());
        println!("- {}: {json} bytes of JSON, a cookie value of {cookie} bytes, {how}", load.name);
        samples::keep("sizes", load.name, "hipflask", "cookie, bytes", &[cookie as f64])?;
    }
    println!();
    Ok(())
}

fn print_table(
    operation: Operation,
    columns: &[&Workload],
    rows: &[String],
    table: &[Vec<Option<String>>],
) {
    let names: Vec<_> = columns.iter().map(|load| load.name).collect();
    println!("| {} | {} |", operation.name(), names.join(" | "));
    println!("|---|{}", "--:|".repeat(columns.len()));
    for (row, name) in rows.iter().enumerate() {
        let cells: Vec<_> =
            table.iter().map(|column| column[row].as_deref().unwrap_or("–")).collect();
        if cells.iter().any(|cell| *cell != "–") {
            println!("| {name} | {} |", cells.join(" | "));
        }
    }
    println!();
}
