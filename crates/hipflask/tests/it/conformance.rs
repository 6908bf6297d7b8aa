//! The definition of a store, on the stores that need no server, and on some that are broken.

use hipflask::store::{
    AnyStore, MemoryStore,
    conformance::{self, Abilities},
};

use crate::faulty::{Fault, Faulty};

/// Each fault, and the rule that is to find it.
const FAULTS: [(Fault, &str); 36] = [
    (Fault::ConflictWithoutRecord, "conflict_shows_the_current_record"),
    (Fault::CreateManyOverwrites, "create_many_never_overwrites"),
    (Fault::CreateOverwrites, "create_never_overwrites"),
    (Fault::CreateRaces, "one_of_many_creates_wins"),
    (Fault::DeleteIgnored, "delete_ends_a_record"),
    (Fault::EmptyIsAbsent, "payloads_are_any_bytes"),
    (Fault::FewerKeys, "many_records_are_kept_apart"),
    (Fault::KeysFolded, "keys_are_exact"),
    (Fault::KeysPattern, "keys_are_exact"),
    (Fault::KeysShortened, "keys_are_any_printable_ascii"),
    (Fault::LifeEndless, "expired_is_absent"),
    (Fault::LoadNeverTouches, "touch_keeps_the_payload"),
    (Fault::LoadTouchesAlways, "load_touches_when_due"),
    (Fault::Panics, "absent_is_absent"),
    (Fault::PayloadsText, "payloads_are_any_bytes"),
    (Fault::PayloadsTruncated, "sizes_are_kept_or_refused"),
    (Fault::PrepareEmpties, "prepare_keeps_what_is_there"),
    (Fault::PurgeTakesLive, "purge_removes_only_what_expired"),
    (Fault::PurgeTakesTooMany, "purge_removes_only_what_expired"),
    (Fault::Refuses, "absent_is_absent"),
    (Fault::ReplaceCreates, "replace_needs_a_record"),
    (Fault::ReplaceKeepsLife, "replace_sets_the_lifetime"),
    (Fault::ReplaceOverwrites, "replace_needs_what_was_read"),
    (Fault::ReplaceRaces, "one_of_many_replaces_wins"),
    (Fault::RenewDropsOld, "renew_moves_a_record"),
    (Fault::RenewIgnoresCurrent, "renew_moves_a_record"),
    (Fault::RenewLeavesNew, "renew_needs_what_was_read"),
    (Fault::RenewLeavesOld, "renew_moves_a_record"),
    (Fault::RenewOverwrites, "renew_never_overwrites"),
    (Fault::RenewRaces, "one_of_many_renewals_wins"),
    (Fault::RetiredTouched, "retired_is_never_touched"),
    (Fault::ScanOnePage, "scan_finds_a_prefix"),
    (Fault::ScanTakesAll, "scan_finds_a_prefix"),
    (Fault::ScanWithoutEnd, "scan_finds_a_prefix"),
    (Fault::TouchCreates, "absent_is_absent"),
    (Fault::TouchIgnored, "touch_sets_the_lifetime"),
];

#[tokio::test(flavor = "multi_thread")]
async fn memory_store_conforms() {
    conformance::run(&MemoryStore::new(), "session:", Abilities::new()).await.unwrap();
}

#[tokio::test]
async fn any_store_conforms_on_one_thread() {
    let store = AnyStore::new(MemoryStore::new());
    conformance::run(&store, "session:", Abilities::new()).await.unwrap();
}

#[cfg(feature = "filesystem")]
#[tokio::test(flavor = "multi_thread")]
async fn file_store_conforms() {
    let folder = tempfile::tempdir().unwrap();
    let store = hipflask::store::FileStore::new(folder.path()).unwrap();
    let abilities = Abilities::new().without_scan().with_max_payload(1 << 24);
    conformance::run(&store, "session:", abilities).await.unwrap();
}

/// What the test's own store does without a fault, so that it is the faults that are found.
#[tokio::test]
async fn faulty_store_without_a_fault_conforms() {
    let store = Faulty { store: MemoryStore::new(), fault: Fault::None };
    conformance::run(&store, "session:", Abilities::new()).await.unwrap();
}

#[tokio::test]
async fn faults_are_found_by_their_rules() {
    let tasks = FAULTS.map(|(fault, rule)| {
        let store = Faulty { store: MemoryStore::new(), fault };
        let suite = async move { conformance::run(&store, "session:", Abilities::new()).await };
        (fault, rule, tokio::spawn(suite))
    });
    let mut missed = Vec::new();
    for (fault, rule, task) in tasks {
        match task.await.unwrap() {
            Ok(_) => missed.push(format!("{fault:?} is not found")),
            Err(found) if found.rule() != rule => missed.push(format!("{fault:?}: {found}")),
            Err(found) => {
                assert_eq!(found.store_error().is_some(), fault == Fault::Refuses, "{fault:?}");
                let text = found.to_string();
                assert!(text.contains("expected") && !text.contains("session:"), "{text}");
            }
        }
    }
    assert_eq!(missed, Vec::<String>::new());
}

#[tokio::test]
async fn missing_abilities_must_be_missing() {
    for abilities in [Abilities::new().without_scan(), Abilities::new().with_max_payload(1_000)] {
        let found = conformance::run(&MemoryStore::new(), "session:", abilities).await;
        let rule = found.unwrap_err().rule();
        assert!(["scan_finds_a_prefix", "sizes_are_kept_or_refused"].contains(&rule), "{rule}");
    }
}
