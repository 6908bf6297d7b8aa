//! From values to Rust types: serde's view of a value.
//!
//! What serde has no word for is offered in the form that Rust types expect: a UUID and a time as
//! text (RFC 4122, RFC 3339), Markup as its text. [`Value`] itself loses nothing on the way.

use std::{borrow::Cow, cell::Cell, iter};

use serde::de::{
    DeserializeOwned, DeserializeSeed, Deserializer, EnumAccess, Error as _, IntoDeserializer,
    VariantAccess, Visitor,
    value::{CowStrDeserializer, MapDeserializer, SeqDeserializer},
};

use super::{
    Dict, Int, Text, Value, ValueError,
    lossless::{Lossless, VALUE},
};

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

/// Turns the content of a session into any type that serde can deserialize, as [`from_value`] does.
///
/// `content` is asked again for what does not fit, to find the key.
///
/// ```
/// use hipflask_core::value::{Dict, Value, from_content};
///
/// #[derive(Debug, serde::Deserialize)]
/// struct Login {
///     user: String,
/// }
/// let content = || Dict::from_iter([("user".into(), Value::Bool(true))]);
/// let error = from_content::<Login>(content).unwrap_err();
/// assert_eq!(error.to_string(), "session[\"user\"] is a truth value, expected a string");
/// ```
///
/// # Errors
///
/// [`ValueError`] when the content has another shape than the type.
pub fn from_content<T: DeserializeOwned>(content: impl Fn() -> Dict) -> Result<T, ValueError> {
    from_value(Value::Dict(content())).map_err(|error| match last_key::<T>(content()) {
        Some(key) => error.with_key(&key.to_string_lossy()),
        None => error,
    })
}

/// Returns the key whose value `T` asked for last, unless it asked for all.
fn last_key<T: DeserializeOwned>(content: Dict) -> Option<Text> {
    let last = Cell::new(None);
    let entries = content.into_iter().map(|(key, value)| {
        last.set(Some(key.clone()));
        (Key(key.to_string_lossy().into()), value)
    });
    let end = iter::from_fn(|| {
        last.set(None);
        None
    });
    let _ = T::deserialize(MapDeserializer::<_, ValueError>::new(entries.chain(end)));
    last.take()
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
                let _level = Level::enter()?;
                let entries =
                    dict.into_iter().map(|(key, value)| Ok((Key(plain(key)?.into()), value)));
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
            VALUE => visitor.visit_newtype_struct(Lossless(self)),
            _ => visitor.visit_newtype_struct(self),
        }
    }

    /// Whatever is ignored needs no walk, however deep it is.
    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ValueError> {
        visitor.visit_unit()
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
        let _level = Level::enter()?;
        visitor.visit_enum(Variant { variant: plain(variant)?.into(), content })
    }

    serde::forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf unit
        unit_struct tuple tuple_struct map struct identifier
    }
}

/// The deepest nesting that Rust types are built from, since each level costs stack. A `Value`
/// itself is handed over whole.
const MAX_DEPTH: usize = 256;

thread_local! {
    static DEPTH: Cell<usize> = const { Cell::new(0) };
}

/// One level of lists, dicts or variants that is being deserialized.
pub(crate) struct Level;

impl Level {
    pub(crate) fn enter() -> Result<Self, ValueError> {
        let depth = DEPTH.get() + 1;
        if depth > MAX_DEPTH {
            return Err(ValueError::custom("nested deeper than 256 levels: ask for a `Value`"));
        }
        DEPTH.set(depth);
        Ok(Self)
    }
}

impl Drop for Level {
    fn drop(&mut self) {
        DEPTH.set(DEPTH.get() - 1);
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
        None => match int.to_string().parse() {
            Ok(large) => visitor.visit_u128(large),
            Err(_) => Err(ValueError::custom("the integer has more than 128 bits")),
        },
    }
}

fn visit_items<'de, V: Visitor<'de>>(
    items: Vec<Value>,
    visitor: V,
) -> Result<V::Value, ValueError> {
    let _level = Level::enter()?;
    let mut access = SeqDeserializer::new(items.into_iter());
    let result = visitor.visit_seq(&mut access)?;
    access.end()?;
    Ok(result)
}

/// A dict's key, which also deserializes into the numbers and truth values it spells.
pub(crate) struct Key<'a>(pub(crate) Cow<'a, str>);

impl<'de> IntoDeserializer<'de, ValueError> for Key<'de> {
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
                Err(_) => self.deserialize_any(visitor),
            }
        }
    )*};
}

impl<'de> Deserializer<'de> for Key<'de> {
    type Error = ValueError;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ValueError> {
        match self.0 {
            Cow::Borrowed(key) => visitor.visit_borrowed_str(key),
            Cow::Owned(key) => visitor.visit_string(key),
        }
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

struct Variant<'a> {
    variant: Cow<'a, str>,
    content: Option<Value>,
}

impl<'de> EnumAccess<'de> for Variant<'de> {
    type Error = ValueError;
    type Variant = Content;

    fn variant_seed<V: DeserializeSeed<'de>>(
        self,
        seed: V,
    ) -> Result<(V::Value, Content), ValueError> {
        let name: CowStrDeserializer<'de, ValueError> = self.variant.into_deserializer();
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
