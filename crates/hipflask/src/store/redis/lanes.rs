//! The connections to one server, and what the answers on them begin with.
//!
//! Below [`super::cluster`] and [`super::servers`], which choose between servers.

use std::time::{Duration, Instant};

use redis::Value;

use super::{
    failure::Failure,
    link::{Commands, Link, Peer},
};

/// The connections to a server: requests that wait for replicas must not hold up the others.
#[derive(Clone)]
pub(super) struct Lanes {
    pub(super) quick: Link,
    waiting: Link,
}

/// That a write waits until replicas have it.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Wait {
    pub(super) replicas: u32,
    pub(super) timeout: Duration,
}

impl Lanes {
    pub(super) fn new(peer: &Peer) -> Self {
        Self { quick: Link::new(peer.clone()), waiting: Link::new(peer.clone()) }
    }

    pub(super) const fn of(&self, wait: Option<Wait>) -> &Link {
        if wait.is_some() { &self.waiting } else { &self.quick }
    }
}

/// Sends commands, and takes an error as the first answer for one of all.
pub(super) async fn send_checked(
    link: &Link,
    commands: Commands<'_>,
    until: Instant,
) -> Result<Vec<Value>, Failure> {
    first_checked(link.send(commands, until).await?)
}

/// Takes an error as the first answer for one of all.
pub(super) fn first_checked(values: Vec<Value>) -> Result<Vec<Value>, Failure> {
    match values.first() {
        Some(Value::ServerError(error)) => Err(Failure::from(error)),
        _ => Ok(values),
    }
}
