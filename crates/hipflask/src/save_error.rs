//! Why a session that a handler has left could not be saved.
//!
//! Between the core's machine and the response.

use hipflask_core::{engine::EngineError, interface::CookieError, reason::Reason};
use http::StatusCode;

/// Why a response became an error: the session that the handler left could not be saved.
///
/// It is in the response's extensions, for a layer outside that renders errors.
///
/// ```
/// use hipflask::SaveError;
///
/// fn explain<B>(response: &http::Response<B>) -> Option<String> {
///     response.extensions().get::<SaveError>().map(ToString::to_string)
/// }
/// ```
#[derive(Clone, Debug, thiserror::Error)]
#[error(transparent)]
pub struct SaveError(#[from] Cause);

#[derive(Clone, Debug, thiserror::Error)]
enum Cause {
    #[error("the operating system gives no random bytes for a session id")]
    NoEntropy,
    #[error(transparent)]
    Engine(#[from] EngineError),
}

impl SaveError {
    pub(crate) const fn no_entropy() -> Self {
        Self(Cause::NoEntropy)
    }

    /// Returns what is wrong with the cookie, if that is the cause.
    pub const fn cookie_error(&self) -> Option<&CookieError> {
        match &self.0 {
            Cause::Engine(EngineError::Cookie(error)) => Some(error),
            _ => None,
        }
    }

    /// Returns the status of the response: 503 if the store did not answer, 409 if another request
    /// was in the way, 403 if the user has as many sessions as allowed, else 500.
    pub const fn status(&self) -> StatusCode {
        match &self.0 {
            Cause::Engine(error) => status_of(error),
            Cause::NoEntropy => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    /// Returns the reason code to report, if there is one.
    pub fn reason(&self) -> Option<Reason> {
        match &self.0 {
            Cause::Engine(EngineError::Cookie(error)) => error.reason(),
            Cause::Engine(EngineError::Gone) => Some(Reason::GoneDuringRequest),
            Cause::Engine(error) if error.is_unavailable() => Some(Reason::StoreUnavailable),
            _ => None,
        }
    }
}

impl From<EngineError> for SaveError {
    fn from(error: EngineError) -> Self {
        Self(error.into())
    }
}

/// Returns the status of the response that an error becomes.
pub(crate) const fn status_of(error: &EngineError) -> StatusCode {
    if error.is_unavailable() {
        StatusCode::SERVICE_UNAVAILABLE
    } else if error.is_conflict() {
        StatusCode::CONFLICT
    } else if matches!(error, EngineError::TooManySessions) {
        StatusCode::FORBIDDEN
    } else {
        StatusCode::INTERNAL_SERVER_ERROR
    }
}
