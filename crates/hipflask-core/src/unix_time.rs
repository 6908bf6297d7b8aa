//! Moments: seconds since 1970, as a type of their own, so that no length of time is taken for one.
//!
//! Used by all stages that have to do with time; nobody here asks a clock.

use std::time::Duration;

/// A moment as the time since 1970, without leap seconds.
///
/// ```
/// use std::time::Duration;
/// use hipflask_core::UnixTime;
///
/// let now = UnixTime::from_secs(1_763_692_800);
/// assert_eq!(now.since(UnixTime::from_secs(1_763_692_740)), Duration::from_secs(60));
/// assert_eq!(UnixTime::from_secs(0).since(now), Duration::ZERO);
/// ```
#[derive(Clone, Copy, Debug, Default, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct UnixTime(Duration);

impl UnixTime {
    /// Takes whole seconds.
    pub const fn from_secs(seconds: u64) -> Self {
        Self(Duration::from_secs(seconds))
    }

    /// Takes the time since 1970.
    pub const fn since_epoch(time: Duration) -> Self {
        Self(time)
    }

    /// Takes seconds as Python's `time.time()` has them; what cannot be one counts as 1970.
    pub fn from_secs_f64(seconds: f64) -> Self {
        Self(Duration::try_from_secs_f64(seconds).unwrap_or_default())
    }

    /// Returns the whole seconds.
    pub const fn as_secs(self) -> u64 {
        self.0.as_secs()
    }

    /// Takes whole milliseconds.
    pub const fn from_millis(millis: u64) -> Self {
        Self(Duration::from_millis(millis))
    }

    /// Returns the whole milliseconds.
    pub fn as_millis(self) -> u64 {
        u64::try_from(self.0.as_millis()).unwrap_or(u64::MAX)
    }

    /// Returns how long ago `earlier` was; nothing if it was not.
    pub const fn since(self, earlier: Self) -> Duration {
        self.0.saturating_sub(earlier.0)
    }

    /// Returns the moment so much later, if there is one.
    pub fn checked_add(self, length: Duration) -> Option<Self> {
        self.0.checked_add(length).map(Self)
    }
}
