//! What ends sessions: `revoke`, `purge`.

use std::{fs, io::Write, process::Stdio, thread, time::Duration};

use hipflask_core::{record::Format, value::Dict};
use serde_json::json;

use super::{Place, checked, interrupt};
use crate::run::{Outcome, STRONG_KEY};

#[test]
fn revoke_ends_those_that_are_meant() {
    let place = Place::new();
    let (address, store) = place.filled("a.db", 0..30);
    let id = place.ls(&["--store", &address])[4]["id"].as_str().expect("it has an id").to_owned();
    let outcome = place.run(&["revoke", &id, "--yes", "--store", &address]);
    outcome.assert(0, &format!("{id}\n"), "1 sessions were ended\n");
    assert_eq!((place.count(&store), place.payload(&store, 4)), (29, None));
    let again = place.run(&["revoke", &id, "--yes", "--store", &address]);
    again.assert_says(1, "", "1 of the ids are of no session");
    let outcome = place.run(&["revoke", "--user", "4", "--yes", "--store", &address]);
    assert_eq!((outcome.status, outcome.out.lines().count()), (0, 2));
    assert!(place.ls(&["--store", &address, "--user", "4"]).is_empty());
    let outcome = place.run(&["revoke", "--all", "--yes", "--store", &address]);
    assert_eq!((outcome.status, outcome.out.lines().count(), place.count(&store)), (0, 27, 0));
}

/// Answers the question of `revoke --all`.
fn answer(place: &Place, address: &str, answer: &str) -> Outcome {
    let mut command = place.command(&["revoke", "--all", "--store", address]);
    let command = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().expect("it starts");
    let mut stdin = child.stdin.take().expect("it is piped");
    stdin.write_all(answer.as_bytes()).expect("it is read");
    drop(stdin);
    checked(child.wait_with_output().expect("it ends").into())
}

#[test]
fn revoke_asks_first() {
    let place = Place::new();
    let (address, store) = place.filled("a.db", 0..3);
    for refusal in ["", "\n", "n\n", "yo\n"] {
        let outcome = answer(&place, &address, refusal);
        assert_eq!((outcome.status, &*outcome.out, place.count(&store)), (1, "", 3));
        assert!(
            outcome.err.starts_with("End all sessions of all users in sqlite:"),
            "{}",
            outcome.err
        );
    }
    assert_eq!((answer(&place, &address, "y\n").status, place.count(&store)), (0, 0));
    let nothing = place.run(&["revoke", "--store", &address]);
    assert_eq!(nothing.status, 2, "{nothing:?}");
}

#[test]
fn revoke_ends_what_only_the_list_of_a_user_knows() {
    use hipflask::{SecretKey, SessionConfig, SessionInterface};

    let place = Place::new();
    let (address, store) = place.filled("a.db", 0..20);
    let config = SessionConfig::new(SecretKey::new(STRONG_KEY)).with_user_index(true);
    let interface = SessionInterface::stored(&config, store).expect("it is configured");
    let listed = place.runtime.block_on(interface.sessions_of("3")).expect("it can be read");
    assert_eq!(listed.len(), 2);
    // The list goes with the sessions, and here nothing else knows them.
    assert_eq!(place.run(&["migrate", "--from", &address, "--to", "file:d"]).status, 0);
    let files = place.store(&format!("file:{}", place.path().join("d").display()));
    assert!(place.payload(&files, 13).is_some());
    let args = ["revoke", "--user", "3", "--yes", "--store", "file:d", "--config", "app.toml"];
    let config = format!("SECRET_KEY = '{STRONG_KEY}'\n");
    fs::write(place.path().join("app.toml"), &config).expect("it can be written");
    place.run(&args).assert_says(2, "", "error: this session store cannot list its sessions");
    fs::write(place.path().join("app.toml"), config + "SESSION_USER_INDEX = true\n")
        .expect("it can be written");
    place.run(&args).assert(0, "", "all that the user's list of sessions has was ended\n");
    assert_eq!((place.payload(&files, 3), place.payload(&files, 13)), (None, None));
    assert!(place.payload(&files, 4).is_some());
}

#[test]
fn purge_goes_on_where_it_was_interrupted() {
    let place = Place::new();
    let (address, store) = place.filled("a.db", 0..5);
    for number in 100..300 {
        place.put(&store, number, &Dict::new(), Format::Json, Duration::from_millis(1));
    }
    thread::sleep(Duration::from_millis(50));
    let args = ["purge", "--store", &address, "--json", "--batch", "10", "--rate", "50"];
    let child = place.start(&args);
    // At this rate it takes four seconds.
    thread::sleep(Duration::from_secs(1));
    let outcome = interrupt(child);
    assert_eq!(
        (outcome.status, &*outcome.err),
        (130, "not all expired sessions were removed: run it again to go on\n")
    );
    let removed = |out: &str| serde_json::from_str::<serde_json::Value>(out).expect("it is JSON");
    let first = removed(&outcome.out)["removed"].as_u64().expect("a number");
    assert!((10..200).contains(&first), "{first}");
    let second = place.json(0, &["purge", "--store", &address, "--json"]);
    assert_eq!(second, json!({ "removed": 200 - first }));
    assert_eq!(place.count(&store), 5);
    place.run(&["purge", "--store", &address]).assert_says(0, "0\n", "nothing has expired");
}
