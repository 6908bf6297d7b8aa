//! Load on one contender, and what `wrk` says of it.

use std::{process::Command, time::Instant};

use crate::{
    Anything,
    process::{Contender, cpu_of},
};

const N_CONNECTIONS: usize = 32;
const SECONDS: u64 = 1;

/// One sample; times in microseconds.
#[derive(Clone, Copy)]
pub(crate) struct Sample {
    pub(crate) rate: f64,
    pub(crate) p50: f64,
    pub(crate) p99: f64,
    pub(crate) server_cpu: f64,
    pub(crate) redis_cpu: f64,
}

pub(crate) fn sample(contender: &Contender, path: &str, redis_pid: u32) -> Anything<Sample> {
    let (start, cpu, redis) = (Instant::now(), contender.cpu()?, cpu_of(redis_pid)?);
    let output = Command::new("wrk")
        .args(["-t1", "--latency", &format!("-c{N_CONNECTIONS}"), &format!("-d{SECONDS}s")])
        .args(["-s", concat!(env!("CARGO_MANIFEST_DIR"), "/src/sessions.lua")])
        .arg(format!("http://{}{path}", contender.address))
        .arg("--")
        .args(&contender.cookies)
        .output()
        .map_err(|_| "cannot start wrk: install it")?;
    let elapsed = start.elapsed().as_secs_f64();
    let cpu = contender.cpu()?.saturating_sub(cpu);
    let redis = cpu_of(redis_pid)?.saturating_sub(redis);
    let words = String::from_utf8_lossy(&output.stdout);
    if words.contains("Non-2xx") || words.contains("Socket errors") {
        return Err(words.into());
    }
    let n_requests = words.lines().find_map(|line| line.split_once(" requests in "));
    let n_requests: f64 = n_requests.ok_or("wrk says nothing")?.0.trim().parse()?;
    Ok(Sample {
        rate: n_requests / elapsed,
        p50: latency(&words, "50%")?,
        p99: latency(&words, "99%")?,
        server_cpu: cpu.as_secs_f64() * 1e6 / n_requests,
        redis_cpu: redis.as_secs_f64() * 1e6 / n_requests,
    })
}

fn latency(words: &str, percent: &str) -> Anything<f64> {
    let line = words.lines().map(str::trim).find(|line| line.starts_with(percent));
    let text = line.and_then(|line| line.split_whitespace().nth(1)).ok_or("no latency")?;
    let at = text.find(|letter: char| letter.is_ascii_alphabetic()).ok_or("no unit")?;
    let factor = match &text[at..] {
        "us" => 1.0,
        "ms" => 1e3,
        "s" => 1e6,
        _ => return Err("an unknown unit".into()),
    };
    Ok(text[..at].parse::<f64>()? * factor)
}
