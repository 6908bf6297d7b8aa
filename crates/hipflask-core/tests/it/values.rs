//! Values ⇄ Rust types through serde, on generated ones.

use std::collections::{BTreeMap, HashMap};

use hipflask_core::{
    session::Session,
    value::{DateTime, Dict, Int, Text, Uuid, Value, from_value, to_value},
};
use proptest::{collection::vec, prelude::*};
use serde::{Deserialize, Serialize, de::DeserializeOwned};

use crate::codec::{any_text, any_value};

#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
struct Everything {
    flag: bool,
    small: (i8, u8, i16, u16),
    large: (i64, u64, i128, u128),
    float: f64,
    letter: char,
    name: String,
    none: Option<u8>,
    unit: (),
    wrapped: Wrapped,
    kinds: Vec<Kind>,
    by_number: BTreeMap<i32, Option<String>>,
    by_kind: BTreeMap<Side, [u8; 2]>,
    by_flag: BTreeMap<bool, char>,
    by_newtype: BTreeMap<Wrapped, ()>,
    value: Value,
    values: HashMap<String, Vec<Value>>,
}

#[derive(Clone, Debug, Deserialize, Eq, Ord, PartialEq, PartialOrd, Serialize)]
struct Wrapped(u64);

#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
enum Kind {
    Unit,
    Newtype(Option<Box<Self>>),
    Tuple(u8, String),
    Struct { value: Value, list: Vec<Self> },
}

#[derive(Clone, Copy, Debug, Deserialize, Eq, Ord, PartialEq, PartialOrd, Serialize)]
enum Side {
    Left,
    Right,
}

fn any_kind() -> impl Strategy<Value = Kind> {
    let leaf = prop_oneof![
        Just(Kind::Unit),
        Just(Kind::Newtype(None)),
        (any::<u8>(), any::<String>()).prop_map(|(number, text)| Kind::Tuple(number, text)),
    ];
    leaf.prop_recursive(3, 10, 3, |inner| {
        prop_oneof![
            inner.clone().prop_map(|kind| Kind::Newtype(Some(Box::new(kind)))),
            (any_value(), vec(inner, 0..3)).prop_map(|(value, list)| Kind::Struct { value, list }),
        ]
    })
}

fn everything() -> impl Strategy<Value = Everything> {
    let side = any::<bool>().prop_map(|left| if left { Side::Left } else { Side::Right });
    let numbers = (any::<bool>(), any::<(i8, u8, i16, u16)>(), any::<(i64, u64, i128, u128)>());
    let texts = (any::<f64>(), any::<char>(), any::<String>(), any::<Option<u8>>());
    let maps = (
        any::<BTreeMap<i32, Option<String>>>(),
        prop::collection::btree_map(side, any::<[u8; 2]>(), 0..3),
        any::<BTreeMap<bool, char>>(),
        prop::collection::btree_map(any::<u64>().prop_map(Wrapped), Just(()), 0..3),
    );
    let values = prop::collection::hash_map(any::<String>(), vec(any_value(), 0..3), 0..3);
    let nested = (any::<u64>(), vec(any_kind(), 0..3), any_value(), values);
    (numbers, texts, maps, nested).prop_map(|(numbers, texts, maps, nested)| Everything {
        flag: numbers.0,
        small: numbers.1,
        large: numbers.2,
        float: texts.0,
        letter: texts.1,
        name: texts.2,
        none: texts.3,
        unit: (),
        by_number: maps.0,
        by_kind: maps.1,
        by_flag: maps.2,
        by_newtype: maps.3,
        wrapped: Wrapped(nested.0),
        kinds: nested.1,
        value: nested.2,
        values: nested.3,
    })
}

fn there_and_back<T: DeserializeOwned + Serialize>(value: &T) -> T {
    from_value(to_value(value).unwrap()).unwrap()
}

proptest! {
    #[test]
    fn from_value_reverses_to_value(everything in everything()) {
        prop_assert_eq!(&there_and_back(&everything), &everything);
        let mut session = Session::new();
        session.insert("key", &everything).unwrap();
        let text = String::from_utf8(session.to_json().unwrap()).unwrap();
        let session = Session::from_json(text, Default::default()).unwrap();
        prop_assert_eq!(session.get::<Everything>("key").unwrap(), Some(everything));
    }

    #[test]
    fn values_lose_nothing_in_serde(value in any_value(), micros in 0_u32..1_000_000) {
        prop_assert_eq!(&to_value(&value).unwrap(), &value);
        prop_assert_eq!(&there_and_back(&value), &value);
        prop_assert_eq!(&from_value::<Value>(value.clone()).unwrap(), &value);
        let nested = BTreeMap::from([("k", vec![value])]);
        let read: BTreeMap<String, Vec<Value>> = from_value(to_value(&nested).unwrap()).unwrap();
        prop_assert_eq!(&read["k"], &nested["k"]);
        let time = DateTime::from_unix(1_763_692_800, micros).unwrap();
        prop_assert_eq!(there_and_back(&time), time);
        prop_assert_eq!(there_and_back(&Value::from(time)), Value::from(time));
    }

    #[test]
    fn parts_of_values_lose_nothing_in_serde(text in any_text(), digits in "-?[1-9][0-9]{0,60}") {
        prop_assert_eq!(&there_and_back(&text), &text);
        let int = Int::parse(&digits).unwrap();
        prop_assert_eq!(&there_and_back(&int), &int);
        let dict: Dict = [(text, Value::from(int))].into_iter().collect();
        prop_assert_eq!(&there_and_back(&dict), &dict);
    }

    #[test]
    fn values_pass_through_other_formats(value in any_value()) {
        // JSON cannot tell all kinds apart, but whatever comes back is a value, not a mix-up.
        if let Ok(json) = serde_json::to_value(&value) {
            let read: Value = serde_json::from_value(json.clone()).unwrap();
            prop_assert_eq!(serde_json::to_value(&read).unwrap(), json);
        }
    }
}

#[test]
fn reserved_names_of_serde_cannot_be_forged() {
    for name in ["tuple", "uuid", "dict", "text", "int", "markup", "datetime"] {
        let json = format!(r#"{{"$hipflask::{name}":["x",1]}}"#);
        let foreign: Value = serde_json::from_str(&json).unwrap();
        assert!(foreign.as_dict().is_some(), "{foreign:?}");
        assert_eq!(from_value::<Value>(foreign.clone()).unwrap(), foreign);
        assert_eq!(to_value(&foreign).unwrap(), foreign);
    }
}

#[test]
fn values_fit_the_types_that_people_ask_for() {
    #[derive(Debug, Deserialize, PartialEq)]
    struct Flat {
        name: String,
        #[serde(flatten)]
        rest: BTreeMap<String, i32>,
    }
    #[derive(Debug, Deserialize, PartialEq)]
    #[serde(tag = "kind")]
    enum Tagged {
        Item { price: f64 },
    }
    let dict = |entries: &[(&str, Value)]| -> Value {
        let entries = entries.iter().map(|(key, value)| (Text::from(*key), value.clone()));
        Value::Dict(entries.collect())
    };
    let flat = dict(&[("name", "tea".into()), ("a", 1.into()), ("b", 2.into())]);
    let rest = BTreeMap::from([("a".to_owned(), 1), ("b".to_owned(), 2)]);
    assert_eq!(from_value(flat), Ok(Flat { name: "tea".to_owned(), rest }));
    let tagged = dict(&[("kind", "Item".into()), ("price", 2.into())]);
    assert_eq!(from_value(tagged), Ok(Tagged::Item { price: 2.0 }));

    let uuid = Uuid::from_u128(7);
    assert_eq!(from_value(Value::Uuid(uuid)), Ok(uuid));
    assert_eq!(from_value(to_value(&uuid).unwrap()), Ok(uuid));
    assert_eq!(from_value(Value::Markup("<b>".into())), Ok("<b>".to_owned()));
    assert_eq!(from_value(Value::Bytes(vec![1, 2])), Ok(vec![1_u8, 2]));
    assert_eq!(from_value(Value::Tuple(vec![1.into(), 2.into()])), Ok(vec![1_u8, 2]));
    assert_eq!(from_value(Value::from(3)), Ok(3.0_f64));
    assert!(from_value::<u8>(Value::from(300)).is_err());
    assert!(from_value::<u8>(Value::from(1.0)).is_err());
    assert!(from_value::<String>(Value::Str(Text::from_code_points([0xd800]))).is_err());
}

#[test]
fn times_are_read_as_they_are_written_and_no_other_way() {
    for wrong in ["", "Z", "2024-02-30T00:00:00Z", "2024-02-29 00:00:00Z", "+024-02-29T00:00:00Z"] {
        assert!(from_value::<DateTime>(Value::from(wrong)).is_err(), "{wrong}");
    }
    for wrong in [".Z", ".+1Z", ".1234567Z", "", "+01:00"] {
        let wrong = format!("2024-02-29T00:00:00{wrong}");
        assert!(from_value::<DateTime>(Value::from(wrong.as_str())).is_err(), "{wrong}");
    }
}
