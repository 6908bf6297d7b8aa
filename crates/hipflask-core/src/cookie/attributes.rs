//! Prepares the attributes of `Set-Cookie`: `; HttpOnly; Path=/`.
//!
//! Last stage of the data flow, its fixed part: rendered once from the configuration, copied into
//! every header. Knows nothing of names, values and dates.
//! Order and escaping are those of [`werkzeug.http.dump_cookie`][py].
//!
//! [py]: https://werkzeug.palletsprojects.com/en/stable/http/#werkzeug.http.dump_cookie

use std::fmt;
use std::str::FromStr;

use super::{
    domain::{self, DomainError},
    path,
};

/// The attributes of a cookie, ready to be written.
///
/// Starts as Flask's session cookie does: `HttpOnly; Path=/`, for the host that sets it and until
/// the browser closes. Call [`Attributes::check`] once all is set: browsers silently drop cookies
/// whose attributes contradict each other.
///
/// ```
/// use hipflask_core::cookie::{self, Attributes, SameSite};
///
/// let attributes = Attributes::new().with_secure(true).with_same_site(SameSite::Lax);
/// assert_eq!(
///     cookie::write("theme", "dark", &attributes, None, None)?,
///     "theme=dark; Secure; HttpOnly; Path=/; SameSite=Lax"
/// );
/// # Ok::<(), cookie::SetCookieError>(())
/// ```
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Attributes {
    domain: Option<String>,
    path: Option<String>,
    secure: bool,
    http_only: bool,
    same_site: Option<SameSite>,
    partitioned: bool,
    before_dates: String,
    after_dates: String,
}

impl Attributes {
    /// Returns the attributes of Flask's session cookie.
    #[must_use]
    pub fn new() -> Self {
        Self {
            domain: None,
            path: Some("/".to_owned()),
            secure: false,
            http_only: true,
            same_site: None,
            partitioned: false,
            before_dates: String::new(),
            after_dates: String::new(),
        }
        .rendered()
    }

    /// Sends the cookie to `domain` and all hosts below it, instead of the host that set it.
    ///
    /// A port is cut off and leading dots are dropped, as in Flask.
    ///
    /// # Errors
    ///
    /// [`DomainError`] when no header can be written for `domain`. What can be written but is
    /// useless to a browser is left to [`Attributes::check`].
    #[doc(alias = "SESSION_COOKIE_DOMAIN")]
    pub fn with_domain(mut self, domain: &str) -> Result<Self, DomainError> {
        self.domain = Some(domain::encode(domain)?.to_owned());
        Ok(self.rendered())
    }

    /// Limits the cookie to URLs below `path`; what a path cannot hold is percent-encoded.
    #[doc(alias = "SESSION_COOKIE_PATH")]
    #[must_use]
    pub fn with_path(mut self, path: &str) -> Self {
        self.path = Some(path.to_owned());
        self.rendered()
    }

    /// Leaves `Path` out, so that the browser takes the folder of the requested URL.
    #[must_use]
    pub fn without_path(mut self) -> Self {
        self.path = None;
        self.rendered()
    }

    /// Limits the cookie to HTTPS.
    #[doc(alias = "SESSION_COOKIE_SECURE")]
    #[must_use]
    pub fn with_secure(mut self, secure: bool) -> Self {
        self.secure = secure;
        self.rendered()
    }

    /// Hides the cookie from scripts.
    #[doc(alias = "SESSION_COOKIE_HTTPONLY")]
    #[must_use]
    pub fn with_http_only(mut self, http_only: bool) -> Self {
        self.http_only = http_only;
        self.rendered()
    }

    /// Says whether requests that another site starts carry the cookie; `None` leaves it to the
    /// browser.
    #[doc(alias = "SESSION_COOKIE_SAMESITE")]
    #[must_use]
    pub fn with_same_site(mut self, same_site: impl Into<Option<SameSite>>) -> Self {
        self.same_site = same_site.into();
        self.rendered()
    }

    /// Keeps a separate cookie per embedding site; writes `Secure` too, as Flask does.
    #[doc(alias = "SESSION_COOKIE_PARTITIONED")]
    #[must_use]
    pub fn with_partitioned(mut self, partitioned: bool) -> Self {
        self.partitioned = partitioned;
        self.rendered()
    }

    /// Returns the domain as it is written.
    pub fn domain(&self) -> Option<&str> {
        self.domain.as_deref()
    }

    /// Returns the path as it was given, before percent-encoding.
    pub fn path(&self) -> Option<&str> {
        self.path.as_deref()
    }

    /// Reports whether `Secure` was asked for.
    pub fn is_secure(&self) -> bool {
        self.secure
    }

    /// Reports whether scripts are kept from the cookie.
    pub fn is_http_only(&self) -> bool {
        self.http_only
    }

    /// Returns the `SameSite` rule.
    pub fn same_site(&self) -> Option<SameSite> {
        self.same_site
    }

    /// Reports whether the cookie is partitioned.
    pub fn is_partitioned(&self) -> bool {
        self.partitioned
    }

    /// The text between the value and `Expires`.
    pub(super) fn before_dates(&self) -> &str {
        &self.before_dates
    }

    /// The text behind `Max-Age`.
    pub(super) fn after_dates(&self) -> &str {
        &self.after_dates
    }

    fn rendered(mut self) -> Self {
        self.before_dates.clear();
        if let Some(domain) = &self.domain {
            self.before_dates.extend(["; Domain=", domain]);
        }
        let out = &mut self.after_dates;
        out.clear();
        if self.secure || self.partitioned {
            out.push_str("; Secure");
        }
        if self.http_only {
            out.push_str("; HttpOnly");
        }
        if let Some(path) = &self.path {
            out.push_str("; Path=");
            path::push(out, path);
        }
        if let Some(same_site) = self.same_site {
            out.extend(["; SameSite=", same_site.as_str()]);
        }
        if self.partitioned {
            out.push_str("; Partitioned");
        }
        self
    }
}

impl Default for Attributes {
    fn default() -> Self {
        Self::new()
    }
}

/// Which requests that another site starts carry the cookie.
///
/// ```
/// use hipflask_core::cookie::SameSite;
///
/// assert_eq!("LAX".parse(), Ok(SameSite::Lax));
/// assert!("lax ".parse::<SameSite>().is_err());
/// ```
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
#[non_exhaustive]
pub enum SameSite {
    /// Links to this site carry it, embedded requests and foreign forms do not.
    Lax,
    /// All requests carry it; browsers ask for `Secure` then.
    None,
    /// No request that another site starts carries it.
    Strict,
}

impl SameSite {
    /// Returns the word as it is written in the header.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Lax => "Lax",
            Self::None => "None",
            Self::Strict => "Strict",
        }
    }
}

impl fmt::Display for SameSite {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for SameSite {
    type Err = ParseSameSiteError;

    fn from_str(text: &str) -> Result<Self, ParseSameSiteError> {
        [Self::Lax, Self::None, Self::Strict]
            .into_iter()
            .find(|rule| rule.as_str().eq_ignore_ascii_case(text))
            .ok_or(ParseSameSiteError)
    }
}

/// A text is not the name of a `SameSite` rule.
///
/// ```
/// use hipflask_core::cookie::SameSite;
///
/// let error = "loose".parse::<SameSite>().unwrap_err();
/// assert!(error.to_string().contains("Lax"));
/// ```
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("expected Lax, None or Strict for SameSite: leave it unset to let the browser decide")]
#[non_exhaustive]
pub struct ParseSameSiteError;
