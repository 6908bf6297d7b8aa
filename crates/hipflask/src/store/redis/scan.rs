//! Listing the keys of a prefix, page by page, and node by node in a cluster.
//!
//! A cursor counts only in the run of the server that gave it. A position therefore says which run
//! that was, and in a cluster which slot: if the slot is with another server by now, or it has been
//! started again, its keys are listed from the start.

use std::time::Duration;

use redis::{FromRedisValue, Value, cmd, pipe};

use super::{
    cluster::{Slots, read_slots},
    failure::{Failure, STRANGE, checked},
    link::Commands,
    server::Host,
    servers::{Limit, Servers},
};
use crate::store::{Entry, Page, Record, RecordKey};

/// How many keys a server looks at for a page, at least and at most.
const COUNT: (usize, usize) = (10, 1000);

/// Where a listing goes on.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub(super) struct Position {
    slot: u16,
    /// The server's name for its run.
    run: String,
    cursor: u64,
}

impl Position {
    pub(super) fn parse(text: &str) -> Option<Self> {
        let mut parts = text.splitn(3, ':');
        let (slot, run, cursor) = (parts.next()?, parts.next()?, parts.next()?);
        Some(Self { slot: slot.parse().ok()?, run: run.to_owned(), cursor: cursor.parse().ok()? })
    }

    fn print(&self) -> String {
        format!("{}:{}:{}", self.slot, self.run, self.cursor)
    }
}

/// Returns the page at a position.
pub(super) async fn page(
    servers: &Servers,
    prefix: &str,
    position: Position,
    count: usize,
    limit: Limit,
) -> Result<Page, Failure> {
    let mut question = cmd("SCAN");
    question.arg(position.cursor).arg("MATCH").arg(pattern(prefix));
    question.arg("COUNT").arg(count.clamp(COUNT.0, COUNT.1));
    let mut commands = pipe();
    commands.add_command(question).cmd("INFO").arg("server");
    if let Servers::Cluster(_) = servers {
        commands.cmd("CLUSTER").arg("MYID").cmd("CLUSTER").arg("SLOTS");
    }
    let mut values =
        servers.send(position.slot, Commands::Several(&commands), None, limit).await?.into_iter();
    let (cursor, keys): (u64, Vec<Vec<u8>>) = read(values.next())?;
    // Without the permission to ask for it, there is one run without a name.
    let run = run(&read::<String>(values.next()).unwrap_or_default());
    let slot = position.slot;
    let next = if position.cursor != 0 && position.run != run {
        Some(Position { slot, run, cursor: 0 })
    } else if cursor != 0 {
        Some(Position { slot, run, cursor })
    } else if let Servers::Cluster(_) = servers {
        let id: String = read(values.next())?;
        let slots = read_slots(&values.next().ok_or(STRANGE)?, &Host::unknown());
        next_slot(&id, &slots)?.map(|slot| Position { slot, ..Position::default() })
    } else {
        None
    };
    let entries = entries(servers, slot, prefix, keys, limit).await?;
    Ok(Page { entries, next: next.map(|next| next.print()) })
}

fn read<T: FromRedisValue>(value: Option<Value>) -> Result<T, Failure> {
    redis::from_redis_value(checked(value.ok_or(STRANGE)?)?).or(Err(STRANGE))
}

fn run(info: &str) -> String {
    let run = info.lines().find_map(|line| line.strip_prefix("run_id:"));
    run.unwrap_or_default().to_owned()
}

/// Returns the first slot of the next node: each node is where its first slot is.
fn next_slot(id: &str, slots: &[Slots]) -> Result<Option<u16>, Failure> {
    let first = |id: &str| slots.iter().find(|slots| slots.id == id).map(|slots| slots.first);
    let own = first(id).ok_or(Failure::Busy("the node has lost its slots"))?;
    Ok(slots.iter().filter_map(|slots| first(&slots.id)).filter(|first| *first > own).min())
}

/// Reads the records, and leaves out what has ended since, or is no record.
async fn entries(
    servers: &Servers,
    slot: u16,
    prefix: &str,
    keys: Vec<Vec<u8>>,
    limit: Limit,
) -> Result<Vec<Entry>, Failure> {
    let keys = keys.into_iter().filter_map(|key| String::from_utf8(key).ok());
    let keys: Vec<_> = keys.filter(|key| key.starts_with(prefix)).collect();
    if keys.is_empty() {
        return Ok(Vec::new());
    }
    let mut commands = pipe();
    for key in &keys {
        commands.cmd("PTTL").arg(key).cmd("GET").arg(key);
    }
    let mut values =
        servers.send(slot, Commands::Several(&commands), None, limit).await?.into_iter();
    let mut entries = Vec::with_capacity(keys.len());
    for key in keys {
        let (left, payload) = (values.next().ok_or(STRANGE)?, values.next().ok_or(STRANGE)?);
        match (checked(left)?, payload) {
            (Value::Int(left), Value::BulkString(payload)) => entries.push(Entry {
                key: RecordKey::new(key),
                record: Record::new(payload),
                expires_in: u64::try_from(left).ok().map(Duration::from_millis),
            }),
            (_, Value::ServerError(error)) if error.code() != "WRONGTYPE" => {
                return Err(Failure::from(&error));
            }
            _ => {}
        }
    }
    Ok(entries)
}

/// Returns the pattern of all keys that start so.
fn pattern(prefix: &str) -> String {
    let mut pattern = String::with_capacity(prefix.len() + 8);
    for character in prefix.chars() {
        if matches!(character, '*' | '?' | '[' | '\\') {
            pattern.push('\\');
        }
        pattern.push(character);
    }
    pattern + "*"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_take_each_character_for_itself() {
        assert_eq!(pattern("session:"), "session:*");
        assert_eq!(pattern(r"a*b?[c]\"), r"a\*b\?\[c]\\*");
    }

    #[test]
    fn positions_are_read_as_they_are_written() {
        let position = Position { slot: 5461, run: "ab12".into(), cursor: 17 };
        assert_eq!(Position::parse(&position.print()), Some(position));
        for wrong in ["", "1", "1:a", "a:a:1", "1:a:-1", "70000:a:1"] {
            assert_eq!(Position::parse(wrong), None, "{wrong}");
        }
    }
}
