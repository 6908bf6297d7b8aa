//! What a record is, without saying where it lies: id, user, times, size and format.

use hipflask::store::Entry;
use hipflask_core::{
    UnixTime,
    auth::user_of,
    listing::{UserIndex, handle_of},
    record::{Coding, DecodeError, decode},
    session::{AUTHENTICATED, STARTED, time_of},
    signing::Sealer,
    stored::Settings,
    value::Dict,
};
use serde_json::{Value, json};

/// What is known of a session.
#[derive(Debug)]
pub(super) struct Info {
    /// A digest of where it lies, which opens nothing.
    pub(super) id: String,
    pub(super) user: Option<String>,
    pub(super) created: Option<UnixTime>,
    pub(super) seen: Option<UnixTime>,
    pub(super) expires: Option<UnixTime>,
    pub(super) bytes: usize,
    pub(super) format: String,
    pub(super) is_encrypted: bool,
    /// What it holds, or why that cannot be read.
    pub(super) content: Result<Dict, DecodeError>,
}

/// Reads records by the rules of one application at one moment.
pub(super) struct Reader<'a> {
    settings: &'a Settings,
    coding: Coding,
    now: UnixTime,
    /// How long a session lives is the application's setting, and not only a default.
    knows_life: bool,
}

impl<'a> Reader<'a> {
    pub(super) fn new(settings: &'a Settings, now: UnixTime, knows_life: bool) -> Self {
        Self { settings, coding: settings.coding(now), now, knows_life }
    }

    /// Returns what a record is; `None` if it only says that its session has another id now.
    pub(super) fn info(&self, entry: &Entry) -> Option<Info> {
        let payload = &entry.record.payload;
        let decoded = match self.coding.decode(payload, entry.key.as_str()) {
            // The application refuses what is not encrypted, but it is there.
            Err(DecodeError::NotEncrypted) => {
                decode(payload, self.settings.format, self.settings.limits)
            }
            decoded => decoded,
        };
        let is_encrypted = Sealer::is_sealed_record(payload);
        let (content, format) = match decoded {
            Ok(decoded) => (Ok(decoded.content?), decoded.format.to_string()),
            Err(fault) if is_encrypted => (Err(fault), "encrypted".into()),
            Err(fault) => (Err(fault), "unreadable".into()),
        };
        let held = content.as_ref().ok();
        Some(Info {
            id: handle_of(&entry.key),
            user: held.and_then(|it| self.user(it)),
            created: held.and_then(created),
            seen: self.last_extended(entry),
            expires: entry.expires_in.and_then(|left| self.now.checked_add(left)),
            bytes: payload.len(),
            format,
            is_encrypted,
            content,
        })
    }

    fn user(&self, content: &Dict) -> Option<String> {
        user_of(&self.settings.user_keys, |key| content.get(key).cloned())
    }

    /// Returns when the life of a record was last extended, where it is known how long a life is.
    fn last_extended(&self, entry: &Entry) -> Option<UnixTime> {
        let left = entry.expires_in.filter(|_| self.knows_life)?;
        let since = self.settings.idle().checked_sub(left)?;
        Some(UnixTime::since_epoch(self.now.since(UnixTime::since_epoch(since))))
    }
}

impl Info {
    /// Takes over what the list of the user's sessions knows.
    pub(super) fn complete(&mut self, key: &hipflask::store::RecordKey, index: &UserIndex) {
        if let Some(listed) = index.sessions().iter().find(|it| it.key() == key) {
            self.created = self.created.or(Some(listed.created()));
            self.seen = Some(listed.seen());
        }
    }

    /// Returns all but the content.
    pub(super) fn to_json(&self) -> Value {
        let seconds = |time: Option<UnixTime>| time.map(UnixTime::as_secs);
        json!({
            "id": self.id,
            "user": self.user,
            "created": seconds(self.created),
            "seen": seconds(self.seen),
            "expires": seconds(self.expires),
            "bytes": self.bytes,
            "format": self.format,
            "encrypted": self.is_encrypted,
        })
    }
}

/// Returns when a session began, as far as it says so itself.
fn created(content: &Dict) -> Option<UnixTime> {
    let started = || content.get(STARTED)?.as_i64().and_then(|it| u64::try_from(it).ok());
    let authenticated = || content.get(AUTHENTICATED).and_then(time_of);
    started().map(UnixTime::from_secs).or_else(authenticated)
}

/// Writes a length of time as a person would say it.
pub(super) fn length(seconds: u64) -> String {
    const UNITS: [(u64, &str); 3] = [(24 * 60 * 60, "d"), (60 * 60, "h"), (60, "m")];
    let unit = UNITS.iter().find(|(unit, _)| seconds >= 2 * unit);
    unit.map_or_else(|| format!("{seconds}s"), |(unit, name)| format!("{}{name}", seconds / unit))
}

/// Writes text without what could move a terminal's cursor.
pub(super) fn printable(text: &str) -> String {
    text.chars().map(|it| if it.is_control() { '\u{fffd}' } else { it }).collect()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use hipflask::store::{Record, RecordKey};

    use super::*;

    const NOW: UnixTime = UnixTime::from_secs(1_763_692_800);

    fn info(payload: &[u8], settings: &Settings) -> Option<Info> {
        let entry = Entry {
            key: RecordKey::new("session:SSSS"),
            record: Record::new(payload),
            expires_in: Some(Duration::from_secs(60)),
        };
        Reader::new(settings, NOW, true).info(&entry)
    }

    #[test]
    fn record_is_told_without_its_key() {
        let found = info(br#"{"user_id":7,"_hipflask_started":1763600000}"#, &Settings::default());
        let found = found.expect("it is a session").to_json();
        assert_eq!((&found["user"], &found["format"]), (&json!("7"), &json!("json")));
        assert_eq!(found["created"], 1_763_600_000);
        assert_eq!(found["expires"], 1_763_692_860);
        assert_eq!(found["seen"], 1_763_692_860 - 31 * 24 * 60 * 60);
        assert!(!found.to_string().contains("SSSS"));
    }

    #[test]
    fn what_is_no_session_is_told_apart() {
        assert!(info(b"\xc0", &Settings::default()).is_none(), "it was renewed");
        let broken = info(b"\x81", &Settings::default()).expect("it is there");
        assert_eq!((&*broken.format, broken.user), ("unreadable", None));
    }

    #[test]
    fn lengths_are_short() {
        for (seconds, expected) in
            [(0, "0s"), (119, "119s"), (120, "2m"), (7200, "2h"), (200_000, "2d")]
        {
            assert_eq!(length(seconds), expected);
        }
    }
}
