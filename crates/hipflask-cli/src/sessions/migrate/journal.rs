//! What was brought over, so that a further run knows it from what users have changed in the target.
//!
//! A line says what is about to be written, and another one that it was: a run can end between the two. It
//! holds digests and times, and neither keys nor values.

use std::{
    collections::HashMap,
    env,
    fs::{self, File, OpenOptions},
    io::{self, BufWriter, Read, Write},
    path::{Path, PathBuf},
};

use hipflask::store::{RecordKey, StoreKind};
use hipflask_core::listing::handle_of;
use sha2::{Digest as _, Sha256};

use crate::output::{Failure, say};

/// Handle, source, written, expiry, and whether it is there.
const LINE: usize = 12 + 8 + 8 + 8 + 1;

/// Which session is meant.
pub(super) type Handle = [u8; 12];

/// What is known of a session that was brought over.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Item {
    /// The digest of its record in the source.
    pub(super) source: u64,
    /// The digests of what was written, the newest first: which of them is in the target is not known
    /// after a run that was killed.
    pub(super) written: [Option<u64>; 3],
    /// When the record ends in the source, in Unix seconds.
    pub(super) expires: u64,
    /// The target has had it.
    pub(super) was_there: bool,
    /// The last pass of this run that has found it in the source, unless there was none.
    pub(super) pass: u32,
    /// This run has seen that the target has what the source has.
    pub(super) is_settled: bool,
}

/// The items, and the file that keeps them.
pub(super) struct Journal {
    items: HashMap<Handle, Item>,
    file: Option<BufWriter<File>>,
}

impl Journal {
    /// Reads the journal of a migration, and goes on with it unless this is a dry run. `names` are what the
    /// migration is known by.
    pub(super) fn open(path: Option<&Path>, names: &[&str], is_dry: bool) -> Result<Self, Failure> {
        let path = match path {
            Some(path) => path.to_owned(),
            None => match usual_path(names) {
                Some(path) => path,
                None => {
                    say(
                        "warning: there is no folder for the journal, so that a further run cannot bring \
                         over what changes: give --journal",
                    );
                    return Ok(Self { items: HashMap::new(), file: None });
                }
            },
        };
        let failure = |error: io::Error| {
            Failure::Configuration(format!("cannot use the journal {}: {error}", path.display()))
        };
        if is_dry {
            let items = match fs::read(&path) {
                Ok(bytes) => parse(&bytes),
                Err(error) if error.kind() == io::ErrorKind::NotFound => HashMap::new(),
                Err(error) => return Err(failure(error)),
            };
            return Ok(Self { items, file: None });
        }
        let (items, file) = open_file(&path).map_err(failure)?;
        Ok(Self { items, file: Some(BufWriter::new(file)) })
    }

    pub(super) fn item(&self, handle: &Handle) -> Option<Item> {
        self.items.get(handle).copied()
    }

    /// Notes that the source has a session.
    pub(super) fn see(&mut self, handle: &Handle, pass: u32) {
        if let Some(item) = self.items.get_mut(handle) {
            item.pass = pass;
        }
    }

    pub(super) fn items(&self) -> impl Iterator<Item = (&Handle, &Item)> {
        self.items.iter()
    }

    /// Notes what is about to be written.
    pub(super) fn intend(
        &mut self,
        handle: Handle,
        intended: Intended,
        pass: u32,
    ) -> io::Result<()> {
        let item = self.items.entry(handle).or_default();
        item.intend(intended);
        item.pass = pass;
        let was_there = item.was_there;
        self.write(handle, intended, was_there)
    }

    /// Notes that the target has it: what is not there later has ended, and is not brought back.
    pub(super) fn confirm(&mut self, handle: &Handle) -> io::Result<()> {
        let Some(item) = self.items.get_mut(handle).filter(|it| !it.was_there) else {
            return Ok(());
        };
        item.was_there = true;
        let Some(intended) = item.intended() else { return Ok(()) };
        self.write(*handle, intended, true)
    }

    /// Notes that the target has what the source has.
    pub(super) fn settle(&mut self, handle: &Handle) -> io::Result<()> {
        self.confirm(handle)?;
        if let Some(item) = self.items.get_mut(handle) {
            item.is_settled = true;
        }
        Ok(())
    }

    /// Takes back what was intended and was not done.
    pub(super) fn restore(
        &mut self,
        handle: Handle,
        known: Option<Item>,
        pass: u32,
    ) -> io::Result<()> {
        let now = match known {
            Some(known) => self.items.insert(handle, Item { pass, ..known }),
            None => self.items.remove(&handle),
        };
        let was_confirmed = |it: &Item| it.was_there && !known.is_some_and(|it| it.was_there);
        match now.filter(was_confirmed).and_then(|it| it.intended()) {
            Some(intended) => self.write(handle, intended, false),
            None => Ok(()),
        }
    }

    /// Forgets a session that has ended on both sides, until the journal is read again.
    pub(super) fn forget(&mut self, handle: &Handle) {
        self.items.remove(handle);
    }

    /// Hands everything to the operating system.
    pub(super) fn flush(&mut self) -> io::Result<()> {
        self.file.as_mut().map_or(Ok(()), Write::flush)
    }

    fn write(&mut self, handle: Handle, it: Intended, is_there: bool) -> io::Result<()> {
        let Some(file) = &mut self.file else { return Ok(()) };
        file.write_all(&handle)?;
        for number in [it.source, it.written, it.expires] {
            file.write_all(&number.to_be_bytes())?;
        }
        file.write_all(&[u8::from(is_there)])
    }
}

/// What is written for a session.
#[derive(Clone, Copy, Debug)]
pub(super) struct Intended {
    pub(super) source: u64,
    pub(super) written: u64,
    pub(super) expires: u64,
}

impl Item {
    fn intend(&mut self, it: Intended) {
        if self.written[0] != Some(it.written) {
            self.written = [Some(it.written), self.written[0], self.written[1]];
        }
        (self.source, self.expires, self.is_settled) = (it.source, it.expires, false);
    }

    fn intended(&self) -> Option<Intended> {
        let [Some(written), ..] = self.written else { return None };
        Some(Intended { source: self.source, written, expires: self.expires })
    }

    /// Reports whether a record in the target is one that was written here.
    pub(super) fn has_written(&self, digest: u64) -> bool {
        self.written.contains(&Some(digest))
    }
}

/// Returns which session a key is of.
pub(super) fn handle(key: &RecordKey) -> Handle {
    let hex = handle_of(key);
    std::array::from_fn(|at| u8::from_str_radix(&hex[2 * at..2 * at + 2], 16).unwrap_or_default())
}

/// Returns a digest by which records are compared.
pub(super) fn digest(payload: &[u8]) -> u64 {
    Sha256::digest(payload).first_chunk().map_or(0, |first| u64::from_be_bytes(*first))
}

fn open_file(path: &Path) -> io::Result<(HashMap<Handle, Item>, File)> {
    let mut options = OpenOptions::new();
    options.read(true).append(true).create(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(path)?;
    file.try_lock().map_err(|_| io::Error::other("another migration writes it"))?;
    let mut bytes = Vec::new();
    file.read_to_end(&mut bytes)?;
    // A run that was killed may have left a part of a line.
    file.set_len((bytes.len() - bytes.len() % LINE) as u64)?;
    Ok((parse(&bytes), file))
}

fn parse(bytes: &[u8]) -> HashMap<Handle, Item> {
    let mut items: HashMap<Handle, Item> = HashMap::new();
    for line in bytes.chunks_exact(LINE) {
        let number =
            |at: usize| line[at..].first_chunk().map_or(0, |bytes| u64::from_be_bytes(*bytes));
        let Some(handle) = line.first_chunk() else { continue };
        let item = items.entry(*handle).or_default();
        item.intend(Intended { source: number(12), written: number(20), expires: number(28) });
        item.was_there = line[LINE - 1] == 1;
    }
    items
}

/// Returns where the journal lies if nobody says otherwise.
fn usual_path(names: &[&str]) -> Option<PathBuf> {
    let set = |name| env::var_os(name).filter(|it| !it.is_empty()).map(PathBuf::from);
    let folder = set("XDG_STATE_HOME").or_else(|| Some(set("HOME")?.join(".local/state")))?;
    let folder = folder.join("hipflask");
    fs::create_dir_all(&folder).ok()?;
    // A password that changes makes no other migration.
    let names = names.iter().map(|it| StoreKind::shown(it).unwrap_or_else(|| (*it).to_owned()));
    let digest = digest(names.collect::<Vec<_>>().join("\0").as_bytes());
    Some(folder.join(format!("migrate-{digest:016x}.journal")))
}

#[cfg(test)]
mod tests {
    use super::*;

    const IT: Intended = Intended { source: 1, written: 2, expires: 3 };

    #[test]
    fn journal_is_read_as_it_was_written() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("journal");
        let open = || Journal::open(Some(&path), &[], false).unwrap();
        let (one, other) =
            (handle(&RecordKey::new("session:S")), handle(&RecordKey::new("session:T")));
        let mut journal = open();
        journal.intend(one, IT, 1).unwrap();
        journal.settle(&one).unwrap();
        journal.intend(one, Intended { written: 4, ..IT }, 1).unwrap();
        journal.intend(other, IT, 1).unwrap();
        journal.flush().unwrap();
        assert!(Journal::open(Some(&path), &[], false).is_err(), "it is locked");
        drop(journal);
        OpenOptions::new().append(true).open(&path).unwrap().write_all(b"torn").unwrap();
        let journal = open();
        let item = journal.item(&one).unwrap();
        assert_eq!((item.source, item.written, item.expires), (1, [Some(4), Some(2), None], 3));
        assert!(item.was_there && !item.is_settled);
        assert!(!journal.item(&other).unwrap().was_there);
        drop(journal);
        let mut journal = open();
        journal.confirm(&other).unwrap();
        drop(journal);
        let mut journal = open();
        assert!(journal.item(&other).unwrap().was_there);
        journal.restore(other, None, 1).unwrap();
        drop(journal);
        assert!(!open().item(&other).unwrap().was_there);
        assert_eq!(fs::metadata(&path).unwrap().len() % LINE as u64, 0);
        let bytes = fs::read(&path).unwrap();
        assert!(!bytes.windows(7).any(|it| it == b"session"), "no key is in it");
    }
}
