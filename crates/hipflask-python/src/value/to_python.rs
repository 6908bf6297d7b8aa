//! Values of the core → objects of Python.

use hipflask::value::{DateTime, Dict, Value};
use pyo3::{
    IntoPyObjectExt,
    prelude::*,
    types::{PyBytes, PyDict, PyInt, PyList, PyTuple},
};

use super::text::write as text;
use crate::kinds;

/// Puts the entries of `content` into a dict of Python.
pub(crate) fn fill(dict: &Bound<'_, PyDict>, content: &Dict) -> PyResult<()> {
    let py = dict.py();
    content.iter().try_for_each(|(key, value)| {
        let value = to_python(py, value)?;
        match key.stands_for() {
            Some(key) => dict.set_item(to_python(py, key)?, value),
            None => dict.set_item(text(py, key)?, value),
        }
    })
}

/// Builds the object that Flask or Flask-Session would have read.
pub(crate) fn to_python<'py>(py: Python<'py>, value: &Value) -> PyResult<Bound<'py, PyAny>> {
    Ok(match value {
        Value::Null => py.None().into_bound(py),
        Value::Bool(flag) => flag.into_bound_py_any(py)?,
        Value::Int(int) => match int.as_i64() {
            Some(small) => small.into_bound_py_any(py)?,
            None => py.get_type::<PyInt>().call1((int.to_string(),))?,
        },
        Value::Float(float) => float.into_bound_py_any(py)?,
        Value::Str(string) => text(py, string)?.into_any(),
        Value::List(list) => PyList::new(py, items(py, list)?)?.into_any(),
        Value::Tuple(tuple) => PyTuple::new(py, items(py, tuple)?)?.into_any(),
        Value::Dict(content) => {
            let dict = PyDict::new(py);
            fill(&dict, content)?;
            dict.into_any()
        }
        Value::Bytes(bytes) => PyBytes::new(py, bytes).into_any(),
        Value::Markup(markup) => kinds::markup(py)?.call1((text(py, markup)?,))?,
        Value::Uuid(uuid) => {
            let bytes = PyBytes::new(py, uuid.as_bytes());
            kinds::uuid(py)?.call1((py.None(), bytes))?
        }
        Value::DateTime(time) => datetime(py, *time)?,
        // The core's values may grow; what is not known here cannot come out of its readers.
        _ => py.None().into_bound(py),
    })
}

fn items<'py>(py: Python<'py>, items: &[Value]) -> PyResult<Vec<Bound<'py, PyAny>>> {
    items.iter().map(|item| to_python(py, item)).collect()
}

fn datetime<'py>(py: Python<'py>, time: DateTime) -> PyResult<Bound<'py, PyAny>> {
    let since = kinds::timedelta(py)?.call1((0, time.unix_seconds(), time.micros()))?;
    kinds::epoch(py, true)?.add(since)
}
