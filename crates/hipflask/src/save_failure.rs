//! Why a session that a handler has left could not be saved.
//!
//! Between the two ways of saving, `interface` and [`backend`](crate::backend), and the response.

use hipflask_core::{engine::EngineError, interface::SaveError, reason::Reason};
use http::StatusCode;

use crate::error::Kind;

/// Why a response became an error: the session that the handler left could not be saved.
///
/// It is in the response's extensions, for a layer outside that renders errors.
///
/// ```
/// use hipflask::SaveFailure;
///
/// fn explain<B>(response: &http::Response<B>) -> Option<String> {
///     response.extensions().get::<SaveFailure>().map(ToString::to_string)
/// }
/// ```
#[derive(Clone, Debug, thiserror::Error)]
#[error(transparent)]
pub struct SaveFailure(#[from] Cause);

#[derive(Clone, Debug, thiserror::Error)]
enum Cause {
    #[error(transparent)]
    Cookie(#[from] SaveError),
    #[error("the operating system gives no random bytes for a session id")]
    NoEntropy,
    #[error(transparent)]
    Stored(#[from] Kind),
}

impl SaveFailure {
    pub(crate) const fn no_entropy() -> Self {
        Self(Cause::NoEntropy)
    }

    /// Returns what is wrong with the cookie, if that is the cause.
    pub const fn cookie_error(&self) -> Option<&SaveError> {
        match &self.0 {
            Cause::Cookie(error) => Some(error),
            _ => None,
        }
    }

    /// Returns the status of the response: 503 if the store did not answer, 409 if another request
    /// was in the way, else 500.
    pub const fn status(&self) -> StatusCode {
        match &self.0 {
            Cause::Stored(kind) => kind.status(),
            _ => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    /// Returns the reason code to report, if there is one.
    pub fn reason(&self) -> Option<Reason> {
        match &self.0 {
            Cause::Cookie(error) => error.reason(),
            Cause::Stored(Kind::Store(_)) => Some(Reason::StoreUnavailable),
            Cause::Stored(Kind::Gone) => Some(Reason::GoneDuringRequest),
            _ => None,
        }
    }
}

impl From<SaveError> for SaveFailure {
    fn from(error: SaveError) -> Self {
        Self(error.into())
    }
}

impl From<Kind> for SaveFailure {
    fn from(kind: Kind) -> Self {
        Self(kind.into())
    }
}

impl From<EngineError> for SaveFailure {
    fn from(error: EngineError) -> Self {
        Kind::from(error).into()
    }
}
