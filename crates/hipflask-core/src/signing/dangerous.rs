//! Takes signed text apart **without** checking the signature.
//!
//! For tools that show what a cookie says; nothing here may decide who a visitor is, because
//! anybody can write such a text. The other modules of signing never call this one.

use std::fmt;

use super::{decode_timestamp, signer::rsplit_once};

/// The parts of `value.time.signature`, none of them verified.
///
/// ```
/// use hipflask_core::signing::dangerous;
///
/// let parts = dangerous::split(b"eyJhIjoxfQ.aR_RAA.AAAA", b".").expect("three parts");
/// assert_eq!(parts.unverified_value, b"eyJhIjoxfQ");
/// assert_eq!(parts.unverified_time(), Some(1_763_692_800));
/// ```
#[derive(Clone, Copy, Eq, PartialEq)]
#[non_exhaustive]
pub struct UnverifiedParts<'a> {
    /// The text of the signature.
    pub unverified_signature: &'a [u8],
    /// The text of the time.
    pub unverified_time_text: &'a [u8],
    /// What stands before them.
    pub unverified_value: &'a [u8],
}

impl UnverifiedParts<'_> {
    /// Returns the time in Unix seconds, if there is one.
    pub fn unverified_time(&self) -> Option<u64> {
        decode_timestamp(self.unverified_time_text)
    }
}

impl fmt::Debug for UnverifiedParts<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("UnverifiedParts").finish_non_exhaustive()
    }
}

/// Splits `value.time.signature` at its last two separators; `None` if there are fewer.
///
/// # Security
///
/// Nothing is checked: see the module.
pub fn split<'a>(signed: &'a [u8], separator: &[u8]) -> Option<UnverifiedParts<'a>> {
    let (value_and_time, unverified_signature) = rsplit_once(signed, separator)?;
    let (unverified_value, unverified_time_text) = rsplit_once(value_and_time, separator)?;
    Some(UnverifiedParts { unverified_signature, unverified_time_text, unverified_value })
}
