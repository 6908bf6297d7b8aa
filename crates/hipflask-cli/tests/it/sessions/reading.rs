//! What is read: `ls`, `show`, `export`, `stats`.

use std::{
    fs,
    io::{BufRead, BufReader},
};

use hipflask_core::{record::Format, value::Dict};
use serde_json::json;

use super::{HOUR, Place, content, key};
use crate::run::STRONG_KEY;

#[test]
fn ls_lists_what_is_there() {
    let place = Place::new();
    let (address, store) = place.filled("a.db", 0..25);
    place.put(&store, 90, &Dict::new(), Format::Json, HOUR);
    let found = place.ls(&["--store", &address]);
    assert_eq!(found.len(), 26);
    let first = &found[0];
    assert_eq!((&first["user"], &first["format"]), (&json!("0"), &json!("msgpack")));
    assert_eq!(first["created"], 1_763_600_000);
    assert_eq!(first["bytes"], place.payload(&store, 0).map(|it| it.len()).unwrap_or_default());
    assert_eq!(first["id"].as_str().map(str::len), Some(24));
    assert!(first["expires"].as_u64().is_some() && first.get("seen").is_some());
    assert_eq!((&found[25]["user"], &found[25]["format"]), (&json!(null), &json!("json")));
    let of_one = place.ls(&["--store", &address, "--user", "3"]);
    assert_eq!(of_one.iter().map(|it| it["user"].clone()).collect::<Vec<_>>(), ["3", "3", "3"]);
    assert_eq!(place.ls(&["--store", &address, "--larger-than", "2"]).len(), 25);
    assert_eq!(place.ls(&["--store", &address, "--older-than", "1d"]).len(), 25);
    let outcome = place.run(&["ls", "--store", &address]);
    assert_eq!(outcome.out.lines().count(), 27, "with a head");
}

#[test]
fn show_and_export_tell_values_only_if_asked() {
    let place = Place::new();
    let (address, _) = place.filled("a.db", 0..25);
    let found = place.ls(&["--store", &address, "--user", "3"]);
    let id = found[0]["id"].as_str().expect("it has an id");
    let shown = place.run(&["show", id, "--store", &address]);
    assert_eq!((shown.status, &*shown.err), (0, ""));
    assert!(shown.out.contains("  secret: str of 7\n"), "{}", shown.out);
    assert!(!shown.out.contains("hunter"));
    let shown = place.json(0, &["show", id, "--store", &address, "--values", "--json"]);
    assert_eq!(shown["content"]["secret"], "hunter3");
    let exported = place.json(0, &["export", "--user", "3", "--store", &address]);
    let sessions = exported["sessions"].as_array().expect("a list");
    let secrets: Vec<_> = sessions.iter().map(|it| it["content"]["secret"].clone()).collect();
    assert_eq!(
        (&exported["user"], secrets),
        (&json!("3"), vec![json!("hunter3"), json!("hunter13"), json!("hunter23")])
    );
    let nobody = place.json(0, &["export", "--user", "nobody", "--store", &address]);
    assert_eq!(nobody, json!({ "user": "nobody", "sessions": [] }));
    let unknown = place.run(&["show", "0123", "--store", &address]);
    unknown.assert(1, "", "1 of the ids are of no session: see `hipflask sessions ls`\n");
}

#[test]
fn stats_counts_and_draws() {
    let place = Place::new();
    let (address, store) = place.filled("a.db", 0..25);
    place.put(&store, 90, &content(90), Format::Pickle, HOUR);
    let found = place.json(0, &["stats", "--json", "--store", &address]);
    assert_eq!((&found["count"], &found["with_user"]), (&json!(26), &json!(26)));
    assert_eq!(found["formats"], json!({ "msgpack": 25, "pickle": 1 }));
    assert_eq!(found["oldest"]["created"], 1_763_600_000);
    assert_eq!(found["largest"].as_array().map(Vec::len), Some(10));
    assert_eq!(found["keys"][0]["key"], "_hipflask_started");
    let text = place.run(&["stats", "--store", &address]);
    assert!(text.out.contains("sessions   26 (26 with a user)\n"), "{}", text.out);
    assert!(text.out.contains('█') && !text.out.contains("hunter"), "{}", text.out);
}

#[test]
fn configuration_tells_store_prefix_and_keys() {
    let place = Place::new();
    let (address, store) = place.filled("a.db", 0..2);
    let config = format!(
        "SECRET_KEY = '{STRONG_KEY}'\nSESSION_STORE = '{address}'\nSESSION_USER_KEYS = ['secret']\n"
    );
    fs::write(place.path().join("app.toml"), config).expect("it can be written");
    let found = place.ls(&["--config", "app.toml"]);
    assert_eq!(
        found.iter().map(|it| it["user"].clone()).collect::<Vec<_>>(),
        ["hunter0", "hunter1"]
    );
    // An hour is left of 31 days.
    assert!(found[0]["seen"].as_u64() < found[0]["expires"].as_u64());
    // Not of a default that the application may not have.
    assert!(place.ls(&["--store", &address])[0]["seen"].is_null());
    assert_eq!(place.ls(&["--config", "app.toml", "--key-prefix", "other:"]).len(), 0);
    assert_eq!(place.count(&store), 2);
}

#[test]
fn list_of_a_user_tells_when_a_session_was_seen() {
    use hipflask::{SecretKey, SessionConfig, SessionInterface};

    let place = Place::new();
    let (address, store) = place.filled("a.db", 0..12);
    let config = SessionConfig::new(SecretKey::new(STRONG_KEY)).with_user_index(true);
    let interface = SessionInterface::stored(&config, store).expect("it is configured");
    // Reading all sessions of a user lists them.
    let listed = place.runtime.block_on(interface.sessions_of("3")).expect("it can be read");
    assert_eq!(listed.len(), 1);
    let found = place.ls(&["--store", &address]);
    let seen = |user: &str| {
        found.iter().find(|it| it["user"] == user).expect("there is one")["seen"].clone()
    };
    assert!(seen("3").as_u64().is_some() && seen("4").is_null());
}

#[test]
fn encrypted_records_are_read_with_their_key() {
    use hipflask_core::{
        UnixTime,
        record::{Coding, Sealing},
        serializer::Limits,
        signing::KeyRing,
    };

    let place = Place::new();
    let (address, store) = place.filled("a.db", 0..0);
    let sealing = Sealing::new(&KeyRing::new(STRONG_KEY)).with_encryption(None);
    let coding = Coding::new(Format::MsgPack, Limits::default());
    let coding = coding.with_sealing(sealing, UnixTime::from_secs(0));
    let payload = coding.encode(&content(7), key(7).as_str()).expect("it can be written");
    place.put_bytes(&store, 7, &payload, HOUR);
    let bare = &place.ls(&["--store", &address])[0];
    assert_eq!((&bare["user"], &bare["format"]), (&json!(null), &json!("encrypted")));
    let config = format!("SECRET_KEY = '{STRONG_KEY}'\nSESSION_ENCRYPTION = true\n");
    fs::write(place.path().join("app.toml"), config).expect("it can be written");
    let read = &place.ls(&["--store", &address, "--config", "app.toml"])[0];
    assert_eq!((&read["user"], &read["format"]), (&json!("7"), &json!("msgpack")));
    assert_eq!(read["encrypted"], true);
}

#[test]
fn stores_that_cannot_be_listed_say_why() {
    let place = Place::new();
    for verb in ["ls", "stats"] {
        place.run(&[verb, "--store", "file:d", "--json"]).assert(
            2,
            "",
            "error: this session store cannot list its sessions: the names of its files are hashes\n",
        );
    }
    place.run(&["ls", "--store", "memory:"]).assert_says(
        2,
        "",
        "error: a store in memory belongs to",
    );
    place.run(&["ls"]).assert_says(2, "", "error: there is no store: give --store");
    place.run(&["ls", "--store", "sqlite:missing.db"]).assert_says(2, "", "there is no such file");
    let wrong = place.run(&["ls", "--store", "redis://u:hunter2@localhost:1"]);
    assert_eq!(wrong.status, 2);
    assert!(!wrong.err.contains("hunter2"), "{}", wrong.err);
}

#[test]
fn reader_that_goes_away_ends_the_run_quietly() {
    let place = Place::new();
    let (address, _) = place.filled("a.db", 0..1);
    let store = place.store(&address);
    let padding = Dict::from_iter([("padding".into(), "x".repeat(100_000).into())]);
    place.put(&store, 5, &padding, Format::Json, HOUR);
    let id = &place.ls(&["--store", &address, "--larger-than", "1000"])[0]["id"];
    let id = id.as_str().expect("it has an id").to_owned();
    let mut child = place.start(&["show", &id, "--values", "--store", &address]);
    let mut line = String::new();
    let out = child.stdout.take().expect("it is piped");
    BufReader::with_capacity(1, out).read_line(&mut line).expect("it can be read");
    let done = child.wait_with_output().expect("it ends");
    assert_eq!((done.status.code(), &*done.stderr), (Some(141), &b""[..]), "{line}");
}
