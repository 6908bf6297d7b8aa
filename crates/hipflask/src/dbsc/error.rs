//! Why a browser's proof was refused.

use hipflask_core::reason::Reason;
use http::StatusCode;

/// Why a browser does not get the cookie that binds its session to the device.
///
/// It is the text of the answer, and lies in the response's extensions.
///
/// ```
/// use hipflask::{Reason, dbsc::DbscError};
///
/// let error = DbscError::KeyMismatch;
/// assert_eq!(error.to_string(), "the proof is not signed by the key of this session");
/// assert_eq!(error.reason(), Reason::DbscKeyMismatch);
/// ```
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum DbscError {
    /// The challenge is too old, or was made ahead of this machine's clock.
    #[error("the challenge has expired: prove the new one")]
    ChallengeExpired,
    /// The challenge is another session's, was used before, or is none.
    #[error("the challenge is not the one that was sent last: prove the new one")]
    ChallengeMismatch,
    /// Another key has signed the proof, or none.
    #[error("the proof is not signed by the key of this session")]
    KeyMismatch,
    /// The proof is not of the form that the draft says.
    #[error("the proof cannot be read: expected {0}")]
    ProofMalformed(&'static str),
    /// The request carries no proof.
    #[error("there is no proof: expected the header Secure-Session-Response")]
    ProofMissing,
    /// The session has ended, is another one, or was never bound.
    #[error("there is no such session any more")]
    SessionUnknown,
}

impl DbscError {
    /// Returns the reason, which has a code for logs and says what to do.
    pub const fn reason(self) -> Reason {
        match self {
            Self::ChallengeExpired => Reason::DbscChallengeExpired,
            Self::ChallengeMismatch => Reason::DbscChallengeMismatch,
            Self::KeyMismatch => Reason::DbscKeyMismatch,
            Self::ProofMalformed(_) => Reason::DbscProofMalformed,
            Self::ProofMissing => Reason::DbscProofMissing,
            Self::SessionUnknown => Reason::DbscSessionUnknown,
        }
    }

    /// Returns the status of the answer: after 403 a browser tries once more, with the challenge of that answer;
    /// after any other it gives its key up.
    pub const fn status(self) -> StatusCode {
        match self {
            Self::ChallengeExpired | Self::ChallengeMismatch | Self::ProofMissing => {
                StatusCode::FORBIDDEN
            }
            Self::KeyMismatch | Self::ProofMalformed(_) => StatusCode::BAD_REQUEST,
            Self::SessionUnknown => StatusCode::GONE,
        }
    }
}
