//! Why an address leads to no store.

use super::StoreError;

/// Why a store could not be had by its address.
///
/// The address may hold a password, so the text never repeats it.
///
/// ```
/// use hipflask::store::ConnectError;
///
/// let error = ConnectError::Address { expected: "sqlite:PATH" };
/// assert_eq!(error.to_string(), "the store's address is not of the form sqlite:PATH");
/// ```
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ConnectError {
    /// The address has another form.
    #[error("the store's address is not of the form {expected}")]
    Address {
        /// The form that it should have.
        expected: &'static str,
    },
    /// An option of the address is unknown, or has a value that it cannot have.
    #[error("the store's address has the option {name}, which is unknown or has a wrong value")]
    Option {
        /// The option's name.
        name: String,
    },
    /// The server could not be reached, or refused.
    #[error(transparent)]
    Refused(#[from] StoreError),
    /// The store was not compiled in.
    #[error("the store's address needs the feature {feature} of the crate hipflask")]
    Unsupported {
        /// The feature to turn on.
        feature: &'static str,
    },
}
