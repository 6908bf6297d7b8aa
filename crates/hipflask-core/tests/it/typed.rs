//! `Session::get` reads types straight from the text: it must give what the way over a `Value` does.

use std::{
    collections::{BTreeMap, HashMap},
    fmt::{self, Debug},
};

use hipflask_core::{
    serializer::Limits,
    session::{Session, SessionError},
    value::{Dict, Text, Uuid, Value, from_value},
};
use proptest::{collection::vec, prelude::*, sample::select};
use serde::{
    Deserialize, Deserializer,
    de::{DeserializeOwned, IgnoredAny, MapAccess, SeqAccess, Visitor},
};

use crate::codec::{any_value, json_like};

#[derive(Debug, Deserialize, PartialEq)]
struct Item {
    id: u8,
    name: Option<String>,
    #[serde(default)]
    price: f64,
    #[serde(default)]
    kind: Kind,
    #[serde(default)]
    parts: Vec<Self>,
}

#[derive(Debug, Default, Deserialize, PartialEq)]
enum Kind {
    #[default]
    Unit,
    Newtype(Option<i32>),
    Tuple(u8, String),
    Struct {
        flag: bool,
    },
}

#[derive(Debug, Deserialize, PartialEq)]
#[serde(untagged)]
enum Either {
    Number(i64),
    Word(String),
    Map(BTreeMap<String, Self>),
    Rest(Vec<Self>),
}

#[derive(Debug, Deserialize, PartialEq)]
struct Flat {
    #[serde(default)]
    a: Option<Value>,
    #[serde(flatten)]
    rest: HashMap<String, Value>,
}

#[derive(Debug, Deserialize, PartialEq)]
struct Wrapped(Text, Lenient);

/// Goes on after an error, which leaves the rest of a list unread.
#[derive(Debug, PartialEq)]
struct Lenient(Option<Vec<Option<u8>>>);

impl<'de> Deserialize<'de> for Lenient {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(Self(Deserialize::deserialize(deserializer).ok()))
    }
}

/// Takes no notice of what is there.
#[derive(Debug, PartialEq)]
struct Blind;

impl<'de> Deserialize<'de> for Blind {
    fn deserialize<D: Deserializer<'de>>(_: D) -> Result<Self, D::Error> {
        Ok(Self)
    }
}

/// Takes only the keys of a dict and the small numbers of a list, and stops where it likes.
#[derive(Debug, PartialEq)]
struct Picky(Vec<String>, Vec<u8>);

impl<'de> Deserialize<'de> for Picky {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(PickyVisitor)
    }
}

struct PickyVisitor;

impl<'de> Visitor<'de> for PickyVisitor {
    type Value = Picky;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list or a dict")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Picky, A::Error> {
        let mut numbers = Vec::new();
        for _ in 0..3 {
            numbers.extend(seq.next_element::<u8>().unwrap_or(Some(0)));
        }
        Ok(Picky(Vec::new(), numbers))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Picky, A::Error> {
        let mut keys = Vec::new();
        while let Some(key) = map.next_key()? {
            keys.push(key);
        }
        Ok(Picky(keys, Vec::new()))
    }
}

#[track_caller]
fn check<T: Debug + DeserializeOwned + PartialEq>(session: &Session, key: &str) {
    let expected = session.value(key).map(from_value::<T>).transpose();
    let expected = expected.map_err(|error| SessionError::from(error.with_key(key)));
    let typed = session.get::<T>(key);
    // NaN is not equal to itself, and hash maps of equal content print in any order.
    let same = typed == expected || format!("{typed:?}") == format!("{expected:?}");
    assert!(same, "{typed:?} instead of {expected:?} for {:?}", session.value(key));
}

macro_rules! check_types {
    ($session:expr, $key:expr, $($type:ty),* $(,)?) => {$(check::<$type>($session, $key);)*};
}

fn check_entry(session: &Session, key: &str) {
    check_types!(
        session, key, (), bool, i64, u8, i128, u128, f32, f64, char, String, Option<u8>, Option<String>,
        Box<str>, Vec<u8>, Vec<Value>, Vec<Option<i64>>, Vec<Vec<f64>>, BTreeMap<String, Value>,
        HashMap<String, i64>, BTreeMap<i32, Ignored>, BTreeMap<bool, char>, BTreeMap<Text, Value>,
        BTreeMap<String, Vec<String>>, (u8, String), (Value, Value), [i64; 2], Item, Vec<Item>, Kind,
        Vec<Kind>, BTreeMap<String, Kind>, BTreeMap<String, BTreeMap<String, Kind>>, Either,
        Vec<Either>, Flat, Vec<Flat>, Wrapped, Vec<Wrapped>, Lenient, Vec<Lenient>,
        BTreeMap<String, Lenient>, Blind, Vec<Blind>, BTreeMap<String, Blind>, (Blind, u8), Picky,
        Vec<Picky>, BTreeMap<String, Picky>, Vec<Result<Blind, Blind>>, serde_json::Value,
        Vec<serde_json::Value>, Value, Dict, Text, Uuid, Vec<Uuid>,
    );
}

/// `IgnoredAny`, comparable.
#[derive(Debug, Deserialize, PartialEq)]
struct Ignored(#[serde(deserialize_with = "ignore")] ());

fn ignore<'de, D: Deserializer<'de>>(deserializer: D) -> Result<(), D::Error> {
    IgnoredAny::deserialize(deserializer).map(drop)
}

/// Values that come near the types above, so that many of them fit.
fn fitting_value() -> impl Strategy<Value = Value> {
    let dict = |entries: Vec<(&str, Value)>| {
        let entries = entries.into_iter().map(|(key, value)| (Text::from(key), value));
        Value::Dict(entries.collect())
    };
    let leaf = prop_oneof![
        (-2_i64..300).prop_map(Value::from),
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        select(&["Unit", "Newtype", "1", "é", "", " t", "\"\n", "x"][..]).prop_map(Value::from),
        select(&[0.5, 1.0, 1e300, f64::NAN, f64::INFINITY, f64::NEG_INFINITY, -0.0][..])
            .prop_map(Value::from),
        any_value(),
    ];
    leaf.prop_recursive(4, 60, 5, move |inner| {
        let kind = prop_oneof![
            select(vec![Value::from("Unit"), dict(vec![("Unit", Value::Null)])]),
            (select(&["Unit", "Newtype", "Tuple", "Other"][..]), inner.clone())
                .prop_map(move |(name, value)| dict(vec![(name, value)])),
            (0_u8..9, "[a-é]{0,3}").prop_map(move |(number, word)| {
                let items = vec![Value::from(u32::from(number)), Value::from(word)];
                dict(vec![("Tuple", Value::Tuple(items))])
            }),
            any::<bool>()
                .prop_map(move |flag| dict(vec![("Struct", dict(vec![("flag", flag.into())]))])),
        ];
        let parts = vec(inner.clone(), 0..3).prop_map(Value::List);
        let item = (0_u32..260, inner.clone(), 0_u32..100, kind.clone(), parts).prop_map(
            move |(id, name, price, kind, parts)| {
                let price = Value::from(f64::from(price) / 8.0);
                dict(vec![
                    ("id", id.into()),
                    ("name", name),
                    ("price", price),
                    ("kind", kind),
                    ("parts", parts),
                ])
            },
        );
        let key = select(&["a", "b", "1", "-7", "true", "Unit", "name", "", " x", "é"][..]);
        prop_oneof![
            kind,
            item,
            vec(inner.clone(), 0..5).prop_map(Value::List),
            vec(inner.clone(), 0..3).prop_map(Value::Tuple),
            vec((key, inner), 0..4).prop_map(dict),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, ..ProptestConfig::default() })]

    #[test]
    fn get_agrees_with_from_value(value in prop_oneof![any_value(), fitting_value()]) {
        let mut session = Session::new();
        session.set("key", value).unwrap();
        let text = String::from_utf8(session.to_json().unwrap()).unwrap();
        check_entry(&Session::from_json(text, Limits::default()).unwrap(), "key");
    }

    #[test]
    fn get_agrees_with_from_value_in_any_spelling(json in json_like()) {
        let text = format!(r#"{{"key": {json} }}"#);
        if let Ok(session) = Session::from_json(text, Limits::default()) {
            check_entry(&session, "key");
        }
    }
}

#[track_caller]
fn check_json(json: &str) {
    let text = format!(r#"{{"a":1,"key":{json},"z":2}}"#);
    check_entry(&Session::from_json(text, Limits::default()).unwrap(), "key");
}

#[test]
fn get_agrees_with_from_value_on_odd_entries() {
    check_json(r#"[1,{"a":[1,[2,{"b":"]}"}]],"c":"\"]"},3]"#);
    check_json(r#"[[1,2,3],[1,"x",3],[1,2],[1,2,3,4],["x","y","z"],[]]"#);
    check_json(r#"[[1,"x",2],[1],{"a":1},[[1]],3]"#);
    check_json(r#"{"a":[1,"x",2],"b":[1]}"#);
    check_json(r#" [ { "id" : 1 , "kind" : { "Struct" : { "flag" : true } } } , { } ] "#);
    check_json(r#"{"a":1,"a":2}"#);
    check_json(r#"{"b":1,"a":2,"b":"x"}"#);
    check_json(r#"{"\u0061":1}"#);
    check_json(r#"{ " t":[1,2]}"#);
    check_json(r#"{" t":[1,2]}"#);
    check_json(r#"[{" t":[1,"x"]},{" m":"<b>"},{" di":{" t__":1}}]"#);
    check_json(r#"{" t":[1]," u":2}"#);
    check_json(r#"{"":1," t":[2]}"#);
    check_json(r#"[{"Unit":null},{"Newtype":null},{"Newtype":3},{"Tuple":[1,"x"]},"Unit"]"#);
    check_json(r#"[{"Unit":1},{"Unit":null,"a":1},{"Tuple":[1]},{"Tuple":[1,"x",2]},{}]"#);
    check_json(r#"{"Newtype":{"a":1}}"#);
    check_json(r#"["\ud800","\ud83d\ude00","\u00e9"]"#);
    check_json(r#"{"1":{"\ud800":1},"2":"\ud800"}"#);
    check_json("[-0,-0.0,1e400,NaN,Infinity,-Infinity,9223372036854775808,-9223372036854775809]");
    check_json(&"9".repeat(60));
    check_json(r#"{"a":[0.5,1e-05,0.30000000000000004],"b":"\u00e9"}"#);
    check_json(r#""00000000-0000-0000-0000-000000000007""#);
    check_json(r#"{"id":1,"name":"x","price":2,"unknown":[{"a":{}},"\\"]}"#);
}

#[test]
fn get_agrees_with_from_value_at_any_depth() {
    for levels in [255, 256, 257, 258, 900] {
        for (open, close) in [("[", "]"), (r#"{"a":"#, "}"), (r#"{"Newtype":"#, "}")] {
            let json = format!("{}1{}", open.repeat(levels), close.repeat(levels));
            let session = Session::from_json(format!(r#"{{"key":{json}}}"#), Limits::default());
            let session = session.unwrap();
            check_types!(
                &session, "key", serde_json::Value, Vec<serde_json::Value>, Value, Blind, Ignored,
                Kind, BTreeMap<String, Blind>,
            );
            let is_read = session.get::<serde_json::Value>("key").is_ok();
            assert_eq!(is_read, levels <= 256);
        }
    }
}
