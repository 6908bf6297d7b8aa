//! The three-way merge: what must hold for all sessions, and single cases.

use hipflask_core::{
    engine::{ConflictPolicy, merge},
    value::{Dict, Value},
};
use proptest::{collection::btree_map, prelude::*};
use serde_json::{Value as Json, json};

use ConflictPolicy::{Error, FirstWriter, LastWriter};

/// Merges what is described as JSON; `Err` is the key of the conflict.
#[track_caller]
fn check(base: Json, mine: Json, theirs: Json, expected: Json) {
    check_with(LastWriter, [base, mine, theirs], Ok(expected));
}

#[track_caller]
fn check_with(policy: ConflictPolicy, sides: [Json; 3], expected: Result<Json, &str>) {
    let [base, mine, theirs] = sides.map(|side| dict(&side));
    let merged = merge(&base, &mine, &theirs, policy);
    let expected = expected.map(|merged| dict(&merged)).map_err(str::to_owned);
    assert_eq!(merged.map_err(|conflict| conflict.key().to_owned()), expected);
}

#[test]
fn merge_keeps_what_both_have_appended() {
    check(json!({"l": [1]}), json!({"l": [1, 2]}), json!({"l": [1, 3]}), json!({"l": [1, 3, 2]}));
    check(json!({"l": [1]}), json!({"l": [1, 2]}), json!({"l": [1, 2]}), json!({"l": [1, 2, 2]}));
    check(json!({}), json!({"l": [2]}), json!({"l": [3]}), json!({"l": [3, 2]}));
    // Equal lists that both have made were set rather than appended to; flash messages never are.
    check(json!({}), json!({"l": [2]}), json!({"l": [2]}), json!({"l": [2]}));
    check(
        json!({}),
        json!({"_flashes": [["message", "Saved"]]}),
        json!({"_flashes": [["message", "Saved"]]}),
        json!({"_flashes": [["message", "Saved"], ["message", "Saved"]]}),
    );
}

#[test]
fn merge_keeps_what_was_added_to_a_list_that_the_other_side_took() {
    let (taken, added) = (json!({}), json!({"l": [1, 2]}));
    check(json!({"l": [1]}), taken.clone(), added.clone(), json!({"l": [2]}));
    check(json!({"l": [1]}), added, taken.clone(), json!({"l": [2]}));
    // The other side has taken it, too, and begun anew.
    check(json!({"l": [1]}), taken.clone(), json!({"l": [2]}), json!({"l": [2]}));
    check(json!({"l": [1, 2]}), taken.clone(), json!({"l": [2, 1]}), json!({}));
    check(json!({"l": [1]}), taken.clone(), taken, json!({}));
    check(
        json!({"_flashes": [1]}),
        json!({"_flashes": [2]}),
        json!({"_flashes": [3]}),
        json!({"_flashes": [3, 2]}),
    );
}

#[test]
fn merge_joins_dicts_at_every_depth() {
    check(
        json!({"a": {"b": {"old": 1, "gone": 1}}}),
        json!({"a": {"b": {"old": 1, "gone": 1, "mine": 1}}}),
        json!({"a": {"b": {"old": 2}, "theirs": 1}}),
        json!({"a": {"b": {"old": 2, "mine": 1}, "theirs": 1}}),
    );
    check(
        json!({}),
        json!({"a": {"x": 1}}),
        json!({"a": {"y": 1}}),
        json!({"a": {"x": 1, "y": 1}}),
    );
}

#[test]
fn policy_decides_what_both_have_changed() {
    let sides =
        || [json!({"n": 0, "d": {"n": 0}}), json!({"n": 1}), json!({"n": 2, "d": {"n": 0}})];
    check_with(LastWriter, sides(), Ok(json!({"n": 1})));
    check_with(FirstWriter, sides(), Ok(json!({"n": 2})));
    check_with(Error, sides(), Err("n"));
    // The key that is named is that of the session.
    let nested = |n: i32| json!({"outer": {"inner": n}});
    check_with(Error, [nested(0), nested(1), nested(2)], Err("outer"));
    check_with(Error, [nested(0), nested(1), nested(1)], Ok(nested(1)));
    // Of two starts of one session the first counts, whatever the policy.
    let started = |at: i32| json!({"_started": at});
    check_with(Error, [json!({}), started(2), started(1)], Ok(started(1)));
}

#[test]
fn merge_takes_what_is_nested_too_deep_as_one_value() {
    let nested =
        |depth: u32, key: &str| (0..depth).fold(json!({key: 1}), |inner, _| json!({"d": inner}));
    let both = (0..60).fold(json!({"mine": 1, "theirs": 1}), |inner, _| json!({"d": inner}));
    check(json!({}), nested(60, "mine"), nested(60, "theirs"), both);
    check(json!({}), nested(90, "mine"), nested(90, "theirs"), nested(90, "mine"));
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
        let merged = merge(&list(&[&base]), &list(&[&base, &mine]), &list(&[&base, &theirs]), policy);
        prop_assert_eq!(merged, Ok(list(&[&base, &theirs, &mine])));
    }
}
