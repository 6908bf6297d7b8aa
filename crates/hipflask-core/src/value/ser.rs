//! From Rust types to values: serde's data model as Python would hold it.
//!
//! Structs and maps become dicts, sequences lists, Rust tuples and arrays tuples, byte strings
//! bytes, unit variants strings, other variants a dict of one key.

use serde::ser::{
    Error as _, Serialize, SerializeMap, SerializeSeq, SerializeStruct, SerializeStructVariant,
    SerializeTuple, SerializeTupleStruct, SerializeTupleVariant, Serializer,
};

use super::{Dict, Text, Value, ValueError, lossless::revive};

/// Turns anything that serde can serialize into a [`Value`].
///
/// ```
/// use hipflask_core::value::{Value, to_value};
///
/// #[derive(serde::Serialize)]
/// struct Item { name: &'static str, price: f64 }
///
/// let value = to_value(&Item { name: "tea", price: 2.5 })?;
/// assert_eq!(value.as_dict().and_then(|dict| dict.get("price")), Some(&Value::from(2.5)));
/// # Ok::<(), hipflask_core::value::ValueError>(())
/// ```
///
/// # Errors
///
/// [`ValueError`] when a map's keys are neither strings, numbers, truth values nor characters, or
/// when the type's own `Serialize` fails.
pub fn to_value<T: Serialize + ?Sized>(value: &T) -> Result<Value, ValueError> {
    value.serialize(ToValue)
}

#[derive(Clone, Copy, Debug)]
struct ToValue;

impl Serializer for ToValue {
    type Ok = Value;
    type Error = ValueError;
    type SerializeSeq = Items;
    type SerializeTuple = Items;
    type SerializeTupleStruct = Items;
    type SerializeTupleVariant = Items;
    type SerializeMap = Entries;
    type SerializeStruct = Entries;
    type SerializeStructVariant = Entries;

    fn serialize_bool(self, flag: bool) -> Result<Value, ValueError> {
        Ok(flag.into())
    }
    fn serialize_i8(self, int: i8) -> Result<Value, ValueError> {
        self.serialize_i64(int.into())
    }
    fn serialize_i16(self, int: i16) -> Result<Value, ValueError> {
        self.serialize_i64(int.into())
    }
    fn serialize_i32(self, int: i32) -> Result<Value, ValueError> {
        self.serialize_i64(int.into())
    }
    fn serialize_i64(self, int: i64) -> Result<Value, ValueError> {
        Ok(int.into())
    }
    fn serialize_i128(self, int: i128) -> Result<Value, ValueError> {
        Ok(Value::Int(int.into()))
    }
    fn serialize_u8(self, int: u8) -> Result<Value, ValueError> {
        self.serialize_i64(int.into())
    }
    fn serialize_u16(self, int: u16) -> Result<Value, ValueError> {
        self.serialize_i64(int.into())
    }
    fn serialize_u32(self, int: u32) -> Result<Value, ValueError> {
        self.serialize_i64(int.into())
    }
    fn serialize_u64(self, int: u64) -> Result<Value, ValueError> {
        Ok(int.into())
    }
    fn serialize_u128(self, int: u128) -> Result<Value, ValueError> {
        Ok(Value::Int(int.into()))
    }
    fn serialize_f32(self, float: f32) -> Result<Value, ValueError> {
        self.serialize_f64(float.into())
    }
    fn serialize_f64(self, float: f64) -> Result<Value, ValueError> {
        Ok(float.into())
    }
    fn serialize_char(self, char: char) -> Result<Value, ValueError> {
        Ok(String::from(char).into())
    }
    fn serialize_str(self, text: &str) -> Result<Value, ValueError> {
        Ok(text.into())
    }
    fn serialize_bytes(self, bytes: &[u8]) -> Result<Value, ValueError> {
        Ok(Value::Bytes(bytes.into()))
    }
    fn serialize_none(self) -> Result<Value, ValueError> {
        Ok(Value::Null)
    }
    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<Value, ValueError> {
        value.serialize(self)
    }
    fn serialize_unit(self) -> Result<Value, ValueError> {
        Ok(Value::Null)
    }
    fn serialize_unit_struct(self, _name: &'static str) -> Result<Value, ValueError> {
        Ok(Value::Null)
    }
    fn serialize_unit_variant(
        self,
        _name: &'static str,
        _index: u32,
        variant: &'static str,
    ) -> Result<Value, ValueError> {
        Ok(variant.into())
    }
    fn serialize_newtype_struct<T: Serialize + ?Sized>(
        self,
        name: &'static str,
        value: &T,
    ) -> Result<Value, ValueError> {
        revive(name, value.serialize(self)?)
    }
    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _name: &'static str,
        _index: u32,
        variant: &'static str,
        value: &T,
    ) -> Result<Value, ValueError> {
        Ok(variant_of(variant, value.serialize(self)?))
    }
    fn serialize_seq(self, len: Option<usize>) -> Result<Items, ValueError> {
        Ok(Items::new(len, None, Value::List))
    }
    fn serialize_tuple(self, len: usize) -> Result<Items, ValueError> {
        Ok(Items::new(Some(len), None, Value::Tuple))
    }
    fn serialize_tuple_struct(self, _name: &'static str, len: usize) -> Result<Items, ValueError> {
        self.serialize_tuple(len)
    }
    fn serialize_tuple_variant(
        self,
        _name: &'static str,
        _index: u32,
        variant: &'static str,
        len: usize,
    ) -> Result<Items, ValueError> {
        Ok(Items::new(Some(len), Some(variant), Value::Tuple))
    }
    fn serialize_map(self, _len: Option<usize>) -> Result<Entries, ValueError> {
        Ok(Entries::default())
    }
    fn serialize_struct(self, _name: &'static str, _len: usize) -> Result<Entries, ValueError> {
        Ok(Entries::default())
    }
    fn serialize_struct_variant(
        self,
        _name: &'static str,
        _index: u32,
        variant: &'static str,
        _len: usize,
    ) -> Result<Entries, ValueError> {
        Ok(Entries { variant: Some(variant), ..Entries::default() })
    }
}

fn variant_of(variant: &str, value: Value) -> Value {
    Value::Dict([(variant.into(), value)].into_iter().collect())
}

/// Collects a sequence; `wrap` says whether it ends as a list or a tuple.
#[derive(Debug)]
struct Items {
    items: Vec<Value>,
    variant: Option<&'static str>,
    wrap: fn(Vec<Value>) -> Value,
}

impl Items {
    fn new(
        len: Option<usize>,
        variant: Option<&'static str>,
        wrap: fn(Vec<Value>) -> Value,
    ) -> Self {
        // The length is a hint from foreign code, so it may not decide how much is allocated.
        Self { items: Vec::with_capacity(len.unwrap_or(0).min(1024)), variant, wrap }
    }

    fn push<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), ValueError> {
        self.items.push(value.serialize(ToValue)?);
        Ok(())
    }

    fn into_value(self) -> Value {
        let value = (self.wrap)(self.items);
        match self.variant {
            Some(variant) => variant_of(variant, value),
            None => value,
        }
    }
}

macro_rules! items {
    ($($trait:ident :: $method:ident),*) => {$(
        impl $trait for Items {
            type Ok = Value;
            type Error = ValueError;

            fn $method<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), ValueError> {
                self.push(value)
            }

            fn end(self) -> Result<Value, ValueError> {
                Ok(self.into_value())
            }
        }
    )*};
}

items!(
    SerializeSeq::serialize_element,
    SerializeTuple::serialize_element,
    SerializeTupleStruct::serialize_field,
    SerializeTupleVariant::serialize_field
);

/// Collects a dict.
#[derive(Debug, Default)]
struct Entries {
    dict: Dict,
    key: Option<Text>,
    variant: Option<&'static str>,
}

impl Entries {
    fn into_value(self) -> Value {
        match self.variant {
            Some(variant) => variant_of(variant, Value::Dict(self.dict)),
            None => Value::Dict(self.dict),
        }
    }
}

impl SerializeMap for Entries {
    type Ok = Value;
    type Error = ValueError;

    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Result<(), ValueError> {
        self.key = Some(match key.serialize(ToValue)? {
            Value::Str(text) => text,
            Value::Int(int) => int.to_string().into(),
            Value::Bool(flag) => flag.to_string().into(),
            _ => {
                return Err(ValueError::custom(
                    "a dict's keys are strings, numbers or truth values",
                ));
            }
        });
        Ok(())
    }

    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), ValueError> {
        let key =
            self.key.take().ok_or_else(|| ValueError::custom("a value came before its key"))?;
        self.dict.insert(key, value.serialize(ToValue)?);
        Ok(())
    }

    fn end(self) -> Result<Value, ValueError> {
        Ok(self.into_value())
    }
}

macro_rules! entries {
    ($($trait:ident),*) => {$(
        impl $trait for Entries {
            type Ok = Value;
            type Error = ValueError;

            fn serialize_field<T: Serialize + ?Sized>(
                &mut self,
                key: &'static str,
                value: &T,
            ) -> Result<(), ValueError> {
                self.dict.insert(key, value.serialize(ToValue)?);
                Ok(())
            }

            fn end(self) -> Result<Value, ValueError> {
                Ok(self.into_value())
            }
        }
    )*};
}

entries!(SerializeStruct, SerializeStructVariant);
