//! Why a store cannot be had from its address.

use std::error::Error;

/// Why a store's address leads to no store.
///
/// The text never shows the address, which may hold a password.
///
/// ```
/// use hipflask::store::ConnectError;
///
/// let error = ConnectError::Option { name: "tiemout".into() };
/// assert_eq!(error.to_string(), "the store's address has an unknown or wrong option: tiemout");
/// ```
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ConnectError {
    /// It is not of the form that the store expects.
    #[error("the store's address must have the form {expected}")]
    Address {
        /// The form.
        expected: &'static str,
    },
    /// It has an option that the store does not know, or with a value that it cannot use.
    #[error("the store's address has an unknown or wrong option: {name}")]
    Option {
        /// The option's name.
        name: String,
    },
    /// The server cannot be used.
    #[error("the store cannot be used: {0}")]
    Refused(#[source] Box<dyn Error + Send + Sync>),
    /// It needs what was not compiled in.
    #[error("such a store needs hipflask's feature `{feature}`")]
    Unsupported {
        /// The feature.
        feature: &'static str,
    },
}
