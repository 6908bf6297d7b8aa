//! The path of a cookie: how it is written, and what a browser honours.
//!
//! Before the attributes; the rules are those of [RFC 6265, section 4.1.1][rfc], the escapes those of
//! Werkzeug.
//!
//! [rfc]: https://www.rfc-editor.org/rfc/rfc6265#section-4.1.1

/// Browsers ignore an attribute whose value is longer.
const MAX_ATTRIBUTE: usize = 1024;

/// Confirms that a browser honours `path`.
///
/// # Errors
///
/// [`PathError`], one variant per mistake.
///
/// ```
/// use hipflask_core::cookie::{PathError, check_path};
///
/// assert_eq!(check_path("/shop"), Ok(()));
/// assert_eq!(check_path("shop"), Err(PathError::NotAbsolute));
/// ```
pub fn check_path(path: &str) -> Result<(), PathError> {
    if !path.starts_with('/') {
        return Err(PathError::NotAbsolute);
    }
    if path.contains(|c: char| c.is_control() || c == ';') {
        return Err(PathError::Character);
    }
    let mut written = String::new();
    push(&mut written, path);
    if written.len() > MAX_ATTRIBUTE {
        return Err(PathError::TooLong);
    }
    Ok(())
}

/// Writes `path`; what a path cannot hold is percent-encoded.
pub(super) fn push(out: &mut String, path: &str) {
    const HEX: &[u8; 16] = b"0123456789ABCDEF";
    for byte in path.bytes() {
        if byte.is_ascii_alphanumeric() || b"_.-~%!$&'()*+,/:=@".contains(&byte) {
            out.push(char::from(byte));
        } else {
            let digit = |nibble: u8| char::from(HEX[usize::from(nibble)]);
            out.extend(['%', digit(byte >> 4), digit(byte & 15)]);
        }
    }
}

/// Why a browser would not honour a path.
///
/// ```
/// use hipflask_core::cookie::{PathError, check_path};
///
/// assert_eq!(check_path("/; Secure"), Err(PathError::Character));
/// ```
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum PathError {
    /// The path holds a control character or a semicolon.
    #[error(
        "expected a cookie path without control characters and semicolons: set \
         SESSION_COOKIE_PATH to a plain path such as /shop"
    )]
    Character,
    /// The path does not start with `/`.
    #[error("expected a cookie path that starts with /: change SESSION_COOKIE_PATH")]
    NotAbsolute,
    /// The path is longer than browsers accept.
    #[error("expected a cookie path of at most 1024 bytes: shorten SESSION_COOKIE_PATH")]
    TooLong,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn check_path_counts_the_bytes_that_are_written() {
        assert_eq!(check_path(""), Err(PathError::NotAbsolute));
        assert_eq!(check_path("/\n"), Err(PathError::Character));
        assert_eq!(check_path("/a b,c"), Ok(()));
        assert_eq!(check_path(&format!("/{}", " ".repeat(341))), Ok(()));
        assert_eq!(check_path(&format!("/{}", " ".repeat(342))), Err(PathError::TooLong));
    }
}
