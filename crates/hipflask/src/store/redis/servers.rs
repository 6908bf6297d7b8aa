//! Which server gets a request, and when it is sent again: only where it is known that nothing was
//! done, and only within the deadline.

use std::time::{Duration, Instant};

use redis::{Value, pipe};

use super::{
    cluster::{self, Cluster},
    failure::{Failure, IS_CLUSTER, checked},
    lanes::{Lanes, Wait, send_checked},
    link::{Commands, Link},
    script::Request,
};

/// How long to wait before trying again, at first and at most.
const PAUSE: (Duration, Duration) = (Duration::from_millis(25), Duration::from_millis(400));

/// One server, or those of a cluster.
pub(super) enum Servers {
    Cluster(Cluster),
    One(Lanes),
}

/// How long a request may take altogether.
#[derive(Clone, Copy)]
pub(super) struct Limit {
    pub(super) patience: Duration,
    pub(super) until: Instant,
}

impl Limit {
    pub(super) fn new(patience: Duration) -> Self {
        Self { patience, until: Instant::now() + patience }
    }
}

impl Servers {
    /// Returns the cluster's slot of a key; where there is no cluster, there is one slot.
    pub(super) fn slot(&self, key: &str) -> u16 {
        match self {
            Self::Cluster(_) => cluster::slot(key.as_bytes()),
            Self::One(_) => 0,
        }
    }

    /// Reports whether two keys may lie on two servers.
    pub(super) const fn is_cluster(&self) -> bool {
        matches!(self, Self::Cluster(_))
    }

    /// Returns the answer to a request, after as many replicas have it as `wait` asks for.
    pub(super) async fn ask(
        &self,
        slot: u16,
        request: &Request<'_>,
        wait: Option<Wait>,
        limit: Limit,
    ) -> Result<Value, Failure> {
        match self.try_ask(slot, request, false, wait, limit).await {
            Err(Failure::UnknownScript) => self.try_ask(slot, request, true, wait, limit).await,
            result => result,
        }
    }

    async fn try_ask(
        &self,
        slot: u16,
        request: &Request<'_>,
        in_full: bool,
        wait: Option<Wait>,
        limit: Limit,
    ) -> Result<Value, Failure> {
        let command = request.command(in_full);
        let Some(wait @ Wait { replicas, timeout }) = wait else {
            let mut values = self.send(slot, Commands::One(&command), wait, limit).await?;
            return checked(values.pop().unwrap_or(Value::Nil));
        };
        // Right behind the write and on its connection, for it is this connection's writes that
        // the server then waits for.
        let mut commands = pipe();
        let timeout = timeout.min(limit.patience / 2).as_millis().max(1);
        commands.add_command(command.into_owned());
        commands.cmd("WAIT").arg(replicas).arg(timeout as u64);
        let values = self.send(slot, Commands::Several(&commands), Some(wait), limit).await?;
        let mut values = values.into_iter();
        let value = checked(values.next().unwrap_or(Value::Nil))?;
        // The write is done, whatever is answered to this.
        match values.next() {
            Some(Value::Int(found)) if found >= replicas.into() => Ok(value),
            _ => Err(Failure::Replicas),
        }
    }

    /// Sends commands to the server that is in charge of a slot. The first answer is no error.
    pub(super) async fn send(
        &self,
        slot: u16,
        commands: Commands<'_>,
        wait: Option<Wait>,
        limit: Limit,
    ) -> Result<Vec<Value>, Failure> {
        let mut pause = PAUSE.0;
        loop {
            let result = match self {
                Self::Cluster(cluster) => cluster.send(slot, commands, wait, limit.until).await,
                Self::One(lanes) => send_to_one(lanes.of(wait), commands, limit.until).await,
            };
            match result {
                Err(failure)
                    if failure.may_be_tried_again(limit.patience)
                        && Instant::now() + pause < limit.until => {}
                result => return result,
            }
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(PAUSE.1);
        }
    }
}

async fn send_to_one(
    link: &Link,
    commands: Commands<'_>,
    until: Instant,
) -> Result<Vec<Value>, Failure> {
    match send_checked(link, commands, until).await {
        Err(Failure::ReadOnly) => {
            // It was the master once: whoever is now is found by connecting again.
            link.renew();
            Err(Failure::ReadOnly)
        }
        Err(Failure::Ask(_) | Failure::Moved(_)) => Err(IS_CLUSTER),
        result => result,
    }
}
