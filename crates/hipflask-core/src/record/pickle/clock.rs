//! Dates, times and durations as pickles hold them, and the texts that msgspec has for them.
//!
//! A session holds points in time only. DIFFERENCE: what has no zone, or is no point in time,
//! becomes the text that it would become in the other formats, also where it came as a pickle.

use std::fmt;

use jiff::civil::{self, Date};

use super::zone::Zone;
use crate::{
    calendar,
    value::{DateTime, Value},
};

/// A duration: any number of days, and less than a day on top.
#[derive(Clone, Copy, Debug)]
pub(super) struct Delta {
    micros: i128,
}

const DAY: i128 = 86_400_000_000;

impl Delta {
    /// Returns the duration if Python has it: less than a billion days.
    pub(super) fn new(days: i64, seconds: i64, micros: i64) -> Option<Self> {
        let seconds = i128::from(seconds) * 1_000_000;
        let micros = i128::from(days) * DAY + seconds + i128::from(micros);
        (micros.div_euclid(DAY).abs() < 1_000_000_000).then_some(Self { micros })
    }

    /// Returns the zone whose clocks are this far ahead of UTC, which is whole seconds.
    pub(super) fn zone(self) -> Option<Zone> {
        let is_whole = self.micros % 1_000_000 == 0;
        is_whole
            .then_some(i64::try_from(self.micros / 1_000_000).ok())
            .flatten()
            .and_then(Zone::fixed)
    }
}

impl fmt::Display for Delta {
    /// Writes ISO 8601: `P1DT2.5S`, `-PT90S`, `P0D`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let size = self.micros.unsigned_abs();
        let (days, rest) = (size / DAY as u128, size % DAY as u128);
        f.write_str(if self.micros < 0 { "-P" } else { "P" })?;
        if days > 0 || rest == 0 {
            write!(f, "{days}D")?;
        }
        if rest > 0 {
            let fraction = format!(".{:06}", rest % 1_000_000);
            let fraction = fraction.trim_end_matches('0').trim_end_matches('.');
            write!(f, "T{}{fraction}S", rest / 1_000_000)?;
        }
        Ok(())
    }
}

/// Reads a date of four bytes.
pub(super) fn date(state: &[u8]) -> Option<Value> {
    let state = state.try_into().ok()?;
    Some(Value::from(calendar_date(state)?.to_string()))
}

/// Reads a time of day of six bytes, whose first bit is no part of the hour.
pub(super) fn time(state: &[u8], zone: Option<&Zone>) -> Option<Value> {
    let [hour, rest @ ..] = state else { return None };
    let (_, text) = clock([&[hour & 0x7f], rest].concat().try_into().ok()?)?;
    Some(Value::from(text + &zone_text(zone.and_then(|zone| zone.offset(None, false)))))
}

/// Reads a date and a time of ten bytes; the first bit of the month is set where the clock has shown
/// the same time before, on the day when summer ends.
pub(super) fn datetime(state: &[u8], zone: Option<&Zone>) -> Option<Value> {
    let &[century, year, month, day, hour, minute, second, a, b, c] = state else { return None };
    let date = calendar_date([century, year, month & 0x7f, day])?;
    let (since_midnight, text) = clock([hour, minute, second, a, b, c])?;
    let zone = zone.and_then(|zone| zone.offset(shown([hour, minute, second], date), month > 0x7f));
    if let Some(offset) = zone {
        let midnight = calendar::to_unix(date.to_datetime(civil::Time::midnight()));
        let seconds = midnight + i64::from(since_midnight) - i64::from(offset);
        let micros = u32::from_be_bytes([0, a, b, c]);
        if let Ok(time) = DateTime::from_unix(seconds, micros) {
            return Some(Value::DateTime(time));
        }
    }
    Some(Value::from(format!("{date}T{text}{}", zone_text(zone))))
}

fn shown([hour, minute, second]: [u8; 3], date: Date) -> Option<civil::DateTime> {
    let small = |number| i8::try_from(number).ok();
    let time = civil::Time::new(small(hour)?, small(minute)?, small(second)?, 0).ok()?;
    Some(date.to_datetime(time))
}

fn calendar_date([century, year, month, day]: [u8; 4]) -> Option<Date> {
    let year = i16::from_be_bytes([century, year]);
    let date = Date::new(year, i8::try_from(month).ok()?, i8::try_from(day).ok()?).ok()?;
    (1..=9999).contains(&year).then_some(date)
}

/// Returns the seconds since midnight, and the text to the microsecond.
fn clock([hour, minute, second, a, b, c]: [u8; 6]) -> Option<(u32, String)> {
    let micros = u32::from_be_bytes([0, a, b, c]);
    if hour >= 24 || minute >= 60 || second >= 60 || micros >= 1_000_000 {
        return None;
    }
    let fraction = if micros > 0 { format!(".{micros:06}") } else { String::new() };
    let seconds = (u32::from(hour) * 60 + u32::from(minute)) * 60 + u32::from(second);
    Some((seconds, format!("{hour:02}:{minute:02}:{second:02}{fraction}")))
}

/// Whole minutes, as msgspec cuts them.
fn zone_text(zone: Option<i32>) -> String {
    match zone {
        None => String::new(),
        Some(0) => "Z".into(),
        Some(offset) => {
            let (sign, minutes) = (if offset < 0 { '-' } else { '+' }, offset.abs() / 60);
            format!("{sign}{:02}:{:02}", minutes / 60, minutes % 60)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(days: i64, seconds: i64, micros: i64, expected: &str) {
        let delta = Delta::new(days, seconds, micros).map(|delta| delta.to_string());
        assert_eq!(delta.as_deref(), Some(expected));
    }

    #[test]
    fn durations_are_those_of_msgspec() {
        check(1, 2, 3, "P1DT2.000003S");
        check(0, 0, 0, "P0D");
        check(-1, 0, 0, "-P1D");
        check(0, 90, 0, "PT90S");
        check(-1, 86_399, 999_999, "-PT0.000001S");
        check(0, 1, 500_000, "PT1.5S");
        assert!(Delta::new(1_000_000_000, 0, 0).is_none());
    }
}
