//! The ids in the cookies of packages that keep sessions in a store, and where these lie.

use super::{Package, TakeOver};
use crate::encoding;

const BEAKER: &str = "beaker_cache:";
const STARSESSIONS: &str = "starsessions.";

/// The hexadecimal digits of a SHA-1.
const SHA1_HEX: usize = 40;

impl TakeOver {
    /// Returns the id in a cookie that the package has signed.
    pub(crate) fn signed_id(&self, cookie: &[u8]) -> Option<(Vec<u8>, usize)> {
        match self.package {
            Package::FlaskKvSession => {
                let unsigned = self.signer.unsign(cookie).ok()?;
                Some((unsigned.value.to_vec(), unsigned.key))
            }
            Package::Beaker => {
                // The tag in hexadecimal digits, and then what it confirms.
                let (tag, id) = cookie.split_at_checked(SHA1_HEX)?;
                let tag = tag.chunks(2).map(hex).collect::<Option<Vec<_>>>()?;
                let signed = [id, b".", encoding::encode_url(&tag).as_bytes()].concat();
                let unsigned = self.signer.unsign(&signed).ok()?;
                Some((id.to_vec(), unsigned.key))
            }
            _ => None,
        }
    }
}

impl Package {
    /// Reports whether its cookies hold an id that is not signed.
    pub(crate) const fn has_plain_ids(self) -> bool {
        matches!(self, Self::DjangoDatabase | Self::QuartSession | Self::Starsessions)
    }

    /// Returns where the package keeps the record of an id, unless that is where Flask-Session does.
    ///
    /// ```
    /// use hipflask_core::record::Package;
    ///
    /// assert_eq!(Package::Starsessions.key_of("0f"), Some("starsessions.0f".to_owned()));
    /// ```
    pub fn key_of(self, id: &str) -> Option<String> {
        match self {
            Self::Beaker => Some([BEAKER, id, ":session"].concat()),
            Self::FlaskKvSession => Some(id.to_owned()),
            Self::Starsessions => Some([STARSESSIONS, id].concat()),
            _ => None,
        }
    }

    /// Returns what the keys of its records start with, unless they are as Flask-Session's.
    ///
    /// ```
    /// use hipflask_core::record::Package;
    ///
    /// assert_eq!(Package::Beaker.key_prefix(), Some("beaker_cache:"));
    /// assert_eq!(Package::Beaker.id_in("beaker_cache:0f:session"), Some("0f"));
    /// assert_eq!(Package::Beaker.id_in("beaker_cache:0f:templates"), None);
    /// ```
    pub const fn key_prefix(self) -> Option<&'static str> {
        match self {
            Self::Beaker => Some(BEAKER),
            Self::FlaskKvSession => Some(""),
            Self::Starsessions => Some(STARSESSIONS),
            _ => None,
        }
    }

    /// Returns the id of the record that lies under a key, if it is the package's.
    pub fn id_in(self, key: &str) -> Option<&str> {
        match self {
            Self::Beaker => key.strip_prefix(BEAKER)?.strip_suffix(":session"),
            Self::FlaskKvSession => {
                let (id, time) = key.split_once('_')?;
                let is_hex = |text: &str| {
                    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_hexdigit())
                };
                (is_hex(id) && is_hex(time)).then_some(key)
            }
            Self::Starsessions => key.strip_prefix(STARSESSIONS),
            _ => None,
        }
    }
}

fn hex(pair: &[u8]) -> Option<u8> {
    u8::from_str_radix(str::from_utf8(pair).ok()?, 16).ok()
}
