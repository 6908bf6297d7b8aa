//! From values to Rust types: serde's view of a value.
//!
//! What serde has no word for is offered in the form that Rust types expect: a UUID and a time as
//! text (RFC 4122, RFC 3339), Markup as its text. [`Value`] itself loses nothing on the way.

use std::fmt;

use serde::de::{
    self, DeserializeOwned, DeserializeSeed, Deserializer, EnumAccess, Error as _,
    IntoDeserializer, MapAccess, SeqAccess, Unexpected, VariantAccess, Visitor,
    value::MapDeserializer, value::SeqDeserializer, value::StringDeserializer,
};

use super::{DateTime, Int, Text, Uuid, Value, ser};

/// Turns a [`Value`] into any type that serde can deserialize.
///
/// ```
/// use hipflask_core::value::{from_value, to_value};
///
/// let value = to_value(&("tea", 2))?;
/// assert_eq!(from_value::<(String, u8)>(value)?, ("tea".to_owned(), 2));
/// # Ok::<(), hipflask_core::value::ValueError>(())
/// ```
///
/// # Errors
///
/// [`ValueError`] when the value has another shape than the type; the text names what was expected
/// and which kind was found, never the value.
pub fn from_value<T: DeserializeOwned>(value: Value) -> Result<T, ValueError> {
    T::deserialize(value)
}

/// A value and a Rust type do not fit together.
///
/// ```
/// use hipflask_core::value::{Value, from_value};
///
/// let error = from_value::<u8>(Value::from("secret")).unwrap_err();
/// assert_eq!(error.to_string(), "invalid type: string, expected u8");
/// ```
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct ValueError(Box<str>);

impl fmt::Display for ValueError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for ValueError {}

impl serde::ser::Error for ValueError {
    fn custom<T: fmt::Display>(text: T) -> Self {
        Self(text.to_string().into())
    }
}

impl de::Error for ValueError {
    fn custom<T: fmt::Display>(text: T) -> Self {
        Self(text.to_string().into())
    }

    /// Says the kind and not the value, which may be private.
    fn invalid_type(unexpected: Unexpected<'_>, expected: &dyn de::Expected) -> Self {
        Self(format!("invalid type: {}, expected {expected}", kind(unexpected)).into())
    }

    fn invalid_value(unexpected: Unexpected<'_>, expected: &dyn de::Expected) -> Self {
        Self(format!("invalid value: {}, expected {expected}", kind(unexpected)).into())
    }

    fn unknown_variant(_variant: &str, expected: &'static [&'static str]) -> Self {
        Self(format!("unknown variant, expected one of {}", expected.join(", ")).into())
    }

    fn unknown_field(_field: &str, expected: &'static [&'static str]) -> Self {
        Self(format!("unknown field, expected one of {}", expected.join(", ")).into())
    }
}

const fn kind(unexpected: Unexpected<'_>) -> &'static str {
    match unexpected {
        Unexpected::Bool(_) => "truth value",
        Unexpected::Unsigned(_) | Unexpected::Signed(_) => "integer",
        Unexpected::Float(_) => "float",
        Unexpected::Char(_) | Unexpected::Str(_) => "string",
        Unexpected::Bytes(_) => "bytes",
        Unexpected::Unit | Unexpected::Option => "null",
        Unexpected::Seq => "list",
        Unexpected::Map => "dict",
        _ => "another kind",
    }
}

/// Gives back its kind to what our own `Serialize` passed as a newtype of a reserved name.
pub(super) fn revive(name: &str, inner: Value) -> Result<Value, ValueError> {
    let broken = || ValueError::custom("a reserved newtype name holds something else");
    Ok(match (name, inner) {
        (ser::MARKUP, Value::Str(text)) => Value::Markup(text),
        (ser::INT, Value::Str(text)) => {
            Value::Int(text.as_str().and_then(Int::parse).ok_or_else(broken)?)
        }
        (ser::UUID, Value::Str(text)) => Value::Uuid(
            text.as_str().and_then(|text| Uuid::try_parse(text).ok()).ok_or_else(broken)?,
        ),
        (ser::DATETIME, Value::Str(text)) => {
            Value::DateTime(text.as_str().and_then(parse_rfc3339).ok_or_else(broken)?)
        }
        (ser::TEXT, Value::List(points)) => {
            let points = points.iter().map(|point| point.as_i64()?.try_into().ok());
            Value::Str(Text::from_code_points(
                points.collect::<Option<Vec<u32>>>().ok_or_else(broken)?,
            ))
        }
        (ser::TUPLE, Value::List(items)) => Value::Tuple(items),
        (_, inner) => inner,
    })
}

/// Reads what `DateTime`'s `Display` writes; offsets other than `Z` are for other libraries.
fn parse_rfc3339(text: &str) -> Option<DateTime> {
    let number = |from: usize, to: usize| text.get(from..to)?.parse::<u32>().ok();
    let micros = match text.get(19..)?.strip_suffix('Z')? {
        "" => 0,
        fraction => {
            let digits = fraction.strip_prefix('.').filter(|digits| digits.len() <= 6)?;
            format!("{digits:0<6}").parse().ok()?
        }
    };
    let month = time::Month::try_from(u8::try_from(number(5, 7)?).ok()?).ok()?;
    let day = u8::try_from(number(8, 10)?).ok()?;
    let date =
        time::Date::from_calendar_date(i32::try_from(number(0, 4)?).ok()?, month, day).ok()?;
    let part = |from: usize| u8::try_from(number(from, from + 2)?).ok();
    let time = date.with_hms(part(11)?, part(14)?, part(17)?).ok()?;
    DateTime::from_unix(time.assume_utc().unix_timestamp(), micros).ok()
}

impl<'de> IntoDeserializer<'de, ValueError> for Value {
    type Deserializer = Self;

    fn into_deserializer(self) -> Self {
        self
    }
}

impl<'de> Deserializer<'de> for Value {
    type Error = ValueError;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ValueError> {
        match self {
            Self::Null => visitor.visit_unit(),
            Self::Bool(flag) => visitor.visit_bool(flag),
            Self::Int(int) => visit_int(&int, visitor),
            Self::Float(float) => visitor.visit_f64(float),
            Self::Str(text) | Self::Markup(text) => visitor.visit_string(plain(text)?),
            Self::List(items) | Self::Tuple(items) => visit_items(items, visitor),
            Self::Dict(dict) => {
                let entries = dict.into_iter().map(|(key, value)| Ok((Key(plain(key)?), value)));
                let mut access =
                    MapDeserializer::new(entries.collect::<Result<Vec<_>, _>>()?.into_iter());
                let result = visitor.visit_map(&mut access)?;
                access.end()?;
                Ok(result)
            }
            Self::Bytes(bytes) => visitor.visit_byte_buf(bytes),
            Self::Uuid(uuid) => visitor.visit_string(uuid.to_string()),
            Self::DateTime(time) => visitor.visit_string(time.to_string()),
        }
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ValueError> {
        match self {
            Self::Null => visitor.visit_none(),
            value => visitor.visit_some(value),
        }
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ValueError> {
        match self {
            Self::Bytes(bytes) => visitor.visit_seq(SeqDeserializer::new(bytes.into_iter())),
            value => value.deserialize_any(visitor),
        }
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        visitor: V,
    ) -> Result<V::Value, ValueError> {
        match name {
            ser::VALUE => visitor.visit_newtype_struct(Lossless(self)),
            _ => visitor.visit_newtype_struct(self),
        }
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _name: &'static str,
        _variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, ValueError> {
        let (variant, content) = match self {
            Self::Str(text) => (text, None),
            Self::Dict(dict) if dict.len() == 1 => match dict.into_iter().next() {
                Some((key, value)) => (key, Some(value)),
                None => return Err(ValueError::custom("expected a variant")),
            },
            _ => {
                return Err(ValueError::custom(
                    "expected a variant: a string or a dict of one key",
                ));
            }
        };
        visitor.visit_enum(Variant { variant: plain(variant)?, content })
    }

    serde::forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf unit
        unit_struct tuple tuple_struct map struct identifier ignored_any
    }
}

fn plain(text: Text) -> Result<String, ValueError> {
    text.into_string().ok_or_else(|| ValueError::custom("the string holds a lone surrogate"))
}

fn visit_int<'de, V: Visitor<'de>>(int: &Int, visitor: V) -> Result<V::Value, ValueError> {
    if let Some(small) = int.as_i64() {
        return visitor.visit_i64(small);
    }
    match int.as_i128() {
        Some(large) => match u64::try_from(large) {
            Ok(large) => visitor.visit_u64(large),
            Err(_) => visitor.visit_i128(large),
        },
        None => Err(ValueError::custom("the integer has more than 128 bits")),
    }
}

fn visit_items<'de, V: Visitor<'de>>(
    items: Vec<Value>,
    visitor: V,
) -> Result<V::Value, ValueError> {
    let mut access = SeqDeserializer::new(items.into_iter());
    let result = visitor.visit_seq(&mut access)?;
    access.end()?;
    Ok(result)
}

/// A dict's key, which also deserializes into the numbers and truth values it spells.
struct Key(String);

impl<'de> IntoDeserializer<'de, ValueError> for Key {
    type Deserializer = Self;

    fn into_deserializer(self) -> Self {
        self
    }
}

macro_rules! spelled {
    ($($method:ident => $visit:ident),*) => {$(
        fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ValueError> {
            match self.0.parse() {
                Ok(parsed) => visitor.$visit(parsed),
                Err(_) => visitor.visit_string(self.0),
            }
        }
    )*};
}

impl<'de> Deserializer<'de> for Key {
    type Error = ValueError;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ValueError> {
        visitor.visit_string(self.0)
    }

    spelled!(
        deserialize_bool => visit_bool, deserialize_i8 => visit_i8, deserialize_i16 => visit_i16,
        deserialize_i32 => visit_i32, deserialize_i64 => visit_i64, deserialize_i128 => visit_i128,
        deserialize_u8 => visit_u8, deserialize_u16 => visit_u16, deserialize_u32 => visit_u32,
        deserialize_u64 => visit_u64, deserialize_u128 => visit_u128
    );

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        visitor: V,
    ) -> Result<V::Value, ValueError> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _name: &'static str,
        _variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, ValueError> {
        visitor.visit_enum(Variant { variant: self.0, content: None })
    }

    serde::forward_to_deserialize_any! {
        f32 f64 char str string bytes byte_buf option unit unit_struct seq tuple tuple_struct map
        struct identifier ignored_any
    }
}

struct Variant {
    variant: String,
    content: Option<Value>,
}

impl<'de> EnumAccess<'de> for Variant {
    type Error = ValueError;
    type Variant = Content;

    fn variant_seed<V: DeserializeSeed<'de>>(
        self,
        seed: V,
    ) -> Result<(V::Value, Content), ValueError> {
        let name: StringDeserializer<ValueError> = self.variant.into_deserializer();
        Ok((seed.deserialize(name)?, Content(self.content)))
    }
}

struct Content(Option<Value>);

impl<'de> VariantAccess<'de> for Content {
    type Error = ValueError;

    fn unit_variant(self) -> Result<(), ValueError> {
        match self.0 {
            None | Some(Value::Null) => Ok(()),
            Some(_) => Err(ValueError::custom("the variant has no content")),
        }
    }

    fn newtype_variant_seed<T: DeserializeSeed<'de>>(
        self,
        seed: T,
    ) -> Result<T::Value, ValueError> {
        seed.deserialize(self.0.unwrap_or(Value::Null))
    }

    fn tuple_variant<V: Visitor<'de>>(
        self,
        _len: usize,
        visitor: V,
    ) -> Result<V::Value, ValueError> {
        self.0.unwrap_or(Value::Null).deserialize_any(visitor)
    }

    fn struct_variant<V: Visitor<'de>>(
        self,
        _fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, ValueError> {
        self.0.unwrap_or(Value::Null).deserialize_any(visitor)
    }
}

/// Shows a value's exact kind to `Value`'s own visitor.
struct Lossless(Value);

impl<'de> Deserializer<'de> for Lossless {
    type Error = ValueError;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ValueError> {
        let (name, inner) = match self.0 {
            Value::Str(text) if text.as_str().is_none() => {
                let points = text.code_points().map(|point| i64::from(point).into());
                (ser::TEXT, Value::List(points.map(Value::Int).collect()))
            }
            Value::Int(int) if int.as_i64().is_none() => {
                (ser::INT, Value::Str(int.to_string().into()))
            }
            Value::Tuple(items) => (ser::TUPLE, Value::List(items)),
            Value::Markup(text) => (ser::MARKUP, Value::Str(text)),
            Value::Uuid(uuid) => (ser::UUID, uuid.to_string().into()),
            Value::DateTime(time) => (ser::DATETIME, time.to_string().into()),
            value => return value.deserialize_any(visitor),
        };
        visitor.visit_map(MapDeserializer::new(std::iter::once((name, inner))))
    }

    serde::forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option
        unit unit_struct newtype_struct seq tuple tuple_struct map struct enum identifier
        ignored_any
    }
}

impl<'de> de::Deserialize<'de> for Value {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_newtype_struct(ser::VALUE, AnyValue)
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

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_none<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_some<D: Deserializer<'de>>(self, inner: D) -> Result<Value, D::Error> {
        de::Deserialize::deserialize(inner)
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

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Value, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = seq.next_element()? {
            items.push(item);
        }
        Ok(Value::List(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Value, A::Error> {
        let mut dict = super::Dict::new();
        while let Some((key, value)) = map.next_entry::<String, Value>()? {
            if key.starts_with("$hipflask::") {
                return revive(&key, value).map_err(A::Error::custom);
            }
            dict.insert(key, value);
        }
        Ok(Value::Dict(dict))
    }
}

impl<'de> de::Deserialize<'de> for DateTime {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        parse_rfc3339(&text).ok_or_else(|| D::Error::custom("expected a time in UTC, RFC 3339"))
    }
}
