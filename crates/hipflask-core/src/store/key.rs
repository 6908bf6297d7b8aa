//! Under what a record is kept.

use std::fmt;

/// The key of a record: `SESSION_KEY_PREFIX` and the session id, or what is derived from it.
///
/// Whoever knows it can be the user, so it is never shown.
///
/// ```
/// use hipflask_core::store::RecordKey;
///
/// let key = RecordKey::new("session:SSSSSSSS");
/// assert_eq!(key.as_str(), "session:SSSSSSSS");
/// assert_eq!(format!("{key:?}"), "RecordKey(..)");
/// ```
#[derive(Clone, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct RecordKey(String);

impl RecordKey {
    /// Takes the whole key, prefix included.
    pub fn new(key: impl Into<String>) -> Self {
        Self(key.into())
    }

    /// Returns the whole key.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for RecordKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("RecordKey(..)")
    }
}
