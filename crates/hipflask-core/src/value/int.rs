//! Integers of any size, as Python has them.

use std::fmt;

/// An integer of any size.
///
/// ```
/// use hipflask_core::value::Int;
///
/// let big = Int::parse("123456789012345678901234567890").ok_or("not an integer")?;
/// assert_eq!(big.to_string(), "123456789012345678901234567890");
/// assert_eq!(big.as_i64(), None);
/// assert_eq!(Int::from(7_i64).as_i64(), Some(7));
/// # Ok::<(), &str>(())
/// ```
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub struct Int(Repr);

/// `Big` holds the canonical decimal text of what does not fit into `Small`, and nothing else, so
/// that equal numbers have equal representations.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
enum Repr {
    Small(i64),
    Big(Box<str>),
}

impl Int {
    /// Reads decimal digits with an optional `-`; leading zeros are dropped.
    pub fn parse(text: &str) -> Option<Self> {
        if let Ok(small) = text.parse::<i64>() {
            return (!text.starts_with('+')).then_some(Self(Repr::Small(small)));
        }
        let (sign, digits) = match text.strip_prefix('-') {
            Some(digits) => ("-", digits),
            None => ("", text),
        };
        if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
            return None;
        }
        Some(Self(Repr::Big(format!("{sign}{}", digits.trim_start_matches('0')).into())))
    }

    /// Returns the number if it fits.
    pub const fn as_i64(&self) -> Option<i64> {
        match self.0 {
            Repr::Small(small) => Some(small),
            Repr::Big(_) => None,
        }
    }

    /// Returns the number if it fits.
    pub fn as_i128(&self) -> Option<i128> {
        match &self.0 {
            Repr::Small(small) => Some((*small).into()),
            Repr::Big(digits) => digits.parse().ok(),
        }
    }

    /// Returns the number of decimal digits, without the sign.
    pub fn n_digits(&self) -> usize {
        match &self.0 {
            Repr::Small(small) => {
                small.unsigned_abs().checked_ilog10().map_or(1, |log| log as usize + 1)
            }
            Repr::Big(digits) => digits.trim_start_matches('-').len(),
        }
    }

    pub(crate) const fn is_zero(&self) -> bool {
        matches!(self.0, Repr::Small(0))
    }
}

impl From<i64> for Int {
    fn from(small: i64) -> Self {
        Self(Repr::Small(small))
    }
}

impl From<u64> for Int {
    fn from(int: u64) -> Self {
        i128::from(int).into()
    }
}

impl From<i128> for Int {
    fn from(int: i128) -> Self {
        match i64::try_from(int) {
            Ok(small) => Self(Repr::Small(small)),
            Err(_) => Self(Repr::Big(int.to_string().into())),
        }
    }
}

impl From<u128> for Int {
    fn from(int: u128) -> Self {
        match i64::try_from(int) {
            Ok(small) => Self(Repr::Small(small)),
            Err(_) => Self(Repr::Big(int.to_string().into())),
        }
    }
}

impl fmt::Display for Int {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Repr::Small(small) => small.fmt(f),
            Repr::Big(digits) => f.write_str(digits),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expected: Option<&str>) {
        assert_eq!(Int::parse(text).map(|int| int.to_string()).as_deref(), expected, "{text}");
    }

    #[test]
    fn parse_is_canonical() {
        check("-0", Some("0"));
        check("007", Some("7"));
        check("-00009223372036854775809", Some("-9223372036854775809"));
        check("9223372036854775807", Some("9223372036854775807"));
        check("18446744073709551616", Some("18446744073709551616"));
        check("+1", None);
        check("-", None);
        check("", None);
        check("1_0", None);
    }
}
