//! Values of the core → objects of Python.

use hipflask::value::{DateTime, Dict, Text, Value};
use pyo3::{
    IntoPyObjectExt,
    prelude::*,
    types::{PyBytes, PyDict, PyInt, PyList, PyString, PyTuple},
};

use super::text;
use crate::kinds;

/// Puts the entries of `content` into a dict of Python.
pub(crate) fn fill(dict: &Bound<'_, PyDict>, content: &Dict) -> PyResult<()> {
    Builder::new(dict.py()).fill(dict, content)
}

/// Builds the object that Flask or Flask-Session would have read.
pub(crate) fn to_python<'py>(py: Python<'py>, value: &Value) -> PyResult<Bound<'py, PyAny>> {
    Builder::new(py).build(value)
}

struct Builder<'py> {
    py: Python<'py>,
    /// The last key at each position: a list's dicts tend to have the same keys in the same order.
    keys: Vec<Bound<'py, PyString>>,
}

impl<'py> Builder<'py> {
    const fn new(py: Python<'py>) -> Self {
        Self { py, keys: Vec::new() }
    }

    fn fill(&mut self, dict: &Bound<'py, PyDict>, content: &Dict) -> PyResult<()> {
        for (at, (key, value)) in content.iter().enumerate() {
            let value = self.build(value)?;
            match key.stands_for() {
                Some(key) => dict.set_item(self.build(key)?, value)?,
                None => dict.set_item(self.key(at, key)?, value)?,
            }
        }
        Ok(())
    }

    fn key(&mut self, at: usize, key: &Text) -> PyResult<Bound<'py, PyString>> {
        if let Some(last) = self.keys.get(at)
            && text::is_same(last, key)?
        {
            return Ok(last.clone());
        }
        let key = text::write(self.py, key)?;
        if at <= self.keys.len() {
            self.keys.truncate(at);
            self.keys.push(key.clone());
        }
        Ok(key)
    }

    fn build(&mut self, value: &Value) -> PyResult<Bound<'py, PyAny>> {
        let py = self.py;
        Ok(match value {
            Value::Null => py.None().into_bound(py),
            Value::Bool(flag) => flag.into_bound_py_any(py)?,
            Value::Int(int) => match int.as_i64() {
                Some(small) => small.into_bound_py_any(py)?,
                None => py.get_type::<PyInt>().call1((int.to_string(),))?,
            },
            Value::Float(float) => float.into_bound_py_any(py)?,
            Value::Str(string) => text::write(py, string)?.into_any(),
            Value::List(list) => PyList::new(py, self.items(list)?)?.into_any(),
            Value::Tuple(tuple) => PyTuple::new(py, self.items(tuple)?)?.into_any(),
            Value::Dict(content) => {
                let dict = PyDict::new(py);
                self.fill(&dict, content)?;
                dict.into_any()
            }
            Value::Bytes(bytes) => PyBytes::new(py, bytes).into_any(),
            Value::Markup(markup) => kinds::markup(py)?.call1((text::write(py, markup)?,))?,
            Value::Uuid(uuid) => {
                let bytes = PyBytes::new(py, uuid.as_bytes());
                kinds::uuid(py)?.call1((py.None(), bytes))?
            }
            Value::DateTime(time) => datetime(py, *time)?,
            // The core's values may grow; what is not known here cannot come out of its readers.
            _ => py.None().into_bound(py),
        })
    }

    fn items(&mut self, items: &[Value]) -> PyResult<Vec<Bound<'py, PyAny>>> {
        items.iter().map(|item| self.build(item)).collect()
    }
}

fn datetime<'py>(py: Python<'py>, time: DateTime) -> PyResult<Bound<'py, PyAny>> {
    let since = kinds::timedelta(py)?.call1((0, time.unix_seconds(), time.micros()))?;
    kinds::epoch(py, true)?.add(since)
}
