//! Sessions in Redis or Valkey, where Flask-Session keeps them: a string under each key, which the
//! server forgets when its time has come.
//!
//! Every write that expects something is done in one step: by a command, where the server has one, else
//! by a script. All requests
//! share one connection, which is made anew when it breaks; requests of which it is known that the
//! server did nothing are sent again within the deadline, and no other.

mod address;
mod check;
mod cluster;
mod failure;
mod lanes;
mod link;
mod scan;
mod script;
mod sentinel;
mod server;
mod servers;

use std::{
    fmt,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use hipflask_core::record::Format;
use redis::{Cmd, Value, cmd};

use self::{
    failure::{Failure, STRANGE},
    lanes::Wait,
    link::Peer,
    scan::Position,
    script::{LOAD, RENEW, REPLACE, Request},
    servers::{Limit, Servers},
};
use super::{
    ConnectError, Created, Deleted, Page, Record, RecordKey, Renewal, Replaced, Revision, Store,
    StoreError, Touch, async_trait, lives::Lives,
};

/// How long a request may take: less than a whole operation, which a second request may mend.
const DEADLINE: Duration = Duration::from_secs(4);

/// The longest string of a server.
const MAX_PAYLOAD: usize = 512 * 1024 * 1024;

/// The longest life of a record, for servers count milliseconds from 1970 on in 63 bits.
const MAX_TTL: Duration = Duration::from_millis(1 << 60);

/// Keeps sessions in Redis 6 or newer, or Valkey: one server, Sentinel or Cluster. Clones share its
/// connections.
///
/// A write that the server has answered may still be lost if the server then fails before a replica
/// has it. The option `wait_replicas` makes each write wait for replicas, and an error of the write
/// that they have not confirmed.
///
/// ```no_run
/// use hipflask::store::RedisStore;
///
/// # async fn connect() -> Result<(), hipflask::store::ConnectError> {
/// let one = RedisStore::connect("rediss://user:password@redis.example/0").await?;
/// let cluster = RedisStore::connect("redis+cluster://a,b,c?wait_replicas=1").await?;
/// let sentinel = RedisStore::connect("redis+sentinel://a,b,c/mymaster").await?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct RedisStore {
    servers: Arc<Servers>,
    lives: Arc<Lives>,
    deadline: Duration,
    wait: Option<Wait>,
    /// The server, or one of them, cannot compare and set without a script.
    needs_scripts: Arc<AtomicBool>,
}

impl fmt::Debug for RedisStore {
    /// Leaves out the servers, whose settings hold a password.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RedisStore")
            .field("deadline", &self.deadline)
            .field("wait", &self.wait)
            .finish_non_exhaustive()
    }
}

impl RedisStore {
    /// Connects to the server or the servers of an address.
    ///
    /// | address | |
    /// |---|---|
    /// | `redis://[USER:PASSWORD@]HOST[:PORT][/DATABASE]` | one server |
    /// | `redis+sentinel://[USER:PASSWORD@]HOST[:PORT],…/MASTER[/DATABASE]` | a sentinels' master |
    /// | `redis+cluster://[USER:PASSWORD@]HOST[:PORT],…` | the cluster of these nodes |
    /// | `redis+unix://[USER:PASSWORD@]/PATH[?db=DATABASE]` | the server of a socket file |
    /// | `rediss://…`, `rediss+sentinel://…`, `rediss+cluster://…` | the same with TLS |
    /// | `valkey://…`, `valkeys://…`, and so on | the same as `redis://…`, `rediss://…` |
    ///
    /// | option | default | |
    /// |---|---|---|
    /// | `socket_timeout` | 4 | seconds that a request may take, as [`Self::with_deadline`] |
    /// | `wait_replicas` | 0 | how many replicas must have a write before it is answered |
    /// | `wait_timeout_ms` | 1000 | how long they have for it; at most half of `socket_timeout` |
    /// | `protocol` | 3 | 2 for servers, or proxies, that know only RESP2 |
    /// | `ssl_ca_certs` | the system's | a file with the certificates to trust |
    /// | `ssl_cert_reqs` | required | `none` trusts any certificate, also a stranger's |
    /// | `ssl_certfile`, `ssl_keyfile` | | files with the own certificate and its key |
    /// | `sentinel_username`, `sentinel_password` | | for the sentinels, not the master |
    ///
    /// # Errors
    ///
    /// [`ConnectError`] when the address is wrong, no server answers and takes the password, it is
    /// in a cluster and the address is not, or the other way round, or it does not run scripts.
    pub async fn connect(address: &str) -> Result<Self, ConnectError> {
        let address::Address { servers, deadline, wait } = address::read(address)?;
        let store = Self::new(servers, deadline.unwrap_or(DEADLINE), wait);
        let until = store.limit().until;
        match &*store.servers {
            Servers::Cluster(cluster) => cluster.refresh(until).await,
            Servers::One(lanes) => lanes.quick.check(until).await,
        }
        .map_err(ConnectError::refused)?;
        Ok(store)
    }

    /// Takes the server of a client, to which it connects when it is first needed.
    ///
    /// ```
    /// use hipflask::store::RedisStore;
    ///
    /// # fn client() -> redis::RedisResult<()> {
    /// let store = RedisStore::from_client(&redis::Client::open("redis://localhost")?);
    /// # Ok(())
    /// # }
    /// # client().unwrap();
    /// ```
    pub fn from_client(client: &redis::Client) -> Self {
        Self::new(address::one(&Peer::Server(client.clone())), DEADLINE, None)
    }

    fn new(servers: Servers, deadline: Duration, wait: Option<Wait>) -> Self {
        let (servers, lives, needs_scripts) = (Arc::new(servers), Arc::default(), Arc::default());
        Self { servers, lives, deadline, wait, needs_scripts }
    }

    /// Sets how long a request may take, connecting and trying again included. Default 4 seconds.
    #[must_use]
    pub const fn with_deadline(mut self, deadline: Duration) -> Self {
        self.deadline = deadline;
        self
    }

    fn limit(&self) -> Limit {
        Limit::new(self.deadline)
    }

    async fn read(&self, key: &RecordKey, request: Request<'_>) -> Result<Value, StoreError> {
        let slot = self.servers.slot(key.as_str());
        match self.servers.ask(slot, &request, None, self.limit()).await {
            // In no format is there a record without a byte, so it counts as one that is broken.
            Err(Failure::WrongType) => Ok(Value::BulkString(Vec::new())),
            answer => Ok(answer?),
        }
    }

    async fn write(&self, key: &RecordKey, request: Request<'_>) -> Result<Value, Failure> {
        self.lives.forget(key);
        let slot = self.servers.slot(key.as_str());
        self.servers.ask(slot, &request, self.wait, self.limit()).await
    }

    /// Compares and sets: by Valkey's command, which Redis 8.4 has, too, or by a script where the server
    /// does not know it. What is there comes with the answer.
    async fn compare_and_set(
        &self,
        key: &RecordKey,
        current: &[u8],
        payload: &[u8],
        ttl: &[u8],
    ) -> Result<Value, Failure> {
        if !self.needs_scripts.load(Ordering::Relaxed) {
            let mut set = cmd("SET");
            set.arg(key.as_str()).arg(payload).arg("IFEQ").arg(current).arg("GET");
            set.arg("PX").arg(ttl);
            match self.write(key, Request::Command(set)).await {
                Err(Failure::UnknownOption) => self.needs_scripts.store(true, Ordering::Relaxed),
                Ok(Value::BulkString(found)) if found == current => return Ok(Value::Okay),
                answer => return answer,
            }
        }
        let arguments = [current, payload, ttl];
        self.write(key, Request::Script(&REPLACE, &[key.as_str()], &arguments)).await
    }
}

#[async_trait]
impl Store for RedisStore {
    fn system(&self) -> &'static str {
        "redis"
    }

    fn record_format(&self) -> Option<Format> {
        None
    }

    fn renews_at_once(&self) -> bool {
        !self.servers.is_cluster()
    }

    async fn prepare(&self) -> Result<(), StoreError> {
        Ok(())
    }

    async fn load(
        &self,
        key: &RecordKey,
        touch: Option<Touch>,
    ) -> Result<Option<Record>, StoreError> {
        let Some(touch) = touch.filter(|touch| !self.lives.is_long(key, *touch)) else {
            return match self.read(key, command("GET", key)).await? {
                Value::Nil => Ok(None),
                Value::BulkString(payload) => Ok(Some(Record::new(payload))),
                _ => Err(STRANGE.into()),
            };
        };
        // A script costs the server more than a second command would, but can also touch, which
        // takes no second round trip then.
        let arguments = [&*millis(touch.ttl), &*millis(touch.when_below)];
        let request = Request::Script(&LOAD, &[key.as_str()], &arguments);
        let (payload, left) = match self.read(key, request).await? {
            Value::Nil => return Ok(None),
            Value::BulkString(payload) => return Ok(Some(Record::new(payload))),
            Value::Array(values) => {
                let mut values = values.into_iter();
                match (values.next(), values.next()) {
                    (Some(Value::BulkString(payload)), None) => (payload, None),
                    (Some(Value::BulkString(payload)), Some(Value::Int(left))) => {
                        (payload, Some(Duration::from_millis(left.try_into().unwrap_or(0))))
                    }
                    _ => return Err(STRANGE.into()),
                }
            }
            _ => return Err(STRANGE.into()),
        };
        self.lives.note(key, left.unwrap_or(touch.ttl));
        Ok(Some(Record::new(payload).with_touched(left.is_none())))
    }

    async fn create(
        &self,
        key: &RecordKey,
        payload: &[u8],
        ttl: Duration,
    ) -> Result<Created, StoreError> {
        check_size(payload)?;
        let mut set = cmd("SET");
        set.arg(key.as_str()).arg(payload).arg("NX").arg("PX").arg(millis(ttl));
        match self.write(key, Request::Command(set)).await? {
            Value::Okay => {
                self.lives.note(key, ttl);
                Ok(Created::Created(Revision::default()))
            }
            Value::Nil => Ok(Created::Exists),
            _ => Err(STRANGE.into()),
        }
    }

    async fn replace(
        &self,
        key: &RecordKey,
        current: &Record,
        payload: &[u8],
        ttl: Duration,
    ) -> Result<Replaced, StoreError> {
        check_size(payload)?;
        let life = millis(ttl);
        let set = self.compare_and_set(key, &current.payload, payload, &life).await;
        let answer = replaced(set?)?;
        if matches!(answer, Replaced::Replaced(_)) {
            self.lives.note(key, ttl);
        }
        Ok(answer)
    }

    async fn renew(&self, renewal: Renewal<'_>) -> Result<Replaced, StoreError> {
        let Renewal { old, current, new, payload, ttl, retired, retired_ttl } = renewal;
        if self.servers.is_cluster() {
            return Err(StoreError::Unsupported("move a record in one step in a cluster"));
        }
        check_size(payload)?;
        let arguments = [&*current.payload, payload, &*millis(ttl), retired, &*millis(retired_ttl)];
        let keys = [old.as_str(), new.as_str()];
        match self.write(old, Request::Script(&RENEW, &keys, &arguments)).await? {
            Value::Int(0) => Err(StoreError::Key("the new session id is taken")),
            answer => replaced(answer),
        }
    }

    async fn delete(&self, key: &RecordKey) -> Result<Deleted, StoreError> {
        match self.write(key, command("DEL", key)).await? {
            Value::Int(0) => Ok(Deleted::Gone),
            _ => Ok(Deleted::Deleted),
        }
    }

    async fn scan(
        &self,
        prefix: &str,
        cursor: Option<&str>,
        limit: usize,
    ) -> Result<Page, StoreError> {
        let position = cursor.map_or_else(|| Some(Position::default()), Position::parse);
        let position = position.ok_or_else(|| StoreError::refused("no cursor of this store"))?;
        Ok(scan::page(&self.servers, prefix, position, limit, self.limit()).await?)
    }

    async fn purge(&self, _: usize) -> Result<usize, StoreError> {
        Ok(0)
    }
}

fn command(name: &str, key: &RecordKey) -> Request<'static> {
    let mut command: Cmd = cmd(name);
    command.arg(key.as_str());
    Request::Command(command)
}

fn replaced(answer: Value) -> Result<Replaced, StoreError> {
    match answer {
        Value::Okay => Ok(Replaced::Replaced(Revision::default())),
        Value::BulkString(found) => Ok(Replaced::Conflict(Record::new(found))),
        Value::Nil => Ok(Replaced::Gone),
        _ => Err(STRANGE.into()),
    }
}

/// Returns the milliseconds as text: never 0, which would be no life at all.
fn millis(duration: Duration) -> Vec<u8> {
    duration.min(MAX_TTL).as_millis().max(1).to_string().into_bytes()
}

const fn check_size(payload: &[u8]) -> Result<(), StoreError> {
    if payload.len() > MAX_PAYLOAD {
        return Err(StoreError::TooLarge { size: payload.len(), limit: MAX_PAYLOAD });
    }
    Ok(())
}
