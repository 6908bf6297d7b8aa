//! One connection to one server, shared by all requests, and made anew when it breaks.
//!
//! Between [`super::servers`] and the client crate; knows connections, and nothing of what is sent.

use std::{
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use redis::{
    AsyncConnectionConfig, Client, Pipeline, PushInfo, PushKind, RedisError, Value,
    aio::MultiplexedConnection,
};
use tokio::time::{timeout, timeout_at};

use super::{failure::Failure, sentinel::Sentinels};

/// How long a connection may take to be made, its login included.
const CONNECT: Duration = Duration::from_secs(1);

/// How long after a failed attempt the next one may come; more, the longer it has failed.
const PAUSE: (Duration, Duration) = (Duration::from_millis(100), Duration::from_secs(1));

/// After how long without an answer a request that is given up brings its connection down with it.
const SUSPICIOUS: Duration = Duration::from_millis(500);

/// To whom a connection is made.
pub(super) enum Peer {
    /// A server.
    Server(Client),
    /// Whichever server is the master at the time.
    Master(Sentinels),
}

/// A connection that is there when it is needed. Clones are the same connection.
#[derive(Clone)]
pub(super) struct Link(Arc<Inner>);

struct Inner {
    peer: Peer,
    live: Mutex<Option<Live>>,
    /// Held while a connection is made.
    outage: tokio::sync::Mutex<Option<Outage>>,
}

#[derive(Clone)]
struct Live {
    connection: MultiplexedConnection,
    has_ended: Arc<AtomicBool>,
}

struct Outage {
    since: Instant,
    last: Instant,
    failure: Failure,
}

impl Link {
    pub(super) fn new(peer: Peer) -> Self {
        let (live, outage) = (Mutex::new(None), tokio::sync::Mutex::new(None));
        Self(Arc::new(Inner { peer, live, outage }))
    }

    /// Sends commands next to each other, and returns as many answers.
    pub(super) async fn send(
        &self,
        commands: &Pipeline,
        until: Instant,
    ) -> Result<Vec<Value>, Failure> {
        let live = self.live(until).await?;
        let mut connection = live.connection.clone();
        // Also when this future is dropped: what is slow to answer may be there no longer.
        let mut watch = Watch { live, sent: Instant::now(), answered: false };
        let answer = connection.send_packed_commands(commands, 0, commands.len());
        let values = match timeout_at(until.into(), answer).await {
            Ok(Ok(values)) => values,
            Ok(Err(error)) => {
                watch.live.end();
                return Err(Failure::lost(error));
            }
            Err(_) => return Err(Failure::Silent),
        };
        watch.answered = true;
        Ok(values)
    }

    /// Makes the next request use a new connection.
    pub(super) fn renew(&self) {
        *self.lock() = None;
    }

    /// Connects if there is no connection.
    pub(super) async fn check(&self, until: Instant) -> Result<(), Failure> {
        self.live(until).await.map(drop)
    }

    async fn live(&self, until: Instant) -> Result<Live, Failure> {
        if let Some(live) = self.current() {
            return Ok(live);
        }
        // A task of its own, so that it also ends well when this request is given up.
        let link = self.clone();
        let task = tokio::spawn(async move { link.establish().await });
        match timeout_at(until.into(), task).await {
            Ok(Ok(result)) => result,
            Ok(Err(_)) | Err(_) => Err(Failure::Silent),
        }
    }

    async fn establish(&self) -> Result<Live, Failure> {
        let mut outage = self.0.outage.lock().await;
        if let Some(live) = self.current() {
            return Ok(live);
        }
        if let Some(Outage { since, last, failure }) = &*outage {
            let age = last.duration_since(*since);
            if last.elapsed() < (age / 4).clamp(PAUSE.0, PAUSE.1) {
                return Err(failure.clone());
            }
        }
        let started = Instant::now();
        let since = outage.as_ref().map_or(started, |outage| outage.since);
        match timeout(CONNECT, self.0.peer.connect()).await.unwrap_or_else(|_| Err(timed_out())) {
            Ok(live) => {
                *outage = None;
                *self.lock() = Some(live.clone());
                Ok(live)
            }
            Err(error) => {
                let failure = Failure::to_connect(error, since);
                let last = Instant::now();
                *outage = Some(Outage { since, last, failure: failure.clone() });
                Err(failure)
            }
        }
    }

    fn current(&self) -> Option<Live> {
        self.lock().clone().filter(|live| !live.has_ended.load(Ordering::Acquire))
    }

    fn lock(&self) -> MutexGuard<'_, Option<Live>> {
        self.0.live.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Live {
    /// Gives up the connection; others may still wait for its answers.
    fn end(&self) {
        self.has_ended.store(true, Ordering::Release);
    }
}

struct Watch {
    live: Live,
    sent: Instant,
    answered: bool,
}

impl Drop for Watch {
    fn drop(&mut self) {
        if !self.answered && self.sent.elapsed() > SUSPICIOUS {
            self.live.end();
        }
    }
}

impl Peer {
    async fn connect(&self) -> Result<Live, RedisError> {
        match self {
            Self::Server(client) => connect(client).await,
            Self::Master(sentinels) => connect(&sentinels.master().await?).await,
        }
    }
}

async fn connect(client: &Client) -> Result<Live, RedisError> {
    let has_ended = Arc::new(AtomicBool::new(false));
    // Whole requests have a deadline, so that the parts of one need none.
    let mut config =
        AsyncConnectionConfig::new().set_connection_timeout(None).set_response_timeout(None);
    // Else the next request would be the one to find out, and could not know whether it was sent.
    if client.get_connection_info().redis_settings().protocol().supports_resp3() {
        let has_ended = Arc::clone(&has_ended);
        config = config.set_push_sender(move |push: PushInfo| {
            if push.kind == PushKind::Disconnection {
                has_ended.store(true, Ordering::Release);
            }
            Ok::<(), redis::aio::SendError>(())
        });
    }
    let connection = client.get_multiplexed_async_connection_with_config(&config).await?;
    Ok(Live { connection, has_ended })
}

fn timed_out() -> RedisError {
    std::io::Error::from(std::io::ErrorKind::TimedOut).into()
}
