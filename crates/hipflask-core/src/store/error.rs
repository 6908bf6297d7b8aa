//! Why a store did not answer.

use std::{error::Error, fmt};

/// Why a store could not do what was asked.
///
/// The text names neither a key nor a value, and its source must not either.
///
/// ```
/// use hipflask_core::store::StoreError;
///
/// let error = StoreError::unavailable(std::io::Error::other("connection refused"));
/// assert!(error.is_transient());
/// assert_eq!(error.to_string(), "the session store is unavailable: connection refused");
/// ```
#[non_exhaustive]
pub enum StoreError {
    /// It did not answer in time.
    Deadline,
    /// It does not take keys of this form.
    Key(&'static str),
    /// It answered with an error that asking again will not mend.
    Refused(Box<dyn Error + Send + Sync>),
    /// The record is larger than it takes.
    TooLarge {
        /// The length of the record in bytes.
        size: usize,
        /// The greatest length that the store takes.
        limit: usize,
    },
    /// It cannot be reached, so nothing was asked.
    Unreachable(Box<dyn Error + Send + Sync>),
    /// Its answer did not come, or it cannot answer now: what was asked may have been done.
    Unavailable(Box<dyn Error + Send + Sync>),
    /// It cannot do this at all.
    Unsupported(&'static str),
}

impl fmt::Debug for StoreError {
    /// Shows the text, for a `main` that returns it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl fmt::Display for StoreError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Deadline => f.write_str("the session store did not answer within its deadline"),
            Self::Key(why) => write!(f, "the session store does not take such a key: {why}"),
            Self::Refused(cause) => write!(f, "the session store refused: {cause}"),
            Self::TooLarge { size, limit } => write!(
                f,
                "the session has {size} bytes and the session store takes {limit}: keep less in it"
            ),
            Self::Unavailable(cause) => write!(f, "the session store is unavailable: {cause}"),
            Self::Unreachable(cause) => write!(f, "the session store cannot be reached: {cause}"),
            Self::Unsupported(what) => write!(f, "this session store cannot {what}"),
        }
    }
}

/// The text has the cause, so what comes next is the cause of that.
impl Error for StoreError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Refused(cause) | Self::Unavailable(cause) | Self::Unreachable(cause) => {
                cause.source()
            }
            _ => None,
        }
    }
}

impl StoreError {
    /// Returns the error of a store that could not be asked.
    pub fn unreachable(source: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self::Unreachable(source.into())
    }

    /// Returns the error of a store whose answer did not come.
    pub fn unavailable(source: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self::Unavailable(source.into())
    }

    /// Returns an error that asking again will not mend.
    pub fn refused(source: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self::Refused(source.into())
    }

    /// Returns what is wrong, in one word, for logs and metrics.
    ///
    /// ```
    /// assert_eq!(hipflask_core::store::StoreError::Deadline.word(), "deadline");
    /// ```
    pub const fn word(&self) -> &'static str {
        match self {
            Self::Deadline => "deadline",
            Self::Key(_) => "key",
            Self::Refused(_) => "refused",
            Self::TooLarge { .. } => "too_large",
            Self::Unavailable(_) => "unavailable",
            Self::Unreachable(_) => "unreachable",
            Self::Unsupported(_) => "unsupported",
        }
    }

    /// Reports whether asking again may help.
    pub const fn is_transient(&self) -> bool {
        matches!(self, Self::Deadline | Self::Unavailable(_) | Self::Unreachable(_))
    }

    /// Reports whether the store could not even be asked.
    pub const fn is_unreachable(&self) -> bool {
        matches!(self, Self::Unreachable(_))
    }
}
