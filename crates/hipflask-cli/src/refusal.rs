//! Why an item was refused: a reason code for scripts, and words for people.
//!
//! Never holds anything of the item itself.

use hipflask_core::{
    reason::Reason,
    serializer::{PayloadError, ReadError, WriteError},
};

/// The longest line in bytes, its end not counted: far more than any browser keeps.
pub(crate) const MAX_LINE: usize = 1 << 20;

/// Why an item was refused.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub(crate) enum Refusal {
    #[error("expected the value of a cookie, found nothing")]
    Empty,
    #[error("the cookie is encrypted: `hipflask verify` opens it with the key")]
    Encrypted,
    #[error("expected lines of at most {} bytes", MAX_LINE)]
    LineTooLong,
    #[error(
        "{0}; what was given looks like a whole header: give only what stands between `NAME=` and \
         the first `;`"
    )]
    Named(Reason),
    #[error("expected a JSON object, because a session is a dict")]
    NotAnObject,
    #[error("expected UTF-8")]
    NotUtf8,
    #[error(transparent)]
    Payload(#[from] PayloadError),
    #[error("expected Flask's tagged JSON: {0}")]
    Read(ReadError),
    #[error("{0}")]
    Reason(Reason),
    #[error(transparent)]
    Write(#[from] WriteError),
}

impl From<ReadError> for Refusal {
    fn from(error: ReadError) -> Self {
        Self::Read(error)
    }
}

impl Refusal {
    /// Explains why a cookie was refused, with a hint if it looks like more than a value.
    pub(crate) fn of_cookie(reason: Reason, cookie: &[u8]) -> Self {
        match reason {
            Reason::NoCookie => Self::Empty,
            _ if starts_with_name(cookie) => Self::Named(reason),
            _ => Self::Reason(reason),
        }
    }

    /// Returns the code for scripts.
    pub(crate) const fn code(self) -> &'static str {
        let reason = match self {
            // An item was given, so `no_cookie`, which is no refusal, would not fit.
            Self::Empty => Reason::Malformed,
            Self::LineTooLong | Self::Payload(PayloadError::TooLarge) => Reason::TooLarge,
            Self::Named(reason) | Self::Reason(reason) => reason,
            _ => Reason::BadPayload,
        };
        reason.code()
    }

    /// Appends the refusal as JSON.
    pub(crate) fn push_json(self, line: &mut Vec<u8>) {
        line.extend_from_slice(br#"{"ok":false,"reason":""#);
        line.extend_from_slice(self.code().as_bytes());
        line.extend_from_slice(br#""}"#);
    }
}

/// Reports whether `cookie` starts like `session=eyJ…` or `Set-Cookie: session=eyJ…`.
fn starts_with_name(cookie: &[u8]) -> bool {
    let is_name = |byte: &u8| byte.is_ascii_alphanumeric() || b"-_: ".contains(byte);
    let name = cookie.iter().take_while(|byte| is_name(byte)).count();
    name > 0 && cookie.get(name) == Some(&b'=')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hint_is_given_for_what_starts_with_a_name() {
        let hinted = |cookie: &[u8]| {
            Refusal::of_cookie(Reason::BadSignature, cookie) == Refusal::Named(Reason::BadSignature)
        };
        assert!(hinted(b"session=eyJhIjoxfQ.aR_RAA.AAAA; Path=/"));
        assert!(hinted(b"Set-Cookie: session=eyJhIjoxfQ.aR_RAA.AAAA"));
        assert!(!hinted(b"eyJhIjoxfQ.aR_RAA.AAAA="));
        assert!(!hinted(b"=eyJhIjoxfQ"));
    }
}
