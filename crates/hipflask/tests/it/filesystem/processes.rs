//! Several processes on one folder: this test's binary starts itself again.

use std::{
    env, fs,
    path::Path,
    process::{Child, Command, Stdio},
    thread::sleep,
    time::{Duration, Instant},
};

use hipflask::store::{
    Created, FileStore, Record, RecordKey, Renewal, Replaced, Store, conformance,
};

use super::{MINUTE, TOUCH};

/// In the environment of the other processes: what to do, and where.
const TASK: &str = "HIPFLASK_TEST_TASK";
const FOLDER: &str = "HIPFLASK_TEST_FOLDER";

const KEYS: [&str; 4] = ["a", "b", "c", "d"];
const KILLS: u32 = 50;

fn start(task: &str, folder: &Path) -> Child {
    Command::new(env::current_exe().unwrap())
        .args(["--exact", "filesystem::processes::other_process", "--ignored"])
        .env(TASK, task)
        .env(FOLDER, folder)
        .stdout(Stdio::null())
        .spawn()
        .unwrap()
}

/// What the other processes do.
#[tokio::test]
#[ignore = "it is started by the other tests"]
async fn other_process() {
    let store = FileStore::new(env::var(FOLDER).unwrap()).unwrap();
    match env::var(TASK).unwrap().as_str() {
        "count" => count(&store).await,
        task => write_for_ever(&store, task.parse().unwrap()).await,
    }
}

async fn count(store: &FileStore) {
    let key = RecordKey::new("count");
    for _ in 0..200 {
        let mut current = store.load(&key, None).await.unwrap().unwrap();
        loop {
            let number: u32 = str::from_utf8(&current.payload).unwrap().parse().unwrap();
            let next = (number + 1).to_string();
            match store.replace(&key, &current, next.as_bytes(), MINUTE).await.unwrap() {
                Replaced::Conflict(other) => current = other,
                answer => break assert!(matches!(answer, Replaced::Replaced(_))),
            }
        }
    }
}

async fn write_for_ever(store: &FileStore, seed: u32) {
    for number in seed.. {
        let key = RecordKey::new(KEYS[number as usize % KEYS.len()]);
        let payload = payload(number);
        match store.load(&key, None).await.unwrap() {
            None => drop(store.create(&key, &payload, MINUTE).await.unwrap()),
            Some(current) if number % 7 == 0 => {
                let new = RecordKey::new(format!("new-{number}"));
                let renewal = Renewal {
                    old: &key,
                    current: &current,
                    new: &new,
                    payload: &payload,
                    ttl: MINUTE,
                    retired: b"\xc0",
                    retired_ttl: MINUTE,
                };
                conformance::renew(store, renewal).await.unwrap();
                store.delete(&new).await.unwrap();
            }
            Some(_) if number % 11 == 0 => drop(store.load(&key, Some(TOUCH)).await.unwrap()),
            Some(_) if number % 13 == 0 => drop(store.delete(&key).await.unwrap()),
            Some(current) => {
                store.replace(&key, &current, &payload, MINUTE).await.unwrap();
            }
        }
    }
}

/// Returns bytes of which none may be missing, and none may be from another payload.
fn payload(number: u32) -> Vec<u8> {
    number.to_le_bytes().repeat(1 + number as usize % 5_000)
}

fn is_whole(found: &[u8]) -> bool {
    let number = found.first_chunk().map(|number| u32::from_le_bytes(*number));
    found == b"\xc0" || number.is_some_and(|number| found == payload(number))
}

#[tokio::test]
async fn killed_writers_leave_whole_records_and_no_lock() {
    let folder = tempfile::tempdir().unwrap();
    let store = FileStore::new(folder.path()).unwrap();
    let mut records = 0;
    for kill in 0..KILLS {
        let probe = RecordKey::new(KEYS[0]);
        store.delete(&probe).await.unwrap();
        let mut child = start(&(kill * 1_000).to_string(), folder.path());
        let started = Instant::now();
        while store.load(&probe, None).await.unwrap().is_none() {
            assert!(started.elapsed() < MINUTE && child.try_wait().unwrap().is_none());
            sleep(Duration::from_millis(1));
        }
        sleep(Duration::from_micros(u64::from(kill) * 397 % 20_000));
        child.kill().unwrap();
        child.wait().unwrap();
        records += check(&store, folder.path()).await;
    }
    assert!(records > KILLS, "only {records} records were checked");
    remove_abandoned(&store, folder.path()).await;
}

/// Finds every record whole and writable.
async fn check(store: &FileStore, folder: &Path) -> u32 {
    for entry in fs::read_dir(folder).unwrap() {
        let entry = entry.unwrap();
        if !entry.file_name().to_str().unwrap().ends_with(".__wz_cache") {
            let content = fs::read(entry.path()).unwrap();
            assert!(is_whole(&content[4..]), "a file of {} bytes is torn", content.len());
        }
    }
    let mut records = 0;
    for key in KEYS.map(RecordKey::new) {
        let started = Instant::now();
        if let Some(current) = store.load(&key, None).await.unwrap() {
            let found = store.replace(&key, &current, &current.payload, MINUTE).await.unwrap();
            assert!(matches!(found, Replaced::Replaced(_)));
            records += 1;
        } else {
            assert_eq!(store.load(&key, Some(TOUCH)).await.unwrap(), None);
        }
        assert!(started.elapsed() < Duration::from_secs(2), "a lock has outlived its process");
    }
    records
}

/// Files that a killed process was writing go when they are old.
async fn remove_abandoned(store: &FileStore, folder: &Path) {
    fs::write(folder.join("killed.__wz_cache"), "").unwrap();
    let abandoned = || {
        let paths = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
        let names = paths.filter(|path| path.is_file());
        names.filter(|path| path.to_str().unwrap().ends_with(".__wz_cache")).collect::<Vec<_>>()
    };
    for path in abandoned() {
        let file = fs::File::options().write(true).open(path).unwrap();
        file.set_modified(std::time::SystemTime::now() - 100 * MINUTE).unwrap();
    }
    store.purge(1).await.unwrap();
    assert_eq!(abandoned(), Vec::<std::path::PathBuf>::new());
}

#[tokio::test]
async fn processes_lose_no_increment_to_each_other() {
    let folder = tempfile::tempdir().unwrap();
    let (store, key) = (FileStore::new(folder.path()).unwrap(), RecordKey::new("count"));
    assert!(matches!(store.create(&key, b"0", MINUTE).await.unwrap(), Created::Created(_)));
    let children = [(); 3].map(|()| start("count", folder.path()));
    for mut child in children {
        assert!(child.wait().unwrap().success());
    }
    let found = store.load(&key, None).await.unwrap();
    assert_eq!(found, Some(Record::new(b"600")));
}
