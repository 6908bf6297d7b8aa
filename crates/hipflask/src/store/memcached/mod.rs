//! Sessions in Memcached, where Flask-Session keeps them with pymemcache: the same keys, flags,
//! expiry and, with several servers, the same server for a key.
//!
//! The client is our own: four commands of the meta protocol, in [`connection`]. Of the published
//! asynchronous ones, `mcmc-rs` panics on answers that it does not expect, and `async-memcached` is
//! one connection without pool, timeout or IPv6; what they would save is less than what they lack.
//!
//! Every write is a compare-and-swap by the server's own version number, which changes with every
//! write. Reading a record whose life is to be extended costs a second round trip: `mg … T` would
//! do it in one, but always, and would also keep alive what is retired.

mod connection;
mod pool;
mod ring;
mod server;

use std::{
    fmt,
    sync::Arc,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use hipflask_core::record::Format;

use self::{
    connection::{Command, Item, Reply},
    pool::Pool,
};
use super::{
    ConnectError, Created, Deleted, Page, Record, RecordKey, Replaced, Revision, Store, StoreError,
    Touch, async_trait,
};

/// The client flag that pymemcache and python-memcached set for text; they set none for bytes.
const TEXT: u32 = 16;

/// From here on, the server takes an expiry for a point in time.
const MAX_RELATIVE: u64 = 30 * 24 * 60 * 60;

/// How often a record whose bytes are as expected may change its version under a write.
const MAX_ATTEMPTS: u32 = 8;

/// Keeps sessions in Memcached 1.6 or newer, as Flask-Session does with pymemcache.
///
/// With several servers, each key is on the one that pymemcache's `HashClient` chooses; the servers
/// must be named with the same words. Other clients of Python distribute keys in other ways, and
/// with those only a single server can be shared.
///
/// Memcached forgets: records are gone when it restarts, or when it needs the memory. Lifetimes
/// count in its seconds and end up to one second early. A record may have 1,048,267 bytes unless
/// the server was started with another size of items.
///
/// ```no_run
/// use hipflask::store::MemcachedStore;
///
/// # async fn connect() -> Result<(), hipflask::store::ConnectError> {
/// let store = MemcachedStore::connect("memcached://cache-a,cache-b:11211?timeout=1").await?;
/// # Ok(())
/// # }
/// ```
///
/// An option that is misspelt is not passed over:
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() {
/// use hipflask::store::{ConnectError, MemcachedStore};
///
/// let result = MemcachedStore::connect("memcached://cache-a,cache-b?tiemout=1").await;
/// assert!(matches!(result, Err(ConnectError::Option { name }) if name == "tiemout"));
/// # }
/// ```
#[derive(Clone)]
pub struct MemcachedStore {
    pools: Arc<[Pool]>,
}

impl MemcachedStore {
    /// Connects to the servers of an address: `memcached://HOST[:PORT][,HOST[:PORT]…]`.
    ///
    /// Options, in pymemcache's words: `timeout` and `connect_timeout` in seconds (3), and
    /// `max_pool_size` (16) for each server.
    ///
    /// # Errors
    ///
    /// [`ConnectError`] when the address is wrong, none of the servers answers, or the one that
    /// does cannot be used.
    pub async fn connect(address: &str) -> Result<Self, ConnectError> {
        let (servers, options) = server::read(address)?;
        let pools: Arc<[_]> =
            servers.into_iter().map(|server| Pool::new(server, &options)).collect();
        let mut result = Ok(());
        for pool in pools.iter() {
            result = pool.check().await.map_err(StoreError::from);
            // One server that is down must not keep an application from starting.
            if !result.as_ref().is_err_and(StoreError::is_transient) {
                break;
            }
        }
        result?;
        Ok(Self { pools })
    }

    async fn call(&self, key: &RecordKey, command: Command<'_>) -> Result<Reply, StoreError> {
        let key = key.as_str();
        if !(1..=250).contains(&key.len()) || !key.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(StoreError::Key("memcached takes 1 to 250 printable ASCII characters"));
        }
        // DIFFERENCE: pymemcache gives the keys of a dead server to the others after a while, and
        // back again later, which shows old sessions. Here they fail until it is back.
        let position = ring::choose(self.pools.iter().map(Pool::name), key);
        let Some(pool) = self.pools.get(position) else {
            return Err(StoreError::refused("no server"));
        };
        Ok(pool.call(key, command).await?)
    }

    async fn get(&self, key: &RecordKey) -> Result<Option<Found>, StoreError> {
        match self.call(key, Command::Get).await? {
            Reply::Value(item) => Ok(Some(Found::new(item))),
            _ => Ok(None),
        }
    }

    /// Writes in the place of the version that was found.
    async fn swap(
        &self,
        key: &RecordKey,
        cas: u64,
        flags: u32,
        value: &[u8],
        ttl: Duration,
    ) -> Result<Swapped, StoreError> {
        let command = Command::Swap { value, flags, expires: expiry(ttl), cas };
        Ok(match self.call(key, command).await? {
            Reply::Done(cas) => Swapped::Done(Revision::from(cas)),
            Reply::Missing => Swapped::Gone,
            Reply::Exists | Reply::Value(_) => Swapped::Changed,
        })
    }
}

#[async_trait]
impl Store for MemcachedStore {
    fn system(&self) -> &'static str {
        "memcached"
    }

    fn record_format(&self) -> Option<Format> {
        None
    }

    async fn prepare(&self) -> Result<(), StoreError> {
        Ok(())
    }

    async fn load(
        &self,
        key: &RecordKey,
        touch: Option<Touch>,
    ) -> Result<Option<Record>, StoreError> {
        let Some(found) = self.get(key).await? else { return Ok(None) };
        let touch = touch.filter(|touch| found.is_touched_by(touch));
        let Found { mut record, cas, flags, .. } = found;
        if let Some(touch) = touch {
            match self.swap(key, cas, flags, &record.payload, touch.ttl).await {
                Ok(Swapped::Done(revision)) => {
                    record = record.with_revision(revision).with_touched(true);
                }
                Ok(Swapped::Gone) => return Ok(None),
                // Whoever has just written it has also extended its life; and after an error, what
                // was read is good, and the next request tries again.
                Ok(Swapped::Changed) | Err(_) => {}
            }
        }
        Ok(Some(record))
    }

    async fn create(
        &self,
        key: &RecordKey,
        payload: &[u8],
        ttl: Duration,
    ) -> Result<Created, StoreError> {
        let command = Command::Add { value: payload, expires: expiry(ttl) };
        Ok(match self.call(key, command).await? {
            Reply::Done(cas) => Created::Created(Revision::from(cas)),
            _ => Created::Exists,
        })
    }

    async fn replace(
        &self,
        key: &RecordKey,
        current: &Record,
        payload: &[u8],
        ttl: Duration,
    ) -> Result<Replaced, StoreError> {
        let mut expected = current.revision.number();
        for _ in 0..MAX_ATTEMPTS {
            if let Some(cas) = expected {
                match self.swap(key, cas, 0, payload, ttl).await? {
                    Swapped::Done(revision) => return Ok(Replaced::Replaced(revision)),
                    Swapped::Gone => return Ok(Replaced::Gone),
                    Swapped::Changed => {}
                }
            }
            // A touch changes the version and not the bytes, and is no conflict.
            match self.get(key).await? {
                Some(found) if found.record.payload == current.payload => {
                    expected = Some(found.cas);
                }
                Some(found) => return Ok(Replaced::Conflict(found.record)),
                None => return Ok(Replaced::Gone),
            }
        }
        Err(StoreError::unavailable("other requests kept touching the session"))
    }

    async fn delete(&self, key: &RecordKey) -> Result<Deleted, StoreError> {
        Ok(match self.call(key, Command::Delete).await? {
            Reply::Done(_) => Deleted::Deleted,
            _ => Deleted::Gone,
        })
    }

    async fn scan(&self, _: &str, _: Option<&str>, _: usize) -> Result<Page, StoreError> {
        Err(StoreError::Unsupported("list its sessions: Memcached does not tell all of its keys"))
    }

    async fn purge(&self, _: usize) -> Result<usize, StoreError> {
        Ok(0)
    }
}

impl fmt::Debug for MemcachedStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names = self.pools.iter().map(Pool::name).collect::<Vec<_>>();
        f.debug_struct("MemcachedStore").field("servers", &names).finish_non_exhaustive()
    }
}

/// A record as it is on the server.
struct Found {
    record: Record,
    cas: u64,
    flags: u32,
    expires_in: Option<Duration>,
}

impl Found {
    fn new(Item { value, flags, cas, expires_in }: Item) -> Self {
        let record = if has_bytes(flags) {
            Record::new(value)
        } else {
            tracing::warn!(
                target: "hipflask",
                "a record's flags in memcached say that the client that wrote it has compressed or \
                 pickled it: turn that off there"
            );
            Record::unreadable()
        };
        let record = record.with_revision(Revision::from(cas));
        Self { record, cas, flags, expires_in: expires_in.map(Duration::from_secs) }
    }

    /// A record without an end is due, too, and one of which only a part is known must stay.
    fn is_touched_by(&self, touch: &Touch) -> bool {
        has_bytes(self.flags)
            && !self.record.is_retired()
            && self.expires_in.is_none_or(|left| touch.is_due(left))
    }
}

/// Reports whether a value is what was given to the client that wrote it.
const fn has_bytes(flags: u32) -> bool {
    matches!(flags, 0 | TEXT)
}

/// What became of a write that expects a version.
enum Swapped {
    Changed,
    Done(Revision),
    Gone,
}

/// Returns the expiry as Flask-Session writes it: seconds, or a Unix time when it is far away.
fn expiry(ttl: Duration) -> u64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    expiry_at(ttl, now)
}

fn expiry_at(ttl: Duration, now: Duration) -> u64 {
    let seconds = ttl.as_secs().saturating_add(u64::from(ttl.subsec_nanos() > 0));
    match seconds {
        // Zero would be for ever.
        0 => 1,
        1..=MAX_RELATIVE => seconds,
        // The server counts in 31 bits, and what is beyond them would have expired already.
        _ => now.as_secs().saturating_add(seconds).min(i32::MAX.unsigned_abs().into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn expiry_is_what_flask_session_0_8_sends() {
        let now = Duration::from_millis(1_763_692_800_750);
        for (ttl, expected) in [
            (2_678_400, 1_766_371_200),
            (2_592_001, 1_766_284_801),
            (2_592_000, 2_592_000),
            (3600, 3600),
            (1, 1),
        ] {
            assert_eq!(expiry_at(Duration::from_secs(ttl), now), expected, "{ttl}");
        }
    }

    #[test]
    fn expiry_is_never_for_ever_and_never_past() {
        let now = Duration::from_secs(1_763_692_800);
        assert_eq!(expiry_at(Duration::from_millis(1), now), 1);
        assert_eq!(expiry_at(Duration::from_millis(1500), now), 2);
        assert_eq!(expiry_at(Duration::MAX, now), 2_147_483_647);
    }
}
