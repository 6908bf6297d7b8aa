//! The domain of a cookie: how it is written, and what a browser honours.
//!
//! Before the attributes; the rules are those of [RFC 6265, section 5.1.3][rfc].
//!
//! [rfc]: https://www.rfc-editor.org/rfc/rfc6265#section-5.1.3

const MAX_LABEL: usize = 63;
const MAX_DOMAIN: usize = 253;

/// Confirms that a browser honours `domain`.
///
/// # Errors
///
/// [`DomainError`], one variant per mistake.
///
/// ```
/// use hipflask_core::cookie::{DomainError, check_domain};
///
/// assert_eq!(check_domain("example.com"), Ok(()));
/// assert_eq!(check_domain("*.example.com"), Err(DomainError::Character));
/// ```
pub fn check_domain(domain: &str) -> Result<(), DomainError> {
    let domain = encode(domain)?;
    if domain.is_empty() {
        Err(DomainError::Empty)
    } else if !domain.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._".contains(&byte)) {
        Err(DomainError::Character)
    } else if domain.ends_with('.') {
        Err(DomainError::EmptyLabel)
    } else if domain.len() > MAX_DOMAIN {
        Err(DomainError::TooLong)
    } else {
        Ok(())
    }
}

/// Returns what is written for `domain`: no port, no leading dots.
///
/// DIFFERENCE: Flask converts other scripts with Python's IDNA 2003 codec. Browsers convert some
/// names to another host than that codec does (`straße.de`), so the `xn--` form is asked for.
/// DIFFERENCE: what would end the attribute is refused instead of being written, and so is a URL,
/// of which Flask writes the scheme.
pub(super) fn encode(domain: &str) -> Result<&str, DomainError> {
    let host = domain.split(':').next().unwrap_or_default().trim_start_matches('.');
    if !host.is_ascii() {
        return Err(DomainError::NotAscii);
    }
    if domain.contains('/') || host.contains(|c: char| c.is_control() || " ,;".contains(c)) {
        return Err(DomainError::Character);
    }
    let (above_last, last) = host.rsplit_once('.').map_or((None, host), |(a, b)| (Some(a), b));
    if above_last.is_some_and(|labels| labels.split('.').any(str::is_empty)) {
        return Err(DomainError::EmptyLabel);
    }
    let too_long = |label: &str| label.len() > MAX_LABEL;
    if too_long(last) || above_last.is_some_and(|labels| labels.split('.').any(too_long)) {
        return Err(DomainError::LabelTooLong);
    }
    Ok(host)
}

/// Why a domain cannot be written, or would not be honoured.
///
/// ```
/// use hipflask_core::cookie::{Attributes, DomainError};
///
/// let error = Attributes::new().with_domain("münchen.de").unwrap_err();
/// assert_eq!(error, DomainError::NotAscii);
/// assert!(error.to_string().contains("xn--"));
/// ```
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum DomainError {
    /// The domain holds something that a host name cannot hold.
    #[error(
        "expected a cookie domain of letters, digits, dots and hyphens: set SESSION_COOKIE_DOMAIN \
         to a host name such as example.com, which covers its subdomains"
    )]
    Character,
    /// There is no domain.
    #[error("expected a cookie domain: unset SESSION_COOKIE_DOMAIN to cover the own host only")]
    Empty,
    /// Nothing stands between two dots, or behind the last.
    #[error(
        "expected a cookie domain without empty parts: check the dots of SESSION_COOKIE_DOMAIN"
    )]
    EmptyLabel,
    /// More than 63 bytes stand between two dots.
    #[error("expected at most 63 bytes between the dots of the cookie domain")]
    LabelTooLong,
    /// The domain is not ASCII.
    #[error("expected an ASCII cookie domain: set SESSION_COOKIE_DOMAIN to its xn-- form")]
    NotAscii,
    /// The domain is longer than any host name.
    #[error("expected a cookie domain of at most 253 bytes")]
    TooLong,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn check_domain_wants_a_host_name() {
        for domain in ["[::1]", "a b", "a;b", "a,b", "a\r\nb", "https://a"] {
            assert_eq!(check_domain(domain), Err(DomainError::Character), "{domain:?}");
        }
        assert_eq!(check_domain("."), Err(DomainError::Empty));
        assert_eq!(check_domain("a..b"), Err(DomainError::EmptyLabel));
        assert_eq!(check_domain("a."), Err(DomainError::EmptyLabel));
        assert_eq!(check_domain("\u{fc}.de"), Err(DomainError::NotAscii));
        assert_eq!(check_domain(&"a".repeat(64)), Err(DomainError::LabelTooLong));
        assert_eq!(check_domain(&["a"; 128].join(".")), Err(DomainError::TooLong));
        assert_eq!(check_domain("127.0.0.1"), Ok(()));
    }
}
