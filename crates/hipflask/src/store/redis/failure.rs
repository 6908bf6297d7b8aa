//! What goes wrong at a Redis server, in words that show neither keys nor passwords.
//!
//! Under everything else here: servers repeat arguments in their errors, so of what they say only
//! the code is read, and the words are our own.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use redis::{ErrorKind, RedisError, ServerError, Value};

use super::server::Host;
use crate::store::StoreError;

/// Why a server has not done what it was asked.
#[derive(Clone, Debug, thiserror::Error)]
pub(super) enum Failure {
    /// The record is on another server for now.
    #[error("the record is moving to another node")]
    Ask(Host),
    /// It did nothing, but may soon.
    #[error("{0}")]
    Busy(&'static str),
    /// It did nothing, and will not soon.
    #[error("{0}")]
    Hindered(&'static str),
    /// It may have done it or not.
    #[error("the connection to {at} was lost: {error}")]
    Lost { at: Arc<str>, error: RedisError },
    /// The record is on another server.
    #[error("the record is on another node")]
    Moved(Host),
    /// It does not run scripts.
    #[error("the server does not run {command}, which sessions need: {remedy}")]
    NoScripts { command: &'static str, remedy: &'static str },
    /// It did nothing, for it is a replica.
    #[error("the server is a replica, which cannot be written to")]
    ReadOnly,
    /// It did nothing, and will not.
    #[error("{0}")]
    Refused(&'static str),
    /// It did nothing, because it does not know an option of the command.
    #[error("the server does not know an option of a command")]
    UnknownOption,
    /// It did it, but too few replicas have it.
    #[error("the write was not confirmed by as many replicas as wait_replicas asks for")]
    Replicas,
    /// It did not answer in time, and may have done it or not.
    #[error("no answer in time")]
    Silent,
    /// Nothing was sent.
    #[error("cannot connect to {at}: {error}")]
    Unconnected { at: Arc<str>, error: RedisError, since: Instant },
    /// It does not know the script.
    #[error("the server does not keep the script")]
    UnknownScript,
    /// There is no record, but something else.
    #[error("a session's key holds something else than a string")]
    WrongType,
}

impl Failure {
    /// Says why there is no connection, and since when there has been none.
    pub(super) fn to_connect(error: RedisError, peer: &impl ToString, since: Instant) -> Self {
        match error.kind() {
            ErrorKind::AuthenticationFailed => Self::Refused(CREDENTIALS),
            ErrorKind::RESP3NotSupported => Self::Refused(
                "the server is older than Redis 6: set the option protocol=2 in the address",
            ),
            ErrorKind::Io => Self::Unconnected { at: peer.to_string().into(), error, since },
            _ => match ServerError::try_from(error) {
                Ok(error) => Self::from(&error),
                Err(_) => Self::Refused("the client cannot connect with these settings"),
            },
        }
    }

    /// Says why a connection gave no answer.
    pub(super) fn lost(error: RedisError, at: &Arc<str>) -> Self {
        match error.kind() {
            ErrorKind::Io => Self::Lost { at: Arc::clone(at), error },
            _ => Self::Refused("the server did not answer in Redis's protocol"),
        }
    }

    /// Reports whether it is known that nothing was done, and trying again may help: but not when
    /// the server has been away for so long that waiting only adds to the crowd that waits.
    pub(super) fn may_be_tried_again(&self, patience: Duration) -> bool {
        match self {
            Self::Ask(_) | Self::Busy(_) | Self::Moved(_) | Self::ReadOnly => true,
            Self::Unconnected { since, .. } => since.elapsed() < patience,
            Self::Hindered(_)
            | Self::Lost { .. }
            | Self::NoScripts { .. }
            | Self::Refused(_)
            | Self::Replicas
            | Self::Silent
            | Self::UnknownOption
            | Self::UnknownScript
            | Self::WrongType => false,
        }
    }

    /// Reports whether another node of a cluster may have taken over from this one.
    pub(super) const fn may_be_outdated(&self) -> bool {
        !matches!(
            self,
            Self::Hindered(_)
                | Self::NoScripts { .. }
                | Self::Refused(_)
                | Self::Replicas
                | Self::UnknownOption
                | Self::UnknownScript
                | Self::WrongType
        )
    }
}

const CREDENTIALS: &str = "the user name or the password is wrong, or one is missing";

/// What is said for each code of a server that did nothing, for now.
const BUSY: [(&str, &str); 5] = [
    ("BUSY", "the server is busy with a script"),
    ("CLUSTERDOWN", "the cluster is down"),
    ("LOADING", "the server is loading its data"),
    ("MASTERDOWN", "the server has lost its master"),
    ("TRYAGAIN", "the cluster is moving the record"),
];

/// What is said for each code of a server that did nothing, until somebody helps it.
const HINDERED: [(&str, &str); 3] = [
    ("MISCONF", "the server cannot save its data and takes no writes: see its log"),
    ("NOREPLICAS", "the server takes no writes, for too few replicas are connected"),
    ("OOM", "the server's memory is full: see its settings maxmemory and maxmemory-policy"),
];

/// What is said for each code of a server that will not.
const REFUSED: [(&str, &str); 5] = [
    ("NOAUTH", CREDENTIALS),
    ("WRONGPASS", CREDENTIALS),
    (
        "NOPERM",
        "the user lacks a permission: sessions need the commands get, set, pttl, pexpire, del, \
         exists, scan, eval and evalsha on their keys",
    ),
    ("DENIED", "the server is in protected mode: give it a password"),
    ("UNKILLABLE", "a script hangs in the server: restart it"),
];

impl From<&ServerError> for Failure {
    fn from(error: &ServerError) -> Self {
        let details = error.details().unwrap_or_default();
        // Before Redis 7, an error in a script is `ERR`, and its own code follows in the text.
        let is = |code: &str| {
            error.code() == code
                || error.code() == "ERR"
                    && details.contains("script")
                    && details.split([' ', '-']).any(|word| word == code)
        };
        let find = |table: &[(&str, &'static str)]| {
            table.iter().find(|(code, _)| is(code)).map(|(_, text)| *text)
        };
        match error.code() {
            "NOSCRIPT" => Self::UnknownScript,
            "ERR" if details.starts_with("syntax error") => Self::UnknownOption,
            "MOVED" => Host::of_redirect(details).map_or(GARBLED, Self::Moved),
            "ASK" => Host::of_redirect(details).map_or(GARBLED, Self::Ask),
            _ if is("READONLY") => Self::ReadOnly,
            _ if is("WRONGTYPE") => Self::WrongType,
            _ => find(&BUSY)
                .map(Self::Busy)
                .or_else(|| find(&HINDERED).map(Self::Hindered))
                .or_else(|| find(&REFUSED).map(Self::Refused))
                .unwrap_or(UNKNOWN),
        }
    }
}

/// The error of a node of a cluster that was taken for a server of its own.
pub(super) const IS_CLUSTER: Failure = Failure::Refused(
    "the server is in cluster mode: address it with redis+cluster://, or rediss+cluster:// with TLS",
);

const UNKNOWN: Failure = Failure::Refused("the server refused a command: see its log");
const GARBLED: Failure = Failure::Refused("the server names no node that can be understood");

/// The error that an unexpected kind of answer makes.
pub(super) const STRANGE: Failure = Failure::Refused("the server gave an unexpected answer");

/// Turns an error that was sent as an answer into one.
pub(super) fn checked(value: Value) -> Result<Value, Failure> {
    match value {
        Value::ServerError(error) => Err(Failure::from(&error)),
        value => Ok(value),
    }
}

impl From<Failure> for StoreError {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::Silent => Self::Deadline,
            Failure::NoScripts { .. }
            | Failure::Refused(_)
            | Failure::UnknownOption
            | Failure::UnknownScript
            | Failure::WrongType => Self::refused(failure),
            Failure::Unconnected { .. } => Self::unreachable(failure),
            _ => Self::unavailable(failure),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(answer: &str, expected: &str) {
        let value = redis::parse_redis_value(format!("-{answer}\r\n").as_bytes()).unwrap();
        let failure = checked(value).unwrap_err();
        assert!(failure.to_string().contains(expected), "{failure}");
        assert!(!failure.to_string().contains("session:S"), "{failure}");
    }

    #[test]
    fn answers_are_told_by_their_code_and_never_repeated() {
        check("MOVED 3999 127.0.0.1:6381", "on another node");
        check("ASK 3999 :6381", "moving");
        check("MOVED session:S", "no node that can be understood");
        check("READONLY You can't write against a read only replica.", "is a replica");
        check("OOM command not allowed when used memory > 'maxmemory'.", "memory is full");
        check("WRONGTYPE Operation against session:S", "something else than a string");
        check("NOPERM No permissions to access a key session:S", "lacks a permission");
        check(
            "ERR unknown command 'EVALSHA', with args beginning with: 'session:S'",
            "see its log",
        );
        check("ERR syntax error", "does not know an option");
        check("ERR Error running script (call to f_1): @user_script: 1: -READONLY You", "replica");
        check("ERR Error running script (call to f_1): @user_script: 1: -OOM command", "memory");
    }

    #[test]
    fn only_what_did_nothing_is_tried_again() {
        let second = Duration::from_secs(1);
        let error = RedisError::from(std::io::Error::other("refused"));
        let at: Arc<str> = "here:1".into();
        let unconnected =
            |since| Failure::Unconnected { at: Arc::clone(&at), error: error.clone(), since };
        assert!(Failure::ReadOnly.may_be_tried_again(second));
        assert!(unconnected(Instant::now()).may_be_tried_again(second));
        assert!(!unconnected(Instant::now() - 2 * second).may_be_tried_again(second));
        assert!(!Failure::Silent.may_be_tried_again(second));
        assert!(!Failure::lost(error, &at).may_be_tried_again(second));
    }
}
