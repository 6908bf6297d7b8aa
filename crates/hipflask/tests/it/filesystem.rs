//! The file store: cachelib's layout, and what other processes do in the same folder.

mod processes;

use std::{
    fs::{self, File},
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, SystemTime},
};

use hipflask::store::{
    ConnectError, Created, Deleted, FileStore, Record, RecordKey, Replaced, Store, StoreError,
    Touch, connect,
};
use serde_json::Value;
use tempfile::TempDir;

const MINUTE: Duration = Duration::from_secs(60);
const TOUCH: Touch = Touch { ttl: MINUTE, when_below: Duration::MAX };

/// SHA-256 and MD5 of `session:S`, and the name of the file that counts.
const NEW: &str = "629b47821d09f0b5058620937e9cc7620bec639dc702e9eb78a7e3e9a76d12ec";
const OLD: &str = "786ee0e1238312256ba2ad56f4b7e9e3";
const COUNT: &str = "79bc207ee04a581ab2348ca1f3494e64cd0ec36128735b8c6bc85ddd8fe1938c";

fn rows(kind: &str) -> impl Iterator<Item = Value> {
    let rows = include_str!("../vectors/cachelib_files.jsonl").lines();
    let rows = rows.map(|row| serde_json::from_str::<Value>(row).unwrap());
    rows.filter(move |row| row["kind"] == kind)
}

fn bytes(hex: &Value) -> Vec<u8> {
    let hex = hex.as_str().unwrap().as_bytes();
    let digits = |pair| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap();
    hex.chunks(2).map(digits).collect()
}

fn time(seconds: &Value) -> Duration {
    Duration::from_secs_f64(seconds.as_f64().unwrap())
}

#[tokio::test]
async fn files_are_those_of_cachelib() {
    let mut rows_seen = 0;
    for row in rows("cachelib_file") {
        let folder = tempfile::tempdir().unwrap();
        let now = time(&row["now"]);
        let store = FileStore::new(folder.path()).unwrap().with_clock(move || now);
        let key = RecordKey::new(row["key"].as_str().unwrap());
        let path = folder.path().join(row["file"].as_str().unwrap());
        let payload = bytes(&row["pickle_hex"]);
        let content = [bytes(&row["header_hex"]), payload.clone()].concat();
        if row["timeout"] == 0 {
            // A session of Hipflask always ends, but one of Flask may not.
            fs::write(&path, &content).unwrap();
        } else {
            store.create(&key, &payload, time(&row["timeout"])).await.unwrap();
            assert_eq!(fs::read(&path).unwrap(), content, "{row}");
            assert_private(&path);
        }
        assert_eq!(store.load(&key, None).await.unwrap(), Some(Record::new(payload)), "{row}");
        rows_seen += 1;
    }
    assert_eq!(rows_seen, 18);
}

#[cfg(unix)]
fn assert_private(path: &Path) {
    use std::os::unix::fs::PermissionsExt;
    assert_eq!(fs::metadata(path).unwrap().permissions().mode() & 0o777, 0o600);
}

#[cfg(not(unix))]
fn assert_private(_: &Path) {}

#[tokio::test]
async fn files_expire_as_for_cachelib() {
    let mut rows_seen = 0;
    for row in rows("cachelib_expiry") {
        let folder = tempfile::tempdir().unwrap();
        let now = Arc::new(AtomicU64::new(0));
        let clock = Arc::clone(&now);
        let clock = move || Duration::from_millis(clock.load(Ordering::Relaxed));
        let set = |time: Duration| now.store(time.as_millis() as u64, Ordering::Relaxed);
        let store = FileStore::new(folder.path()).unwrap().with_clock(clock);
        let key = RecordKey::new("session:S");
        set(time(&row["set_at"]));
        store.create(&key, b"N.", time(&row["timeout"])).await.unwrap();
        set(time(&row["read_at"]));
        assert_eq!(store.load(&key, None).await.unwrap().is_some(), row["found"] == true, "{row}");
        rows_seen += 1;
    }
    assert_eq!(rows_seen, 6);
}

/// A folder with a store, and a key.
struct Site {
    folder: TempDir,
    store: FileStore,
    key: RecordKey,
}

impl Site {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let store = FileStore::new(folder.path()).unwrap();
        Self { folder, store, key: RecordKey::new("session:S") }
    }

    fn file(&self, name: &str) -> std::path::PathBuf {
        self.folder.path().join(name)
    }

    /// Returns the names of all records.
    fn records(&self) -> Vec<String> {
        let entries = fs::read_dir(self.folder.path()).unwrap();
        let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
        let mut names: Vec<_> = names.filter(|name| !name.ends_with(".__wz_cache")).collect();
        names.sort();
        names
    }

    async fn create(&self, name: &str) -> Created {
        let key = RecordKey::new(name);
        self.store.create(&key, name.as_bytes(), MINUTE).await.unwrap()
    }

    async fn payload(&self) -> Option<Vec<u8>> {
        self.store.load(&self.key, None).await.unwrap().map(|record| record.payload)
    }
}

#[tokio::test]
async fn old_names_are_read_and_moved_by_the_next_write() {
    for write in ["create", "replace", "touch", "delete"] {
        let site = Site::new();
        let old = site.file(OLD);
        fs::write(&old, b"\0\0\0\0old").unwrap();
        assert_eq!(site.payload().await.as_deref(), Some(&b"old"[..]));
        assert_eq!(site.records(), [OLD], "reading moves nothing");
        let (store, key) = (&site.store, &site.key);
        match write {
            "create" => assert_eq!(site.create("session:S").await, Created::Exists),
            "replace" => {
                let current = Record::new(b"old");
                let found = store.replace(key, &current, b"old", MINUTE).await.unwrap();
                assert!(matches!(found, Replaced::Replaced(_)));
            }
            "touch" => assert!(store.load(key, Some(TOUCH)).await.unwrap().unwrap().touched),
            _ => {
                assert_eq!(store.delete(key).await.unwrap(), Deleted::Deleted);
                assert_eq!(site.records(), [""; 0]);
                continue;
            }
        }
        assert_eq!(site.records(), [NEW], "{write}");
        assert_eq!(site.payload().await.as_deref(), Some(&b"old"[..]));
    }
}

#[tokio::test]
async fn old_name_never_brings_a_session_back() {
    let site = Site::new();
    site.create("session:S").await;
    fs::write(site.file(OLD), b"\0\0\0\0old").unwrap();
    assert_eq!(site.store.delete(&site.key).await.unwrap(), Deleted::Deleted);
    assert_eq!(site.payload().await, None);
}

#[tokio::test]
async fn what_is_no_record_is_absent_and_overwritten() {
    for content in [&b""[..], b"\0", b"\0\0\0", b"\x01\0\0\0expired"] {
        let site = Site::new();
        fs::write(site.file(NEW), content).unwrap();
        assert_eq!(site.payload().await, None);
        assert_eq!(site.store.load(&site.key, Some(TOUCH)).await.unwrap(), None);
        assert!(matches!(site.create("session:S").await, Created::Created(_)));
        assert_eq!(site.payload().await.as_deref(), Some(&b"session:S"[..]));
    }
}

#[tokio::test]
async fn huge_file_is_not_read_and_can_be_ended() {
    let site = Site::new();
    let file = File::create(site.file(NEW)).unwrap();
    file.set_len(1 << 40).unwrap();
    for touch in [None, Some(TOUCH)] {
        assert_eq!(site.store.load(&site.key, touch).await.unwrap(), Some(Record::unreadable()));
    }
    assert_eq!(site.store.delete(&site.key).await.unwrap(), Deleted::Deleted);
    assert_eq!(site.records(), [""; 0]);
}

#[tokio::test]
async fn a_folder_in_the_place_of_a_file_can_be_ended() {
    for name in [NEW, OLD] {
        let site = Site::new();
        fs::create_dir_all(site.file(name).join("inside")).unwrap();
        for touch in [None, Some(TOUCH)] {
            let record = site.store.load(&site.key, touch).await.unwrap();
            assert_eq!(record, Some(Record::unreadable()));
        }
        assert_eq!(site.create("session:S").await, Created::Exists);
        assert_eq!(site.store.purge(10).await.unwrap(), 0);
        assert_eq!(site.store.delete(&site.key).await.unwrap(), Deleted::Deleted);
        assert_eq!(site.payload().await, None);
        assert!(matches!(site.create("session:S").await, Created::Created(_)));
    }
}

#[tokio::test]
async fn a_record_without_an_end_gets_one_when_it_is_read() {
    let site = Site::new();
    fs::write(site.file(NEW), b"\0\0\0\0one").unwrap();
    let touch = Touch { ttl: MINUTE, when_below: MINUTE / 2 };
    assert!(site.store.load(&site.key, Some(touch)).await.unwrap().unwrap().touched);
    assert_ne!(fs::read(site.file(NEW)).unwrap(), b"\0\0\0\0one");
    assert!(!site.store.load(&site.key, Some(touch)).await.unwrap().unwrap().touched);
}

/// Root may write everywhere, so that a file in the place of the locks stands for what it may not.
#[tokio::test]
async fn a_read_does_without_the_touch_that_cannot_be_done() {
    let site = Site::new();
    site.create("session:S").await;
    let locks = site.file("hipflask.__wz_cache");
    fs::remove_dir_all(&locks).unwrap();
    fs::write(&locks, b"").unwrap();
    let record = site.store.load(&site.key, Some(TOUCH)).await.unwrap().unwrap();
    assert!(record.payload == b"session:S" && !record.touched);
    let error = site.store.delete(&site.key).await.unwrap_err();
    assert!(matches!(error, StoreError::Refused(_)), "{error}");
}

#[tokio::test]
async fn count_of_cachelib_follows() {
    let row = rows("cachelib_count").next().unwrap();
    let site = Site::new();
    assert_eq!(row["file"], COUNT);
    site.create("a").await;
    assert!(!site.file(COUNT).exists(), "who counts makes the file");
    fs::write(site.file(COUNT), bytes(&row["bytes_hex"])).unwrap();
    let count = || fs::read(site.file(COUNT)).unwrap()[7];
    assert_eq!(row["entries"], count());
    let (a, b) = (RecordKey::new("a"), RecordKey::new("b"));
    site.create("a").await;
    site.store.replace(&a, &Record::new(b"a"), b"a2", MINUTE).await.unwrap();
    assert_eq!(count(), 18);
    site.create("b").await;
    assert_eq!(count(), 19);
    site.store.delete(&a).await.unwrap();
    site.store.delete(&a).await.unwrap();
    assert_eq!(count(), 18);
    let later = SystemTime::UNIX_EPOCH.elapsed().unwrap() + 2 * MINUTE;
    let store = site.store.clone().with_clock(move || later);
    assert_eq!(store.load(&b, None).await.unwrap(), None);
    assert_eq!(store.purge(10).await.unwrap(), 1);
    assert_eq!(count(), 17);
    assert_eq!(site.records(), [COUNT]);
}

#[tokio::test]
async fn purge_leaves_foreign_and_fresh_files() {
    let site = Site::new();
    let stale = SystemTime::now() - 100 * MINUTE;
    let names = ["notes.txt", "0123", "fresh.__wz_cache", "stale.__wz_cache"];
    for name in names {
        let file = File::create(site.file(name)).unwrap();
        file.set_modified(if name.starts_with("fresh") { SystemTime::now() } else { stale })
            .unwrap();
    }
    assert_eq!(site.store.purge(10).await.unwrap(), 0);
    let left = names.map(|name| site.file(name).exists());
    assert_eq!(left, [true, true, true, false]);
}

#[tokio::test]
async fn folder_that_was_emptied_or_removed_is_used_again() {
    let site = Site::new();
    site.create("session:S").await;
    fs::remove_dir_all(site.folder.path()).unwrap();
    assert_eq!(site.payload().await, None);
    assert_eq!(site.store.delete(&site.key).await.unwrap(), Deleted::Gone);
    assert!(matches!(site.create("session:S").await, Created::Created(_)));
    assert!(site.payload().await.is_some());
}

#[tokio::test]
async fn addresses_lead_to_folders() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a/b");
    let address = |options| format!("file:{}{options}", path.display());
    let key = RecordKey::new("session:S");
    for options in ["", "?mode=660"] {
        let store = connect(&address(options)).await.unwrap();
        let found = store.load(&key, Some(TOUCH)).await.unwrap();
        assert_eq!(found.is_some(), !options.is_empty());
        store.create(&key, b"a", MINUTE).await.unwrap();
    }
    for options in ["?mode=666", "?mode=x", "?threshold=500", "?mode=%"] {
        let error = connect(&address(options)).await.unwrap_err();
        assert!(matches!(error, ConnectError::Option { .. }), "{options}: {error}");
    }
    fs::write(folder.path().join("file"), "").unwrap();
    let file = format!("file:{}/file", folder.path().display());
    let error = connect(&file).await.unwrap_err();
    assert!(matches!(error, ConnectError::Refused(_)), "{error}");
    assert!(!error.to_string().contains("file:") && !format!("{error:?}").contains("/file"));
    assert!(matches!(connect("file:").await.unwrap_err(), ConnectError::Address { .. }));
}
