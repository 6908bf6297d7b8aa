//! The three-way merge: each row of the table in `docs/merging.md`, and what must hold for all
//! sessions.

use hipflask_core::{
    engine::{Changes, ConflictPolicy, MergeConflict},
    session::{Session, SessionError},
    value::{Dict, Text, Value},
};
use proptest::{collection::btree_map, prelude::*};
use serde_json::{Value as Json, json};

use crate::depth::on_a_small_stack;
use ConflictPolicy::{Error, FirstWriter, LastWriter};

/// What the policies come to: the last writer's, the first writer's, and whether it is an error.
type Policies = (Json, Json, bool);

/// A row whose outcome no policy changes. Sides are the whole session, or the list `l`.
#[track_caller]
fn check(row: Row, expected: Json) {
    check_policies(row, (expected.clone(), expected, false));
}

#[track_caller]
fn check_policies(row: Row, (last, first, is_error): Policies) {
    let Row { base, mine, theirs, grown } = row;
    let [base, mine, theirs] = [&base, &mine, &theirs].map(dict);
    let changes = Changes::new(&base, &mine).with_grown(&grown);
    assert_eq!(changes.merge(&theirs, LastWriter), Ok(dict(&last)));
    assert_eq!(changes.rebase(&theirs), dict(&last));
    assert_eq!(changes.merge(&theirs, FirstWriter), Ok(dict(&first)));
    match changes.merge(&theirs, Error) {
        Ok(merged) => assert_eq!((merged, is_error), (dict(&last), false)),
        Err(conflict) => assert!(is_error, "{conflict}"),
    }
}

/// What one request read, what it has made of it, and what another has written meanwhile.
struct Row {
    base: Json,
    mine: Json,
    theirs: Json,
    grown: Vec<Text>,
}

const fn row(base: Json, mine: Json, theirs: Json) -> Row {
    Row { base, mine, theirs, grown: Vec::new() }
}

/// As `row`, where `mine` is what pushing has made of `l`.
fn pushed(base: Json, items: &[i32], theirs: Json) -> Row {
    let mut session = Session::from_stored(dict(&base));
    items.iter().for_each(|item| session.push("l", *item).unwrap());
    of_session(base, &session, theirs)
}

fn of_session(base: Json, session: &Session, theirs: Json) -> Row {
    Row { base, mine: json_of(&session.to_dict()), theirs, grown: session.grown() }
}

fn l(items: impl Into<Json>) -> Json {
    json!({"l": items.into()})
}

fn absent() -> Json {
    json!({})
}

#[test]
fn different_keys_both_stay() {
    check(row(json!({"a": 0}), json!({"a": 1}), json!({"a": 0, "b": 2})), json!({"a": 1, "b": 2}));
    check(
        row(
            json!({"a": {"b": {"old": 1, "gone": 1}}}),
            json!({"a": {"b": {"old": 1, "gone": 1, "mine": 1}}}),
            json!({"a": {"b": {"old": 2}, "theirs": 1}}),
        ),
        json!({"a": {"b": {"old": 2, "mine": 1}, "theirs": 1}}),
    );
    let new = [json!({"a": {"x": 1}}), json!({"a": {"y": 1}})];
    let [mine, theirs] = new;
    check(row(absent(), mine, theirs), json!({"a": {"x": 1, "y": 1}}));
}

#[test]
fn equal_changes_are_one() {
    check(row(json!({"n": 0}), json!({"n": 1}), json!({"n": 1})), json!({"n": 1}));
    check(row(absent(), l([1]), l([1])), l([1]));
    check(row(json!({"n": 0}), absent(), absent()), absent());
}

#[test]
fn policy_decides_about_one_key_that_both_have_changed() {
    let policies = |mine: Json, theirs: Json| (mine, theirs, true);
    for (base, mine, theirs) in [
        (json!({"n": 0}), json!({"n": 1}), json!({"n": 2})),
        (json!({"n": 0}), json!({}), json!({"n": 2})),
        (json!({"n": 0}), json!({"n": 1}), json!({})),
        (json!({"n": "x"}), json!({}), json!({"n": [1]})),
        (json!({"n": [1]}), json!({"n": [1, 2]}), json!({"n": "x"})),
        (json!({"n": [1]}), json!({"n": "x"}), json!({"n": [1, 2]})),
        (json!({}), json!({"n": {"a": 1}}), json!({"n": 2})),
    ] {
        let expected = policies(mine.clone(), theirs.clone());
        check_policies(row(base, mine, theirs), expected);
    }
}

#[test]
fn conflict_names_the_key_of_the_session() {
    let [base, mine, theirs] = [0, 1, 2].map(|n| dict(&json!({"outer": {"inner": n}})));
    let conflict = Changes::new(&base, &mine).merge(&theirs, Error).unwrap_err();
    assert_eq!(conflict.key(), "outer");
}

#[test]
fn of_two_starts_of_one_session_the_first_counts() {
    let started = |at: i32| json!({"_hipflask_started": at});
    check(row(absent(), started(2), started(1)), started(1));
    let nested = |at: i32| json!({"job": {"_hipflask_started": at}});
    check_policies(row(absent(), nested(2), nested(1)), (nested(2), nested(1), true));
}

#[test]
fn two_appends_both_stay_what_is_in_the_store_first() {
    check(pushed(l([1]), &[2], l([1, 3])), l([1, 3, 2]));
    check(row(l([1]), l([1, 2]), l([1, 3])), l([1, 3, 2]));
    check(pushed(l([1]), &[2], l([1, 2])), l([1, 2, 2]));
    check(row(l([1]), l([1, 2]), l([1, 2])), l([1, 2, 2]));
}

#[test]
fn two_appends_both_stay_where_there_was_no_list() {
    for base in [absent(), l([] as [i32; 0])] {
        check(pushed(base.clone(), &[2], l([3])), l([3, 2]));
        check(pushed(base.clone(), &[2], l([2])), l([2, 2]));
        check(pushed(base, &[1, 2], l([3, 4])), l([3, 4, 1, 2]));
    }
}

#[test]
fn policy_decides_about_two_lists_that_were_assigned() {
    for base in [absent(), l([] as [i32; 0])] {
        for (mine, theirs) in
            [(l([1, 2]), l([1, 2, 3])), (l([1, 2, 3]), l([1, 2])), (l([1]), l([2]))]
        {
            let expected = (mine.clone(), theirs.clone(), true);
            check_policies(row(base.clone(), mine, theirs), expected);
        }
    }
    check_policies(row(l([1, 2]), l([3]), l([4])), (l([3]), l([4]), true));
    check_policies(row(l([1, 2]), l([2, 1]), l([2])), (l([2, 1]), l([2]), true));
}

#[test]
fn append_is_added_to_what_another_request_has_assigned() {
    check(pushed(absent(), &[1], l([7, 8])), l([7, 8, 1]));
    check(pushed(l([1]), &[2], l([7])), l([7, 2]));
    check(row(l([1]), l([1, 2]), l([7])), l([7, 2]));
}

#[test]
fn what_another_request_has_appended_follows_the_list_that_is_assigned() {
    check(row(l([1, 2]), l([2]), l([1, 2, 3])), l([2, 3]));
    check(row(l([1]), l([7]), l([1, 3])), l([7, 3]));
    check(row(l([1]), l([] as [i32; 0]), l([1, 3])), l([3]));
}

#[test]
fn what_was_added_to_a_list_that_the_other_side_took_stays() {
    check(row(l([1]), absent(), l([1, 2])), l([2]));
    check(row(l([1]), l([1, 2]), absent()), l([2]));
    // The other side has taken it, too, and begun anew; or some of it.
    check(row(l([1]), absent(), l([2])), l([2]));
    check(row(l([1, 2]), absent(), l([2, 5])), l([5]));
    check(row(l([1, 2]), l([2, 5]), absent()), l([5]));
    check(row(l([1, 2]), absent(), l([2])), absent());
    // What is none of the two is assigned.
    check_policies(row(l([1, 2]), absent(), l([9, 2])), (absent(), l([9, 2]), true));
    check_policies(row(l([1, 2]), l([2, 1]), absent()), (l([2, 1]), absent(), true));
}

#[test]
fn list_that_was_taken_and_begun_anew_is_appended_whole() {
    let taken = |theirs| {
        let mut session = Session::from_stored(dict(&l([1])));
        session.remove("l").unwrap();
        session.push("l", 2).unwrap();
        of_session(l([1]), &session, theirs)
    };
    check(taken(l([1, 3])), l([3, 2]));
    check(taken(l([3])), l([3, 2]));
    check(taken(absent()), l([2]));
}

#[test]
fn empty_list_in_the_place_of_none_takes_nothing_away() {
    check(row(absent(), l([] as [i32; 0]), l([2])), l([2]));
    check(row(absent(), l([2]), l([] as [i32; 0])), l([2]));
}

#[test]
fn lists_inside_of_dicts_merge_by_what_they_hold() {
    let nested = |items: &[i32]| json!({"d": {"l": items}});
    check(row(nested(&[1]), nested(&[1, 2]), nested(&[1, 3])), nested(&[1, 3, 2]));
    let [mine, theirs] = [nested(&[2]), nested(&[3])];
    check_policies(row(json!({"d": {}}), mine.clone(), theirs.clone()), (mine, theirs, true));
}

#[test]
fn flash_messages_are_always_appended() {
    let flashes = |items: &[i32]| json!({"_flashes": items});
    check(row(absent(), flashes(&[1]), flashes(&[1])), flashes(&[1, 1]));
    check(row(flashes(&[1]), flashes(&[1, 2]), flashes(&[1, 2])), flashes(&[1, 2, 2]));
    // Who has not what was there has shown it.
    check(row(flashes(&[1]), absent(), flashes(&[1, 1])), flashes(&[1]));
    check(row(flashes(&[1]), flashes(&[2]), flashes(&[1, 3])), flashes(&[3, 2]));
    check(row(flashes(&[1]), flashes(&[2]), flashes(&[3])), flashes(&[3, 2]));
    check(row(flashes(&[1, 2]), absent(), flashes(&[2])), flashes(&[2]));
    check(row(flashes(&[1]), flashes(&[1, 2]), absent()), flashes(&[2]));
    // Both have taken the first, and have seen what others have flashed since.
    check(row(flashes(&[1, 2, 3]), flashes(&[2, 3]), flashes(&[2, 3, 4])), flashes(&[2, 3, 4]));
    check(row(flashes(&[1, 2]), flashes(&[2, 3]), flashes(&[2, 4])), flashes(&[2, 4, 3]));
}

#[test]
fn push_tells_an_append_from_an_assignment() {
    let grown = |change: &dyn Fn(&mut Session) -> Result<(), SessionError>| {
        let mut session = Session::from_stored(dict(&json!({"full": [1], "empty": []})));
        change(&mut session).unwrap();
        let keys = session.grown().into_iter();
        keys.map(|key| key.to_string_lossy()).collect::<Vec<_>>()
    };
    assert_eq!(grown(&|s| s.push("new", 1)), ["new"]);
    assert_eq!(grown(&|s| s.push("empty", 1)), ["empty"]);
    let push = |list: &mut Value| list.as_list_mut().unwrap().push(1.into());
    assert_eq!(grown(&|s| s.modify("empty", push).map(|_| ())), ["empty"]);
    // What it holds tells.
    assert!(grown(&|s| s.push("full", 2)).is_empty());
    let assigned = |key: &'static str| {
        move |s: &mut Session| s.push(key, 1).and_then(|()| s.insert(key, vec![1]))
    };
    assert!(grown(&assigned("new")).is_empty());
    assert!(grown(&|s| assigned("new")(s).and_then(|()| s.push("new", 2))).is_empty());
    assert!(grown(&|s| s.push("new", 1).and_then(|()| s.remove("new").map(|_| ()))).is_empty());
    let replace = |list: &mut Value| *list = Value::List(vec![2.into()]);
    assert!(
        grown(&|s| s.push("new", 1).and_then(|()| s.modify("new", replace).map(|_| ()))).is_empty()
    );
    // It is still known after other requests' changes were taken over.
    let rebase = |s: &mut Session| s.rebase(dict(&l([1, 2])));
    assert_eq!(grown(&|s| s.push("l", 2).map(|()| rebase(s))), ["l"]);
}

#[test]
fn push_makes_a_list_of_a_tuple_and_refuses_all_else() {
    let mut session = Session::new();
    session.insert("pair", ("tea", "milk")).unwrap();
    session.push("pair", "jam").unwrap();
    assert_eq!(
        session.value("pair"),
        Some(Value::List(["tea", "milk", "jam"].map(Value::from).to_vec()))
    );
    session.insert("user", "clarissa").unwrap();
    let error = session.push("user", "septimus").unwrap_err();
    assert_eq!(error.to_string(), r#"session["user"] is no list, so nothing can be pushed to it"#);
    assert_eq!(session.get("user"), Ok(Some("clarissa".to_owned())));
}

/// Records and cookies hold 490 levels, of which the session is one; what others have written may
/// be read up to 1,000.
#[test]
fn merge_reaches_every_depth_that_can_be_stored() {
    for depth in [0, 60, 64, 65, 488, 998] {
        on_a_small_stack(move || {
            let nested = |inner: Dict| {
                let wrap = |inner, _| Dict::from_iter([("d".into(), Value::Dict(inner))]);
                (0..depth).fold(inner, wrap)
            };
            let [base, mine, theirs, both] = [
                json!({"l": [1], "n": 0}),
                json!({"l": [1, 2], "n": 0, "mine": 1}),
                json!({"l": [1, 3], "n": 5, "theirs": 1}),
                json!({"l": [1, 3, 2], "n": 5, "mine": 1, "theirs": 1}),
            ]
            .map(|inner| nested(dict(&inner)));
            assert_eq!(Changes::new(&base, &mine).rebase(&theirs), both);
        });
    }
}

fn dict(json: &Json) -> Dict {
    match value(json) {
        Value::Dict(dict) => dict,
        other => panic!("no dict: {other:?}"),
    }
}

fn value(json: &Json) -> Value {
    match json {
        Json::Array(items) => Value::List(items.iter().map(value).collect()),
        Json::Object(object) => Value::Dict(
            object.iter().map(|(key, item)| (key.as_str().into(), value(item))).collect(),
        ),
        Json::Number(number) => Value::from(number.as_i64().unwrap()),
        other => Value::from(other.as_str().unwrap()),
    }
}

fn json_of(dict: &Dict) -> Json {
    serde_json::to_value(Value::Dict(dict.clone())).unwrap()
}

fn merge(
    base: &Dict,
    mine: &Dict,
    theirs: &Dict,
    policy: ConflictPolicy,
) -> Result<Dict, MergeConflict> {
    Changes::new(base, mine).merge(theirs, policy)
}

/// Dicts of few keys, so that sides have keys in common.
fn any_dict() -> impl Strategy<Value = Dict> {
    let leaf = prop_oneof![(0..3_i32).prop_map(Value::from), Just(Value::Null)];
    let value = leaf.prop_recursive(3, 24, 4, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..4).prop_map(Value::List),
            btree_map("[a-d]", inner, 0..4).prop_map(|map| Value::Dict(
                map.into_iter().map(|(key, value)| (key.into(), value)).collect()
            )),
        ]
    });
    btree_map("[a-d]|_flashes", value, 0..5)
        .prop_map(|map| map.into_iter().map(|(key, value)| (key.into(), value)).collect())
}

fn any_policy() -> impl Strategy<Value = ConflictPolicy> {
    prop_oneof![Just(Error), Just(FirstWriter), Just(LastWriter)]
}

/// Sets `value` below a path of keys, which become dicts where there are none.
fn set_at(dict: &mut Dict, path: &[String], value: i32) {
    let [first, rest @ ..] = path else { panic!("an empty path") };
    if rest.is_empty() {
        dict.insert(first.as_str(), Value::from(value));
        return;
    }
    if !matches!(dict.get(first), Some(Value::Dict(_))) {
        dict.insert(first.as_str(), Value::Dict(Dict::new()));
    }
    set_at(dict.get_mut(first).and_then(Value::as_dict_mut).unwrap(), rest, value);
}

fn get_at<'a>(dict: &'a Dict, path: &[String]) -> Option<&'a Value> {
    let [first, rest @ ..] = path else { return None };
    let value = dict.get(first)?;
    if rest.is_empty() { Some(value) } else { get_at(value.as_dict()?, rest) }
}

proptest! {
    #[test]
    fn unchanged_side_yields_to_the_other(base in any_dict(), other in any_dict(), policy in any_policy()) {
        prop_assert_eq!(merge(&base, &base, &other, policy), Ok(other.clone()));
        prop_assert_eq!(merge(&base, &other, &base, policy), Ok(other));
    }

    #[test]
    fn merge_keeps_edits_of_different_keys_in_either_order(
        base in any_dict(),
        path in proptest::collection::vec("[a-d]", 0..4),
        policy in any_policy(),
    ) {
        let mut base = base;
        let [mine_at, theirs_at] = ["mine", "theirs"].map(|last| [path.as_slice(), &[last.into()]].concat());
        // Both find the same dicts on the way.
        set_at(&mut base, &[path.as_slice(), &["shared".into()]].concat(), 0);
        let (mut mine, mut theirs) = (base.clone(), base.clone());
        set_at(&mut mine, &mine_at, 1);
        set_at(&mut theirs, &theirs_at, 2);
        let merged = merge(&base, &mine, &theirs, policy).unwrap();
        prop_assert_eq!(&merged, &merge(&base, &theirs, &mine, policy).unwrap());
        prop_assert_eq!(get_at(&merged, &mine_at), Some(&Value::from(1)));
        prop_assert_eq!(get_at(&merged, &theirs_at), Some(&Value::from(2)));
    }

    #[test]
    fn merge_invents_no_key_and_does_not_fail_unless_asked_to(
        base in any_dict(), mine in any_dict(), theirs in any_dict(),
    ) {
        let merged = merge(&base, &mine, &theirs, LastWriter).unwrap();
        for (key, _) in merged.iter() {
            let key = key.as_str().unwrap();
            prop_assert!(mine.contains(key) || theirs.contains(key));
        }
        prop_assert!(merge(&base, &mine, &theirs, FirstWriter).is_ok());
    }

    #[test]
    fn appended_items_all_stay(
        base in proptest::collection::vec(0..3_i32, 0..4),
        mine in proptest::collection::vec(0..3_i32, 1..4),
        theirs in proptest::collection::vec(0..3_i32, 1..4),
        policy in any_policy(),
    ) {
        let list = |parts: &[&[i32]]| -> Dict {
            let items = parts.concat().into_iter().map(Value::from).collect::<Vec<_>>();
            [("l".into(), Value::List(items))].into_iter().collect()
        };
        let (read, theirs_now) = (list(&[&base]), list(&[&base, &theirs]));
        let mut session = Session::from_stored(read.clone());
        mine.iter().for_each(|item| session.push("l", *item).unwrap());
        let (content, grown) = (session.to_dict(), session.grown());
        let changes = Changes::new(&read, &content).with_grown(&grown);
        prop_assert_eq!(changes.merge(&theirs_now, policy), Ok(list(&[&base, &theirs, &mine])));
    }

    #[test]
    fn merge_of_lists_that_were_assigned_is_one_of_them(
        is_empty in any::<bool>(),
        mine in proptest::collection::vec(0..3_i32, 0..4),
        theirs in proptest::collection::vec(0..3_i32, 0..4),
        policy in any_policy(),
    ) {
        let [base, mine, theirs] =
            [if is_empty { l([] as [i32; 0]) } else { absent() }, l(mine), l(theirs)].map(|side| dict(&side));
        if let Ok(merged) = merge(&base, &mine, &theirs, policy) {
            prop_assert!(merged == mine || merged == theirs, "{merged:?}");
        }
    }
}
