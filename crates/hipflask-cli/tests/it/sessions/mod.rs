//! `hipflask sessions` on stores that need no server. Real servers: `interop/test_sessions.py`.

mod ending;
mod migrating;
mod reading;

use std::{
    path::Path,
    process::{Child, Command, Stdio},
    time::Duration,
};

use hipflask::store::{AnyStore, Created, Creation, Record, RecordKey, Replaced, Store, connect};
use hipflask_core::{
    record::{Format, encode},
    value::{Dict, Value},
};
use serde_json::Value as Json;
use tempfile::TempDir;

use crate::run::{Outcome, command, outcome};

/// Whatever a command says, the id of no session may be in it.
const ID: &str = "SecretId";
const HOUR: Duration = Duration::from_secs(60 * 60);

/// A folder with stores, in which commands run.
struct Place {
    folder: TempDir,
    runtime: tokio::runtime::Runtime,
}

impl Place {
    fn new() -> Self {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        Self { folder: TempDir::new().expect("a folder"), runtime: runtime.expect("a runtime") }
    }

    fn path(&self) -> &Path {
        self.folder.path()
    }

    fn sqlite(&self, name: &str) -> String {
        // Without write-ahead logging each write would wait for the disk several times.
        format!("sqlite:{}?create=true&journal_mode=wal", self.path().join(name).display())
    }

    fn store(&self, address: &str) -> AnyStore {
        self.runtime.block_on(async {
            let store = connect(address).await.expect("it can be opened");
            store.prepare().await.expect("it can be prepared");
            store
        })
    }

    /// Makes a store with sessions `from..to`, whose users are their numbers modulo ten.
    fn filled(&self, name: &str, numbers: std::ops::Range<usize>) -> (String, AnyStore) {
        let address = self.sqlite(name);
        let store = self.store(&address);
        let records = numbers.map(|number| {
            let payload = encode(&content(number), Format::MsgPack);
            (key(number), payload.expect("it can be written"))
        });
        let records: Vec<_> = records.collect();
        let creations = records.iter().map(|(key, payload)| Creation { key, payload, ttl: HOUR });
        let created = self.runtime.block_on(store.create_many(&creations.collect::<Vec<_>>()));
        assert_eq!(created.expect("they are new"), vec![true; records.len()]);
        (address, store)
    }

    fn put(&self, store: &AnyStore, number: usize, content: &Dict, format: Format, ttl: Duration) {
        self.put_bytes(store, number, &encode(content, format).expect("it can be written"), ttl);
    }

    fn put_bytes(&self, store: &AnyStore, number: usize, payload: &[u8], ttl: Duration) {
        let created = self.runtime.block_on(store.create(&key(number), payload, ttl));
        assert!(matches!(created, Ok(Created::Created(_))), "{created:?}");
    }

    fn change(&self, store: &AnyStore, number: usize, content: &Dict) {
        let payload = encode(content, Format::MsgPack).expect("it can be written");
        let current = self.payload(store, number).expect("it is there");
        let current = Record::new(current);
        let replaced = self.runtime.block_on(store.replace(&key(number), &current, &payload, HOUR));
        assert!(matches!(replaced, Ok(Replaced::Replaced(_))), "{replaced:?}");
    }

    fn delete(&self, store: &AnyStore, number: usize) {
        self.runtime.block_on(store.delete(&key(number))).expect("it can be deleted");
    }

    fn payload(&self, store: &AnyStore, number: usize) -> Option<Vec<u8>> {
        let record = self.runtime.block_on(store.load(&key(number), None));
        record.expect("it can be read").map(|record| record.payload)
    }

    fn count(&self, store: &AnyStore) -> usize {
        let page = self.runtime.block_on(store.scan("session:", None, 100_000));
        page.expect("it can be read").entries.len()
    }

    fn command(&self, args: &[&str]) -> Command {
        let mut command = command(&[&["sessions"], args].concat());
        command.current_dir(self.path()).env("XDG_STATE_HOME", self.path().join("state"));
        command
    }

    /// Runs a sub-verb, and makes sure that it tells no id.
    #[track_caller]
    fn run(&self, args: &[&str]) -> Outcome {
        checked(outcome(&mut self.command(args)))
    }

    /// Runs a sub-verb that writes one JSON document.
    #[track_caller]
    fn json(&self, status: i32, args: &[&str]) -> Json {
        let outcome = self.run(args);
        assert_eq!(outcome.status, status, "{outcome:?}");
        serde_json::from_str(&outcome.out).expect("it is JSON")
    }

    /// Returns what `ls --json` says.
    #[track_caller]
    fn ls(&self, args: &[&str]) -> Vec<Json> {
        let outcome = self.run(&[&["ls", "--json"], args].concat());
        assert_eq!((outcome.status, &*outcome.err), (0, ""));
        outcome.out.lines().map(|line| serde_json::from_str(line).expect("it is JSON")).collect()
    }

    fn start(&self, args: &[&str]) -> Child {
        let mut command = self.command(args);
        command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("it starts")
    }
}

#[track_caller]
fn checked(outcome: Outcome) -> Outcome {
    assert!(!format!("{outcome:?}").contains(ID), "{outcome:?}");
    outcome
}

/// Presses Ctrl-C.
fn interrupt(child: Child) -> Outcome {
    let pid = child.id().to_string();
    let killed = Command::new("kill").args(["-INT", &pid]).status().expect("there is `kill`");
    assert!(killed.success());
    checked(child.wait_with_output().expect("it ends").into())
}

fn key(number: usize) -> RecordKey {
    RecordKey::new(format!("session:{ID}{number:05}"))
}

fn content(number: usize) -> Dict {
    Dict::from_iter([
        ("_user_id".into(), Value::from((number % 10).to_string())),
        ("secret".into(), Value::from(format!("hunter{number}"))),
        ("_hipflask_started".into(), Value::from(1_763_600_000 + number as u64)),
    ])
}
