//! A store in memory, each of whose answers is one step.

use std::{collections::BTreeMap, rc::Rc};

use hipflask_core::{
    record::{Coding, Format},
    serializer::Limits,
    store::{
        Answer, Created, Deleted, Entry, Page, Question, Record, RecordKey, Replaced, Revision,
    },
    value::Dict,
};

#[derive(Clone)]
pub(crate) struct Memory {
    records: BTreeMap<RecordKey, Rc<Kept>>,
    /// How what is there is read.
    coding: Coding,
    /// What is there is overwritten unseen: the model of last writer wins.
    is_blind: bool,
}

struct Kept {
    payload: Vec<u8>,
    /// What is in it; `None` if it is retired.
    content: Option<Dict>,
}

impl Default for Memory {
    fn default() -> Self {
        Self::new(false, Coding::new(Format::MsgPack, Limits::default()))
    }
}

impl Memory {
    pub(crate) const fn new(is_blind: bool, coding: Coding) -> Self {
        Self { records: BTreeMap::new(), coding, is_blind }
    }

    pub(crate) fn put(&mut self, key: &RecordKey, content: &Dict) {
        self.write(key, &self.coding.encode(content, key.as_str()).unwrap());
    }

    /// Answers, and says whether anything was changed.
    pub(crate) fn answer(&mut self, question: Question<'_>) -> (Answer, bool) {
        match question {
            Question::Create { key, .. } if self.records.contains_key(key) => {
                (Answer::Created(Created::Exists), false)
            }
            Question::Create { key, payload, .. } => {
                self.write(key, payload);
                (Answer::Created(Created::Created(Revision::default())), true)
            }
            Question::Delete { key } => match self.records.remove(key) {
                Some(_) => (Answer::Deleted(Deleted::Deleted), true),
                None => (Answer::Deleted(Deleted::Gone), false),
            },
            Question::Load { key, .. } => {
                let record = self.records.get(key).map(|kept| Record::new(kept.payload.clone()));
                (Answer::Loaded(record.map(|record| record.with_touched(true))), false)
            }
            Question::Renew(renewal) => {
                let replaced = self.replace(renewal.old, renewal.current, renewal.retired);
                if replaced.1 {
                    self.write(renewal.new, renewal.payload);
                }
                replaced
            }
            Question::Replace { key, current, payload, .. } => self.replace(key, current, payload),
            Question::Scan { prefix, cursor, .. } => {
                (Answer::Scanned(self.scan(prefix, cursor)), false)
            }
        }
    }

    /// A part of what is there, four records long.
    fn scan(&self, prefix: &str, cursor: Option<&str>) -> Page {
        let is_next = |key: &&RecordKey| {
            key.as_str().starts_with(prefix) && cursor.is_none_or(|cursor| cursor < key.as_str())
        };
        let entry = |key: &RecordKey| Entry {
            key: key.clone(),
            record: Record::new(self.records[key].payload.clone()),
            expires_in: None,
        };
        let entries: Vec<_> = self.records.keys().filter(is_next).take(4).map(entry).collect();
        let next = entries.get(3).map(|entry| entry.key.as_str().to_owned());
        Page { entries, next }
    }

    fn replace(&mut self, key: &RecordKey, expected: &Record, payload: &[u8]) -> (Answer, bool) {
        let replaced = match self.records.get(key) {
            None if !self.is_blind => Replaced::Gone,
            Some(current) if !self.is_blind && current.payload != expected.payload => {
                Replaced::Conflict(Record::new(current.payload.clone()))
            }
            _ => {
                self.write(key, payload);
                Replaced::Replaced(Revision::default())
            }
        };
        let is_written = matches!(replaced, Replaced::Replaced(_));
        (Answer::Replaced(replaced), is_written)
    }

    pub(crate) fn write(&mut self, key: &RecordKey, payload: &[u8]) {
        let decoded = self.coding.decode(payload, key.as_str());
        let content = decoded.expect("a record").content;
        self.records.insert(key.clone(), Rc::new(Kept { payload: payload.to_vec(), content }));
    }

    /// Ends a record unless it is only retired; reports whether it did.
    pub(crate) fn expire(&mut self, key: &RecordKey) -> bool {
        let is_live = self.records.get(key).is_some_and(|kept| kept.content.is_some());
        if is_live {
            self.records.remove(key);
        }
        is_live
    }

    /// What is there, as bytes.
    pub(crate) fn payloads(&self) -> impl Iterator<Item = (&RecordKey, &[u8])> {
        self.records.iter().map(|(key, kept)| (key, kept.payload.as_slice()))
    }

    /// What is in each record that is not retired.
    pub(crate) fn contents(&self) -> impl Iterator<Item = &Dict> {
        self.records.values().filter_map(|kept| kept.content.as_ref())
    }
}
