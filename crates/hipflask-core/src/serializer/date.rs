//! Dates in the text form of the ` d` tag, read as Python's `email.utils` reads them.
//!
//! What Flask writes is always `Wdy, DD Mon YYYY HH:MM:SS GMT`; everything else here is leniency
//! that only a holder of the key can reach. DIFFERENCE: the digits of other scripts are no digits.

use jiff::civil;

use crate::{
    calendar,
    value::{DateTime, Value},
};

/// Reads the value of a ` d` tag: a date that cannot be read is `Null`, a kind that cannot hold
/// one is an error, which is `None` here.
pub(super) fn parse(value: &Value) -> Option<Value> {
    match value {
        Value::Str(text) | Value::Markup(text) => {
            let time = text.as_str().and_then(parse_text);
            Some(time.map_or(Value::Null, Value::DateTime))
        }
        falsy if falsy.is_falsy() => Some(Value::Null),
        _ => None,
    }
}

fn parse_text(text: &str) -> Option<DateTime> {
    let mut words: Vec<&str> = text.split_whitespace().collect();
    skip_weekday(&mut words)?;
    if let [date, ..] = words[..]
        && words.len() == 3
        && let [day, month, year] = date.split('-').collect::<Vec<_>>()[..]
    {
        words.splice(..1, [day, month, year]);
    }
    if let [.., last] = words[..]
        && words.len() == 4
    {
        // The zone may stick to the time, as in `12:34:56+0100`, or be absent.
        let cut = last.find('+').or_else(|| last.find('-')).filter(|cut| *cut > 0);
        let (time, zone) = last.split_at(cut.unwrap_or(last.len()));
        words.splice(3.., [time, zone]);
    }
    let [day, month, year, time, zone, ..] = words[..] else { return None };
    let (day, month) = match month_number(month) {
        Some(month) => (day, month),
        None => (month, month_number(day)?),
    };
    let (year, time) = if year.find(':') > Some(0) { (time, year) } else { (year, time) };
    let year = year.strip_suffix(',').unwrap_or(year);
    if year.is_empty() {
        return None;
    }
    let (year, zone) = if year.starts_with(|char: char| char.is_ascii_digit()) {
        (year, zone)
    } else {
        (zone, year)
    };
    let year = full_year(number(year)?);
    let day = number(day.strip_suffix(',').unwrap_or(day))?;
    let date = civil::Date::new(i16::try_from(year).ok()?, month, i8::try_from(day).ok()?).ok()?;
    let [hour, minute, second] = clock(time.strip_suffix(',').unwrap_or(time))?;
    let local = date.to_datetime(civil::Time::new(hour, minute, second, 0).ok()?);
    DateTime::from_unix(calendar::to_unix(local) - zone_seconds(zone)?, 0)
        .ok()
        .filter(|_| (1..=9999).contains(&year))
}

/// Drops `Thu,` and `Thu`, and the `Thu,` of `Thu,29`.
fn skip_weekday(words: &mut Vec<&str>) -> Option<()> {
    const WEEKDAYS: [&str; 7] = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];
    let first = *words.first()?;
    if first.ends_with(',') || WEEKDAYS.contains(&first.to_lowercase().as_str()) {
        words.remove(0);
    } else if let Some((_, rest)) = first.rsplit_once(',') {
        words[0] = rest;
    }
    Some(())
}

fn month_number(word: &str) -> Option<i8> {
    const MONTHS: [&str; 12] = [
        "january",
        "february",
        "march",
        "april",
        "may",
        "june",
        "july",
        "august",
        "september",
        "october",
        "november",
        "december",
    ];
    let word = word.to_lowercase();
    let index = MONTHS.iter().position(|month| *month == word || month[..3] == word)?;
    Some(index as i8 + 1)
}

/// Two digits mean 1969 to 2068, even where zeros stand before them.
const fn full_year(year: i32) -> i32 {
    match year {
        69..100 => year + 1900,
        ..69 => year + 2000,
        _ => year,
    }
}

fn clock(time: &str) -> Option<[i8; 3]> {
    let separator = if time.contains(':') { ':' } else { '.' };
    let parts: Vec<i8> = time
        .split(separator)
        .map(|part| number(part).and_then(|number| i8::try_from(number).ok()))
        .collect::<Option<_>>()?;
    match parts[..] {
        [hour, minute] => Some([hour, minute, 0]),
        [hour, minute, second] => Some([hour, minute, second]),
        _ => None,
    }
}

/// An unknown zone is UTC. A known or numeric one of a day or more is no zone for Python.
fn zone_seconds(zone: &str) -> Option<i64> {
    let hhmm = match zone.to_uppercase().as_str() {
        "EDT" | "AST" => -400,
        "EST" | "CDT" => -500,
        "CST" | "MDT" => -600,
        "MST" | "PDT" => -700,
        "PST" => -800,
        "ADT" => -300,
        other => i64::from(number(other).unwrap_or(0)),
    };
    let minutes = hhmm.abs() / 100 * 60 + hhmm.abs() % 100;
    (minutes < 24 * 60).then_some(hhmm.signum() * minutes * 60)
}

/// Reads what Python's `int` reads: single underscores may stand between digits.
fn number(digits: &str) -> Option<i32> {
    if digits.starts_with('_') || digits.ends_with('_') || digits.contains("__") {
        return None;
    }
    digits.replace('_', "").parse().ok()
}
