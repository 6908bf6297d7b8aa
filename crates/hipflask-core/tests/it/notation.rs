//! Reads the notation in which the vectors describe Python values: `{"t":"int","v":"-12"}`.

use hipflask_core::{
    http_date::http_date,
    serializer::to_json,
    value::{DateTime, Dict, Int, Text, Uuid, Value},
};
use serde_json::Value as Json;

use crate::vectors::from_hex;

/// Returns the value that is described; the reason if no Rust value can be the same.
pub(crate) fn read(described: &Json) -> Result<Value, &'static str> {
    let content = &described["v"];
    let text = || content.as_str().expect("the content is a text");
    Ok(match described["t"].as_str().expect("the kind is a text") {
        "null" => Value::Null,
        "bool" => Value::Bool(content.as_bool().expect("a truth value")),
        "int" => Value::Int(int(described)),
        "float" => Value::Float(f64::from_be_bytes(bytes(described, "bits").try_into().unwrap())),
        "str" if described["cp"].is_array() => Value::Str(points(&described["cp"])),
        "str" => Value::from(text()),
        "markup" => Value::Markup(self::text(content)),
        "bytes" => Value::Bytes(bytes(described, "hex")),
        "list" => Value::List(items(content)?),
        "tuple" => Value::Tuple(items(content)?),
        "dict" => Value::Dict(dict(content)?),
        "uuid" => Value::Uuid(Uuid::parse_str(text()).expect("a UUID")),
        "datetime" => Value::DateTime(datetime(text(), described["off"].as_i64())?),
        // What Flask writes as a plain string is one in Rust from the start.
        "date" => Value::from(http_date(unix_seconds(text())).expect("a date")),
        "decimal" => Value::from(text()),
        "set" | "time" | "timedelta" | "bytearray" | "other" => return Err("no such kind in Rust"),
        kind => panic!("unknown kind {kind}"),
    })
}

/// Reads a text: plain, or as code points where a surrogate stands alone.
pub(crate) fn text(json: &Json) -> Text {
    match json.as_str() {
        Some(text) => text.into(),
        None => points(&json["cp"]),
    }
}

/// Panics unless both are the same value, in which dicts also have the same order.
#[track_caller]
pub(crate) fn assert_same(actual: &Value, expected: &Value, context: &dyn std::fmt::Debug) {
    assert_eq!(actual, expected, "in {context:?}");
    assert_eq!(format!("{actual:?}"), format!("{expected:?}"), "in {context:?}");
    assert_eq!(keys(actual), keys(expected), "in {context:?}");
}

/// Returns the keys of dicts that are no strings, however deep they are.
fn keys(value: &Value) -> Vec<Value> {
    match value {
        Value::Dict(dict) => {
            let below = |(key, value): (&Text, _)| {
                key.stands_for().cloned().into_iter().chain(keys(value)).collect::<Vec<_>>()
            };
            dict.iter().flat_map(below).collect()
        }
        Value::List(items) | Value::Tuple(items) => items.iter().flat_map(keys).collect(),
        _ => Vec::new(),
    }
}

fn points(json: &Json) -> Text {
    let points = json.as_array().expect("code points").iter();
    Text::from_code_points(points.map(|point| point.as_u64().unwrap().try_into().unwrap()))
}

fn bytes(described: &Json, name: &str) -> Vec<u8> {
    from_hex(described[name].as_str().expect("hexadecimal digits"))
}

fn items(json: &Json) -> Result<Vec<Value>, &'static str> {
    json.as_array().expect("a list").iter().map(read).collect()
}

fn dict(json: &Json) -> Result<Dict, &'static str> {
    let pairs = json.as_array().expect("a list of pairs").iter();
    let key = |described| match read(described)? {
        Value::Str(key) => Ok(key),
        Value::Null => Ok(Text::of_key("null", Value::Null)),
        Value::Bool(flag) => Ok(Text::of_key(flag.to_string(), Value::Bool(flag))),
        Value::Int(int) => Ok(Text::of_key(int.to_string(), Value::Int(int))),
        Value::Float(float) => {
            let json = to_json(&Value::Float(float)).expect("a number");
            Ok(Text::of_key(json, Value::Float(float)))
        }
        _ => Err("no text stands for such a key"),
    };
    pairs.map(|pair| Ok((key(&pair[0])?, read(&pair[1])?))).collect()
}

fn int(described: &Json) -> Int {
    let Some(hex) = described["hex"].as_str() else {
        return Int::parse(described["v"].as_str().unwrap()).expect("an integer");
    };
    // Decimal digits, the lowest first: times 16, plus the next digit.
    let mut decimal = vec![0_u32];
    for digit in hex.chars() {
        let mut carry = digit.to_digit(16).unwrap();
        for place in &mut decimal {
            carry += *place * 16;
            *place = carry % 10;
            carry /= 10;
        }
        while carry > 0 {
            decimal.push(carry % 10);
            carry /= 10;
        }
    }
    let text: String = decimal.iter().rev().map(u32::to_string).collect();
    Int::parse(&text).expect("an integer")
}

/// A time without a zone counts as UTC, as in Flask.
fn datetime(iso: &str, offset: Option<i64>) -> Result<DateTime, &'static str> {
    let micros = iso.get(20..).map_or(0, |micros| micros.parse().unwrap());
    DateTime::from_unix(unix_seconds(iso) - offset.unwrap_or(0), micros)
        .map_err(|_| "the time in UTC is outside the years 1 to 9999")
}

/// The seconds of `2024-02-29` or `2024-02-29T12:34:56…` as UTC.
pub(crate) fn unix_seconds(iso: &str) -> i64 {
    let field = |from: usize, to: usize| iso.get(from..to).map_or(0, |n| n.parse().unwrap());
    let month = u8::try_from(field(5, 7)).unwrap().try_into().unwrap();
    let day = u8::try_from(field(8, 10)).unwrap();
    let date = time::Date::from_calendar_date(field(0, 4).try_into().unwrap(), month, day).unwrap();
    let midnight = date.midnight().assume_utc().unix_timestamp();
    midnight + field(11, 13) * 3600 + field(14, 16) * 60 + field(17, 19)
}
