//! The connections to one server: a few, opened when needed, and never used again after an error
//! or a request that was abandoned.

use std::{
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::{
    sync::{Semaphore, SemaphorePermit},
    time::{Instant, timeout, timeout_at},
};

use super::{
    connection::{Command, Connection, Fault, Reply},
    server::{Options, Server},
};

/// A server and the connections to it.
pub(super) struct Pool {
    server: Server,
    connect_timeout: Duration,
    timeout: Duration,
    /// As many as there may be connections.
    slots: Semaphore,
    idle: Mutex<Vec<Connection>>,
}

impl Pool {
    pub(super) fn new(server: Server, options: &Options) -> Self {
        Self {
            server,
            connect_timeout: options.connect_timeout,
            timeout: options.timeout,
            slots: Semaphore::new(options.max_pool_size),
            idle: Mutex::default(),
        }
    }

    /// Returns the name that the ring hashes.
    pub(super) fn name(&self) -> &str {
        &self.server.name
    }

    /// Opens a connection, to see whether the server can be used.
    pub(super) async fn check(&self) -> Result<(), Fault> {
        let connection = self.open().await?;
        self.idle().push(connection);
        Ok(())
    }

    /// Asks the server, over a connection of its own for the time of the answer.
    ///
    /// A connection goes back only after a whole answer: when this future is dropped, so is the
    /// connection, and nobody can read an answer that was meant for another request.
    pub(super) async fn call(&self, key: &str, command: Command<'_>) -> Result<Reply, Fault> {
        let until = Instant::now() + self.timeout;
        let call = async {
            let acquired = timeout_at(until, self.acquire()).await;
            let (_slot, mut connection) =
                acquired.unwrap_or_else(|_| Err(unconnected(Fault::Timeout)))?;
            let answer = timeout_at(until, connection.call(key, command)).await;
            let reply = answer.unwrap_or(Err(Fault::Timeout))?;
            self.idle().push(connection);
            Ok(reply)
        };
        let result = call.await;
        if matches!(result, Err(Fault::Io(_) | Fault::Timeout | Fault::Unconnected(_))) {
            // The server may have gone without a word, and then the others lead nowhere either.
            self.idle().clear();
        }
        result
    }

    async fn acquire(&self) -> Result<(SemaphorePermit<'_>, Connection), Fault> {
        // The semaphore is never closed.
        let slot = self.slots.acquire().await.map_err(|_| unconnected(Fault::Timeout))?;
        let connection = match self.take_idle() {
            Some(connection) => connection,
            None => self.open().await?,
        };
        Ok((slot, connection))
    }

    /// Takes the connection that was in use last. When that one is dead, the others are.
    fn take_idle(&self) -> Option<Connection> {
        let mut idle = self.idle();
        let connection = idle.pop().filter(Connection::is_open);
        if connection.is_none() {
            idle.clear();
        }
        connection
    }

    async fn open(&self) -> Result<Connection, Fault> {
        let connection = Connection::open(&self.server.host, self.server.port);
        let connected = timeout(self.connect_timeout, connection).await;
        connected.unwrap_or(Err(Fault::Timeout)).map_err(unconnected)
    }

    fn idle(&self) -> MutexGuard<'_, Vec<Connection>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn unconnected(fault: Fault) -> Fault {
    Fault::Unconnected(Box::new(fault))
}
