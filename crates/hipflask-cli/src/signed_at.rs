//! Says when a cookie was signed, in words.

use std::fmt;

use hipflask_core::{UnixTime, http_date::http_date};

/// Says when something was signed.
pub(crate) struct SignedAt {
    pub(crate) time: Option<u64>,
    pub(crate) age: Option<i64>,
}

impl SignedAt {
    /// Counts the age of a time that no key confirmed.
    pub(crate) fn unverified(time: Option<u64>, now: UnixTime) -> Self {
        let age = |time| i64::try_from(i128::from(now.as_secs()) - i128::from(time)).ok();
        Self { time, age: time.and_then(age) }
    }
}

impl fmt::Display for SignedAt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some(time) = self.time else { return f.write_str("signed at no readable time") };
        match i64::try_from(time).ok().and_then(http_date) {
            Some(date) => write!(f, "signed at {date}")?,
            None => write!(f, "signed at {time} in Unix seconds")?,
        }
        match self.age {
            Some(age @ 0..) => write!(f, ", {age} seconds ago"),
            Some(age) => write!(f, ", {} seconds from now", age.unsigned_abs()),
            None => Ok(()),
        }
    }
}
