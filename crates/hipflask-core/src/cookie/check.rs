//! Refuses cookie settings that a browser would ignore or that would break the header.
//!
//! Runs once, when the configuration is built; no cookie passes through here. The rules are those
//! of [RFC 6265][rfc] and, for prefixes and limits, of [its successor][bis]. Flask accepts all of
//! these settings and leaves the user to wonder where the session went.
//!
//! [rfc]: https://www.rfc-editor.org/rfc/rfc6265
//! [bis]: https://datatracker.ietf.org/doc/html/draft-ietf-httpbis-rfc6265bis

use super::attributes::{Attributes, SameSite, push_path};

/// Browsers ignore an attribute whose value is longer.
const MAX_ATTRIBUTE: usize = 1024;
const MAX_LABEL: usize = 63;
const MAX_DOMAIN: usize = 253;
/// A longer name would leave less than half of the usual 4,096 bytes to the value.
const MAX_NAME: usize = 2048;

impl Attributes {
    /// Confirms that a browser keeps the cookie `name` when it is set with these attributes.
    ///
    /// # Errors
    ///
    /// [`AttributeError`], one variant per mistake; its text says what to change.
    ///
    /// ```
    /// use hipflask_core::cookie::{AttributeError, Attributes};
    ///
    /// let attributes = Attributes::new();
    /// assert_eq!(attributes.check("session"), Ok(()));
    /// assert_eq!(
    ///     attributes.check("__Host-session"),
    ///     Err(AttributeError::HostPrefixWithoutSecure)
    /// );
    /// ```
    pub fn check(&self, name: &str) -> Result<(), AttributeError> {
        check_name(name)?;
        self.domain().map_or(Ok(()), check_domain)?;
        self.path().map_or(Ok(()), check_path)?;
        if has_prefix(name, "__Host-") {
            if !self.is_secure() {
                return Err(AttributeError::HostPrefixWithoutSecure);
            }
            if self.domain().is_some() {
                return Err(AttributeError::HostPrefixWithDomain);
            }
            if self.path() != Some("/") {
                return Err(AttributeError::HostPrefixWithOtherPath);
            }
        }
        if self.is_secure() {
            Ok(())
        } else if has_prefix(name, "__Secure-") {
            Err(AttributeError::SecurePrefixWithoutSecure)
        } else if self.same_site() == Some(SameSite::None) {
            Err(AttributeError::SameSiteNoneWithoutSecure)
        } else if self.is_partitioned() {
            Err(AttributeError::PartitionedWithoutSecure)
        } else {
            Ok(())
        }
    }
}

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
    push_path(&mut written, path);
    if written.len() > MAX_ATTRIBUTE {
        return Err(PathError::TooLong);
    }
    Ok(())
}

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
    let domain = encode_domain(domain)?;
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
pub(super) fn encode_domain(domain: &str) -> Result<&str, DomainError> {
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

/// Why a browser would not keep a cookie with these attributes.
///
/// ```
/// use hipflask_core::cookie::{AttributeError, Attributes, SameSite};
///
/// let error = Attributes::new().with_same_site(SameSite::None).check("session").unwrap_err();
/// assert_eq!(error, AttributeError::SameSiteNoneWithoutSecure);
/// assert!(error.to_string().contains("SESSION_COOKIE_SECURE"));
/// ```
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum AttributeError {
    /// The domain is of no use.
    #[error(transparent)]
    Domain(#[from] DomainError),
    /// `__Host-` together with a domain.
    #[error(
        "a cookie whose name starts with __Host- must not have a domain: unset \
         SESSION_COOKIE_DOMAIN, or use the prefix __Secure-"
    )]
    HostPrefixWithDomain,
    /// `__Host-` with another path than `/`.
    #[error(
        "a cookie whose name starts with __Host- must have the path /: set SESSION_COOKIE_PATH to \
         /, or use the prefix __Secure-"
    )]
    HostPrefixWithOtherPath,
    /// `__Host-` without `Secure`.
    #[error(
        "a cookie whose name starts with __Host- must be secure: set SESSION_COOKIE_SECURE, or \
         choose another name"
    )]
    HostPrefixWithoutSecure,
    /// The name is of no use.
    #[error(transparent)]
    Name(#[from] NameError),
    /// `Partitioned` without `Secure`.
    #[error("a partitioned cookie must be secure: set SESSION_COOKIE_SECURE")]
    PartitionedWithoutSecure,
    /// The path is of no use.
    #[error(transparent)]
    Path(#[from] PathError),
    /// `SameSite=None` without `Secure`.
    #[error(
        "browsers drop a cookie with SameSite=None that is not secure: set SESSION_COOKIE_SECURE, \
         or use SameSite=Lax"
    )]
    SameSiteNoneWithoutSecure,
    /// `__Secure-` without `Secure`.
    #[error(
        "a cookie whose name starts with __Secure- must be secure: set SESSION_COOKIE_SECURE, or \
         choose another name"
    )]
    SecurePrefixWithoutSecure,
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

/// Browsers compare these prefixes without regard to case.
fn has_prefix(name: &str, prefix: &str) -> bool {
    name.get(..prefix.len()).is_some_and(|start| start.eq_ignore_ascii_case(prefix))
}

pub(super) fn is_token_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(name: &str, attributes: &Attributes, expected: Result<(), AttributeError>) {
        assert_eq!(attributes.check(name), expected, "{name}");
    }

    #[test]
    fn check_accepts_what_browsers_keep() {
        let plain = Attributes::new();
        check("session", &plain, Ok(()));
        check("session", &plain.clone().without_path(), Ok(()));
        check("session", &plain.clone().with_domain(".example.com:8080").unwrap(), Ok(()));
        let secure = plain.with_secure(true);
        check("__Host-session", &secure, Ok(()));
        check("__Secure-session", &secure.clone().with_path("/shop"), Ok(()));
        check("session", &secure.clone().with_same_site(SameSite::None), Ok(()));
        check("session", &secure.with_partitioned(true), Ok(()));
    }

    #[test]
    fn check_names_the_prefix_rule_that_is_broken() {
        use AttributeError::{
            HostPrefixWithDomain, HostPrefixWithOtherPath, HostPrefixWithoutSecure,
            SecurePrefixWithoutSecure,
        };
        let plain = Attributes::new();
        let secure = plain.clone().with_secure(true);
        let domain = secure.clone().with_domain("example.com").unwrap();
        check("__Host-s", &plain, Err(HostPrefixWithoutSecure));
        check("__hOST-s", &plain, Err(HostPrefixWithoutSecure));
        check("__Host-s", &domain, Err(HostPrefixWithDomain));
        check("__Host-s", &secure.clone().with_path("/x"), Err(HostPrefixWithOtherPath));
        check("__Host-s", &secure.without_path(), Err(HostPrefixWithOtherPath));
        check("__Secure-s", &plain, Err(SecurePrefixWithoutSecure));
    }

    #[test]
    fn check_asks_for_secure_where_browsers_do() {
        use AttributeError::{PartitionedWithoutSecure, SameSiteNoneWithoutSecure};
        let plain = Attributes::new();
        let cross_site = plain.clone().with_same_site(SameSite::None);
        check("s", &cross_site, Err(SameSiteNoneWithoutSecure));
        check("s", &plain.with_partitioned(true), Err(PartitionedWithoutSecure));
    }

    #[test]
    fn check_passes_on_what_is_wrong_with_a_part() {
        let plain = Attributes::new();
        check("a b", &plain, Err(NameError::NotToken.into()));
        check("s", &plain.clone().with_path("x"), Err(PathError::NotAbsolute.into()));
        check("s", &plain.with_domain("").unwrap(), Err(DomainError::Empty.into()));
    }

    #[test]
    fn check_name_wants_a_token() {
        for name in ["a;b", "a=b", "a\nb", "a\"", "a,b", "\u{e9}", "a\u{7f}"] {
            assert_eq!(check_name(name), Err(NameError::NotToken), "{name:?}");
        }
        assert_eq!(check_name(""), Err(NameError::Empty));
        assert_eq!(check_name(&"a".repeat(MAX_NAME)), Ok(()));
        assert_eq!(check_name(&"a".repeat(MAX_NAME + 1)), Err(NameError::TooLong));
    }

    #[test]
    fn check_path_counts_the_bytes_that_are_written() {
        assert_eq!(check_path(""), Err(PathError::NotAbsolute));
        assert_eq!(check_path("/\n"), Err(PathError::Character));
        assert_eq!(check_path("/a b,c"), Ok(()));
        assert_eq!(check_path(&format!("/{}", " ".repeat(341))), Ok(()));
        assert_eq!(check_path(&format!("/{}", " ".repeat(342))), Err(PathError::TooLong));
    }

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
