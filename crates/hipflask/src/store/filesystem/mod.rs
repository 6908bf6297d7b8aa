//! Sessions in files, as cachelib's `FileSystemCache` lays them out: Flask-Session's `filesystem`.
//!
//! A store as any other. [`folder`] has the records, [`name`] their names, [`lock`] keeps writers
//! apart, [`count`] keeps cachelib's own book; this file takes them off the runtime's threads.

mod count;
mod folder;
mod lock;
mod name;
mod pending;

use std::{
    fmt,
    path::PathBuf,
    sync::Arc,
    time::{Duration, SystemTime},
};

use hipflask_core::record::Format;

use self::{folder::Folder, name::Name};
use super::{
    ConnectError, Created, Deleted, Page, Record, RecordKey, Replaced, Store, StoreError, Touch,
    address, async_trait,
};

/// Keeps each session in a file of a folder, beside those of Flask-Session, or for one machine that
/// needs no server.
///
/// Records are pickles, as cachelib writes them, under names that cachelib from 0.16 on finds; those
/// of older versions are read and get their new name at the next write. A record is replaced as a
/// whole, so a process can be killed at any moment. Nothing is forced onto the disk: as with
/// cachelib, the last changes may be lost when the power fails.
///
/// Processes with Hipflask lose no change to each other: the system locks the record, and lets go of
/// it when a process dies. Flask knows no lock, so a change made in the very moment in which Flask
/// writes the same session can be lost, as between two workers of Flask. All must be on one machine.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use std::time::Duration;
/// use hipflask::store::{FileStore, RecordKey, Store};
///
/// # let folder = std::env::temp_dir().join(format!("hipflask-doc-{}", std::process::id()));
/// let (store, key) = (FileStore::new(&folder)?, RecordKey::new("session:S"));
/// store.create(&key, b"\x80\x05}\x94.", Duration::from_secs(60)).await?;
/// assert!(store.load(&key, None).await?.is_some());
/// # std::fs::remove_dir_all(folder)?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct FileStore {
    folder: Arc<Folder>,
}

impl FileStore {
    /// Opens a folder, and makes it if there is none. Its files are for the own user only.
    ///
    /// # Errors
    ///
    /// [`ConnectError::Refused`] when the folder cannot be made or written to.
    pub fn new(folder: impl Into<PathBuf>) -> Result<Self, ConnectError> {
        Self::with_mode(folder, 0o600)
    }

    /// Opens a folder whose files have the permissions `mode`: `0o600`, or `0o660` for a group.
    ///
    /// # Errors
    ///
    /// [`ConnectError::Option`] for other permissions, else as [`new`](Self::new).
    pub fn with_mode(folder: impl Into<PathBuf>, mode: u32) -> Result<Self, ConnectError> {
        if !matches!(mode, 0o600 | 0o640 | 0o660) {
            return Err(address::unknown_option("mode"));
        }
        let folder = Folder::open(folder.into(), mode).map_err(ConnectError::refused)?;
        Ok(Self { folder: Arc::new(folder) })
    }

    /// Opens the folder of an address: `file:DIR`, or `file:DIR?mode=660`.
    ///
    /// # Errors
    ///
    /// [`ConnectError`] when it is no such address, or the folder cannot be made or written to.
    #[expect(clippy::unused_async, reason = "other stores connect over the network")]
    pub async fn connect(address: &str) -> Result<Self, ConnectError> {
        let expected = ConnectError::Address { expected: "file:DIR or file:DIR?mode=660" };
        let (path, options) = address::split_options(address)?;
        let folder = path.strip_prefix("file:").filter(|folder| !folder.is_empty());
        let (modes, unknown) =
            options.into_iter().partition::<Vec<_>, _>(|(name, _)| name == "mode");
        address::refuse_options(unknown)?;
        let mode = modes.last().map_or(Ok(0o600), |(_, digits)| u32::from_str_radix(digits, 8));
        let mode = mode.map_err(|_| address::unknown_option("mode"))?;
        Self::with_mode(folder.ok_or(expected)?, mode)
    }

    /// Takes the time from `clock`, as the time since 1970, instead of from the system. For tests.
    #[must_use]
    pub fn with_clock(self, clock: impl Fn() -> Duration + Send + Sync + 'static) -> Self {
        Self { folder: Arc::new(self.folder.with_clock(Arc::new(clock))) }
    }

    /// Does work with the folder on a thread that may wait.
    async fn with_folder<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Folder) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let folder = Arc::clone(&self.folder);
        let done = tokio::task::spawn_blocking(move || work(&folder)).await;
        done.map_err(StoreError::unavailable)?
    }
}

impl fmt::Debug for FileStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FileStore").finish_non_exhaustive()
    }
}

#[async_trait]
impl Store for FileStore {
    fn system(&self) -> &'static str {
        "filesystem"
    }

    fn record_format(&self) -> Option<Format> {
        Some(Format::Pickle)
    }

    async fn prepare(&self) -> Result<(), StoreError> {
        Ok(())
    }

    async fn load(
        &self,
        key: &RecordKey,
        touch: Option<Touch>,
    ) -> Result<Option<Record>, StoreError> {
        let name = Name::of(key);
        self.with_folder(move |folder| folder.load(&name, touch)).await
    }

    async fn create(
        &self,
        key: &RecordKey,
        payload: &[u8],
        ttl: Duration,
    ) -> Result<Created, StoreError> {
        let (name, payload) = (Name::of(key), payload.to_vec());
        self.with_folder(move |folder| folder.create(&name, &payload, ttl)).await
    }

    async fn replace(
        &self,
        key: &RecordKey,
        current: &Record,
        payload: &[u8],
        ttl: Duration,
    ) -> Result<Replaced, StoreError> {
        let (name, payload, current) = (Name::of(key), payload.to_vec(), current.payload.clone());
        self.with_folder(move |folder| folder.replace(&name, &current, &payload, ttl)).await
    }

    async fn delete(&self, key: &RecordKey) -> Result<Deleted, StoreError> {
        let name = Name::of(key);
        self.with_folder(move |folder| folder.delete(&name)).await
    }

    async fn scan(&self, _: &str, _: Option<&str>, _: usize) -> Result<Page, StoreError> {
        Err(StoreError::Unsupported("list its sessions: the names of its files are hashes"))
    }

    async fn purge(&self, limit: usize) -> Result<usize, StoreError> {
        self.with_folder(move |folder| folder.purge(limit)).await
    }
}

type Clock = Arc<dyn Fn() -> Duration + Send + Sync>;

fn since_1970() -> Duration {
    SystemTime::UNIX_EPOCH.elapsed().unwrap_or_default()
}
