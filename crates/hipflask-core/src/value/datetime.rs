//! Points in time, as far as a session can hold them.

use std::fmt;

use jiff::civil;

use crate::calendar;

/// A point in time between the years 1 and 9999, to the microsecond.
///
/// Flask's cookies keep whole seconds of UTC: writing one drops the microseconds, as in Flask.
///
/// ```
/// use hipflask_core::value::DateTime;
///
/// let time = DateTime::from_unix(1_763_692_800, 0)?;
/// assert_eq!(time.to_string(), "2025-11-21T02:40:00Z");
/// # Ok::<(), hipflask_core::value::DateTimeError>(())
/// ```
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct DateTime {
    seconds: i64,
    micros: u32,
}

/// The time lies outside the years 1 to 9999, or has a million microseconds or more.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("time is outside the years 1 to 9999")]
#[non_exhaustive]
pub struct DateTimeError;

const YEAR_1: i64 = -62_135_596_800;
const YEAR_10_000: i64 = 253_402_300_800;

impl DateTime {
    /// Builds a time from seconds since 1970-01-01T00:00:00Z and microseconds on top.
    ///
    /// # Errors
    ///
    /// [`DateTimeError`] outside the years 1 to 9999, which is what Python can express.
    pub const fn from_unix(seconds: i64, micros: u32) -> Result<Self, DateTimeError> {
        if seconds < YEAR_1 || seconds >= YEAR_10_000 || micros >= 1_000_000 {
            return Err(DateTimeError);
        }
        Ok(Self { seconds, micros })
    }

    /// Returns the seconds since 1970-01-01T00:00:00Z, rounded down.
    pub const fn unix_seconds(self) -> i64 {
        self.seconds
    }

    /// Returns the microseconds on top of the seconds.
    pub const fn micros(self) -> u32 {
        self.micros
    }

    /// Reads what `Display` writes; offsets other than `Z` are for other libraries.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let (seconds, micros) = text.strip_suffix('Z')?.split_at_checked(19)?;
        let shape = |byte: u8| if byte.is_ascii_digit() { b'0' } else { byte };
        if !seconds.bytes().map(shape).eq(*b"0000-00-00T00:00:00") {
            return None;
        }
        let small = |from: usize| seconds.get(from..from + 2)?.parse().ok();
        let date = civil::Date::new(seconds.get(..4)?.parse().ok()?, small(5)?, small(8)?).ok()?;
        let time = civil::Time::new(small(11)?, small(14)?, small(17)?, 0).ok()?;
        let micros = match micros.strip_prefix('.') {
            None if micros.is_empty() => 0,
            Some(digits) if (1..=6).contains(&digits.len()) => {
                let digits = digits.bytes().all(|byte| byte.is_ascii_digit()).then_some(digits)?;
                format!("{digits:0<6}").parse().ok()?
            }
            _ => return None,
        };
        Self::from_unix(calendar::to_unix(date.to_datetime(time)), micros).ok()
    }
}

impl fmt::Display for DateTime {
    /// Writes RFC 3339 in UTC.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", calendar::from_unix(self.seconds).ok_or(fmt::Error)?)?;
        if self.micros > 0 {
            write!(f, ".{:06}", self.micros)?;
        }
        f.write_str("Z")
    }
}
