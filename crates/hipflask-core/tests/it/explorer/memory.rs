//! A store in memory, each of whose answers is one step.

use std::{collections::BTreeMap, rc::Rc};

use hipflask_core::{
    engine::Answer,
    record::{self, Format},
    serializer::Limits,
    store::{Created, Deleted, Record, RecordKey, Replaced, Revision},
    value::Dict,
};

/// What a request asks of its store, to be answered by any driver of one.
#[derive(Clone, Debug)]
pub(crate) enum Ask {
    Create { key: RecordKey, payload: Vec<u8> },
    Delete { key: RecordKey },
    Load { key: RecordKey },
    Renew { old: RecordKey, current: Record, retired: Vec<u8>, new: RecordKey, payload: Vec<u8> },
    Replace { key: RecordKey, current: Record, payload: Vec<u8> },
}

impl Ask {
    pub(crate) const fn word(&self) -> &'static str {
        match self {
            Self::Create { .. } => "create",
            Self::Delete { .. } => "delete",
            Self::Load { .. } => "load",
            Self::Renew { .. } => "renew",
            Self::Replace { .. } => "replace",
        }
    }
}

#[derive(Clone, Default)]
pub(crate) struct Memory {
    records: BTreeMap<RecordKey, Rc<Kept>>,
    /// What is there is overwritten unseen: the model of last writer wins.
    is_blind: bool,
}

struct Kept {
    payload: Vec<u8>,
    /// What is in it; `None` if it is retired.
    content: Option<Dict>,
}

impl Memory {
    pub(crate) fn new(is_blind: bool) -> Self {
        Self { records: BTreeMap::new(), is_blind }
    }

    pub(crate) fn put(&mut self, key: RecordKey, content: &Dict) {
        self.write(key, record::encode(content, Format::MsgPack).unwrap());
    }

    pub(crate) fn answer(&mut self, ask: Ask) -> Answer {
        match ask {
            Ask::Create { key, .. } if self.records.contains_key(&key) => {
                Answer::Created(Created::Exists)
            }
            Ask::Create { key, payload } => {
                self.write(key, payload);
                Answer::Created(Created::Created(Revision::default()))
            }
            Ask::Delete { key } => Answer::Deleted(match self.records.remove(&key) {
                Some(_) => Deleted::Deleted,
                None => Deleted::Gone,
            }),
            Ask::Load { key } => {
                let record = self.records.get(&key).map(|kept| Record::new(kept.payload.clone()));
                Answer::Loaded(record.map(|record| record.with_touched(true)))
            }
            Ask::Renew { old, current, retired, new, payload } => {
                let replaced = self.replace(old, &current, retired);
                if matches!(replaced, Replaced::Replaced(_)) {
                    self.write(new, payload);
                }
                Answer::Replaced(replaced)
            }
            Ask::Replace { key, current, payload } => {
                Answer::Replaced(self.replace(key, &current, payload))
            }
        }
    }

    fn replace(&mut self, key: RecordKey, expected: &Record, payload: Vec<u8>) -> Replaced {
        match self.records.get(&key) {
            None if !self.is_blind => Replaced::Gone,
            Some(current) if !self.is_blind && current.payload != expected.payload => {
                Replaced::Conflict(Record::new(current.payload.clone()))
            }
            _ => {
                self.write(key, payload);
                Replaced::Replaced(Revision::default())
            }
        }
    }

    fn write(&mut self, key: RecordKey, payload: Vec<u8>) {
        let decoded = record::decode(&payload, Format::MsgPack, Limits::default());
        let content = decoded.expect("a record").content;
        self.records.insert(key, Rc::new(Kept { payload, content }));
    }

    /// Ends a record unless it is only retired; reports whether it did.
    pub(crate) fn expire(&mut self, key: &RecordKey) -> bool {
        let is_live = self.records.get(key).is_some_and(|kept| kept.content.is_some());
        if is_live {
            self.records.remove(key);
        }
        is_live
    }

    /// What is in each record that is not retired.
    pub(crate) fn contents(&self) -> impl Iterator<Item = &Dict> {
        self.records.values().filter_map(|kept| kept.content.as_ref())
    }
}
