//! The record of a session in a store: whether it is there, and what it is.
//!
//! Looks only: nothing is written, and no life is extended.

use std::time::Duration;

use hipflask_core::{
    UnixTime,
    record::Format,
    stored::{SessionId, StoredSessions},
};

use hipflask::store::{AnyStore, Store};

use super::{
    cause::{Cause, Kind},
    value::key_names,
};

/// What was learnt of a record.
#[derive(Default)]
pub(super) struct Found {
    pub(super) causes: Vec<Cause>,
    pub(super) notes: Vec<String>,
}

/// Looks for the record of the id in a cookie's value, which may have a signature behind it.
pub(super) async fn look(
    value: &str,
    store: &AnyStore,
    rules: &StoredSessions,
    now: UnixTime,
    shows_values: bool,
) -> Found {
    let mut found = Found::default();
    let id = value.split('.').next().unwrap_or_default();
    let Some(id) = SessionId::parse(id.as_bytes()) else { return found };
    let keys = [Some(rules.key_of(&id)), rules.earlier_key_of(&id)];
    let mut record = None;
    for key in keys.into_iter().flatten() {
        match store.load(&key, None).await {
            Ok(None) => {}
            Ok(Some(loaded)) => {
                record = Some((key, loaded));
                break;
            }
            Err(error) => {
                found.causes.push(Cause::new(Kind::StoreUnreachable, error.to_string()));
                return found;
            }
        }
    }
    let Some((key, record)) = record else {
        let prefix = &rules.settings().key_prefix;
        found.causes.push(Cause::new(Kind::IdUnknown, format!("looked under the prefix {prefix}")));
        return found;
    };
    // No format has a record without bytes: so a store tells of a key that holds something else.
    if record.payload.is_empty() {
        found.causes.push(Cause::new(Kind::RecordType, ""));
        return found;
    }
    let settings = rules.settings();
    match settings.coding(now).decode(&record.payload, key.as_str()) {
        Err(error) => found.causes.push(Cause::new(Kind::RecordCorrupt, error.to_string())),
        Ok(decoded) => {
            let Some(content) = decoded.content else {
                found.causes.push(Cause::new(Kind::RecordExpired, ""));
                return found;
            };
            match decoded.format {
                Format::Pickle if settings.format != Format::Pickle => {
                    found.causes.push(Cause::new(Kind::RecordPickled, ""));
                }
                format if format != settings.format => {
                    let words = format!("{format}, expected {}", settings.format);
                    found.causes.push(Cause::new(Kind::RecordFormat, words));
                }
                _ => {}
            }
            if rules.time_to_live(&content, now) <= Duration::from_secs(1) {
                found.causes.push(Cause::new(Kind::RecordExpired, ""));
            }
            found.notes.push(format!(
                "the record is there: {} bytes as {}, with {}",
                record.payload.len(),
                decoded.format,
                key_names(&content)
            ));
            if shows_values {
                let session = hipflask_core::session::Session::from_stored(content);
                let json = session.to_json().unwrap_or_default();
                found.notes.push(String::from_utf8_lossy(&json).into_owned());
            }
        }
    }
    found
}
