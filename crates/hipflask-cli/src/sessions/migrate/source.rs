//! Makes of a record of the source what is to be written into the target, without any I/O.

use std::time::{Duration, Instant};

use hipflask::store::{Entry, RecordKey};
use hipflask_core::{
    UnixTime,
    record::{Coding, DecodeError},
    signing::Sealer,
};

use super::{
    journal::{Handle, Intended, Item, digest, handle},
    report::Outcome,
};

/// A life is extended if it lacks more than this: lives differ by the time that copying takes.
pub(super) const SLACK: Duration = Duration::from_secs(60);

/// How records are read and written at one moment.
pub(super) struct Source {
    pub(super) reading: Coding,
    pub(super) writing: Coding,
    /// What is written is encrypted.
    pub(super) seals: bool,
    /// How long a record lives whose store does not say it.
    pub(super) idle: Duration,
    pub(super) now: UnixTime,
}

/// A record that is to be in the target.
pub(super) struct Job {
    pub(super) key: RecordKey,
    pub(super) handle: Handle,
    pub(super) payload: Vec<u8>,
    pub(super) ttl: Duration,
    /// When `ttl` was left.
    pub(super) read_at: Instant,
    pub(super) now: UnixTime,
    pub(super) intended: Intended,
    /// What was known of the session before.
    pub(super) known: Option<Item>,
}

impl Source {
    /// Returns what is to be written under a key for a record, or why nothing is.
    pub(super) fn job(
        &self,
        entry: Entry,
        key: RecordKey,
        known: Option<Item>,
    ) -> Result<Job, Outcome> {
        let ttl = entry.expires_in.unwrap_or(self.idle);
        let source = digest(&entry.record.payload);
        let payload = self.payload(&entry.key, &key, entry.record.payload)?;
        let expires = self.now.checked_add(ttl).map_or(u64::MAX, UnixTime::as_secs);
        let intended = Intended { source, written: digest(&payload), expires };
        Ok(Job {
            handle: handle(&key),
            key,
            payload,
            ttl,
            read_at: Instant::now(),
            now: self.now,
            intended,
            known,
        })
    }

    fn payload(
        &self,
        from: &RecordKey,
        to: &RecordKey,
        payload: Vec<u8>,
    ) -> Result<Vec<u8>, Outcome> {
        let is_sealed = Sealer::is_sealed_record(&payload);
        let decoded = match self.reading.decode(&payload, from.as_str()) {
            // The application has the key, and reads any format inside.
            Err(DecodeError::Encrypted) => return Ok(payload),
            decoded => decoded.map_err(|fault| Outcome::Unreadable(fault.to_string()))?,
        };
        let content = decoded.content.ok_or(Outcome::Renewed)?;
        let is_in_place = from == to && is_sealed >= self.seals;
        if is_in_place && decoded.format == self.writing.format() {
            return Ok(payload);
        }
        let written = self.writing.encode(&content, to.as_str());
        written.map_err(|fault| Outcome::Unreadable(fault.to_string()))
    }
}

impl Job {
    /// Reports whether this run has already seen that the target has it.
    pub(super) fn is_settled(&self) -> bool {
        self.known.is_some_and(|it| it.is_settled && it.source == self.intended.source)
    }

    /// Reports whether its life was extended since it was brought over.
    pub(super) fn lives_longer(&self) -> bool {
        self.known
            .is_some_and(|it| self.intended.expires > it.expires.saturating_add(SLACK.as_secs()))
    }

    /// Reports whether the target has had it.
    pub(super) fn was_there(&self) -> bool {
        self.known.is_some_and(|it| it.was_there)
    }

    /// Returns how long the record still lives; `None` if it has ended.
    pub(super) fn ttl(&self) -> Option<Duration> {
        self.ttl.checked_sub(self.read_at.elapsed()).filter(|left| !left.is_zero())
    }
}

#[cfg(test)]
mod tests {
    use hipflask::store::Record;
    use hipflask_core::{
        record::{Format, Sealing, decode},
        serializer::Limits,
        signing::KeyRing,
    };

    use super::*;

    const NOW: UnixTime = UnixTime::from_secs(1_763_692_800);

    fn source(format: Format) -> Source {
        let coding = |format| Coding::new(format, Limits::default());
        Source {
            reading: coding(Format::MsgPack),
            writing: coding(format),
            seals: false,
            idle: Duration::from_secs(60),
            now: NOW,
        }
    }

    fn key() -> RecordKey {
        RecordKey::new("session:S")
    }

    fn entry(payload: &[u8]) -> Entry {
        Entry { key: key(), record: Record::new(payload), expires_in: None }
    }

    #[test]
    fn record_is_rewritten_only_for_another_format() {
        let pickle = b"\x80\x05\x95\n\x00\x00\x00\x00\x00\x00\x00}\x94\x8c\x01n\x94K\x01s.";
        for (payload, format, expected) in [
            (&pickle[..], Format::MsgPack, &b"\x81\xa1n\x01"[..]),
            (pickle, Format::Pickle, pickle),
            // Longer than needed, but nobody has to change that.
            (b"\x81\xa1n\xcc\x01", Format::MsgPack, b"\x81\xa1n\xcc\x01"),
            (br#"{"n": 1}"#, Format::MsgPack, b"\x81\xa1n\x01"),
        ] {
            let Ok(job) = source(format).job(entry(payload), key(), None) else {
                panic!("it is a session")
            };
            assert_eq!(job.payload, expected, "{format}");
            assert_eq!(job.intended.expires, NOW.as_secs() + 60);
        }
    }

    #[test]
    fn what_is_no_session_is_not_brought_over() {
        let outcome =
            |payload: &[u8]| source(Format::MsgPack).job(entry(payload), key(), None).err();
        assert_eq!(outcome(b"\xc0"), Some(Outcome::Renewed));
        let Some(Outcome::Unreadable(why)) = outcome(b"cos\nsystem\n(S'true'\ntR.") else {
            panic!("it would run a command");
        };
        assert!(why.contains("never loaded"), "{why}");
    }

    #[cfg(feature = "encryption")]
    #[test]
    fn encrypted_records_stay_so() {
        let sealing = Sealing::new(&KeyRing::new("k")).with_encryption(None);
        let sealed = Coding::new(Format::Json, Limits::default()).with_sealing(sealing, NOW);
        let content = decode(b"{}", Format::Json, Limits::default()).unwrap().content.unwrap();
        let payload = sealed.encode(&content, "session:S").unwrap();
        let Ok(job) = source(Format::MsgPack).job(entry(&payload), key(), None) else {
            panic!("it is copied")
        };
        assert_eq!(job.payload, payload);
        // What the application refuses is not made acceptable.
        let strict = Source {
            reading: sealed.clone(),
            writing: sealed,
            seals: true,
            ..source(Format::Json)
        };
        assert!(matches!(strict.job(entry(b"{}"), key(), None), Err(Outcome::Unreadable(_))));
    }
}
