//! Listing the keys of a prefix, page by page, and node by node in a cluster.
//!
//! A position counts only on the node that gave it. In a cluster it therefore says which node that
//! was, and which slot: if another node has the slot by now, its keys are listed from the start.

use std::time::Duration;

use redis::{Pipeline, Value, cmd, pipe};

use super::{
    cluster::{Slots, read_slots},
    failure::{Failure, STRANGE, checked},
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
    /// The node's name; empty where there is no cluster.
    node: String,
    cursor: u64,
}

impl Position {
    pub(super) fn parse(text: &str) -> Option<Self> {
        let mut parts = text.splitn(3, ':');
        let (slot, node, cursor) = (parts.next()?, parts.next()?, parts.next()?);
        Some(Self {
            slot: slot.parse().ok()?,
            node: node.to_owned(),
            cursor: cursor.parse().ok()?,
        })
    }

    fn print(&self) -> String {
        format!("{}:{}:{}", self.slot, self.node, self.cursor)
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
    let mut commands = Pipeline::with_capacity(3);
    commands.add_command(question);
    if let Servers::Cluster(_) = servers {
        commands.cmd("CLUSTER").arg("MYID").cmd("CLUSTER").arg("SLOTS");
    }
    let values = servers.send(position.slot, &commands, None, limit).await?;
    let mut values = values.into_iter().map(checked);
    let answer = values.next().ok_or(STRANGE)??;
    let (cursor, keys) = redis::from_redis_value::<(u64, Vec<Vec<u8>>)>(answer).or(Err(STRANGE))?;
    let next = match (values.next(), values.next()) {
        (Some(id), Some(slots)) => {
            let id: String = redis::from_redis_value(id?).or(Err(STRANGE))?;
            next_in_cluster(&position, cursor, &id, &read_slots(&slots?, &Host::unknown()))?
        }
        _ => (cursor != 0).then_some(Position { cursor, ..position.clone() }),
    };
    let entries = entries(servers, position.slot, prefix, keys, limit).await?;
    Ok(Page { entries, next: next.map(|next| next.print()) })
}

fn next_in_cluster(
    position: &Position,
    cursor: u64,
    id: &str,
    slots: &[Slots],
) -> Result<Option<Position>, Failure> {
    let is_here = |range: &&Slots| range.id == id;
    let Some(own) = slots.iter().find(is_here) else {
        return Err(Failure::Busy("the cluster is changing"));
    };
    if position.cursor != 0 && position.node != id {
        return Ok(Some(Position { cursor: 0, node: id.to_owned(), slot: own.first }));
    }
    if cursor != 0 {
        return Ok(Some(Position { cursor, node: id.to_owned(), slot: own.first }));
    }
    // Each node is where its first slot is, so that nodes have an order that stays.
    let is_first = |at: usize, range: &Slots| slots.iter().take(at).all(|other| other.id != range.id);
    let next = slots.iter().enumerate().find(|(at, range)| range.first > own.first && is_first(*at, range));
    Ok(next.map(|(_, range)| Position { slot: range.first, ..Position::default() }))
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
    let mut values = servers.send(slot, &commands, None, limit).await?.into_iter();
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
        let position = Position { slot: 5461, node: "ab12".into(), cursor: 17 };
        assert_eq!(Position::parse(&position.print()), Some(position));
        for wrong in ["", "1", "1:a", "a:a:1", "1:a:-1", "70000:a:1"] {
            assert_eq!(Position::parse(wrong), None, "{wrong}");
        }
    }
}
