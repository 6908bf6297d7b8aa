//! The id of a session: what the cookie holds when the content lies in a store.

use std::fmt;

use crate::encoding;

/// What a browser has to know to be a session's user, so it is never shown.
///
/// ```
/// use hipflask_core::stored::SessionId;
///
/// let id = SessionId::from_entropy(&[255; 32]);
/// assert_eq!(id.as_str().len(), 43);
/// assert_eq!(SessionId::parse(id.as_str().as_bytes()), Some(id));
/// assert_eq!(SessionId::parse(b"../../etc/passwd"), None);
/// ```
#[derive(Clone, Eq, PartialEq)]
pub struct SessionId(String);

impl SessionId {
    /// Flask-Session's `SESSION_ID_LENGTH`: bytes from the operating system, 256 bits.
    pub const DEFAULT_BYTES: usize = 32;
    /// The longest id that is looked up; Flask-Session's own have 43 characters, or 36 (a UUID).
    pub const MAX_LEN: usize = 128;

    /// Makes an id of random bytes, as Python's `secrets.token_urlsafe` does.
    pub fn from_entropy(entropy: &[u8]) -> Self {
        Self(encoding::encode_url(entropy))
    }

    /// Takes what may be an id: letters, digits, `-` and `_`, at most [`MAX_LEN`](Self::MAX_LEN) of
    /// them.
    ///
    /// DIFFERENCE: Flask-Session looks up whatever the cookie holds.
    pub fn parse(text: &[u8]) -> Option<Self> {
        let is_id_char = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
        if text.is_empty() || text.len() > Self::MAX_LEN || !text.iter().all(is_id_char) {
            return None;
        }
        Some(Self(str::from_utf8(text).ok()?.to_owned()))
    }

    /// Returns the text that is in the cookie.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for SessionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SessionId(..)")
    }
}
