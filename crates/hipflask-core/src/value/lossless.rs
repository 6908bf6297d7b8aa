//! `Value` among serde's types: it passes through our own serializer and deserializer unchanged.
//!
//! serde has no word for a tuple that is no list, Markup, UUIDs, times, integers of any size and
//! lone surrogates. So where both ends are ours the value itself is handed over, beside serde and
//! in one piece; to other formats it is text, numbers, lists and maps.

use std::{cell::Cell, fmt};

use serde::{
    de::{Deserialize, Deserializer, Error as _, MapAccess, SeqAccess, Visitor},
    ser::{Serialize, SerializeTuple, Serializer},
};

use super::{DateTime, Dict, Int, Text, Value, ValueError};

/// The newtype that marks a [`Value`] for our own serializer and deserializer.
pub(crate) const VALUE: &str = "$hipflask::Value";

thread_local! {
    /// A value between the end that gives it and the end that takes it, right after.
    static HANDED: Cell<Option<Value>> = const { Cell::new(None) };
    /// Our serializer asks the next value for itself instead of its content.
    static ASKED: Cell<bool> = const { Cell::new(false) };
}

/// Takes the value that `inner`, a newtype called [`VALUE`], stands for.
pub(super) fn take<T: Serialize + ?Sized, S: Serializer>(
    inner: &T,
    serializer: S,
) -> Result<Result<Value, S::Ok>, S::Error> {
    ASKED.set(true);
    let content = inner.serialize(serializer);
    ASKED.set(false);
    Ok(HANDED.take().ok_or(content?))
}

/// Serializes as a value that hands itself over if it is asked to.
struct Handed<'a, T: ?Sized>(&'a T);

/// What a [`Value`] or a part of it is to other formats.
trait Plain {
    fn to_value(&self) -> Value;
    fn serialize_plain<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error>;
}

impl<T: Plain + ?Sized> Serialize for Handed<'_, T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if ASKED.take() {
            HANDED.set(Some(self.0.to_value()));
            return serializer.serialize_unit();
        }
        self.0.serialize_plain(serializer)
    }
}

macro_rules! serialize_plain {
    ($($type:ty),*) => {$(
        impl Serialize for $type {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_newtype_struct(VALUE, &Handed(self))
            }
        }
    )*};
}

serialize_plain!(Value, Dict, Text, Int, DateTime);

impl Plain for Value {
    fn to_value(&self) -> Value {
        self.clone()
    }

    fn serialize_plain<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Null => serializer.serialize_unit(),
            Self::Bool(flag) => serializer.serialize_bool(*flag),
            Self::Int(int) => int.serialize_plain(serializer),
            Self::Float(float) => serializer.serialize_f64(*float),
            Self::Str(text) | Self::Markup(text) => text.serialize_plain(serializer),
            Self::List(items) => serializer.collect_seq(items),
            Self::Tuple(items) => {
                let mut tuple = serializer.serialize_tuple(items.len())?;
                items.iter().try_for_each(|item| tuple.serialize_element(item))?;
                tuple.end()
            }
            Self::Dict(dict) => dict.serialize_plain(serializer),
            Self::Bytes(bytes) => serializer.serialize_bytes(bytes),
            Self::Uuid(uuid) => serializer.collect_str(uuid),
            Self::DateTime(time) => time.serialize_plain(serializer),
        }
    }
}

impl Plain for Dict {
    fn to_value(&self) -> Value {
        Value::Dict(self.clone())
    }

    fn serialize_plain<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.iter())
    }
}

impl Plain for Text {
    fn to_value(&self) -> Value {
        Value::Str(self.clone())
    }

    fn serialize_plain<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.as_str() {
            Some(text) => serializer.serialize_str(text),
            None => serializer.serialize_str(&self.to_string_lossy()),
        }
    }
}

impl Plain for Int {
    fn to_value(&self) -> Value {
        Value::Int(self.clone())
    }

    fn serialize_plain<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if let Some(int) = self.as_i64() {
            return serializer.serialize_i64(int);
        }
        let digits = self.to_string();
        if let Ok(int) = digits.parse() {
            serializer.serialize_u64(int)
        } else if let Ok(int) = digits.parse() {
            serializer.serialize_i128(int)
        } else if let Ok(int) = digits.parse() {
            serializer.serialize_u128(int)
        } else {
            serializer.serialize_str(&digits)
        }
    }
}

impl Plain for DateTime {
    fn to_value(&self) -> Value {
        Value::DateTime(*self)
    }

    fn serialize_plain<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
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

/// Hands its value over to the visitor that asks for any.
pub(super) struct Lossless(pub(super) Value);

impl<'de> Deserializer<'de> for Lossless {
    type Error = ValueError;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ValueError> {
        HANDED.set(Some(self.0));
        visitor.visit_unit()
    }

    serde::forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option
        unit unit_struct newtype_struct seq tuple tuple_struct map struct enum identifier
        ignored_any
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
        // What a deserializer of another kind left behind would not be ours.
        HANDED.take();
        let content = inner.deserialize_any(self)?;
        Ok(HANDED.take().unwrap_or(content))
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
