//! What a stored session takes in Redis, as each contender writes it.
//!
//! Each contender stores one session; its record is then copied under as many keys of the same
//! length, with a time to live, into an empty server whose memory is looked at before and after.

use redis::Commands;

use crate::{
    Anything,
    app::CONTENDERS,
    process::{Contender, cookie_of, start_redis},
};

const BATCH: usize = 10_000;

pub(crate) fn compare(most: usize) -> Anything<()> {
    println!("| workload | contender | key, bytes | record, bytes | memory per session, bytes |");
    println!("|---|---|--:|--:|---|");
    for workload in ["w2", "w3"] {
        for name in CONTENDERS {
            let (key, record) = record_of(name, workload)?;
            let memory = memory_of(key.len(), &record, most)?;
            println!("| {workload} | {name} | {} | {} | {memory} |", key.len(), record.len());
        }
    }
    Ok(())
}

fn record_of(name: &str, workload: &str) -> Anything<(Vec<u8>, Vec<u8>)> {
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
fn memory_of(key_len: usize, record: &[u8], most: usize) -> Anything<String> {
    let (_server, address) = start_redis()?;
    let mut redis = redis::Client::open(address)?.get_connection()?;
    let empty = used_memory(&mut redis)?;
    let (mut n_stored, mut goal, mut words) = (0, 1_000.min(most), Vec::new());
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
            words.push(format!("{per_session} at {n_stored}"));
            goal = (goal * 10).min(most);
        }
    }
    Ok(words.join(", "))
}

fn used_memory(redis: &mut redis::Connection) -> Anything<u64> {
    let info: String = redis::cmd("INFO").arg("memory").query(redis)?;
    let line = info.lines().find_map(|line| line.strip_prefix("used_memory:"));
    Ok(line.ok_or("no used_memory")?.trim().parse()?)
}
