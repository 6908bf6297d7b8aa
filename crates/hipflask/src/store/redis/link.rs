//! One connection to one server, shared by all requests, and made anew when it breaks.
//!
//! Between [`super::servers`] and the client crate; knows connections, and nothing of what is sent.

use std::{
    fmt,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use redis::{
    AsyncConnectionConfig, Client, Cmd, Pipeline, ProtocolVersion, PushInfo, PushKind, RedisError,
    RedisResult, Value, aio::MultiplexedConnection, cmd,
};
use tokio::{
    task::yield_now,
    time::{timeout, timeout_at},
};

use super::{check, failure::Failure, sentinel::Sentinels};
use crate::pace;

/// How long a connection may take to be made, its login included.
const CONNECT: Duration = Duration::from_secs(1);

/// How long after a failed attempt the next one may come; more, the longer it has failed.
const PAUSE: (Duration, Duration) = (Duration::from_millis(100), Duration::from_secs(1));

/// After how long without an answer a request that is given up brings its connection down with it.
const SUSPICIOUS: Duration = Duration::from_millis(500);

/// After how long without a request it is asked whether the connection is still there.
const QUIET: Duration = Duration::from_millis(500);

/// To whom a connection is made.
#[derive(Clone)]
pub(super) enum Peer {
    /// Whichever server is the master at the time.
    Master(Sentinels),
    /// A node of a cluster.
    Node(Client),
    /// A server of its own.
    Server(Client),
}

/// What is sent at once: one command costs less than a pipeline of one.
#[derive(Clone, Copy)]
pub(super) enum Commands<'a> {
    One(&'a Cmd),
    Several(&'a Pipeline),
}

/// A connection that is there when it is needed. Clones are the same connection.
#[derive(Clone)]
pub(super) struct Link(Arc<Inner>);

struct Inner {
    peer: Peer,
    /// The connection, and when it was used last.
    live: Mutex<Option<(Live, Instant)>>,
    /// Held while a connection is made.
    outage: tokio::sync::Mutex<Option<Outage>>,
}

#[derive(Clone)]
struct Live {
    connection: MultiplexedConnection,
    /// With whom.
    at: Arc<str>,
    has_ended: Arc<AtomicBool>,
    /// Whether `has_ended` is set as soon as the server's end of the connection is seen.
    is_watched: bool,
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
        commands: Commands<'_>,
        until: Instant,
    ) -> Result<Vec<Value>, Failure> {
        let live = self.live(until).await?;
        let mut connection = live.connection.clone();
        // Also when this future is dropped: what is slow to answer may be there no longer.
        let mut watch = Watch { live, sent: Instant::now(), answered: false };
        let answer = async {
            match commands {
                Commands::One(command) => {
                    connection.send_packed_command(command).await.map(|value| vec![value])
                }
                Commands::Several(commands) => {
                    connection.send_packed_commands(commands, 0, commands.len()).await
                }
            }
        };
        let values = match pace::until(until.into(), answer).await {
            Some(Ok(values)) => values,
            Some(Err(error)) => {
                watch.live.end();
                return Err(Failure::lost(error, &watch.live.at));
            }
            None => return Err(Failure::Silent),
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
        if let Some((live, is_quiet)) = self.current() {
            if !is_quiet {
                return Ok(live);
            }
            if live.is_open(until).await {
                if let Some((_, used)) = self.lock().as_mut() {
                    *used = Instant::now();
                }
                return Ok(live);
            }
        }
        // A task of its own, so that it also ends well when this request is given up.
        let link = self.clone();
        let task = tokio::spawn(async move { link.establish().await });
        match timeout_at(until.into(), task).await {
            Ok(Ok(result)) => result,
            Ok(Err(_)) | Err(_) => {
                Err(Failure::to_connect(timed_out(), &self.0.peer, Instant::now()))
            }
        }
    }

    async fn establish(&self) -> Result<Live, Failure> {
        let mut outage = self.0.outage.lock().await;
        if let Some((live, _)) = self.current() {
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
        let peer = &self.0.peer;
        let timed_out = |_| Err(Failure::to_connect(timed_out(), peer, since));
        match timeout(CONNECT, peer.connect(since)).await.unwrap_or_else(timed_out) {
            Ok(live) => {
                *outage = None;
                *self.lock() = Some((live.clone(), Instant::now()));
                Ok(live)
            }
            Err(failure) => {
                let last = Instant::now();
                *outage = Some(Outage { since, last, failure: failure.clone() });
                Err(failure)
            }
        }
    }

    /// Returns the connection, and whether nobody has used it for so long that it may be gone.
    fn current(&self) -> Option<(Live, bool)> {
        let mut current = self.lock();
        let (live, used) = current.as_mut().filter(|(live, _)| !live.has_ended())?;
        let now = Instant::now();
        let is_quiet = now.duration_since(*used) >= QUIET;
        if !is_quiet {
            *used = now;
        }
        Some((live.clone(), is_quiet))
    }

    fn lock(&self) -> MutexGuard<'_, Option<(Live, Instant)>> {
        self.0.live.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Live {
    fn has_ended(&self) -> bool {
        self.has_ended.load(Ordering::Acquire)
    }

    /// Finds out whether the server has closed the connection, before a request is lost on it.
    async fn is_open(&self, until: Instant) -> bool {
        if self.is_watched {
            // Where the runtime has stood still, as in Python between two calls, it first has to
            // hear of it from the system, and then the connection's task from the runtime.
            yield_now().await;
            yield_now().await;
        } else {
            let (mut connection, ping) = (self.connection.clone(), cmd("PING"));
            let until = until.min(Instant::now() + CONNECT);
            match timeout_at(until.into(), connection.send_packed_command(&ping)).await {
                Ok(Err(error)) if error.is_unrecoverable_error() => self.end(),
                Ok(_) => {}
                Err(_) => self.end(),
            }
        }
        !self.has_ended()
    }

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

impl fmt::Display for Peer {
    /// Shows where it is.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Master(sentinels) => sentinels.fmt(f),
            Self::Node(client) | Self::Server(client) => client.get_connection_info().addr().fmt(f),
        }
    }
}

impl Peer {
    /// Connects, and makes sure that it is a server that can keep sessions.
    async fn connect(&self, since: Instant) -> Result<Live, Failure> {
        let failed = |error| Failure::to_connect(error, self, since);
        let client = match self {
            Self::Master(sentinels) => &sentinels.master().await.map_err(failed)?,
            Self::Node(client) | Self::Server(client) => client,
        };
        let mut live = connect(client).await.map_err(failed)?;
        let questions = check::questions(protocol(client));
        let answers = live.connection.send_packed_commands(&questions, 0, questions.len());
        check::judge(&answers.await.map_err(failed)?, matches!(self, Self::Node(_)))?;
        Ok(live)
    }
}

async fn connect(client: &Client) -> RedisResult<Live> {
    let has_ended = Arc::new(AtomicBool::new(false));
    // Whole requests have a deadline, so that the parts of one need none.
    let mut config =
        AsyncConnectionConfig::new().set_connection_timeout(None).set_response_timeout(None);
    let is_watched = protocol(client).supports_resp3();
    if is_watched {
        let has_ended = Arc::clone(&has_ended);
        config = config.set_push_sender(move |push: PushInfo| {
            if push.kind == PushKind::Disconnection {
                has_ended.store(true, Ordering::Release);
            }
            Ok::<(), redis::aio::SendError>(())
        });
    }
    let connection = client.get_multiplexed_async_connection_with_config(&config).await?;
    let at = client.get_connection_info().addr().to_string().into();
    Ok(Live { connection, at, has_ended, is_watched })
}

fn protocol(client: &Client) -> ProtocolVersion {
    client.get_connection_info().redis_settings().protocol()
}

fn timed_out() -> RedisError {
    std::io::Error::from(std::io::ErrorKind::TimedOut).into()
}
