//! The driver's errors as a store's. Their texts are dropped: they can repeat a key, as that of a
//! duplicate key does.

use std::io;

use mongodb::error::{Error, ErrorKind, WriteFailure};

use super::StoreError;

const DUPLICATE_KEY: i32 = 11000;

/// The server's codes for what passes by itself: elections, shutdowns, lost hosts, time limits.
const TRANSIENT: [i32; 15] =
    [6, 7, 50, 64, 89, 91, 134, 189, 262, 9001, 10107, 11600, 11602, 13435, 13436];

#[derive(Debug, thiserror::Error)]
enum Refusal {
    #[error("mongodb refused the login: check user, password and authSource")]
    Authentication,
    #[error("mongodb answered with its error code {0}")]
    Code(i32),
    #[error("the documents of the collection are not those of sessions")]
    Documents,
    #[error("two sessions in the collection have the same id: delete one")]
    Duplicate,
    #[error("the driver for mongodb failed")]
    Driver,
    #[error(transparent)]
    Io(io::Error),
    #[error("no server of mongodb that takes writes can be reached")]
    NoServer,
    #[error("the user has no right to read and write the collection")]
    NoRight,
}

/// Turns an error of the driver into one of a store.
#[expect(clippy::needless_pass_by_value, reason = "it is what `map_err` gives")]
pub(super) fn refusal(error: Error) -> StoreError {
    let code = code(&error);
    match (&*error.kind, code) {
        (ErrorKind::Io(source), _) => StoreError::unavailable(Refusal::Io(source.kind().into())),
        (
            ErrorKind::ServerSelection { .. }
            | ErrorKind::ConnectionPoolCleared { .. }
            | ErrorKind::DnsResolve { .. },
            _,
        ) => StoreError::unreachable(Refusal::NoServer),
        (ErrorKind::Authentication { .. }, _) => StoreError::refused(Refusal::Authentication),
        (_, Some(13)) => StoreError::refused(Refusal::NoRight),
        (_, Some(DUPLICATE_KEY)) => StoreError::refused(Refusal::Duplicate),
        (_, Some(code)) if TRANSIENT.contains(&code) => {
            StoreError::unavailable(Refusal::Code(code))
        }
        (_, Some(code)) => StoreError::refused(Refusal::Code(code)),
        (ErrorKind::BsonDeserialization(_) | ErrorKind::Bson(_), _) => {
            StoreError::refused(Refusal::Documents)
        }
        _ => StoreError::refused(Refusal::Driver),
    }
}

/// Reports whether there is no server to ask anything else, rather than one that refuses.
pub(super) fn is_away(error: &Error) -> bool {
    matches!(
        *error.kind,
        ErrorKind::Io(_)
            | ErrorKind::ServerSelection { .. }
            | ErrorKind::ConnectionPoolCleared { .. }
            | ErrorKind::DnsResolve { .. }
    )
}

/// Reports whether the server refused to have a unique key twice.
pub(super) fn is_duplicate(error: &Error) -> bool {
    code(error) == Some(DUPLICATE_KEY)
}

fn code(error: &Error) -> Option<i32> {
    match &*error.kind {
        ErrorKind::Command(error) => Some(error.code),
        ErrorKind::Write(WriteFailure::WriteConcernError(error)) => Some(error.code),
        ErrorKind::Write(WriteFailure::WriteError(error)) => Some(error.code),
        _ => None,
    }
}
