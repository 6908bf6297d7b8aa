//! The content of the cookies of packages that keep it there.

use super::{Package, TakeOver};
use crate::{
    UnixTime, encoding,
    serializer::{self, Limits, read_untagged},
    signing::{TimedSigner, age},
    value::{Dict, Value},
};

/// What a cookie holds, and when it was signed.
pub(crate) struct Taken {
    pub(crate) content: Dict,
    /// In Unix seconds.
    pub(crate) signed_at: u64,
    /// The position of the key.
    pub(crate) key: usize,
}

impl TakeOver {
    /// Reads a cookie of a package that keeps the content there; `None` if it is none, or too old.
    pub(crate) fn content_of(&self, cookie: &[u8], now: UnixTime, limits: Limits) -> Option<Taken> {
        let max_age = i64::try_from(self.max_age.as_secs()).unwrap_or(i64::MAX);
        let (json, signed_at, key) = match self.package {
            Package::Starlette => {
                let signer = TimedSigner::new(self.signer.clone());
                let timed = signer.unsign(cookie, now, Some(max_age)).ok()?;
                let json = encoding::decode_standard(timed.value)?;
                (String::from_utf8(json).ok()?, timed.signed_at, timed.key)
            }
            Package::DjangoSignedCookies => {
                let unsigned = self.signer.unsign(cookie).ok()?;
                let colon = unsigned.value.iter().rposition(|byte| *byte == b':')?;
                let (payload, time) = (&unsigned.value[..colon], &unsigned.value[colon + 1..]);
                let signed_at = base62(time)?;
                let age = age(signed_at, now);
                if age > max_age {
                    return None;
                }
                let (json, _) = serializer::decode_payload(payload, limits.inflated()).ok()?;
                (json, signed_at, unsigned.key)
            }
            _ => return None,
        };
        if json.len() > limits.inflated() {
            return None;
        }
        match read_untagged(&json, limits.depth()).ok()? {
            Value::Dict(mut content) => {
                self.about(&mut content);
                Some(Taken { content, signed_at, key })
            }
            _ => None,
        }
    }
}

/// Reads a number as Django writes its times.
fn base62(text: &[u8]) -> Option<u64> {
    let digit = |byte: u8| match byte {
        b'0'..=b'9' => Some(byte - b'0'),
        b'A'..=b'Z' => Some(byte - b'A' + 10),
        b'a'..=b'z' => Some(byte - b'a' + 36),
        _ => None,
    };
    if text.is_empty() {
        return None;
    }
    text.iter().try_fold(0_u64, |number, byte| {
        number.checked_mul(62)?.checked_add(u64::from(digit(*byte)?))
    })
}

#[cfg(test)]
mod tests {
    use super::base62;

    #[test]
    fn times_of_django_are_numbers_of_base_62() {
        assert_eq!(base62(b"1vMH44"), Some(1_763_692_800)); // by Django 5.2
        assert_eq!(base62(b"0"), Some(0));
        assert_eq!(base62(b""), None);
        assert_eq!(base62(b"zzzzzzzzzzzzzzzzzz"), None);
    }
}
