//! Refuses cookie settings that a browser would ignore or that would break the header.
//!
//! Runs once, when the configuration is built; no cookie passes through here. The rules are those
//! of [RFC 6265][rfc] and, for prefixes and limits, of [its successor][bis] and of [the one that
//! follows][layered]. Flask accepts all of these settings and leaves the user to wonder where the session
//! went.
//!
//! [rfc]: https://www.rfc-editor.org/rfc/rfc6265
//! [bis]: https://datatracker.ietf.org/doc/html/draft-ietf-httpbis-rfc6265bis
//! [layered]: https://datatracker.ietf.org/doc/html/draft-ietf-httpbis-layered-cookies

use super::{
    attributes::{Attributes, SameSite},
    domain::{DomainError, check_domain},
    name::{NameError, check_name},
    path::{PathError, check_path},
};

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
        // Only a header of HTTP can set such a cookie, and no script.
        if ["__Host-Http-", "__Http-"].iter().any(|prefix| has_prefix(name, prefix)) {
            if !self.is_secure() {
                return Err(AttributeError::HttpPrefixWithoutSecure);
            }
            if !self.is_http_only() {
                return Err(AttributeError::HttpPrefixWithoutHttpOnly);
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
    /// `__Http-` or `__Host-Http-` without `HttpOnly`.
    #[error(
        "a cookie whose name starts with __Http- or __Host-Http- must be out of reach of scripts: set \
         SESSION_COOKIE_HTTPONLY, or use the prefix __Host-"
    )]
    HttpPrefixWithoutHttpOnly,
    /// `__Http-` without `Secure`.
    #[error(
        "a cookie whose name starts with __Http- must be secure: set SESSION_COOKIE_SECURE, or choose \
         another name"
    )]
    HttpPrefixWithoutSecure,
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

/// Browsers compare these prefixes without regard to case.
fn has_prefix(name: &str, prefix: &str) -> bool {
    name.get(..prefix.len()).is_some_and(|start| start.eq_ignore_ascii_case(prefix))
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
    fn check_keeps_scripts_from_http_names() {
        use AttributeError::{
            HostPrefixWithDomain, HostPrefixWithOtherPath, HostPrefixWithoutSecure,
            HttpPrefixWithoutHttpOnly, HttpPrefixWithoutSecure,
        };
        let plain = Attributes::new();
        let secure = plain.clone().with_secure(true);
        let open = secure.clone().with_http_only(false);
        let domain = secure.clone().with_domain("example.com").unwrap();
        for name in ["__Host-Http-s", "__hOST-hTTP-s"] {
            check(name, &secure, Ok(()));
            check(name, &plain, Err(HostPrefixWithoutSecure));
            check(name, &open, Err(HttpPrefixWithoutHttpOnly));
            check(name, &domain, Err(HostPrefixWithDomain));
            check(name, &secure.clone().with_path("/x"), Err(HostPrefixWithOtherPath));
        }
        for name in ["__Http-s", "__hTTP-s"] {
            check(name, &secure, Ok(()));
            check(name, &plain, Err(HttpPrefixWithoutSecure));
            check(name, &open, Err(HttpPrefixWithoutHttpOnly));
            check(name, &domain.clone().with_path("/x"), Ok(()));
        }
        check("__Host-s", &open, Ok(()));
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
}
