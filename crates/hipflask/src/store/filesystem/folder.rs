//! The records of a folder: four bytes that say when a record expires, and its payload.
//!
//! Knows files and time, and waits for both. Every write happens under the lock of its record, and
//! every new content is a new file under the old name, so that readers need no lock.

use std::{
    fs::{self, File},
    io::{self, ErrorKind, Read, Seek, Write},
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, SystemTime},
};

use super::{
    Clock, count,
    lock::lock,
    name::{self, Name, OURS},
    pending::{self, Pending},
    since_1970,
};
use crate::store::{Created, Deleted, Record, Replaced, Revision, StoreError, Touch};

/// The longest payload. What is larger was hardly meant to be a session.
const LIMIT: usize = 1 << 24;

/// How old a file must be that nobody has finished writing.
const ABANDONED: Duration = Duration::from_secs(60 * 60);

pub(super) struct Folder {
    path: PathBuf,
    /// A folder that cachelib leaves alone, for the system's locks on files need files.
    locks: PathBuf,
    mode: u32,
    clock: Clock,
    /// How far the folder was read for what has expired, so that a batch does not begin at the start.
    purging: Mutex<Option<fs::ReadDir>>,
}

impl Folder {
    pub(super) fn open(path: PathBuf, mode: u32) -> io::Result<Self> {
        let locks = path.join(format!("hipflask{OURS}"));
        let folder =
            Self { path, locks, mode, clock: Arc::new(since_1970), purging: Mutex::default() };
        folder.make().map(|()| folder)
    }

    fn make(&self) -> io::Result<()> {
        pending::make_folder(&self.path, self.mode)?;
        pending::make_folder(&self.locks, self.mode)
    }

    pub(super) fn with_clock(&self, clock: Clock) -> Self {
        Self {
            path: self.path.clone(),
            locks: self.locks.clone(),
            mode: self.mode,
            clock,
            purging: Mutex::default(),
        }
    }

    pub(super) fn load(
        &self,
        name: &Name,
        touch: Option<Touch>,
    ) -> Result<Option<Record>, StoreError> {
        let Some(found) = self.read(name)? else { return Ok(None) };
        let Some(touch) = touch.filter(|touch| found.is_touched_by(touch)) else {
            return Ok(Some(found.record));
        };
        let touched = self.touch_if(name, touch.ttl, |found| found.is_touched_by(&touch));
        // Where nothing can be written, what was read is good.
        Ok(touched.unwrap_or(Some(found.record)))
    }

    pub(super) fn create(
        &self,
        name: &Name,
        payload: &[u8],
        ttl: Duration,
    ) -> Result<Created, StoreError> {
        let pending = self.pend(payload, ttl)?;
        let _lock = self.lock(name)?;
        if self.read(name)?.is_some() {
            return Ok(Created::Exists);
        }
        let path = self.path.join(&name.file);
        let is_counted = path.exists();
        pending.become_file(&path).map_err(failure)?;
        self.count(i32::from(!is_counted));
        Ok(Created::Created(Revision::default()))
    }

    pub(super) fn replace(
        &self,
        name: &Name,
        current: &[u8],
        payload: &[u8],
        ttl: Duration,
    ) -> Result<Replaced, StoreError> {
        let pending = self.pend(payload, ttl)?;
        let _lock = self.lock(name)?;
        match self.read(name)? {
            None => return Ok(Replaced::Gone),
            Some(found) if found.record.payload == current => {}
            Some(found) => return Ok(Replaced::Conflict(found.record)),
        }
        pending.become_file(&self.path.join(&name.file)).map_err(failure)?;
        Ok(Replaced::Replaced(Revision::default()))
    }

    pub(super) fn delete(&self, name: &Name) -> Result<Deleted, StoreError> {
        let _lock = self.lock(name)?;
        let found = self.read(name)?;
        self.discard(&self.path.join(&name.file))?;
        Ok(found.map_or(Deleted::Gone, |_| Deleted::Deleted))
    }

    pub(super) fn purge(&self, limit: usize) -> Result<usize, StoreError> {
        let mut purging = self.purging.lock().unwrap_or_else(PoisonError::into_inner);
        let goes_on = purging.is_some();
        let mut purged = 0;
        let mut outcome = self.purge_on(&mut purging, limit, &mut purged);
        // What was passed may have expired since.
        if goes_on && purged == 0 && outcome.is_ok() {
            outcome = self.purge_on(&mut purging, limit, &mut purged);
        }
        self.count(-i32::try_from(purged).unwrap_or(i32::MAX));
        outcome.map(|()| purged)
    }

    /// Goes through the folder from where it was left, to its end or until there are enough.
    fn purge_on(
        &self,
        purging: &mut Option<fs::ReadDir>,
        limit: usize,
        purged: &mut usize,
    ) -> Result<(), StoreError> {
        let mut entries = match purging.take() {
            Some(entries) => entries,
            None => fs::read_dir(&self.path).map_err(failure)?,
        };
        while *purged < limit {
            let Some(entry) = entries.next() else { return Ok(()) };
            let entry = entry.map_err(failure)?;
            let Ok(file) = entry.file_name().into_string() else { continue };
            if name::is_record(&file) {
                *purged += usize::from(self.purge_record(&file)?);
            } else if file.ends_with(OURS) && is_abandoned(&entry) {
                let _ = fs::remove_file(entry.path());
            }
        }
        *purging = Some(entries);
        Ok(())
    }

    /// Removes a record if it has expired, which is certain only under its lock.
    fn purge_record(&self, file: &str) -> Result<bool, StoreError> {
        let path = self.path.join(file);
        if !self.has_expired(&path)? {
            return Ok(false);
        }
        let _lock = self.lock_file(file)?;
        Ok(self.has_expired(&path)? && remove(&path)?)
    }

    fn has_expired(&self, path: &Path) -> Result<bool, StoreError> {
        let mut header = [0; 4];
        let Some(mut file) = open(path, false)? else { return Ok(false) };
        let is_whole = file.read_exact(&mut header).is_ok();
        Ok(is_whole && self.has_ended(u32::from_le_bytes(header)))
    }

    /// Extends a record's life under its lock, in its place: so it brings back nothing that
    /// somebody without a lock, such as Flask, removes meanwhile.
    fn touch_if(
        &self,
        name: &Name,
        ttl: Duration,
        is_due: impl FnOnce(&Found) -> bool,
    ) -> Result<Option<Record>, StoreError> {
        let _lock = self.lock(name)?;
        let Some(mut found) = self.read_from(&name.file, true)? else { return Ok(None) };
        if is_due(&found) {
            let expiry = self.expiry(ttl).to_le_bytes();
            found.file.rewind().and_then(|()| found.file.write_all(&expiry)).map_err(failure)?;
            found.record.touched = true;
        }
        Ok(Some(found.record))
    }

    /// Reads what is live.
    fn read(&self, name: &Name) -> Result<Option<Found>, StoreError> {
        if let Some(found) = self.read_from(&name.file, false)? {
            return Ok(Some(found));
        }
        self.read_from(&name.old_file, false)
    }

    fn read_from(&self, file: &str, to_write: bool) -> Result<Option<Found>, StoreError> {
        let Some(mut file) = open(&self.path.join(file), to_write)? else { return Ok(None) };
        let mut content = Vec::new();
        let limit = LIMIT as u64 + 4;
        let read = Read::by_ref(&mut file).take(limit + 1).read_to_end(&mut content);
        match read {
            Err(error) if error.kind() == ErrorKind::IsADirectory => {
                return Ok(Some(Found::unreadable(file)));
            }
            result => result.map_err(failure)?,
        };
        if content.len() as u64 > limit {
            return Ok(Some(Found::unreadable(file)));
        }
        // What is too short to be a record is none, as for cachelib.
        let Some((header, payload)) = content.split_first_chunk() else { return Ok(None) };
        let expiry = u32::from_le_bytes(*header);
        if self.has_ended(expiry) {
            return Ok(None);
        }
        let end = (expiry > 0).then(|| Duration::from_secs(expiry.into()));
        let left = end.map(|end| end.saturating_sub((self.clock)()));
        Ok(Some(Found { file, record: Record::new(payload), left }))
    }

    /// Writes what will be a record.
    fn pend(&self, payload: &[u8], ttl: Duration) -> Result<Pending, StoreError> {
        check_size(payload.len())?;
        let content = [&self.expiry(ttl).to_le_bytes(), payload].concat();
        self.in_folder(|| Pending::write(&self.path, self.mode, &content))
    }

    /// Locks a record, and gives it its present name.
    fn lock(&self, name: &Name) -> Result<File, StoreError> {
        let lock = self.lock_file(&name.file)?;
        let (file, old_file) = (self.path.join(&name.file), self.path.join(&name.old_file));
        let moved = if file.exists() {
            self.discard(&old_file)
        } else {
            match fs::rename(old_file, file) {
                Err(error) if error.kind() != ErrorKind::NotFound => Err(failure(error)),
                _ => Ok(()),
            }
        };
        moved.map(|()| lock)
    }

    fn discard(&self, path: &Path) -> Result<(), StoreError> {
        let is_removed = remove(path)?;
        self.count(-i32::from(is_removed));
        Ok(())
    }

    /// Takes one of 256 locks, by the first digits of a file's name.
    fn lock_file(&self, file: &str) -> Result<File, StoreError> {
        let path = self.locks.join(file.get(..2).unwrap_or_default());
        self.in_folder(|| pending::open_to_lock(&path, self.mode).and_then(lock))
    }

    /// Does something, and again with new folders if somebody has removed them.
    fn in_folder<T>(&self, work: impl Fn() -> io::Result<T>) -> Result<T, StoreError> {
        match work() {
            Err(error) if error.kind() == ErrorKind::NotFound => {
                self.make().and_then(|()| work()).map_err(failure)
            }
            result => result.map_err(failure),
        }
    }

    /// Adds to cachelib's number of files, where it keeps one. When that fails the number is right
    /// again after cachelib's next start.
    fn count(&self, delta: i32) {
        let path = self.path.join(Name::count().file);
        if delta == 0 || !path.exists() {
            return;
        }
        let Ok(_lock) = self.lock_file("count") else { return };
        let Ok(content) = fs::read(&path) else { return };
        let Some(content) = count::add(&content, delta) else { return };
        let _ = Pending::write(&self.path, self.mode, &content)
            .and_then(|pending| pending.become_file(&path));
    }

    /// Returns when a record expires, in whole seconds as cachelib counts them.
    fn expiry(&self, ttl: Duration) -> u32 {
        let seconds = ttl.as_secs() + u64::from(ttl.subsec_nanos() > 0);
        u32::try_from((self.clock)().as_secs().saturating_add(seconds)).unwrap_or(u32::MAX)
    }

    fn has_ended(&self, expiry: u32) -> bool {
        expiry > 0 && Duration::from_secs(expiry.into()) < (self.clock)()
    }
}

/// A record that was read.
struct Found {
    file: File,
    record: Record,
    /// How long it still lives; `None` if nothing says when it ends.
    left: Option<Duration>,
}

impl Found {
    /// Returns what is no session's, and is left as it is.
    fn unreadable(file: File) -> Self {
        Self { file, record: Record::unreadable(), left: Some(Duration::MAX) }
    }

    fn is_touched_by(&self, touch: &Touch) -> bool {
        !self.record.is_retired() && self.left.is_none_or(|left| touch.is_due(left))
    }
}

fn open(path: &Path, to_write: bool) -> Result<Option<File>, StoreError> {
    match File::options().read(true).write(to_write).open(path) {
        Ok(file) => Ok(Some(file)),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(failure(error)),
    }
}

/// Removes a file, and reports whether there was one. A folder in its place is moved aside: who knows what is in
/// it.
fn remove(path: &Path) -> Result<bool, StoreError> {
    let removed = match path.is_dir() {
        true => fs::rename(path, path.with_extension(format!("folder{OURS}"))),
        false => fs::remove_file(path),
    };
    match removed {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(false),
        Err(error) => Err(failure(error)),
    }
}

fn check_size(size: usize) -> Result<(), StoreError> {
    if size > LIMIT { Err(StoreError::TooLarge { size, limit: LIMIT }) } else { Ok(()) }
}

fn is_abandoned(entry: &fs::DirEntry) -> bool {
    let Ok(metadata) = entry.metadata() else { return false };
    let age = metadata.modified().map(|time| SystemTime::now().duration_since(time));
    metadata.is_file() && matches!(age, Ok(Ok(age)) if age > ABANDONED)
}

/// Sorts the system's errors, whose texts name no file, by whether asking again may help.
fn failure(error: io::Error) -> StoreError {
    match error.kind() {
        ErrorKind::PermissionDenied
        | ErrorKind::ReadOnlyFilesystem
        | ErrorKind::NotADirectory
        | ErrorKind::IsADirectory
        | ErrorKind::Unsupported => StoreError::refused(error),
        _ => StoreError::unavailable(error),
    }
}
