//! Store addresses, such as `redis://localhost/0` or `file:/var/lib/sessions`, taken apart.
//!
//! Before the stores, which know what each part means; knows only the form that they share. An
//! address may hold a password, so no error repeats any of it but the names of options.

#![cfg_attr(
    not(any(
        feature = "dynamodb",
        feature = "filesystem",
        feature = "memcached",
        feature = "memory",
        feature = "mongodb",
        feature = "mysql",
        feature = "postgres",
        feature = "redis",
        feature = "sqlite",
    )),
    expect(dead_code, reason = "no store is compiled in")
)]

use std::{error::Error, fmt};

use super::StoreError;
use crate::config::ConfigError;

/// Why an address does not lead to a store.
///
/// ```
/// use hipflask::store::ConnectError;
///
/// let error = ConnectError::Unsupported { feature: "redis" };
/// assert_eq!(
///     error.to_string(),
///     "hipflask was built without this session store: turn on its cargo feature `redis`",
/// );
/// ```
#[non_exhaustive]
pub enum ConnectError {
    /// It has another form.
    Address {
        /// The form that it should have.
        expected: &'static str,
    },
    /// The configuration of the sessions is refused.
    Config(ConfigError),
    /// It has an option that the store does not know, or with a value that it does not take.
    Option {
        /// The option's name, never its value.
        name: String,
    },
    /// The store is there but not for us, or is not there.
    Refused(Box<dyn Error + Send + Sync>),
    /// No store has addresses that start so, but one has some that start almost so.
    Scheme {
        /// What may have been meant.
        nearest: &'static str,
    },
    /// The store was left out when Hipflask was built.
    Unsupported {
        /// The feature that brings it.
        feature: &'static str,
    },
}

impl fmt::Display for ConnectError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Address { expected } => {
                write!(f, "the address of a session store must be {expected}")
            }
            Self::Config(error) => error.fmt(f),
            Self::Option { name } => write!(
                f,
                "the address of the session store has the option `{name}`, which is unknown or wrong"
            ),
            Self::Refused(cause) => write!(f, "cannot connect to the session store: {cause}"),
            Self::Scheme { nearest } => write!(
                f,
                "no session store has an address of this scheme: did you mean `{nearest}:`?"
            ),
            Self::Unsupported { feature } => write!(
                f,
                "hipflask was built without this session store: turn on its cargo feature `{feature}`"
            ),
        }
    }
}

/// The text has the cause, so what comes next is the cause of that.
impl Error for ConnectError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Config(error) => error.source(),
            Self::Refused(cause) => cause.source(),
            _ => None,
        }
    }
}

impl ConnectError {
    /// Returns an error with its cause, whose text must not hold a secret.
    pub fn refused(source: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self::Refused(source.into())
    }

    /// Adds which servers could not be had, unless the text says so.
    pub(super) fn at(self, servers: Option<String>) -> Self {
        match (self, servers) {
            (Self::Refused(error), Some(servers)) if !error.to_string().contains(&servers) => {
                Self::refused(At { servers, error })
            }
            (error, _) => error,
        }
    }
}

#[derive(Debug, thiserror::Error)]
#[error("{error} (at {servers})")]
struct At {
    servers: String,
    error: Box<dyn Error + Send + Sync>,
}

impl fmt::Debug for ConnectError {
    /// Shows the text, for a `main` that returns it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl From<ConfigError> for ConnectError {
    fn from(error: ConfigError) -> Self {
        Self::Config(error)
    }
}

impl From<StoreError> for ConnectError {
    /// Keeps the store's error as the cause.
    fn from(error: StoreError) -> Self {
        Self::refused(error)
    }
}

/// Names and values, percent-decoded, in their order.
pub(crate) type Options = Vec<(String, String)>;

/// Splits what is before `?` from the options after it.
pub(crate) fn split_options(address: &str) -> Result<(&str, Options), ConnectError> {
    let Some((path, query)) = address.split_once('?') else {
        return Ok((address, Vec::new()));
    };
    let pairs = query.split('&').filter(|pair| !pair.is_empty()).map(|pair| {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        let name = percent_decode(name)?;
        let value = percent_decode(value).map_err(|_| unknown_option(&name))?;
        Ok((name, value))
    });
    Ok((path, pairs.collect::<Result<_, ConnectError>>()?))
}

/// Takes the options that a store has left over, of which there must be none.
pub(crate) fn refuse_options(options: Options) -> Result<(), ConnectError> {
    options.into_iter().next().map_or(Ok(()), |(name, _)| Err(ConnectError::Option { name }))
}

/// Returns the error for an option that is unknown, or has a value that is not taken.
pub(crate) fn unknown_option(name: &str) -> ConnectError {
    ConnectError::Option { name: name.to_owned() }
}

/// Turns `%41` into `A`; what is no UTF-8 afterwards, or no escape after `%`, is an error.
pub(crate) fn percent_decode(text: &str) -> Result<String, ConnectError> {
    let error = || ConnectError::Address { expected: "percent-encoded UTF-8 text" };
    let mut parts = text.as_bytes().split(|byte| *byte == b'%');
    let mut decoded = parts.next().unwrap_or_default().to_vec();
    for part in parts {
        let (digits, rest) = part.split_at_checked(2).ok_or_else(error)?;
        let digit = |byte: u8| char::from(byte).to_digit(16);
        let byte = digits.iter().try_fold(0, |sum, byte| Some(sum * 16 + digit(*byte)?));
        decoded.push(byte.and_then(|byte| u8::try_from(byte).ok()).ok_or_else(error)?);
        decoded.extend_from_slice(rest);
    }
    String::from_utf8(decoded).map_err(|_| error())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(address: &str, path: &str, options: &[(&str, &str)]) {
        let (found, pairs) = split_options(address).unwrap();
        let pairs: Vec<_> = pairs.iter().map(|(n, v)| (n.as_str(), v.as_str())).collect();
        assert_eq!((found, pairs.as_slice()), (path, options));
    }

    #[test]
    fn options_are_split_and_decoded() {
        check("/a", "/a", &[]);
        check("/a%41?", "/a%41", &[]);
        check("/a?b=c%2Fd&e&f=g=h", "/a", &[("b", "c/d"), ("e", ""), ("f", "g=h")]);
        check("?%c3%a9=%C3%A9?", "", &[("é", "é?")]);
    }

    #[test]
    fn wrong_escapes_are_refused_without_repeating_them() {
        for address in ["?a=%", "?a=%4", "?a=%zz", "?a=%ff", "?a=%+1"] {
            assert_eq!(
                split_options(address).unwrap_err().to_string(),
                "the address of the session store has the option `a`, which is unknown or wrong"
            );
        }
        assert!(matches!(split_options("?%zz=1"), Err(ConnectError::Address { .. })));
    }
}
