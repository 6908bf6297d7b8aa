//! The names that a pickle may ask for: what the values of a session are made of.

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
    List,
    Markup,
    /// Stands only as an argument.
    Plain,
    Reconstructor,
    Time,
    TimeDelta,
    TimeZone,
    Uuid,
}

impl Class {
    /// Finds a name; the modules are those of Python 2 and 3, and of old versions of Flask.
    pub(super) fn find(module: &str, name: &str) -> Result<Self, DecodeError> {
        Ok(match (module, name) {
            ("builtins" | "__builtin__", "bytearray") => Self::ByteArray,
            ("builtins" | "__builtin__", "bytes") => Self::Bytes,
            ("builtins" | "__builtin__", "dict") | ("collections", "OrderedDict") => Self::Dict,
            ("builtins" | "__builtin__", "frozenset" | "list" | "set") => Self::List,
            (
                "builtins" | "__builtin__",
                "bool" | "float" | "int" | "object" | "str" | "tuple" | "unicode",
            ) => Self::Plain,
            ("_codecs", "encode") => Self::CodecsEncode,
            ("collections", "defaultdict") => Self::DefaultDict,
            ("copyreg" | "copy_reg", "_reconstructor") => Self::Reconstructor,
            ("datetime", "date") => Self::Date,
            ("datetime", "datetime") => Self::DateTime,
            ("datetime", "time") => Self::Time,
            ("datetime", "timedelta") => Self::TimeDelta,
            ("datetime", "timezone") => Self::TimeZone,
            ("decimal", "Decimal") => Self::Decimal,
            (
                "flask" | "jinja2" | "jinja2._markupsafe" | "jinja2.utils" | "markupsafe"
                | "markupsafe._native",
                "Markup",
            ) => Self::Markup,
            ("uuid", "UUID") => Self::Uuid,
            _ => return Err(forbidden(module, name)),
        })
    }
}

/// An operator needs the name to find out who wrote the record; it is no part of a session.
fn forbidden(module: &str, name: &str) -> DecodeError {
    let global = format!("{module}.{name}");
    let global: String = global.escape_debug().take(100).collect();
    DecodeError::Forbidden { global: global.into() }
}
