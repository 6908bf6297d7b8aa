//! Why a password could neither be hashed nor compared.

/// Why a password could neither be hashed nor compared. No text has any of the password or the hash.
///
/// ```
/// use hipflask::password::{self, PasswordError};
///
/// let error = password::verify("plain$salt$secret", "secret").unwrap_err();
/// assert!(matches!(error, PasswordError::UnknownMethod));
/// assert!(!error.to_string().contains("secret"));
/// ```
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum PasswordError {
    /// The hash, or the scheme, asks for more work than is allowed, or for less than its method can do.
    #[error(
        "the cost of a password's hash is out of bounds: expected at most 256 MiB of memory, \
         1 GiB of passes over it, 10000000 iterations of PBKDF2, and rounds of bcrypt from 4 to 16"
    )]
    Cost,
    /// The hash names a known method, and is not what that method writes.
    #[error(
        "a password's hash is malformed: was it cut off by a database column that is too short?"
    )]
    Malformed,
    /// The operating system gave no random bytes or no memory.
    #[error("cannot hash a password: the operating system gives no random bytes or no memory")]
    NoResources,
    /// The runtime stopped before the hash was done.
    #[error("the runtime stopped while a password was hashed")]
    Stopped,
    /// bcrypt takes 72 bytes.
    #[error(
        "a password is longer than the 72 bytes that bcrypt takes: \
         refuse it in the form, or choose another scheme"
    )]
    TooLong,
    /// The hash is of no known kind.
    #[error(
        "a password's hash is of no known kind: expected $argon2id$…, $2b$…, scrypt:… or pbkdf2:…, \
         with a digest of md5, sha1, sha224, sha256, sha384 or sha512"
    )]
    UnknownMethod,
}
