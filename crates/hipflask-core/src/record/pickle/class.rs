//! The names that a pickle may ask for: what the values of a session are made of.

use super::standard::is_standard;
use crate::record::DecodeError;

/// A class or a function that a pickle may name.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Class {
    ByteArray,
    Bytes,
    CodecsEncode,
    Date,
    DateTime,
    Decimal,
    DefaultDict,
    Dict,
    /// Of an app or of a package: an enum, a named tuple, a dict or list of its own.
    Foreign,
    GetAttr,
    Headers,
    List,
    Markup,
    MultiDict,
    /// Stands only as an argument.
    Plain,
    Reconstructor,
    Time,
    TimeDelta,
    Uuid,
    /// The base of all zones, of which protocols 0 and 1 make an object that says nothing.
    ZoneBase,
    ZoneFile,
    /// Knows a zone of the IANA database by its name, or by its offset where that comes with it.
    ZoneName,
    ZoneOffset,
    ZoneUtc,
}

/// A class, and its name as it is told: an operator needs it to find out who wrote the record, and
/// it is no part of a session.
#[derive(Clone, Debug)]
pub(super) struct Named {
    pub(super) class: Class,
    name: Box<str>,
}

impl Named {
    pub(super) fn find(module: &str, name: &str) -> Result<Self, DecodeError> {
        let global = format!("{module}.{name}");
        let name_told = global.escape_debug().take(100).collect::<String>().into();
        match Class::find(module, name) {
            Some(class) => Ok(Self { class, name: name_told }),
            None => Err(DecodeError::Forbidden { global: name_told }),
        }
    }

    /// Reports whether this may be a class, whose names begin with a capital, and no function.
    pub(super) fn is_class(&self) -> bool {
        let last = self.name.rsplit('.').next().unwrap_or_default();
        last.trim_start_matches('_').starts_with(char::is_uppercase)
    }

    /// Returns the error of what cannot be made of this.
    pub(super) fn refusal(&self) -> DecodeError {
        match self.class {
            Class::Foreign | Class::GetAttr => DecodeError::Forbidden { global: self.name.clone() },
            _ => DecodeError::UnknownForm { class: self.name.clone() },
        }
    }
}

impl Class {
    /// Finds a name; the modules are those of Python 2 and 3, and of old versions of Flask.
    fn find(module: &str, name: &str) -> Option<Self> {
        Some(match (module, name) {
            ("builtins" | "__builtin__", "bytearray") => Self::ByteArray,
            ("builtins" | "__builtin__", "bytes") => Self::Bytes,
            ("builtins" | "__builtin__", "dict") => Self::Dict,
            ("builtins" | "__builtin__", "frozenset" | "list" | "set") => Self::List,
            ("builtins" | "__builtin__", "getattr") => Self::GetAttr,
            (
                "builtins" | "__builtin__",
                "bool" | "float" | "int" | "object" | "str" | "tuple" | "unicode",
            ) => Self::Plain,
            ("_codecs", "encode") => Self::CodecsEncode,
            ("collections", "Counter" | "OrderedDict") => Self::Dict,
            ("collections", "defaultdict") => Self::DefaultDict,
            ("collections", "deque") => Self::List,
            ("copyreg" | "copy_reg", "_reconstructor") => Self::Reconstructor,
            ("datetime", "date") => Self::Date,
            ("datetime", "datetime") => Self::DateTime,
            ("datetime", "time") => Self::Time,
            ("datetime", "timedelta") => Self::TimeDelta,
            ("decimal", "Decimal") => Self::Decimal,
            (
                "flask" | "jinja2" | "jinja2._markupsafe" | "jinja2.utils" | "markupsafe"
                | "markupsafe._native",
                "Markup",
            ) => Self::Markup,
            // The enums of Python itself that a session may well hold.
            ("http", "HTTPMethod" | "HTTPStatus") => Self::Foreign,
            ("uuid", "UUID") => Self::Uuid,
            (module, name) => match (werkzeug(module, name), zone(module, name)) {
                (Some(class), _) | (None, Some(class)) => class,
                (None, None) if is_standard(module) => return None,
                (None, None) => Self::Foreign,
            },
        })
    }
}

fn werkzeug(module: &str, name: &str) -> Option<Class> {
    let rest = module.strip_prefix("werkzeug.datastructures")?;
    matches!(rest, "" | ".headers" | ".structures").then_some(())?;
    match name {
        "CombinedMultiDict"
        | "ImmutableMultiDict"
        | "ImmutableOrderedMultiDict"
        | "MultiDict"
        | "OrderedMultiDict" => Some(Class::MultiDict),
        "Headers" => Some(Class::Headers),
        "ImmutableDict" | "ImmutableTypeConversionDict" | "TypeConversionDict" => Some(Class::Dict),
        _ => None,
    }
}

fn zone(module: &str, name: &str) -> Option<Class> {
    Some(match (module, name) {
        ("datetime", "timezone")
        | ("bson.tz_util", "FixedOffset")
        | ("dateutil.tz" | "dateutil.tz.tz", "tzoffset")
        | ("django.utils.timezone", "FixedOffset")
        | ("psycopg2.tz", "FixedOffsetTimezone")
        | ("pytz", "FixedOffset" | "_FixedOffset") => Class::ZoneOffset,
        ("datetime", "tzinfo") => Class::ZoneBase,
        ("dateutil.tz" | "dateutil.tz.tz", "tzutc")
        | ("django.utils.timezone", "UTC")
        | ("pytz", "_UTC") => Class::ZoneUtc,
        ("dateutil.tz" | "dateutil.tz.tz", "tzfile" | "_ttinfo") => Class::ZoneFile,
        ("backports.zoneinfo" | "zoneinfo", "ZoneInfo" | "ZoneInfo._unpickle") | ("pytz", "_p") => {
            Class::ZoneName
        }
        _ => return None,
    })
}
