//! Text as Jinja prints it, and what is escaped: [`str()`][py] of Python, and Markup's characters.
//!
//! [py]: https://markupsafe.palletsprojects.com/en/stable/escaping/

use std::borrow::Cow;

use hipflask_core::value::Value as Stored;
use minijinja::{
    AutoEscape, Error, ErrorKind, Output, State, escape_formatter,
    value::{Value, ValueKind},
};

/// The names that Flask escapes, also below minijinja's own endings, and templates without a name.
pub(super) fn auto_escape(name: &str) -> AutoEscape {
    let endings = [".j2", ".jinja", ".jinja2"];
    let name = endings.iter().find_map(|ending| name.strip_suffix(ending)).unwrap_or(name);
    let escaped = [".html", ".htm", ".xml", ".xhtml", ".svg"];
    if name == "<string>" || escaped.iter().any(|ending| name.ends_with(ending)) {
        AutoEscape::Html
    } else {
        AutoEscape::None
    }
}

/// Writes what stands in `{{ … }}`.
pub(super) fn write(
    out: &mut Output<'_>,
    state: &mut State<'_, '_>,
    value: &Value,
) -> Result<(), Error> {
    let text = text(value);
    let written = match state.auto_escape() {
        _ if value.is_safe() => out.write_str(&text),
        AutoEscape::Html => out.write_str(&escape(&text)),
        AutoEscape::None => out.write_str(&text),
        _ => return escape_formatter(out, state, value),
    };
    written.map_err(|_| ErrorKind::WriteFailure.into())
}

/// The filter `|e`: what is safe already stays as it is.
pub(super) fn escape_filter(value: &Value) -> Value {
    if value.is_safe() {
        return value.clone();
    }
    Value::from_safe_string(escape(&text(value)).into())
}

/// Returns `str(value)`.
pub(super) fn text(value: &Value) -> Cow<'_, str> {
    Cow::Owned(match value.kind() {
        // These before `as_str`, which also reads bytes.
        ValueKind::Bytes => Stored::Bytes(value.as_bytes().unwrap_or_default().into()).to_string(),
        ValueKind::Number if !value.is_integer() => f64::try_from(value.clone())
            .map_or_else(|_| value.to_string(), |it| Stored::Float(it).to_string()),
        _ => match value.as_str() {
            Some(text) => return Cow::Borrowed(text),
            None => value.to_string(),
        },
    })
}

fn escape(text: &str) -> Cow<'_, str> {
    if !text.contains(['&', '<', '>', '\'', '"']) {
        return Cow::Borrowed(text);
    }
    let mut escaped = String::with_capacity(text.len() + 16);
    for char in text.chars() {
        match char {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '\'' => escaped.push_str("&#39;"),
            '"' => escaped.push_str("&#34;"),
            _ => escaped.push(char),
        }
    }
    Cow::Owned(escaped)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(value: impl Into<Value>, expected: &str) {
        assert_eq!(text(&value.into()), expected);
    }

    #[test]
    fn text_is_what_python_prints() {
        check((), "None");
        check(true, "True");
        check(-3, "-3");
        check(1.5, "1.5");
        check(1e15, "1000000000000000.0");
        check(1e16, "1e+16");
        check(0.00001, "1e-05");
        check(f64::NAN, "nan");
        check(f64::NEG_INFINITY, "-inf");
        check(Value::from_bytes(b"x'\"\0\n\\".to_vec()), r#"b'x\'"\x00\n\\'"#);
        check(Value::from_bytes(b"it's".to_vec()), r#"b"it's""#);
        check(vec![Value::from(()), Value::from(true), Value::from("a")], "[None, True, 'a']");
    }

    #[test]
    fn escaping_is_that_of_markup() {
        assert_eq!(
            escape("<a href=\"/x?a&b\">'é'"),
            "&lt;a href=&#34;/x?a&amp;b&#34;&gt;&#39;é&#39;"
        );
        assert!(matches!(escape("plain /text"), Cow::Borrowed(_)));
    }

    #[test]
    fn names_decide_about_escaping_as_in_flask() {
        for name in ["a.html", "a.htm", "a.xml", "a.xhtml", "a.svg", "a.html.j2", "<string>"] {
            assert_eq!(auto_escape(name), AutoEscape::Html, "{name}");
        }
        for name in ["a.txt", "a.js", "a.json", "html", "a.HTML"] {
            assert_eq!(auto_escape(name), AutoEscape::None, "{name}");
        }
    }
}
