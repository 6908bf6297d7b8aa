//! What a session can hold: the values that Flask's tagged JSON can carry, without loss.
//!
//! Between text and handler; knows nothing of JSON, signing or HTTP. The kinds are those of Flask's
//! [`TaggedJSONSerializer`][py].
//!
//! [py]: https://flask.palletsprojects.com/en/stable/api/#flask.json.tag.TaggedJSONSerializer

mod datetime;
mod de;
mod dict;
mod error;
mod int;
mod lossless;
mod ser;
mod text;

pub use datetime::{DateTime, DateTimeError};
pub(crate) use de::{Key, Level};
pub use de::{from_content, from_value};
pub use dict::Dict;
pub use error::ValueError;
pub(crate) use error::shown_key;
pub use int::Int;
pub(crate) use lossless::VALUE;
pub use ser::to_value;
pub use text::Text;
pub(crate) use text::{TextBuilder, code_points};
pub use uuid::Uuid;

/// A value inside a session.
///
/// ```
/// use hipflask_core::value::Value;
///
/// let cart = Value::from(vec![Value::from("tea"), Value::from(2)]);
/// assert_eq!(cart.as_list().map(<[Value]>::len), Some(2));
/// assert!(Value::from("").is_falsy());
/// ```
///
/// Two floats are equal when their bits are, so that comparing content also works for NaN.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Value {
    /// `None`.
    Null,
    /// `True` or `False`.
    Bool(bool),
    /// An integer of any size.
    Int(Int),
    /// A float; NaN and the infinities are allowed.
    Float(f64),
    /// A string, which may hold lone surrogates.
    Str(Text),
    /// A list.
    List(Vec<Self>),
    /// A tuple.
    Tuple(Vec<Self>),
    /// A dict with string keys.
    Dict(Dict),
    /// Bytes.
    Bytes(Vec<u8>),
    /// HTML that needs no escaping: `markupsafe.Markup`.
    Markup(Text),
    /// A UUID.
    Uuid(Uuid),
    /// A point in time.
    DateTime(DateTime),
}

impl Value {
    /// Returns the string inside a `Str` or `Markup` that holds no lone surrogate.
    pub fn as_str(&self) -> Option<&str> {
        match self {
            Self::Str(text) | Self::Markup(text) => text.as_str(),
            _ => None,
        }
    }

    /// Returns the number inside an `Int` that fits.
    pub fn as_i64(&self) -> Option<i64> {
        match self {
            Self::Int(int) => int.as_i64(),
            _ => None,
        }
    }

    /// Returns the truth value inside a `Bool`.
    pub const fn as_bool(&self) -> Option<bool> {
        match self {
            Self::Bool(flag) => Some(*flag),
            _ => None,
        }
    }

    /// Returns the items of a `List` or `Tuple`.
    pub fn as_list(&self) -> Option<&[Self]> {
        match self {
            Self::List(items) | Self::Tuple(items) => Some(items),
            _ => None,
        }
    }

    /// Returns the items of a `List` or `Tuple`, to be changed in place.
    pub const fn as_list_mut(&mut self) -> Option<&mut Vec<Self>> {
        match self {
            Self::List(items) | Self::Tuple(items) => Some(items),
            _ => None,
        }
    }

    /// Returns the dict inside a `Dict`, to be changed in place.
    pub const fn as_dict_mut(&mut self) -> Option<&mut Dict> {
        match self {
            Self::Dict(dict) => Some(dict),
            _ => None,
        }
    }

    /// Returns the dict inside a `Dict`.
    pub const fn as_dict(&self) -> Option<&Dict> {
        match self {
            Self::Dict(dict) => Some(dict),
            _ => None,
        }
    }

    /// Reports whether Python's `bool(value)` is `False`.
    pub fn is_falsy(&self) -> bool {
        match self {
            Self::Null => true,
            Self::Bool(flag) => !flag,
            Self::Int(int) => int.is_zero(),
            Self::Float(float) => *float == 0.0,
            Self::Str(text) | Self::Markup(text) => text.is_empty(),
            Self::List(items) | Self::Tuple(items) => items.is_empty(),
            Self::Dict(dict) => dict.is_empty(),
            Self::Bytes(bytes) => bytes.is_empty(),
            Self::Uuid(_) | Self::DateTime(_) => false,
        }
    }
}

impl PartialEq for Value {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Null, Self::Null) => true,
            (Self::Bool(a), Self::Bool(b)) => a == b,
            (Self::Int(a), Self::Int(b)) => a == b,
            (Self::Float(a), Self::Float(b)) => a.to_bits() == b.to_bits(),
            (Self::Str(a), Self::Str(b)) | (Self::Markup(a), Self::Markup(b)) => a == b,
            (Self::List(a), Self::List(b)) | (Self::Tuple(a), Self::Tuple(b)) => a == b,
            (Self::Dict(a), Self::Dict(b)) => a == b,
            (Self::Bytes(a), Self::Bytes(b)) => a == b,
            (Self::Uuid(a), Self::Uuid(b)) => a == b,
            (Self::DateTime(a), Self::DateTime(b)) => a == b,
            _ => false,
        }
    }
}

impl Eq for Value {}

macro_rules! value_from {
    ($($from:ty => |$x:ident| $to:expr),* $(,)?) => {$(
        impl From<$from> for Value {
            fn from($x: $from) -> Self {
                $to
            }
        }
    )*};
}

value_from! {
    () => |_unit| Self::Null,
    bool => |flag| Self::Bool(flag),
    i32 => |int| Self::Int(i64::from(int).into()),
    u32 => |int| Self::Int(i64::from(int).into()),
    i64 => |int| Self::Int(int.into()),
    u64 => |int| Self::Int(int.into()),
    usize => |int| Self::Int((int as u64).into()),
    f64 => |float| Self::Float(float),
    &str => |text| Self::Str(text.into()),
    String => |text| Self::Str(text.into()),
    Text => |text| Self::Str(text),
    Int => |int| Self::Int(int),
    Vec<Value> => |items| Self::List(items),
    Dict => |dict| Self::Dict(dict),
    Uuid => |uuid| Self::Uuid(uuid),
    DateTime => |time| Self::DateTime(time),
}
