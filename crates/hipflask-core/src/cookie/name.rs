//! The name of a cookie: what can be one.
//!
//! Before the attributes; a token of [RFC 6265, section 4.1.1][rfc].
//!
//! [rfc]: https://www.rfc-editor.org/rfc/rfc6265#section-4.1.1

/// A longer name would leave less than half of the usual 4,096 bytes to the value.
const MAX_NAME: usize = 2048;

/// Confirms that `name` can be the name of a cookie.
///
/// # Errors
///
/// [`NameError`] unless `name` is a token of RFC 6265.
///
/// ```
/// use hipflask_core::cookie::{NameError, check_name};
///
/// assert_eq!(check_name("session"), Ok(()));
/// assert_eq!(check_name("my session"), Err(NameError::NotToken));
/// ```
pub fn check_name(name: &str) -> Result<(), NameError> {
    if name.is_empty() {
        Err(NameError::Empty)
    } else if !name.bytes().all(is_token_byte) {
        Err(NameError::NotToken)
    } else if name.len() > MAX_NAME {
        Err(NameError::TooLong)
    } else {
        Ok(())
    }
}

/// Why a text cannot be a cookie's name.
///
/// ```
/// use hipflask_core::cookie::{NameError, check_name};
///
/// assert_eq!(check_name(""), Err(NameError::Empty));
/// ```
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum NameError {
    /// There is no name.
    #[error("expected a cookie name: set SESSION_COOKIE_NAME, for instance to session")]
    Empty,
    /// The name holds a byte that no cookie name may hold.
    #[error(
        "expected a cookie name of letters, digits and !#$%&'*+-.^_`|~ only: change \
         SESSION_COOKIE_NAME"
    )]
    NotToken,
    /// The name leaves no room for a value.
    #[error("expected a cookie name of at most 2048 bytes: shorten SESSION_COOKIE_NAME")]
    TooLong,
}

pub(super) fn is_token_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn check_name_wants_a_token() {
        for name in ["a;b", "a=b", "a\nb", "a\"", "a,b", "\u{e9}", "a\u{7f}"] {
            assert_eq!(check_name(name), Err(NameError::NotToken), "{name:?}");
        }
        assert_eq!(check_name(""), Err(NameError::Empty));
        assert_eq!(check_name(&"a".repeat(MAX_NAME)), Ok(()));
        assert_eq!(check_name(&"a".repeat(MAX_NAME + 1)), Err(NameError::TooLong));
    }
}
