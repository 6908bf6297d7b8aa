//! Objects of Python → values of the core, by the rules of what would have written them.
//!
//! The rules are those of Flask's [`TaggedJSONSerializer`][tagged] for cookies, and for records those
//! of [msgspec], which Flask-Session uses. What neither takes is a `TypeError`.
//!
//! [tagged]: https://flask.palletsprojects.com/en/stable/api/#flask.json.tag.TaggedJSONSerializer
//! [msgspec]: https://jcristharif.com/msgspec/supported-types.html

use hipflask::value::{DateTime, Dict, Int, Text, Uuid, Value};
use pyo3::{
    exceptions::{PyTypeError, PyValueError},
    prelude::*,
    types::{
        PyBool, PyByteArray, PyBytes, PyDict, PyFloat, PyFrozenSet, PyInt, PyList, PyMemoryView,
        PySet, PyString, PyTuple,
    },
};

use super::text::read as text;
use crate::kinds;

/// Deeper than this Flask does not read what it has written.
const MAX_DEPTH: usize = 500;

/// Which serializer would have written the object.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Dialect {
    /// JSON by msgspec.
    Json,
    /// JSON inside of what a JSON provider's `default` returns, which Flask does not tag.
    Plain,
    /// MessagePack by msgspec, or a pickle.
    Record,
    /// Flask's tagged JSON.
    Tagged,
}

/// Reads objects of one session.
pub(crate) struct Reader<'a, 'py> {
    pub(crate) dialect: Dialect,
    /// What the app's JSON provider makes of other objects; only cookies are JSON of the app.
    pub(crate) default: Option<&'a Bound<'py, PyAny>>,
}

impl<'py> Reader<'_, 'py> {
    pub(crate) const fn new(dialect: Dialect) -> Self {
        Self { dialect, default: None }
    }

    /// Reads the content of a session.
    pub(crate) fn dict(&self, dict: &Bound<'py, PyDict>) -> PyResult<Dict> {
        self.dict_at(dict, 0)
    }

    /// Reads one value.
    pub(crate) fn value(&self, object: &Bound<'py, PyAny>) -> PyResult<Value> {
        self.value_at(object, 0)
    }

    fn value_at(&self, object: &Bound<'py, PyAny>, depth: usize) -> PyResult<Value> {
        if depth > MAX_DEPTH {
            let text = "the session nests deeper than 490 levels, or holds itself: flatten it";
            return Err(PyValueError::new_err(text));
        }
        // What most values are comes first; none of these can have another meaning.
        if let Ok(string) = object.cast_exact::<PyString>() {
            return Ok(Value::Str(text(string)?));
        }
        if object.is_none() {
            return Ok(Value::Null);
        }
        if let Ok(flag) = object.cast::<PyBool>() {
            return Ok(Value::Bool(flag.is_true()));
        }
        if let Ok(int) = object.cast_exact::<PyInt>() {
            return int_of(int.as_any()).map(Value::Int);
        }
        if let Ok(float) = object.cast_exact::<PyFloat>() {
            return Ok(Value::Float(float.value()));
        }
        if let Ok(dict) = object.cast::<PyDict>() {
            return Ok(Value::Dict(self.dict_at(dict, depth + 1)?));
        }
        if let Ok(tuple) = object.cast::<PyTuple>() {
            let items = self.items(tuple.iter(), depth)?;
            // MessagePack and JSON have only lists, but pickles have both.
            let is_plain = self.dialect == Dialect::Plain;
            return Ok(if is_plain { Value::List(items) } else { Value::Tuple(items) });
        }
        if let Ok(list) = object.cast::<PyList>() {
            return Ok(Value::List(self.items(list.iter(), depth)?));
        }
        match self.dialect {
            Dialect::Plain => self.plain(object, depth),
            Dialect::Json | Dialect::Record => self.record(object, depth),
            Dialect::Tagged => self.tagged(object, depth),
        }
    }

    fn tagged(&self, object: &Bound<'py, PyAny>, depth: usize) -> PyResult<Value> {
        let py = object.py();
        if let Ok(bytes) = object.cast::<PyBytes>() {
            return Ok(Value::Bytes(bytes.as_bytes().into()));
        }
        if let Some(html) = html_of(object)? {
            return Ok(Value::Markup(html));
        }
        if object.is_instance(kinds::uuid(py)?)? {
            return uuid_of(object);
        }
        if object.is_instance(kinds::datetime(py)?)? {
            return datetime_of(object);
        }
        self.plain(object, depth)
    }

    fn plain(&self, object: &Bound<'py, PyAny>, depth: usize) -> PyResult<Value> {
        if let Some(value) = derived(object)? {
            return Ok(value);
        }
        let Some(default) = self.default else { return Err(unsupported(object)) };
        let replaced = default.call1((object,))?;
        Reader { dialect: Dialect::Plain, ..*self }.value_at(&replaced, depth + 1)
    }

    fn record(&self, object: &Bound<'py, PyAny>, depth: usize) -> PyResult<Value> {
        let py = object.py();
        if let Ok(bytes) = object.cast::<PyBytes>() {
            return Ok(Value::Bytes(bytes.as_bytes().into()));
        }
        if let Ok(bytes) = object.cast::<PyByteArray>() {
            return Ok(Value::Bytes(bytes.to_vec()));
        }
        if object.is_instance_of::<PyMemoryView>() {
            return Ok(Value::Bytes(object.call_method0("tobytes")?.extract()?));
        }
        if object.is_instance_of::<PySet>() || object.is_instance_of::<PyFrozenSet>() {
            let items = object.try_iter()?.map(|item| self.value_at(&item?, depth + 1));
            return Ok(Value::List(items.collect::<PyResult<_>>()?));
        }
        if object.is_instance(kinds::enumeration(py)?)? {
            return self.value_at(&object.getattr("value")?, depth + 1);
        }
        if let Some(html) = html_of(object)? {
            return Ok(Value::Markup(html));
        }
        if object.is_instance(kinds::uuid(py)?)? {
            return uuid_of(object);
        }
        if object.is_instance(kinds::datetime(py)?)? {
            let offset = object.call_method0("utcoffset")?;
            // In JSON a time is text, and keeps the offset that it has.
            let is_text =
                offset.is_none() || self.dialect == Dialect::Json && offset.is_truthy()?;
            return if is_text { as_text(object, "isoformat") } else { datetime_of(object) };
        }
        if object.is_instance(kinds::date(py)?)? {
            return as_text(object, "isoformat");
        }
        if object.is_instance(kinds::time(py)?)? {
            let iso = as_text(object, "isoformat")?;
            let utc = iso.as_str().and_then(|text| text.strip_suffix("+00:00"));
            return Ok(utc.map(|time| Value::from(format!("{time}Z"))).unwrap_or(iso));
        }
        if object.is_instance(kinds::timedelta(py)?)? {
            return duration_of(object);
        }
        if object.is_instance(kinds::decimal(py)?)? {
            return as_text(object, "__str__");
        }
        if object.hasattr("__dataclass_fields__")?
            && !object.is_instance_of::<pyo3::types::PyType>()
        {
            let fields = object.getattr("__dataclass_fields__")?.call_method0("keys")?;
            let field = |name: PyResult<Bound<'py, PyAny>>| {
                let name = name?.cast_into::<PyString>()?;
                Ok((text(&name)?, self.value_at(&object.getattr(&name)?, depth + 1)?))
            };
            return Ok(Value::Dict(fields.try_iter()?.map(field).collect::<PyResult<_>>()?));
        }
        derived(object)?.ok_or_else(|| unsupported(object))
    }

    fn items(
        &self,
        items: impl ExactSizeIterator<Item = Bound<'py, PyAny>>,
        depth: usize,
    ) -> PyResult<Vec<Value>> {
        let mut values = Vec::with_capacity(items.len());
        for item in items {
            values.push(self.value_at(&item, depth + 1)?);
        }
        Ok(values)
    }

    fn dict_at(&self, dict: &Bound<'py, PyDict>, depth: usize) -> PyResult<Dict> {
        let mut content = Dict::with_capacity(dict.len());
        for (key, value) in dict.iter() {
            content.insert(key_of(&key)?, self.value_at(&value, depth)?);
        }
        Ok(content)
    }
}

/// Reads a key; those that are no strings become the text that JSON has for them, which remembers
/// what it stands for.
pub(crate) fn key_of(key: &Bound<'_, PyAny>) -> PyResult<Text> {
    if let Ok(string) = key.cast::<PyString>() {
        return text(string);
    }
    let py = key.py();
    let (text, key) = if key.is_none() {
        ("null".into(), Value::Null)
    } else if let Ok(flag) = key.cast::<PyBool>() {
        (flag.is_true().to_string(), Value::Bool(flag.is_true()))
    } else if key.is_instance_of::<PyInt>() {
        let int = int_of(key)?;
        (int.to_string(), Value::Int(int))
    } else if let Ok(float) = key.cast::<PyFloat>() {
        let text = py.get_type::<PyFloat>().call_method1("__repr__", (key,))?;
        (text.extract()?, Value::Float(float.value()))
    } else {
        let kind = key.get_type().name()?;
        return Err(PyTypeError::new_err(format!(
            "keys of a session and of dicts in it must be str, int, float, bool or None, not {kind}"
        )));
    };
    Ok(Text::of_key(text, key))
}

/// Reads what derives from a kind that JSON has: enumerations of numbers, strings with methods.
fn derived(object: &Bound<'_, PyAny>) -> PyResult<Option<Value>> {
    if let Ok(string) = object.cast::<PyString>() {
        return Ok(Some(Value::Str(text(string)?)));
    }
    if object.is_instance_of::<PyInt>() {
        return Ok(Some(Value::Int(int_of(object)?)));
    }
    Ok(object.cast::<PyFloat>().ok().map(|float| Value::Float(float.value())))
}

fn unsupported(object: &Bound<'_, PyAny>) -> PyErr {
    let kind = object.get_type().name().map_or_else(|_| "this".into(), |name| name.to_string());
    PyTypeError::new_err(format!(
        "a session cannot hold objects of type {kind}: store what they are made of"
    ))
}

fn int_of(int: &Bound<'_, PyAny>) -> PyResult<Int> {
    if let Ok(small) = int.extract::<i64>() {
        return Ok(small.into());
    }
    // Python itself refuses more than 4,300 digits.
    let digits = int.py().get_type::<PyInt>().call_method1("__repr__", (int,))?;
    let digits: String = digits.extract()?;
    Int::parse(&digits).ok_or_else(|| PyValueError::new_err("an integer has no decimal digits"))
}

fn html_of(object: &Bound<'_, PyAny>) -> PyResult<Option<Text>> {
    let Some(html) = object.getattr_opt("__html__")?.filter(|html| html.is_callable()) else {
        return Ok(None);
    };
    text(&html.call0()?.str()?).map(Some)
}

fn uuid_of(object: &Bound<'_, PyAny>) -> PyResult<Value> {
    let bytes: [u8; 16] = object.getattr("bytes")?.extract()?;
    Ok(Value::Uuid(Uuid::from_bytes(bytes)))
}

/// Reads a time to the microsecond; one without a zone counts as UTC, as in Flask.
fn datetime_of(object: &Bound<'_, PyAny>) -> PyResult<Value> {
    let is_aware = !object.call_method0("utcoffset")?.is_none();
    let since = object.sub(kinds::epoch(object.py(), is_aware)?)?;
    let part = |name: &str| since.getattr(name)?.extract::<i64>();
    let seconds = part("days")? * 86_400 + part("seconds")?;
    let micros = u32::try_from(part("microseconds")?).unwrap_or_default();
    DateTime::from_unix(seconds, micros)
        .map(Value::DateTime)
        .map_err(|error| PyValueError::new_err(error.to_string()))
}

/// Writes a duration of ISO 8601 as msgspec does.
fn duration_of(object: &Bound<'_, PyAny>) -> PyResult<Value> {
    let part = |name: &str| object.getattr(name)?.extract::<i128>();
    let total = (part("days")? * 86_400 + part("seconds")?) * 1_000_000 + part("microseconds")?;
    let (sign, total) = (if total < 0 { "-" } else { "" }, total.unsigned_abs());
    let (days, rest) = (total / 86_400_000_000, total % 86_400_000_000);
    let mut text = format!("{sign}P");
    if days > 0 || rest == 0 {
        text += &format!("{days}D");
    }
    if rest > 0 {
        let seconds = format!("{}.{:06}", rest / 1_000_000, rest % 1_000_000);
        text += &format!("T{}S", seconds.trim_end_matches('0').trim_end_matches('.'));
    }
    Ok(text.into())
}

fn as_text(object: &Bound<'_, PyAny>, method: &str) -> PyResult<Value> {
    Ok(Value::Str(text(&object.call_method0(method)?.str()?)?))
}
