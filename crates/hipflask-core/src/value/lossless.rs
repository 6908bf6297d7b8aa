//! `Value` among serde's types: it passes through our own serializer and deserializer unchanged.
//!
//! serde has no word for a tuple that is no list, Markup, UUIDs, times, integers of any size and
//! lone surrogates. Ours pass as a newtype of a reserved name on the way in and as an enum on the
//! way out, where no format has anything that could be taken for it. To other formats a value is
//! what `de` and `ser` make of it: text, numbers, lists and maps.

use std::fmt;

use serde::{
    de::{
        self, Deserialize, Deserializer, EnumAccess, Error as _, IntoDeserializer, MapAccess,
        SeqAccess, VariantAccess, Visitor, value::StrDeserializer,
    },
    ser::{Serialize, SerializeTuple, Serializer},
};

use super::{DateTime, Dict, Int, Text, Uuid, Value, ValueError};

/// Names what is read into a [`Value`].
pub(super) const VALUE: &str = "$hipflask::Value";

const DATETIME: &str = "$hipflask::datetime";
const DICT: &str = "$hipflask::dict";
const INT: &str = "$hipflask::int";
const MARKUP: &str = "$hipflask::markup";
const TEXT: &str = "$hipflask::text";
const TUPLE: &str = "$hipflask::tuple";
const UUID: &str = "$hipflask::uuid";

impl Serialize for Value {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Null => serializer.serialize_unit(),
            Self::Bool(flag) => serializer.serialize_bool(*flag),
            Self::Int(int) => int.serialize(serializer),
            Self::Float(float) => serializer.serialize_f64(*float),
            Self::Str(text) => text.serialize(serializer),
            Self::List(items) => serializer.collect_seq(items),
            Self::Tuple(items) => {
                let mut tuple = serializer.serialize_tuple(items.len())?;
                items.iter().try_for_each(|item| tuple.serialize_element(item))?;
                tuple.end()
            }
            Self::Dict(dict) => dict.serialize(serializer),
            Self::Bytes(bytes) => serializer.serialize_bytes(bytes),
            Self::Markup(text) => serializer.serialize_newtype_struct(MARKUP, text),
            Self::Uuid(uuid) => serializer.serialize_newtype_struct(UUID, &uuid.to_string()),
            Self::DateTime(time) => time.serialize(serializer),
        }
    }
}

impl Serialize for Text {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.as_str() {
            Some(text) => serializer.serialize_str(text),
            None => {
                serializer.serialize_newtype_struct(TEXT, &self.code_points().collect::<Vec<u32>>())
            }
        }
    }
}

impl Serialize for Int {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match (self.as_i64(), self.as_i128()) {
            (Some(small), _) => serializer.serialize_i64(small),
            (_, Some(large)) => match u64::try_from(large) {
                Ok(large) => serializer.serialize_u64(large),
                Err(_) => serializer.serialize_i128(large),
            },
            _ => serializer.serialize_newtype_struct(INT, &self.to_string()),
        }
    }
}

impl Serialize for DateTime {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_newtype_struct(DATETIME, &self.to_string())
    }
}

impl Serialize for Dict {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.iter())
    }
}

macro_rules! deserialize_as_value {
    ($($type:ty: $expected:literal, $pattern:pat => $content:ident;)*) => {$(
        impl<'de> Deserialize<'de> for $type {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                match Value::deserialize(deserializer)? {
                    $pattern => Ok($content),
                    _ => Err(D::Error::custom(concat!("expected ", $expected))),
                }
            }
        }
    )*};
}

deserialize_as_value! {
    Dict: "a dict", Value::Dict(dict) => dict;
    Int: "an integer", Value::Int(int) => int;
    Text: "a string", Value::Str(text) | Value::Markup(text) => text;
}

impl<'de> Deserialize<'de> for DateTime {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse(&text).ok_or_else(|| D::Error::custom("expected a time in UTC, RFC 3339"))
    }
}

/// Gives back its kind to what passed under a reserved name; other names mean nothing.
pub(super) fn revive(name: &str, inner: Value) -> Result<Value, ValueError> {
    let revived = match (name, inner) {
        (DATETIME, Value::Str(text)) => {
            text.as_str().and_then(DateTime::parse).map(Value::DateTime)
        }
        (DICT, Value::List(pairs)) => {
            pairs.into_iter().map(pair).collect::<Option<Dict>>().map(Value::Dict)
        }
        (INT, Value::Str(text)) => text.as_str().and_then(Int::parse).map(Value::Int),
        (MARKUP, Value::Str(text)) => Some(Value::Markup(text)),
        (TEXT, Value::List(points)) => {
            let points = points.iter().map(|point| point.as_i64()?.try_into().ok());
            let points = points.collect::<Option<Vec<u32>>>();
            points.map(|points| Value::Str(Text::from_code_points(points)))
        }
        (TUPLE, Value::List(items)) => Some(Value::Tuple(items)),
        (UUID, Value::Str(text)) => {
            text.as_str().and_then(|text| Uuid::try_parse(text).ok()).map(Value::Uuid)
        }
        (_, inner) => Some(inner),
    };
    revived.ok_or_else(|| {
        ValueError::custom("a reserved name of serde's data model holds something else")
    })
}

fn pair(item: Value) -> Option<(Text, Value)> {
    let Value::List(items) = item else { return None };
    match <[Value; 2]>::try_from(items).ok()? {
        [Value::Str(key), value] => Some((key, value)),
        _ => None,
    }
}

/// Shows a value's exact kind to `Value`'s own visitor.
pub(super) struct Lossless(pub(super) Value);

impl<'de> Deserializer<'de> for Lossless {
    type Error = ValueError;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ValueError> {
        let (name, inner) = match self.0 {
            Value::Str(text) if text.as_str().is_none() => {
                let points = text.code_points().map(|point| i64::from(point).into());
                (TEXT, Value::List(points.map(Value::Int).collect()))
            }
            Value::Int(int) if int.as_i64().is_none() => (INT, int.to_string().into()),
            Value::Tuple(items) => (TUPLE, Value::List(items)),
            Value::Dict(dict) if dict.iter().any(|(key, _)| key.as_str().is_none()) => {
                let pairs = dict.into_iter().map(|(key, value)| vec![key.into(), value].into());
                (DICT, Value::List(pairs.collect()))
            }
            Value::Markup(text) => (MARKUP, Value::Str(text)),
            Value::Uuid(uuid) => (UUID, uuid.to_string().into()),
            Value::DateTime(time) => (DATETIME, time.to_string().into()),
            value => return value.deserialize_any(visitor),
        };
        visitor.visit_enum(Named { name, inner })
    }

    serde::forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option
        unit unit_struct newtype_struct seq tuple tuple_struct map struct enum identifier
        ignored_any
    }
}

struct Named {
    name: &'static str,
    inner: Value,
}

impl<'de> EnumAccess<'de> for Named {
    type Error = ValueError;
    type Variant = super::de::Content;

    fn variant_seed<V: de::DeserializeSeed<'de>>(
        self,
        seed: V,
    ) -> Result<(V::Value, Self::Variant), ValueError> {
        let name: StrDeserializer<'_, ValueError> = self.name.into_deserializer();
        Ok((seed.deserialize(name)?, super::de::Content(Some(self.inner))))
    }
}

impl<'de> Deserialize<'de> for Value {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_newtype_struct(VALUE, AnyValue)
    }
}

struct AnyValue;

impl<'de> Visitor<'de> for AnyValue {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any value")
    }

    fn visit_newtype_struct<D: Deserializer<'de>>(self, inner: D) -> Result<Value, D::Error> {
        inner.deserialize_any(self)
    }

    fn visit_enum<A: EnumAccess<'de>>(self, named: A) -> Result<Value, A::Error> {
        let (name, inner) = named.variant::<String>()?;
        revive(&name, inner.newtype_variant()?).map_err(A::Error::custom)
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_none<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_some<D: Deserializer<'de>>(self, inner: D) -> Result<Value, D::Error> {
        Deserialize::deserialize(inner)
    }

    fn visit_bool<E>(self, flag: bool) -> Result<Value, E> {
        Ok(flag.into())
    }

    fn visit_i64<E>(self, int: i64) -> Result<Value, E> {
        Ok(int.into())
    }

    fn visit_i128<E>(self, int: i128) -> Result<Value, E> {
        Ok(Value::Int(int.into()))
    }

    fn visit_u64<E>(self, int: u64) -> Result<Value, E> {
        Ok(int.into())
    }

    fn visit_u128<E>(self, int: u128) -> Result<Value, E> {
        Ok(Value::Int(int.into()))
    }

    fn visit_f64<E>(self, float: f64) -> Result<Value, E> {
        Ok(float.into())
    }

    fn visit_str<E>(self, text: &str) -> Result<Value, E> {
        Ok(text.into())
    }

    fn visit_string<E>(self, text: String) -> Result<Value, E> {
        Ok(text.into())
    }

    fn visit_bytes<E>(self, bytes: &[u8]) -> Result<Value, E> {
        Ok(Value::Bytes(bytes.into()))
    }

    fn visit_byte_buf<E>(self, bytes: Vec<u8>) -> Result<Value, E> {
        Ok(Value::Bytes(bytes))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Value, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = seq.next_element()? {
            items.push(item);
        }
        Ok(Value::List(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Value, A::Error> {
        let mut dict = Dict::new();
        while let Some((key, value)) = map.next_entry::<String, Value>()? {
            dict.insert(key, value);
        }
        Ok(Value::Dict(dict))
    }
}
