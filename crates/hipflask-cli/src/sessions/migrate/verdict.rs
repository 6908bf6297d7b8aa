//! What becomes of a session that the target has already.

use hipflask::store::Record;
use hipflask_core::record::Coding;

use super::{journal::digest, report::Outcome, source::Job};

/// What to do about a record that was found in the target.
#[derive(Debug, Eq, PartialEq)]
pub(super) enum Verdict {
    /// It is what an earlier run has written, and the source has changed since.
    Replace,
    /// It stays.
    Keep(Outcome),
}

/// Decides. What users have changed in the target is newer, for applications that write there no longer use
/// the source.
pub(super) fn judge(found: &Record, job: &Job, coding: &Coding) -> Verdict {
    let digest = digest(&found.payload);
    let known = job.known.as_ref();
    Verdict::Keep(if found.payload == job.payload {
        Outcome::Same
    } else if known.is_some_and(|it| it.has_written(digest)) {
        return Verdict::Replace;
    } else if has_same_content(found, job, coding) {
        Outcome::Same
    } else {
        match known {
            _ if found.is_retired() => Outcome::Newer,
            Some(known) if known.source == job.intended.source => Outcome::Newer,
            Some(_) => Outcome::Conflict,
            None => Outcome::Different,
        }
    })
}

fn has_same_content(found: &Record, job: &Job, coding: &Coding) -> bool {
    let content = |payload: &[u8]| coding.decode(payload, job.key.as_str()).ok()?.content;
    content(&found.payload).is_some_and(|found| content(&job.payload) == Some(found))
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use hipflask::store::RecordKey;
    use hipflask_core::{record::Format, serializer::Limits};

    use super::{
        super::journal::{Intended, Item, handle},
        *,
    };

    #[test]
    fn only_what_was_written_here_is_replaced() {
        let (old, new) = (br#"{"n":1}"#, br#"{"n":2}"#);
        let key = RecordKey::new("session:S");
        let intended = Intended { source: digest(new), written: digest(new), expires: 0 };
        let item = |source: &[u8], written: &[u8]| {
            let written = [Some(digest(written)), None, None];
            Some(Item { source: digest(source), written, ..Item::default() })
        };
        let check = |found: &[u8], known: Option<Item>, expected: Verdict| {
            let job = Job {
                handle: handle(&key),
                key: key.clone(),
                payload: new.to_vec(),
                ttl: Duration::from_secs(60),
                read_at: Instant::now(),
                now: hipflask_core::UnixTime::from_secs(0),
                intended,
                known,
            };
            let coding = Coding::new(Format::Json, Limits::default());
            assert_eq!(judge(&Record::new(found), &job, &coding), expected);
        };
        let theirs = br#"{"n":3}"#;
        check(new, None, Verdict::Keep(Outcome::Same));
        check(br#"{ "n": 2 }"#, None, Verdict::Keep(Outcome::Same));
        check(old, item(old, old), Verdict::Replace);
        check(theirs, item(new, new), Verdict::Keep(Outcome::Newer));
        check(b"null", item(old, old), Verdict::Keep(Outcome::Newer));
        check(theirs, item(old, old), Verdict::Keep(Outcome::Conflict));
        check(theirs, None, Verdict::Keep(Outcome::Different));
    }
}
