//! Seconds since 1970 ⇄ date and time of day, in UTC.
//!
//! Used by all that reads or writes a date; knows no form of one.

use jiff::{SignedDuration, civil};

const EPOCH: civil::DateTime = civil::datetime(1970, 1, 1, 0, 0, 0, 0);

/// Returns the date and time of day, in the years that the calendar has.
pub(crate) fn from_unix(seconds: i64) -> Option<civil::DateTime> {
    EPOCH.checked_add(SignedDuration::from_secs(seconds)).ok()
}

pub(crate) fn to_unix(time: civil::DateTime) -> i64 {
    time.duration_since(EPOCH).as_secs()
}
