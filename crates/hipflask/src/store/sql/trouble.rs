//! What went wrong on a connection, in words that hold no secret.

use std::io;

use hipflask_core::store::StoreError;
use sqlx::Error;

use super::{
    client::Client,
    dialect::{Fault, Options},
};

/// An error of the client, of which only what may be said is kept.
pub(super) struct Trouble {
    /// What the server has said; `None` if it has said nothing that can be told apart.
    pub(super) fault: Option<Fault>,
    error: StoreError,
}

impl From<Trouble> for StoreError {
    fn from(trouble: Trouble) -> Self {
        trouble.error
    }
}

/// An error with the place that it is about.
#[derive(Debug, thiserror::Error)]
#[error("{place}: {cause}")]
struct Placed {
    place: String,
    cause: Box<dyn std::error::Error + Send + Sync>,
}

/// The server was not reached at all.
#[derive(Debug, thiserror::Error)]
#[error("{0}: check that the server runs, and that the address names its host and port")]
struct Unreachable(String);

impl Trouble {
    /// Takes an error of a connection that was made.
    pub(super) fn of<DB: Client>(error: &Error) -> Self {
        let fault = error.as_database_error().map(DB::fault);
        let error = match (fault, error) {
            (Some(fault), _) if fault.is_transient() => StoreError::unavailable(fault),
            (Some(fault), _) => StoreError::refused(fault),
            (None, Error::Io(error)) => StoreError::unavailable(words(error)),
            (None, Error::Tls(error)) => {
                StoreError::unavailable(format!("no TLS connection: {error}"))
            }
            (None, Error::Protocol(_) | Error::WorkerCrashed | Error::PoolClosed) => {
                StoreError::unavailable("the connection is broken")
            }
            (None, Error::ColumnDecode { .. }) => StoreError::refused(Fault::NoTable),
            (None, _) => {
                StoreError::refused("the client cannot speak with this server as it is set up")
            }
        };
        Self { fault, error }
    }

    /// Says that no connection was to be had in time.
    pub(super) fn no_connection() -> Self {
        let cause = "no connection was free in time: see the option max_connections";
        Self { fault: None, error: StoreError::unreachable(cause) }
    }

    /// Takes an error of the beginning of a transaction, before which nothing was done.
    pub(super) fn before<DB: Client>(error: &Error) -> Self {
        let Self { fault, error } = Self::of::<DB>(error);
        let error = match error {
            StoreError::Unavailable(source) => StoreError::Unreachable(source),
            error => error,
        };
        Self { fault, error }
    }

    /// Takes an error of making a connection.
    pub(super) fn at<DB: Client>(options: &Options<DB>, error: &Error) -> Self {
        let Self { fault, error: kind } = Self::of::<DB>(error);
        let place = DB::place(options);
        let error = match (error, kind) {
            (Error::Io(error), _) => {
                StoreError::unreachable(Placed { place, cause: Unreachable(words(error)).into() })
            }
            (_, StoreError::Unavailable(source)) => {
                StoreError::unreachable(Placed { place, cause: source })
            }
            (_, StoreError::Refused(source)) if fault != Some(Fault::NoFile) => {
                StoreError::refused(Placed { place, cause: source })
            }
            (_, other) => other,
        };
        Self { fault, error }
    }
}

/// Says what the system says, without its numbers.
fn words(error: &io::Error) -> String {
    error.raw_os_error().map_or_else(|| error.to_string(), |_| error.kind().to_string())
}
