//! What a stored session takes in Redis, as each contender writes it.
//!
//! Each contender stores one session; its record is then copied under as many keys of the same
//! length, with a time to live, into an empty server whose memory is looked at before and after.

use redis::Commands;

use crate::{
    Anything,
    app::CONTENDERS,
    process::{Contender, cookie_of, start_redis},
    samples,
};

const BATCH: usize = 10_000;

pub(crate) fn compare(most: usize) -> Anything<()> {
    println!("| workload | contender | key, bytes | record, bytes | memory per session, bytes |");
    println!("|---|---|--:|--:|---|");
    for workload in ["w2", "w3"] {
        for name in CONTENDERS {
            let (key, record) = match record_of(name, workload) {
                Ok(found) => found,
                Err(error) => {
                    samples::keep_missing("memory", name, &error.to_string())?;
                    continue;
                }
            };
            let sizes = memory_of(key.len(), &record, most)?;
            let words = sizes.iter().map(|(n_stored, bytes)| {
                samples::keep(
                    "memory",
                    workload,
                    name,
                    &format!("bytes at {n_stored}"),
                    &[*bytes],
                )?;
                Ok(format!("{bytes} at {n_stored}"))
            });
            let memory = words.collect::<Anything<Vec<_>>>()?.join(", ");
            println!("| {workload} | {name} | {} | {} | {memory} |", key.len(), record.len());
        }
    }
    Ok(())
}

pub(crate) fn record_of(name: &str, workload: &str) -> Anything<(Vec<u8>, Vec<u8>)> {
    let (_server, address) = start_redis()?;
    let contender = Contender::start(name, &address)?;
    let mut redis = redis::Client::open(address)?.get_connection()?;
    redis::cmd("FLUSHALL").exec(&mut redis)?;
    cookie_of(contender.address, &format!("/fill/{workload}"))?;
    let keys: Vec<Vec<u8>> = redis.keys("*")?;
    let [key] = <[Vec<u8>; 1]>::try_from(keys).map_err(|_| "expected one record")?;
    let record = redis.get(&key)?;
    Ok((key, record))
}

/// Returns the bytes per session at each power of ten from a thousand up to `most`.
fn memory_of(key_len: usize, record: &[u8], most: usize) -> Anything<Vec<(usize, f64)>> {
    let (_server, address) = start_redis()?;
    let mut redis = redis::Client::open(address)?.get_connection()?;
    let empty = used_memory(&mut redis)?;
    let (mut n_stored, mut goal, mut sizes) = (0, 1_000.min(most), Vec::new());
    while n_stored < most {
        let mut pipeline = redis::pipe();
        for n in n_stored..(n_stored + BATCH).min(goal) {
            let key = format!("{n:0key_len$}");
            pipeline.cmd("SET").arg(key).arg(record).arg("EX").arg(2_678_400).ignore();
        }
        pipeline.exec(&mut redis)?;
        n_stored = (n_stored + BATCH).min(goal);
        if n_stored == goal {
            let per_session = (used_memory(&mut redis)? - empty) / n_stored as u64;
            sizes.push((n_stored, per_session as f64));
            goal = (goal * 10).min(most);
        }
    }
    Ok(sizes)
}

pub(crate) fn used_memory(redis: &mut redis::Connection) -> Anything<u64> {
    let info: String = redis::cmd("INFO").arg("memory").query(redis)?;
    let line = info.lines().find_map(|line| line.strip_prefix("used_memory:"));
    Ok(line.ok_or("no used_memory")?.trim().parse()?)
}
