//! What DynamoDB answers when it does not do what it was asked.
//!
//! The client's own errors and log lines hold whole requests and items, so none of them is passed
//! on: every text here is a fixed one.

use std::{future::Future, sync::LazyLock, time::Duration};

use aws_sdk_dynamodb::{
    Error,
    error::{ProvideErrorMetadata, SdkError},
    types::CancellationReason,
};
use tokio::{task::yield_now, time::sleep};
use tracing::{Dispatch, instrument::WithSubscriber, subscriber::NoSubscriber};

use super::{Now, Replaced, Revision, StoreError, found, item::Item};

/// How long to wait before what another transaction was in the way of is asked again.
const PAUSES: [Duration; 4] = [
    Duration::from_millis(20),
    Duration::from_millis(40),
    Duration::from_millis(80),
    Duration::from_millis(160),
];
/// Where the client's log lines go: nowhere. Unlike `Dispatch::none` it is known to `tracing`, which
/// would otherwise take it that nobody ever wants what is logged here first.
static SILENCE: LazyLock<Dispatch> = LazyLock::new(|| Dispatch::new(NoSubscriber::default()));
const TAKEN: &str = "the new session id is taken";

/// Why a request has no answer.
pub(super) enum Failure {
    /// Another transaction was in the way, and nothing was done.
    Busy,
    /// The condition did not hold; the item, if there is one and it was asked for.
    Condition(Option<Item>),
    /// The table is there already.
    Exists,
    Store(StoreError),
}

/// What is wrong, and what to do.
#[derive(Debug, thiserror::Error)]
enum Fault {
    #[error("DynamoDB is asked more often than it allows")]
    Throttled,
    #[error("DynamoDB has an internal error")]
    Internal,
    #[error("DynamoDB did not answer in time")]
    Timeout,
    #[error("DynamoDB cannot be reached")]
    Unreachable,
    #[error("the answer is not DynamoDB's")]
    Answer,
    #[error("the table is in use by another transaction")]
    Busy,
    #[error("there is no such table in this region: create it, as the store's `prepare` does")]
    Table,
    #[error("the credentials or the signature are not accepted: check the keys, region and clock")]
    Credentials,
    #[error("the credentials do not allow this operation on the table")]
    Access,
    #[error("the table's key is not the string id, or the request is not accepted as it is")]
    Validation,
    #[error("DynamoDB answered with an error that is not known here")]
    Other,
}

/// Sends a request, and again as long as another transaction is in the way.
///
/// The client's log lines are switched off: at the level of traces they show keys and values.
pub(super) async fn ask<T, E, F>(send: impl Fn() -> F) -> Result<T, Failure>
where
    F: Future<Output = Result<T, SdkError<E>>>,
    E: ProvideErrorMetadata,
    Error: From<E>,
{
    let mut pauses = PAUSES.iter();
    // A runtime that has rested, as Python's does between two requests, sees now which connections
    // were closed meanwhile, and their tasks take them out of use.
    for _ in 0..2 {
        yield_now().await;
    }
    loop {
        match send().with_subscriber(SILENCE.clone()).await.map_err(Failure::of) {
            Err(Failure::Busy) => match pauses.next() {
                Some(pause) => sleep(*pause).await,
                None => return Err(Failure::Busy),
            },
            answer => return answer,
        }
    }
}

/// Says what became of a write over a record that was read before.
pub(super) fn replaced<T>(answer: Result<T, Failure>, now: Now) -> Result<Replaced, StoreError> {
    match answer {
        Ok(_) => Ok(Replaced::Replaced(Revision::default())),
        Err(Failure::Condition(item)) => {
            Ok(found(item, now).map_or(Replaced::Gone, |item| Replaced::Conflict(item.record)))
        }
        Err(failure) => Err(failure.into()),
    }
}

impl Failure {
    fn of<E>(error: SdkError<E>) -> Self
    where
        E: ProvideErrorMetadata,
        Error: From<E>,
    {
        match error {
            SdkError::ServiceError(error) => {
                let is_internal = error.raw().status().is_server_error();
                Self::of_service(error.into_err().into(), is_internal)
            }
            SdkError::TimeoutError(_) => unavailable(Fault::Timeout),
            SdkError::DispatchFailure(error) if error.is_timeout() => unavailable(Fault::Timeout),
            SdkError::DispatchFailure(error)
                if error.as_connector_error().is_some_and(|error| was_never_sent(error)) =>
            {
                Self::Store(StoreError::unreachable(Fault::Unreachable))
            }
            SdkError::DispatchFailure(_) => unavailable(Fault::Unreachable),
            SdkError::ResponseError(_) => unavailable(Fault::Answer),
            _ => refused(Fault::Other),
        }
    }

    /// Reports whether DynamoDB itself has answered, so that another request may be answered better.
    pub(super) fn is_refusal(&self) -> bool {
        match self {
            Self::Busy | Self::Exists => true,
            Self::Condition(_) => false,
            Self::Store(StoreError::Refused(_)) => true,
            Self::Store(StoreError::Unavailable(source)) => {
                matches!(source.downcast_ref::<Fault>(), Some(Fault::Throttled))
            }
            Self::Store(_) => false,
        }
    }

    fn of_service(error: Error, is_internal: bool) -> Self {
        match error {
            Error::ConditionalCheckFailedException(error) => Self::Condition(error.item),
            Error::TransactionCanceledException(error) => {
                Self::of_renewal(error.cancellation_reasons.unwrap_or_default())
            }
            error => Self::of_code(error.code().unwrap_or_default(), is_internal),
        }
    }

    /// Says why a transaction of two steps was not done: the new item's put, the old one's update.
    fn of_renewal(reasons: Vec<CancellationReason>) -> Self {
        let codes: Vec<_> = reasons.iter().map(|it| it.code().unwrap_or("None")).collect();
        let other = codes.iter().find(|code| !["None", "ConditionalCheckFailed"].contains(code));
        match (other, codes.as_slice()) {
            (Some(code), _) => Self::of_code(code, false),
            (None, [_, "ConditionalCheckFailed"]) => {
                Self::Condition(reasons.into_iter().nth(1).and_then(|reason| reason.item))
            }
            (None, ["ConditionalCheckFailed", _]) => Self::Store(StoreError::Key(TAKEN)),
            _ => refused(Fault::Other),
        }
    }

    fn of_code(code: &str, is_internal: bool) -> Self {
        match code {
            "TransactionConflict"
            | "TransactionConflictException"
            | "TransactionInProgressException"
            | "ReplicatedWriteConflictException" => Self::Busy,
            "LimitExceededException"
            | "ProvisionedThroughputExceeded"
            | "ProvisionedThroughputExceededException"
            | "RequestLimitExceeded"
            | "Throttling"
            | "ThrottlingError"
            | "ThrottlingException" => unavailable(Fault::Throttled),
            "ResourceInUseException" => Self::Exists,
            "ResourceNotFoundException" => refused(Fault::Table),
            "ExpiredTokenException"
            | "IncompleteSignature"
            | "IncompleteSignatureException"
            | "InvalidSignatureException"
            | "MissingAuthenticationToken"
            | "MissingAuthenticationTokenException"
            | "UnrecognizedClientException" => refused(Fault::Credentials),
            "AccessDeniedException" => refused(Fault::Access),
            "ValidationError" | "ValidationException" => refused(Fault::Validation),
            "InternalServerError" => unavailable(Fault::Internal),
            _ if is_internal => unavailable(Fault::Internal),
            _ => refused(Fault::Other),
        }
    }
}

impl From<Failure> for StoreError {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::Busy => Self::unavailable(Fault::Busy),
            Failure::Condition(_) | Failure::Exists => Self::refused(Fault::Other),
            Failure::Store(error) => error,
        }
    }
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

/// Reports whether the cause is one of those that only making a connection has.
fn was_never_sent(error: &(dyn std::error::Error + 'static)) -> bool {
    use std::io::{self, ErrorKind};

    std::iter::successors(Some(error), |error| error.source()).any(|error| {
        let kind = error.downcast_ref().map(io::Error::kind);
        let unconnected = [
            ErrorKind::ConnectionRefused,
            ErrorKind::HostUnreachable,
            ErrorKind::NetworkUnreachable,
        ];
        kind.is_some_and(|kind| unconnected.contains(&kind))
    })
}

fn unavailable(fault: Fault) -> Failure {
    Failure::Store(StoreError::unavailable(fault))
}

fn refused(fault: Fault) -> Failure {
    Failure::Store(StoreError::refused(fault))
}
