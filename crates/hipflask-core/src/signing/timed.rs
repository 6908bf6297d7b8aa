//! Signs bytes together with the time: `value` ⇄ `value.time.signature`.
//!
//! Stage 2 of the data flow, on top of the plain signer; the clock is the caller's. Byte for byte
//! what [`itsdangerous.TimestampSigner`][py] writes, and its verdict on whatever is read.
//!
//! [py]: https://itsdangerous.palletsprojects.com/en/stable/timed/

use std::fmt;

use super::{Digest, Signer, UnsignError, Unsigned, signer::rsplit_once};
use crate::{
    UnixTime,
    encoding::{decode_url_to_slice, encode_url, encode_url_to},
    reason::Reason,
};

/// The last second that Python can show as a date: 9999-12-31 23:59:59 UTC.
pub const LATEST_TIME: u64 = 253_402_300_799;

/// Signs a value together with the time, so that it can be refused once it is too old.
///
/// ```
/// use hipflask_core::{UnixTime, signing::{KeyRing, Signer, TimedError, TimedSigner}};
///
/// let [now, in_time, too_late] = [1_000, 1_060, 1_061].map(UnixTime::from_secs);
/// let signer = TimedSigner::new(Signer::new(&KeyRing::new("secret-key"), "my purpose"));
/// let signed = signer.sign(b"hello", now);
/// assert!(signer.unsign(&signed, in_time, Some(60)).is_ok());
/// assert!(matches!(
///     signer.unsign(&signed, too_late, Some(60)),
///     Err(TimedError::Expired { age: 61, max_age: 60, .. })
/// ));
/// ```
#[derive(Clone, Debug)] // safe to print: `Signer` redacts its keys
#[doc(alias = "TimestampSigner")]
pub struct TimedSigner(Signer);

impl TimedSigner {
    /// Adds the time to what `signer` signs.
    pub fn new(signer: Signer) -> Self {
        Self(signer)
    }

    /// Returns `value`, the time and the signature, in one piece.
    pub fn sign(&self, value: &[u8], now: UnixTime) -> Vec<u8> {
        let mut signed = value.to_vec();
        self.sign_to(&mut signed, now);
        signed
    }

    /// Appends to `buffer` the time, and the signature of it and all that `buffer` holds.
    ///
    /// ```
    /// # use hipflask_core::{UnixTime, signing::{KeyRing, Signer, TimedSigner}};
    /// let signer = TimedSigner::new(Signer::new(&KeyRing::new("secret-key"), "my purpose"));
    /// let mut buffer = b"hello".to_vec();
    /// signer.sign_to(&mut buffer, UnixTime::from_secs(1_763_692_800));
    /// assert!(buffer.starts_with(b"hello.aR_RAA."));
    /// ```
    pub fn sign_to(&self, buffer: &mut Vec<u8>, now: UnixTime) {
        buffer.extend_from_slice(self.0.separator());
        encode_url_to(significant_bytes(&now.as_secs().to_be_bytes()), buffer);
        self.0.sign_to(buffer);
    }

    /// Returns the value inside `signed` once a key confirms it and its age is in bounds.
    ///
    /// With a `max_age`, in seconds, a value is accepted up to and including that age, and refused
    /// if it was signed after `now`. Without one, any time is accepted that is a date.
    ///
    /// # Errors
    ///
    /// A [`TimedError`]; the signature is judged first, then the form of the time, then the age.
    #[doc(alias = "loads")]
    pub fn unsign<'a>(
        &self,
        signed: &'a [u8],
        now: UnixTime,
        max_age: Option<i64>,
    ) -> Result<Timed<'a>, TimedError<'a>> {
        let unsigned = self.0.unsign_at(signed, now).map_err(|error| self.with_time(error))?;
        let Some((value, time)) = rsplit_once(unsigned.value, self.0.separator()) else {
            return Err(TimedError::TimestampMissing(unsigned));
        };
        let unsigned = Unsigned { value, ..unsigned };
        let Some(signed_at) = decode_timestamp(time) else {
            return Err(TimedError::MalformedTimestamp(unsigned));
        };
        Timed { value, digest: unsigned.digest, key: unsigned.key, signed_at }.within(now, max_age)
    }

    /// Returns the signer underneath.
    pub fn signer(&self) -> &Signer {
        &self.0
    }

    /// Looks for a time in what no key confirmed, which tells a foreign cookie from a forged one.
    fn with_time<'a>(&self, error: UnsignError<'a>) -> TimedError<'a> {
        let UnsignError::Mismatch { unverified_value } = error else {
            return TimedError::NoSeparator;
        };
        match rsplit_once(unverified_value, self.0.separator()) {
            None => {
                TimedError::Mismatch { unverified_value, unverified_time: UnverifiedTime::Missing }
            }
            Some((unverified_value, time)) => TimedError::Mismatch {
                unverified_value,
                unverified_time: decode_timestamp(time)
                    .map_or(UnverifiedTime::Malformed, UnverifiedTime::At),
            },
        }
    }
}

/// A value that a key confirmed, and when it was signed.
///
/// ```
/// use hipflask_core::{UnixTime, signing::{KeyRing, Signer, TimedSigner}};
///
/// let [then, now] = [1_000, 1_060].map(UnixTime::from_secs);
/// let signer = TimedSigner::new(Signer::new(&KeyRing::new("secret-key"), "my purpose"));
/// let signed = signer.sign(b"hello", then);
/// let timed = signer.unsign(&signed, now, None).expect("nothing was changed");
/// assert_eq!((timed.value, timed.key, timed.signed_at), (&b"hello"[..], 0, 1_000));
/// ```
#[derive(Clone, Copy, Eq, PartialEq)]
#[non_exhaustive]
pub struct Timed<'a> {
    /// The digest of the signature.
    pub digest: Digest,
    /// The position of the key that confirms it: 0 for the current key, 1 for the first fallback.
    pub key: usize,
    /// When it was signed, in Unix seconds.
    pub signed_at: u64,
    /// What was signed.
    pub value: &'a [u8],
}

impl<'a> Timed<'a> {
    /// Judges the age.
    pub(crate) fn within(
        self,
        now: UnixTime,
        max_age: Option<i64>,
    ) -> Result<Self, TimedError<'a>> {
        let (timed, age) = (self, age(self.signed_at, now));
        match max_age {
            _ if self.signed_at > LATEST_TIME => Err(TimedError::DateOutOfRange { timed, age }),
            Some(max_age) if age > max_age => Err(TimedError::Expired { timed, age, max_age }),
            Some(_) if age < 0 => Err(TimedError::NotYetValid { timed, age }),
            _ => Ok(self),
        }
    }
}

impl fmt::Debug for Timed<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Timed")
            .field("key", &self.key)
            .field("signed_at", &self.signed_at)
            .finish_non_exhaustive()
    }
}

/// Why a value that is signed with its time was refused.
///
/// ```
/// use hipflask_core::{
///     UnixTime,
///     reason::Reason,
///     signing::{KeyRing, Signer, TimedError, TimedSigner},
/// };
///
/// let signer = TimedSigner::new(Signer::new(&KeyRing::new("secret-key"), "my purpose"));
/// let error = signer.unsign(b"hello", UnixTime::from_secs(1_000), None).expect_err("nobody signed it");
/// assert_eq!(error, TimedError::NoSeparator);
/// assert_eq!(error.reason(), Reason::Malformed);
/// ```
#[derive(Clone, Copy, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum TimedError<'a> {
    /// A key confirms a time after the year 9999.
    #[error("expected a time before the year 10000")]
    DateOutOfRange {
        /// What was signed.
        timed: Timed<'a>,
        /// Its age in seconds, so far as they can be counted.
        age: i64,
    },
    /// A key confirms it, but it is older than allowed.
    #[error("signed {age} seconds ago, expected at most {max_age}")]
    Expired {
        /// What was signed.
        timed: Timed<'a>,
        /// Its age in seconds.
        age: i64,
        /// The greatest age allowed, in seconds.
        max_age: i64,
    },
    /// A key confirms it, but the part before the signature is no time.
    #[error("expected a time of at most eight bytes in base64 before the signature")]
    MalformedTimestamp(Unsigned<'a>),
    /// No key of the ring confirms the signature.
    #[error("no key confirms the signature")]
    Mismatch {
        /// What stands before time and signature; anybody may have written it.
        unverified_value: &'a [u8],
        /// What stands where the time belongs; anybody may have written it.
        unverified_time: UnverifiedTime,
    },
    /// There is no separator, so there is no signature.
    #[error("expected value, time and signature, with separators between them")]
    NoSeparator,
    /// A key confirms it, but it was signed after now.
    #[error("signed {} seconds ahead of this machine's clock", age.unsigned_abs())]
    NotYetValid {
        /// What was signed.
        timed: Timed<'a>,
        /// Its age in seconds, which is negative.
        age: i64,
    },
    /// A key confirms it, but there is only a value and no time.
    #[error("expected a time between value and signature")]
    TimestampMissing(Unsigned<'a>),
}

impl TimedError<'_> {
    /// Returns the reason code to report.
    pub fn reason(&self) -> Reason {
        match self {
            Self::DateOutOfRange { .. }
            | Self::MalformedTimestamp(_)
            | Self::TimestampMissing(_) => Reason::BadTimestamp,
            Self::Expired { .. } => Reason::Expired,
            Self::Mismatch { unverified_time: UnverifiedTime::Missing, .. } | Self::NoSeparator => {
                Reason::Malformed
            }
            Self::Mismatch { .. } => Reason::BadSignature,
            Self::NotYetValid { .. } => Reason::NotYetValid,
        }
    }

    /// Reports whether Python raises `BadSignature` or a subclass of it.
    ///
    /// Only [`TimedError::DateOutOfRange`] is another kind of error there, which Flask does not
    /// catch.
    #[doc(alias = "BadSignature")]
    pub fn is_bad_signature(&self) -> bool {
        !matches!(self, Self::DateOutOfRange { .. })
    }
}

impl fmt::Debug for TimedError<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::DateOutOfRange { timed, age } => {
                f.debug_struct("DateOutOfRange").field("timed", timed).field("age", age).finish()
            }
            Self::Expired { timed, age, max_age } => f
                .debug_struct("Expired")
                .field("timed", timed)
                .field("age", age)
                .field("max_age", max_age)
                .finish(),
            Self::MalformedTimestamp(unsigned) => {
                f.debug_tuple("MalformedTimestamp").field(unsigned).finish()
            }
            Self::Mismatch { unverified_time, .. } => f
                .debug_struct("Mismatch")
                .field("unverified_time", unverified_time)
                .finish_non_exhaustive(),
            Self::NoSeparator => f.write_str("NoSeparator"),
            Self::NotYetValid { timed, age } => {
                f.debug_struct("NotYetValid").field("timed", timed).field("age", age).finish()
            }
            Self::TimestampMissing(unsigned) => {
                f.debug_tuple("TimestampMissing").field(unsigned).finish()
            }
        }
    }
}

/// What stands in place of the time where no key confirms the signature.
///
/// ```
/// use hipflask_core::{
///     UnixTime, signing::{KeyRing, Signer, TimedError, TimedSigner, UnverifiedTime},
/// };
///
/// let now = UnixTime::from_secs(2);
/// let signer = TimedSigner::new(Signer::new(&KeyRing::new("secret-key"), "my purpose"));
/// let Err(TimedError::Mismatch { unverified_time, .. }) = signer.unsign(b"v.AQ.AAAA", now, None)
/// else {
///     panic!("that is no signature");
/// };
/// assert_eq!(unverified_time, UnverifiedTime::At(1));
/// ```
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum UnverifiedTime {
    /// A number of Unix seconds; after [`LATEST_TIME`] it is no date.
    At(u64),
    /// Something else.
    Malformed,
    /// Nothing: there is only one separator.
    Missing,
}

/// Returns the text of a time in Unix seconds: base64 of its significant bytes.
///
/// ```
/// use hipflask_core::signing::encode_timestamp;
///
/// assert_eq!(encode_timestamp(1_763_692_800), "aR_RAA");
/// assert_eq!(encode_timestamp(0), "");
/// ```
pub fn encode_timestamp(seconds: u64) -> String {
    encode_url(significant_bytes(&seconds.to_be_bytes()))
}

/// Returns the Unix seconds that `text` stands for; `None` if it is no base64 of up to eight bytes.
///
/// ```
/// use hipflask_core::signing::decode_timestamp;
///
/// assert_eq!(decode_timestamp(b"aR_RAA"), Some(1_763_692_800));
/// assert_eq!(decode_timestamp(b""), Some(0));
/// assert_eq!(decode_timestamp(b"A"), None);
/// ```
pub fn decode_timestamp(text: &[u8]) -> Option<u64> {
    let mut bytes = [0; 8];
    let length = decode_url_to_slice(text, &mut bytes)?;
    Some(bytes[..length].iter().fold(0, |seconds, byte| seconds << 8 | u64::from(*byte)))
}

fn significant_bytes(bytes: &[u8]) -> &[u8] {
    let zeros = bytes.iter().take_while(|byte| **byte == 0).count();
    &bytes[zeros..]
}

/// The seconds from `signed_at` to `now`, at the end of the range where they cannot be counted.
pub(crate) fn age(signed_at: u64, now: UnixTime) -> i64 {
    let age = i128::from(now.as_secs()) - i128::from(signed_at);
    i64::try_from(age).unwrap_or(if age < 0 { i64::MIN } else { i64::MAX })
}
