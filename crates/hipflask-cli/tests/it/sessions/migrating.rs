//! `migrate`: formats, what users do meanwhile, interruptions.

use std::{
    thread,
    time::{Duration, Instant},
};

use hipflask_core::{
    record::{Format, decode},
    serializer::Limits,
    value::{Dict, Value},
};
use serde_json::json;

use super::{HOUR, Place, content, interrupt};

fn of(number: usize, what: &str) -> Dict {
    let mut content = content(number);
    content.insert("what", Value::from(what));
    content
}

#[track_caller]
fn assert_holds(place: &Place, store: &hipflask::store::AnyStore, number: usize, what: &str) {
    let payload = place.payload(store, number).expect("it is there");
    let decoded = decode(&payload, Format::MsgPack, Limits::default()).expect("it can be read");
    let content = decoded.content.expect("it is a session");
    assert_eq!(content.get("what"), Some(&Value::from(what)), "{number}");
}

#[test]
fn migrate_brings_everything_over_once() {
    let place = Place::new();
    let (from, source) = place.filled("a.db", 0..40);
    place.put(&source, 50, &of(50, "pickle"), Format::Pickle, HOUR);
    place.put(&source, 51, &of(51, "json"), Format::Json, Duration::from_secs(600));
    let to = place.sqlite("b.db");
    let dry = place.json(0, &["migrate", "--from", &from, "--to", &to, "--dry-run", "--json"]);
    assert_eq!((&dry["copied"], &dry["dry_run"]), (&json!(42), &json!(true)));
    let target = place.store(&to);
    assert_eq!(place.count(&target), 0, "a dry run writes nothing");
    let args = ["migrate", "--from", &from, "--to", &to, "--json"];
    let report = place.json(0, &args);
    assert_eq!((&report["copied"], &report["already_there"]), (&json!(42), &json!(0)));
    assert_eq!(place.payload(&target, 7), place.payload(&source, 7));
    for number in [50, 51] {
        let payload = place.payload(&target, number).expect("it is there");
        let decoded = decode(&payload, Format::MsgPack, Limits::default()).expect("it is read");
        assert_eq!(decoded.format, Format::MsgPack);
    }
    let life = |address: &str| {
        let found = place.ls(&["--store", address]).into_iter();
        found.map(|it| it["expires"].as_u64()).min().flatten().expect("it ends")
    };
    assert!(life(&from).abs_diff(life(&to)) <= 1);
    let again = place.json(0, &args);
    assert_eq!((&again["copied"], &again["already_there"]), (&json!(0), &json!(42)));
    assert_eq!(place.ls(&["--store", &to]).len(), 42);
}

#[test]
fn migrate_writes_the_format_of_the_target() {
    let place = Place::new();
    let (from, source) = place.filled("a.db", 0..3);
    let report = place.json(0, &["migrate", "--from", &from, "--to", "file:d", "--json"]);
    assert_eq!(report["copied"], 3);
    let files = place.store(&format!("file:{}", place.path().join("d").display()));
    let read =
        |payload: &[u8], format| decode(payload, format, Limits::default()).expect("it is read");
    let payload = place.payload(&files, 1).expect("it is there");
    assert_eq!(read(&payload, Format::Pickle).format, Format::Pickle);
    let original = place.payload(&source, 1).expect("it is there");
    assert_eq!(read(&payload, Format::Pickle).content, read(&original, Format::MsgPack).content);
    let to = place.sqlite("b.db");
    place.json(0, &["migrate", "--from", &from, "--to", &to, "--record-format", "json", "--json"]);
    let payload = place.payload(&place.store(&to), 1).expect("it is there");
    assert_eq!(read(&payload, Format::Json).format, Format::Json);
}

#[test]
fn migrate_tells_what_it_cannot_read() {
    let place = Place::new();
    let (from, source) = place.filled("a.db", 0..2);
    for (number, payload) in
        [(10, &b"cos\nsystem\n(S'touch ran'\ntR."[..]), (11, b"\x81"), (12, b"\x81")]
    {
        place.put_bytes(&source, number, payload, HOUR);
    }
    let to = place.sqlite("b.db");
    let report = place.json(1, &["migrate", "--from", &from, "--to", &to, "--json"]);
    assert_eq!(report["copied"], 2);
    let reasons = report["unreadable"].as_object().expect("reasons");
    assert_eq!(reasons.values().filter_map(serde_json::Value::as_u64).sum::<u64>(), 3);
    assert!(reasons.keys().any(|it| it.contains("which is never loaded")), "{reasons:?}");
    assert!(!place.path().join("ran").exists());
}

#[test]
fn migrate_brings_over_what_users_change_and_end() {
    let place = Place::new();
    let (from, source) = place.filled("a.db", 0..10);
    let to = place.sqlite("b.db");
    let target = place.store(&to);
    let args = ["migrate", "--from", &from, "--to", &to, "--json"];
    place.json(0, &args);
    // The applications still use the source.
    place.change(&source, 1, &of(1, "changed in the source"));
    place.delete(&source, 2);
    place.put(&source, 20, &of(20, "new"), Format::MsgPack, HOUR);
    // One node uses the target already.
    place.change(&target, 3, &of(3, "changed in the target"));
    place.delete(&target, 4);
    place.change(&source, 5, &of(5, "changed in the source"));
    place.change(&target, 5, &of(5, "changed in the target"));
    let report = place.json(1, &args);
    let count = |name: &str| report[name].as_u64().unwrap_or_default();
    assert_eq!((count("copied"), count("brought_up_to_date"), count("ended_in_source")), (1, 1, 1));
    assert_eq!((count("newer_in_target"), count("ended_in_target"), count("conflicts")), (1, 1, 1));
    assert_holds(&place, &target, 1, "changed in the source");
    assert_holds(&place, &target, 20, "new");
    assert_holds(&place, &target, 3, "changed in the target");
    assert_holds(&place, &target, 5, "changed in the target");
    assert_eq!(
        (place.payload(&target, 2), place.payload(&target, 4)),
        (None, None),
        "log-outs are final"
    );
}

#[test]
fn migrate_never_takes_an_emptied_source_for_log_outs() {
    let place = Place::new();
    let (from, source) = place.filled("a.db", 0..10);
    let to = place.sqlite("b.db");
    let args = ["migrate", "--from", &from, "--to", &to, "--json"];
    place.json(0, &args);
    (0..9).for_each(|number| place.delete(&source, number));
    let report = place.json(0, &args);
    assert_eq!(report["gone_from_source"], 9);
    assert_eq!(place.count(&place.store(&to)), 10);
}

#[test]
fn migrate_leaves_what_it_knows_nothing_of() {
    let place = Place::new();
    let (from, _) = place.filled("a.db", 0..3);
    let (to, target) = place.filled("b.db", 0..1);
    place.put(&target, 1, &of(1, "of a user"), Format::MsgPack, HOUR);
    let report = place.json(0, &["migrate", "--from", &from, "--to", &to, "--json"]);
    assert_eq!(
        (&report["copied"], &report["already_there"], &report["different"]),
        (&json!(1), &json!(1), &json!(1))
    );
    assert_holds(&place, &target, 1, "of a user");
}

#[test]
fn migrate_goes_on_where_it_was_interrupted() {
    const N: usize = 5000;
    let place = Place::new();
    let (from, source) = place.filled("a.db", 0..N);
    let to = place.sqlite("b.db");
    let target = place.store(&to);
    let args = ["migrate", "--from", &from, "--to", &to, "--json"];
    let child = place.start(&args);
    let started = Instant::now();
    while place.count(&target) < 10 && started.elapsed() < Duration::from_secs(20) {
        thread::sleep(Duration::from_millis(2));
    }
    let outcome = interrupt(child);
    assert_eq!(
        (outcome.status, &*outcome.err),
        (130, "not all sessions were looked at: run it again to go on\n")
    );
    // A user changes what was brought over.
    let n_done = place.count(&target);
    assert!((10..N).contains(&n_done), "{n_done}");
    place.change(&target, 0, &of(0, "changed in the target"));
    let report = place.json(0, &args);
    let count = |name: &str| report[name].as_u64().unwrap_or_default();
    assert_eq!(count("copied") as usize, N - n_done);
    assert_eq!((count("already_there") as usize, count("newer_in_target")), (n_done - 1, 1));
    assert_holds(&place, &target, 0, "changed in the target");
    for number in (1..N).step_by(7) {
        assert_eq!(place.payload(&target, number), place.payload(&source, number), "{number}");
    }
}

#[test]
fn journal_of_another_run_is_not_shared() {
    let place = Place::new();
    let (from, _) = place.filled("a.db", 0..5000);
    let to = place.sqlite("b.db");
    let target = place.store(&to);
    let args = ["migrate", "--from", &from, "--to", &to, "--journal", "j"];
    let child = place.start(&args);
    let started = Instant::now();
    while place.count(&target) < 1 && started.elapsed() < Duration::from_secs(20) {
        thread::sleep(Duration::from_millis(2));
    }
    place.run(&args).assert_says(
        2,
        "",
        "error: cannot use the journal j: another migration writes it",
    );
    let done = child.wait_with_output().expect("it ends");
    assert_eq!(done.status.code(), Some(0));
}

#[test]
fn migrate_says_which_side_is_mistyped() {
    let place = Place::new();
    let (from, _) = place.filled("a.db", 0..1);
    let missing = ["migrate", "--from", "sqlite:b.db", "--to", &from, "--journal", "j"];
    place.run(&missing).assert_says(2, "", "error: cannot read the source sqlite:");
    assert!(!place.path().join("b.db").exists());
    place.run(&["migrate", "--from", &from, "--to", &from, "--journal", "j"]).assert(
        2,
        "",
        "error: --from and --to are the same store\n",
    );
}
