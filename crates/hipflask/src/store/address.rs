//! Why a store could not be had from its address.

use std::error::Error;

/// Why an address does not lead to a store.
///
/// The text never holds the address, which may have a password in it.
///
/// ```
/// use hipflask::store::ConnectError;
///
/// let error = ConnectError::Option { name: "retries".into() };
/// assert_eq!(error.to_string(), "the store's address has an unknown option: retries");
/// ```
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ConnectError {
    /// The address does not have the form that it should.
    #[error("the store's address should be {expected}")]
    Address {
        /// What was expected.
        expected: &'static str,
    },
    /// The address has an option that the store does not know.
    #[error("the store's address has an unknown option: {name}")]
    Option {
        /// The option's name.
        name: String,
    },
    /// The server, or what it takes to reach it, is not there.
    #[error("the store cannot be had: {0}")]
    Refused(#[source] Box<dyn Error + Send + Sync>),
    /// The address needs a feature that was not compiled in.
    #[error("the store's address needs the feature {feature}")]
    Unsupported {
        /// The feature's name.
        feature: &'static str,
    },
}
