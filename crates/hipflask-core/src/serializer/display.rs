//! Values as Python's `str()` prints them, and inside of others as its `repr()`.

use std::fmt::{self, Write};

use super::python_repr;
use crate::value::{DateTime, Text, Value, code_points};

/// Prints what a template of Flask's would show: a text as it is, `None`, `[1, 'a']`, `b'x'`.
///
/// ```
/// use hipflask_core::value::Value;
///
/// assert_eq!(Value::from("it's").to_string(), "it's");
/// let list = Value::from(vec![Value::Null, Value::from("it's"), Value::Float(1e16)]);
/// assert_eq!(list.to_string(), r#"[None, "it's", 1e+16]"#);
/// ```
///
/// A lone surrogate is printed as `U+FFFD`.
impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Str(text) | Self::Markup(text) => f.write_str(&text.to_string_lossy()),
            Self::Uuid(uuid) => write!(f, "{uuid}"),
            Self::DateTime(time) => {
                // Python prints RFC 3339 with a space in the middle and the offset in digits.
                f.write_str(&time.to_string().replace('T', " ").replace('Z', "+00:00"))
            }
            _ => self.repr(f),
        }
    }
}

impl Value {
    fn repr(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Null => f.write_str("None"),
            Self::Bool(true) => f.write_str("True"),
            Self::Bool(false) => f.write_str("False"),
            Self::Int(int) => write!(f, "{int}"),
            Self::Float(float) => f.write_str(&python_repr(*float)),
            Self::Str(text) => repr_text(f, text),
            Self::List(items) => f.write_str("[").and_then(|()| repr_items(f, items, "]")),
            Self::Tuple(items) => {
                let close = if items.len() == 1 { ",)" } else { ")" };
                f.write_str("(").and_then(|()| repr_items(f, items, close))
            }
            Self::Dict(dict) => {
                f.write_str("{")?;
                for (at, (key, value)) in dict.iter().enumerate() {
                    f.write_str(if at > 0 { ", " } else { "" })?;
                    match key.stands_for() {
                        Some(key) => key.repr(f)?,
                        None => repr_text(f, key)?,
                    }
                    f.write_str(": ")?;
                    value.repr(f)?;
                }
                f.write_str("}")
            }
            Self::Bytes(bytes) => repr_bytes(f, bytes),
            Self::Markup(text) => {
                f.write_str("Markup(")?;
                repr_text(f, text)?;
                f.write_str(")")
            }
            Self::Uuid(uuid) => write!(f, "UUID('{uuid}')"),
            Self::DateTime(time) => repr_time(f, *time),
        }
    }
}

fn repr_items(f: &mut fmt::Formatter<'_>, items: &[Value], close: &str) -> fmt::Result {
    for (at, item) in items.iter().enumerate() {
        f.write_str(if at > 0 { ", " } else { "" })?;
        item.repr(f)?;
    }
    f.write_str(close)
}

/// Single quotes, unless only double ones need no escape.
fn quote(bytes: &[u8]) -> char {
    if bytes.contains(&b'\'') && !bytes.contains(&b'"') { '"' } else { '\'' }
}

fn repr_text(f: &mut fmt::Formatter<'_>, text: &Text) -> fmt::Result {
    let quote = quote(text.as_bytes());
    f.write_char(quote)?;
    for point in code_points(text.as_bytes()) {
        match char::from_u32(point) {
            Some('\n') => f.write_str("\\n")?,
            Some('\r') => f.write_str("\\r")?,
            Some('\t') => f.write_str("\\t")?,
            Some(char) if char == '\\' || char == quote => write!(f, "\\{char}")?,
            Some(char) if is_printable(char) => f.write_char(char)?,
            _ if point < 0x100 => write!(f, "\\x{point:02x}")?,
            _ if point < 0x10000 => write!(f, "\\u{point:04x}")?,
            _ => write!(f, "\\U{point:08x}")?,
        }
    }
    f.write_char(quote)
}

/// Rust's `Debug` of a text escapes what Python's `repr` does, but also marks at its start.
fn is_printable(char: char) -> bool {
    matches!(char, ' '..='~') || format!("x{char}").escape_debug().nth(1) != Some('\\')
}

/// Seconds and microseconds are left out where they are zero.
fn repr_time(f: &mut fmt::Formatter<'_>, time: DateTime) -> fmt::Result {
    let text = time.to_string();
    let digits = text.split(|char: char| !char.is_ascii_digit()).filter(|part| !part.is_empty());
    let mut numbers: Vec<_> = digits
        .map(|part| Some(part.trim_start_matches('0')).filter(|part| !part.is_empty()))
        .map(|part| part.unwrap_or("0"))
        .collect();
    while numbers.len() > 5 && numbers.last() == Some(&"0") {
        numbers.pop();
    }
    write!(f, "datetime.datetime({}, tzinfo=datetime.timezone.utc)", numbers.join(", "))
}

fn repr_bytes(f: &mut fmt::Formatter<'_>, bytes: &[u8]) -> fmt::Result {
    let quote = quote(bytes);
    write!(f, "b{quote}")?;
    for byte in bytes {
        match byte {
            b'"' => f.write_char('"')?,
            b'\'' if quote == '"' => f.write_char('\'')?,
            _ => write!(f, "{}", byte.escape_ascii())?,
        }
    }
    f.write_char(quote)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::value::{Dict, Uuid};

    #[track_caller]
    fn check(value: impl Into<Value>, alone: &str, inside: &str) {
        let value = value.into();
        assert_eq!(value.to_string(), alone);
        assert_eq!(Value::Tuple(vec![value]).to_string(), format!("({inside},)"));
    }

    #[test]
    fn values_are_printed_as_by_python() {
        check(Value::Null, "None", "None");
        check(true, "True", "True");
        check(-3, "-3", "-3");
        check(1e16, "1e+16", "1e+16");
        check(0.5, "0.5", "0.5");
        check(f64::NAN, "nan", "nan");
        check("a", "a", "'a'");
        check("it's", "it's", r#""it's""#);
        check("'\"\\\n\t", "'\"\\\n\t", r#"'\'"\\\n\t'"#);
        check("\0\u{7f}\u{ad}\u{2028}", "\0\u{7f}\u{ad}\u{2028}", r"'\x00\x7f\xad\u2028'");
        check("é日\u{301}\u{1f600}", "é日\u{301}\u{1f600}", "'é日\u{301}\u{1f600}'");
        check("\u{e0001}", "\u{e0001}", r"'\U000e0001'");
        check(Value::Str(Text::from_code_points([0xd800])), "\u{fffd}", r"'\ud800'");
        check(Value::Bytes(b"x'\"\0\n\\".to_vec()), r#"b'x\'"\x00\n\\'"#, r#"b'x\'"\x00\n\\'"#);
        check(Value::Bytes(b"it's".to_vec()), r#"b"it's""#, r#"b"it's""#);
        check(Value::Markup("<b>".into()), "<b>", "Markup('<b>')");
        let id = "12345678-1234-5678-1234-567812345678";
        check(Value::Uuid(id.parse::<Uuid>().unwrap()), id, &format!("UUID('{id}')"));
        check(vec![Value::from(1), Value::Tuple(vec![])], "[1, ()]", "[1, ()]");
        let mut dict = Dict::new();
        dict.insert("k", Value::from("v"));
        dict.insert(Text::of_key("2", Value::from(2)), Value::Null);
        check(Value::Dict(dict), "{'k': 'v', 2: None}", "{'k': 'v', 2: None}");
    }

    #[test]
    fn times_are_printed_as_by_python() {
        let utc = "tzinfo=datetime.timezone.utc)";
        let time = |seconds, micros| DateTime::from_unix(seconds, micros).unwrap();
        let check = |time: DateTime, alone: &str, inside: &str| {
            check(Value::DateTime(time), alone, &format!("datetime.datetime({inside}, {utc}"));
        };
        check(time(1_763_692_800, 0), "2025-11-21 02:40:00+00:00", "2025, 11, 21, 2, 40");
        check(time(1_763_692_801, 0), "2025-11-21 02:40:01+00:00", "2025, 11, 21, 2, 40, 1");
        check(
            time(1_763_692_800, 50),
            "2025-11-21 02:40:00.000050+00:00",
            "2025, 11, 21, 2, 40, 0, 50",
        );
    }
}
