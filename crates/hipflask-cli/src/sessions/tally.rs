//! Counts sessions, and keeps only what the counts need, however many sessions there are.

use std::{
    cmp::Reverse,
    collections::{BTreeMap, BinaryHeap, HashMap},
    fmt::Write,
};

use hipflask_core::{UnixTime, value::Value};
use serde_json::json;

use super::{
    histogram::Histogram,
    info::{Info, length, printable},
};

/// How many of the largest are told.
const TOP: usize = 10;
/// More names than these are counted as one: an application may make them up.
const MOST_KEYS: usize = 1000;
const OTHER_KEYS: &str = "(other keys)";

const SIZES: &[(u64, &str)] = &[
    (64, "64 B"),
    (128, "128 B"),
    (256, "256 B"),
    (512, "512 B"),
    (1 << 10, "1 KiB"),
    (1 << 11, "2 KiB"),
    (1 << 12, "4 KiB"),
    (1 << 14, "16 KiB"),
    (1 << 16, "64 KiB"),
    (1 << 20, "1 MiB"),
];
const DAY: u64 = 24 * 60 * 60;
const TIMES: &[(u64, &str)] = &[
    (60, "1 minute"),
    (10 * 60, "10 minutes"),
    (60 * 60, "1 hour"),
    (DAY / 4, "6 hours"),
    (DAY, "1 day"),
    (7 * DAY, "7 days"),
    (14 * DAY, "14 days"),
    (31 * DAY, "31 days"),
    (365 * DAY, "365 days"),
];

/// What was counted.
#[derive(Debug)]
pub(super) struct Tally {
    n: u64,
    bytes: u64,
    n_encrypted: u64,
    n_with_user: u64,
    n_renewed: u64,
    n_of_known_age: u64,
    oldest: Option<(UnixTime, String)>,
    formats: BTreeMap<String, u64>,
    largest: BinaryHeap<Reverse<(usize, String)>>,
    keys: HashMap<String, (u64, u64)>,
    sizes: Histogram,
    ages: Histogram,
    lives: Histogram,
}

impl Tally {
    pub(super) fn new() -> Self {
        Self {
            n: 0,
            bytes: 0,
            n_encrypted: 0,
            n_with_user: 0,
            n_renewed: 0,
            n_of_known_age: 0,
            oldest: None,
            formats: BTreeMap::new(),
            largest: BinaryHeap::new(),
            keys: HashMap::new(),
            sizes: Histogram::new(SIZES),
            ages: Histogram::new(TIMES),
            lives: Histogram::new(TIMES),
        }
    }

    pub(super) const fn n(&self) -> u64 {
        self.n
    }

    pub(super) const fn add_renewed(&mut self, n: usize) {
        self.n_renewed += n as u64;
    }

    /// Counts a session.
    pub(super) fn add(&mut self, info: Info, now: UnixTime) {
        self.n += 1;
        self.bytes += info.bytes as u64;
        self.n_encrypted += u64::from(info.is_encrypted);
        self.n_with_user += u64::from(info.user.is_some());
        self.sizes.add(info.bytes as u64);
        if let Some(expires) = info.expires {
            self.lives.add(expires.since(now).as_secs());
        }
        if let Some(created) = info.created {
            self.n_of_known_age += 1;
            self.ages.add(now.since(created).as_secs());
            if self.oldest.as_ref().is_none_or(|(oldest, _)| created < *oldest) {
                self.oldest = Some((created, info.id.clone()));
            }
        }
        for (key, value) in info.content.iter().flat_map(|content| content.iter()) {
            self.add_key(&key.to_string_lossy(), weight(value));
        }
        match self.formats.get_mut(&info.format) {
            Some(n) => *n += 1,
            None => drop(self.formats.insert(info.format, 1)),
        }
        let is_large = self.largest.peek().is_none_or(|Reverse((least, _))| info.bytes > *least);
        if self.largest.len() < TOP || is_large {
            self.largest.push(Reverse((info.bytes, info.id)));
        }
        if self.largest.len() > TOP {
            self.largest.pop();
        }
    }

    fn add_key(&mut self, key: &str, bytes: u64) {
        let is_known = self.keys.contains_key(key) || self.keys.len() < MOST_KEYS;
        let key = if is_known { key } else { OTHER_KEYS };
        let (n, sum) = match self.keys.get_mut(key) {
            Some(counts) => counts,
            None => self.keys.entry(key.to_owned()).or_default(),
        };
        *n += 1;
        *sum += bytes;
    }

    fn largest(&self) -> Vec<(usize, &str)> {
        let mut largest: Vec<_> = self.largest.iter().map(|Reverse((n, id))| (*n, &**id)).collect();
        largest.sort_by_key(|(bytes, id)| (Reverse(*bytes), *id));
        largest
    }

    fn keys(&self) -> Vec<(&str, u64, u64)> {
        let mut keys: Vec<_> = self.keys.iter().map(|(key, (n, sum))| (&**key, *n, *sum)).collect();
        keys.sort_by_key(|(key, _, sum)| (Reverse(*sum), *key));
        keys.truncate(TOP);
        keys
    }

    pub(super) fn to_json(&self) -> serde_json::Value {
        let ranges = |histogram: &Histogram| {
            let ranges = histogram.ranges().map(|(range, n)| json!({ "range": range, "count": n }));
            ranges.collect::<Vec<_>>()
        };
        let largest = self.largest().into_iter().map(|(n, id)| json!({ "id": id, "bytes": n }));
        let keys = self.keys().into_iter();
        let keys = keys.map(|(key, n, sum)| json!({ "key": key, "count": n, "bytes": sum }));
        json!({
            "count": self.n,
            "bytes": self.bytes,
            "encrypted": self.n_encrypted,
            "with_user": self.n_with_user,
            "renewed": self.n_renewed,
            "oldest": self.oldest.as_ref().map(|(at, id)| json!({ "id": id, "created": at.as_secs() })),
            "formats": self.formats,
            "largest": largest.collect::<Vec<_>>(),
            "keys": keys.collect::<Vec<_>>(),
            "sizes": ranges(&self.sizes),
            "ages": ranges(&self.ages),
            "lives": ranges(&self.lives),
        })
    }

    pub(super) fn to_text(&self, now: UnixTime) -> String {
        let mut text = String::new();
        // Writing to a string cannot fail.
        let _ = self.write(&mut text, now);
        text
    }

    fn write(&self, text: &mut String, now: UnixTime) -> std::fmt::Result {
        let mean = self.bytes.checked_div(self.n).unwrap_or_default();
        writeln!(text, "sessions   {} ({} with a user)", self.n, self.n_with_user)?;
        writeln!(text, "bytes      {} ({mean} each)", self.bytes)?;
        let formats = self.formats.iter().map(|(format, n)| format!("{n} {format}"));
        writeln!(text, "formats    {}", formats.collect::<Vec<_>>().join(", "))?;
        writeln!(text, "encrypted  {}", self.n_encrypted)?;
        writeln!(text, "renewed    {}", self.n_renewed)?;
        match &self.oldest {
            Some((at, id)) => {
                let age = length(now.since(*at).as_secs());
                writeln!(text, "oldest     {id}, begun {age} ago")?;
            }
            None => writeln!(text, "oldest     unknown: no session says when it began")?,
        }
        for (title, histogram) in [
            ("bytes", &self.sizes),
            ("time since their start", &self.ages),
            ("time to live", &self.lives),
        ] {
            if histogram.ranges().next().is_some() {
                writeln!(text, "\nsessions by {title}")?;
                histogram.draw(text);
            }
        }
        if self.n > 0 {
            writeln!(text, "\nlargest sessions")?;
        }
        for (bytes, id) in self.largest() {
            writeln!(text, "  {id} {bytes:>9}")?;
        }
        if !self.keys.is_empty() {
            writeln!(text, "\nkeys by their bytes in all sessions, about")?;
        }
        for (key, n, bytes) in self.keys() {
            writeln!(text, "  {:<24} {bytes:>9} in {n}", printable(key))?;
        }
        Ok(())
    }
}

/// Returns about how many bytes a value takes in a record.
fn weight(value: &Value) -> u64 {
    let items = |items: &[Value]| items.iter().map(weight).sum::<u64>() + 1;
    match value {
        Value::Null | Value::Bool(_) => 1,
        Value::Str(text) | Value::Markup(text) => text.as_str().map_or(0, str::len) as u64 + 1,
        Value::Bytes(bytes) => bytes.len() as u64 + 2,
        Value::List(list) | Value::Tuple(list) => items(list),
        Value::Dict(dict) => {
            dict.iter()
                .map(|(key, value)| key.to_string_lossy().len() as u64 + 1 + weight(value))
                .sum::<u64>()
                + 1
        }
        _ => 9,
    }
}

#[cfg(test)]
mod tests {
    use hipflask_core::value::Dict;

    use super::*;

    fn info(number: u64) -> Info {
        Info {
            id: format!("{number:024}"),
            user: number.is_multiple_of(2).then(|| number.to_string()),
            created: Some(UnixTime::from_secs(1000 + number)),
            seen: None,
            expires: None,
            bytes: usize::try_from(number).unwrap(),
            format: if number < 50 { "json" } else { "msgpack" }.into(),
            is_encrypted: false,
            content: Ok(Dict::from_iter([("cart".into(), Value::from("x".repeat(9)))])),
        }
    }

    #[test]
    fn tally_counts_all_and_keeps_a_few() {
        let (mut tally, now) = (Tally::new(), UnixTime::from_secs(5000));
        (0..100).for_each(|number| tally.add(info(number), now));
        let found = tally.to_json();
        assert_eq!((&found["count"], &found["bytes"]), (&json!(100), &json!(4950)));
        assert_eq!(found["formats"], json!({ "json": 50, "msgpack": 50 }));
        assert_eq!(found["oldest"], json!({ "id": format!("{:024}", 0), "created": 1000 }));
        let largest = found["largest"].as_array().unwrap();
        assert_eq!((largest.len(), &largest[0]["bytes"]), (TOP, &json!(99)));
        assert_eq!(found["keys"], json!([{ "key": "cart", "count": 100, "bytes": 1000 }]));
        assert!(tally.to_text(now).contains("50 json, 50 msgpack\n"));
    }

    #[test]
    fn keys_without_end_are_one() {
        let mut tally = Tally::new();
        (0..2 * MOST_KEYS).for_each(|number| tally.add_key(&number.to_string(), 1));
        assert_eq!(tally.keys.len(), MOST_KEYS + 1);
        assert_eq!(tally.keys[OTHER_KEYS], (1000, 1000));
    }
}
