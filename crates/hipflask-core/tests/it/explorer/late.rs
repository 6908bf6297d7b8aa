//! A question that was given up and may be carried out later.

use std::time::Duration;

use hipflask_core::store::{Question, Record, RecordKey, Renewal};

/// A question that owns what it is about.
#[derive(Clone)]
pub(crate) enum Late {
    Delete(RecordKey),
    Renew { old: RecordKey, current: Record, retired: Vec<u8>, new: RecordKey, payload: Vec<u8> },
    Replace { key: RecordKey, current: Record, payload: Vec<u8> },
}

impl Late {
    pub(crate) fn of(question: Question<'_>) -> Self {
        match question {
            Question::Delete { key } => Self::Delete(key.clone()),
            Question::Renew(Renewal { old, current, retired, new, payload, .. }) => Self::Renew {
                old: old.clone(),
                current: current.clone(),
                retired: retired.to_vec(),
                new: new.clone(),
                payload: payload.to_vec(),
            },
            Question::Replace { key, current, payload, .. } => Self::Replace {
                key: key.clone(),
                current: current.clone(),
                payload: payload.to_vec(),
            },
            Question::Create { .. } | Question::Load { .. } | Question::Scan { .. } => {
                panic!("{question:?} is never late")
            }
        }
    }

    pub(crate) fn question(&self) -> Question<'_> {
        let ttl = Duration::from_secs(1);
        match self {
            Self::Delete(key) => Question::Delete { key },
            Self::Renew { old, current, retired, new, payload } => Question::Renew(Renewal {
                old,
                current,
                new,
                payload,
                ttl,
                retired,
                retired_ttl: ttl,
            }),
            Self::Replace { key, current, payload } => {
                Question::Replace { key, current, payload, ttl }
            }
        }
    }
}
