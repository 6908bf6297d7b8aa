//! Which check a request has failed.

use crate::reason::Reason;

/// Why a request was taken for one that another site has started.
///
/// The texts are Flask-WTF's where it has the check, for its `CSRFError.description`.
///
/// ```
/// use hipflask_core::{csrf::CsrfError, reason::Reason};
///
/// let error = CsrfError::TokenMissing;
/// assert_eq!(error.to_string(), "The CSRF token is missing.");
/// assert_eq!(error.reason(), Reason::CsrfTokenMissing);
/// ```
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum CsrfError {
    /// The browser says that another site has started the request.
    #[error("The request comes from another site.")]
    CrossSite,
    /// The form is larger than what is searched for a token.
    #[error("The form is too large to be searched for its CSRF token.")]
    FormTooLarge,
    /// The page that has started the request is of another host.
    #[error("The origin does not match the host.")]
    OriginMismatch,
    /// The page that has started the request is of another origin.
    #[error("The referrer does not match the host.")]
    ReferrerMismatch,
    /// The request does not say which page has started it.
    #[error("The referrer header is missing.")]
    ReferrerMissing,
    /// The session has no secret, or there is no session any more.
    #[error("The CSRF session token is missing.")]
    SessionTokenMissing,
    /// The form was open for too long, or a clock is wrong.
    #[error("The CSRF token has expired.")]
    TokenExpired,
    /// No key confirms the token, or it is none.
    #[error("The CSRF token is invalid.")]
    TokenInvalid,
    /// The token is another session's.
    #[error("The CSRF tokens do not match.")]
    TokenMismatch,
    /// The request carries no token.
    #[error("The CSRF token is missing.")]
    TokenMissing,
}

impl CsrfError {
    /// Returns the reason, which has a code for logs and says what to do.
    pub const fn reason(self) -> Reason {
        match self {
            Self::CrossSite => Reason::CsrfCrossSite,
            Self::FormTooLarge => Reason::CsrfFormTooLarge,
            Self::OriginMismatch => Reason::CsrfOriginMismatch,
            Self::ReferrerMismatch => Reason::CsrfReferrerMismatch,
            Self::ReferrerMissing => Reason::CsrfReferrerMissing,
            Self::SessionTokenMissing => Reason::CsrfSessionTokenMissing,
            Self::TokenExpired => Reason::CsrfTokenExpired,
            Self::TokenInvalid => Reason::CsrfTokenInvalid,
            Self::TokenMismatch => Reason::CsrfTokenMismatch,
            Self::TokenMissing => Reason::CsrfTokenMissing,
        }
    }
}
