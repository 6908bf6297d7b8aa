//! The time zones of Python's packages → what their clocks show beside UTC.

use jiff::{
    civil,
    tz::{AmbiguousOffset, TimeZone},
};

/// A time zone.
#[derive(Clone, Debug)]
pub(super) enum Zone {
    /// Seconds east of UTC, less than a day.
    Fixed(i32),
    /// One of the IANA database, as it was when this was built.
    Named(TimeZone),
}

impl Zone {
    pub(super) const UTC: Self = Self::Fixed(0);

    /// Returns a zone of so many seconds east of UTC, if they are less than a day.
    pub(super) fn fixed(seconds: i64) -> Option<Self> {
        let seconds = i32::try_from(seconds).ok()?;
        (seconds.abs() < 86_400).then_some(Self::Fixed(seconds))
    }

    /// Finds a zone by its name, or by the file in which a machine has it.
    pub(super) fn named(name: &str) -> Option<Self> {
        let name = name.rsplit_once("zoneinfo/").map_or(name, |(_, name)| name);
        TimeZone::get(name).ok().map(Self::Named)
    }

    /// Returns the seconds east of UTC at what a clock of the zone shows, if they are the same on
    /// each day or the day is known. `is_second` is Python's `fold`.
    pub(super) fn offset(&self, shown: Option<civil::DateTime>, is_second: bool) -> Option<i32> {
        match self {
            Self::Fixed(seconds) => Some(*seconds),
            Self::Named(zone) => Some(match zone.to_ambiguous_timestamp(shown?).offset() {
                AmbiguousOffset::Unambiguous { offset } => offset.seconds(),
                // In a gap and in a fold alike.
                AmbiguousOffset::Gap { before, after }
                | AmbiguousOffset::Fold { before, after } => {
                    if is_second {
                        after.seconds()
                    } else {
                        before.seconds()
                    }
                }
            }),
        }
    }
}
