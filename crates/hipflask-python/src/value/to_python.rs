//! What a session holds → objects of Python: from the core's values, or straight from JSON.

use hipflask::{
    core::{
        serializer::{Build, ReadError},
        session::Session,
    },
    value::{DateTime, Dict, Text, Value},
};
use pyo3::{
    IntoPyObjectExt,
    exceptions::PyValueError,
    prelude::*,
    types::{PyBytes, PyDict, PyInt, PyList, PyString, PyTuple},
};

use super::{from_python::key_of, text};
use crate::kinds;

/// Puts the entries of `content` into a dict of Python.
pub(crate) fn fill(dict: &Bound<'_, PyDict>, content: &Dict) -> PyResult<()> {
    Builder::new(dict.py()).fill(dict, content)
}

/// Makes a dict that was `mine` into one that is `theirs`. Lists and dicts in it are changed in place,
/// so that whoever has one of the session in hand still has one of the session.
pub(crate) fn bring(dict: &Bound<'_, PyDict>, mine: &Dict, theirs: &Dict) -> PyResult<()> {
    Builder::new(dict.py()).bring(dict, mine, theirs)
}

/// Puts the content of a session into a dict of Python.
pub(crate) fn fill_from(dict: &Bound<'_, PyDict>, session: &Session) -> PyResult<()> {
    let built = session.build(&mut Builder::new(dict.py()), |builder, key, value| {
        Ok(dict.set_item(text::write(builder.py, &key)?, value)?)
    });
    built.map_err(|NotBuilt(error)| error)
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
                None => match key.as_str() {
                    Some(key) => dict.set_item(self.cached(at, key), value)?,
                    None => dict.set_item(text::write(self.py, key)?, value)?,
                },
            }
        }
        Ok(())
    }

    fn bring(&mut self, dict: &Bound<'py, PyDict>, mine: &Dict, theirs: &Dict) -> PyResult<()> {
        for (key, object) in dict.iter().collect::<Vec<_>>() {
            let text = key_of(&key)?;
            match (mine.get_text(&text), theirs.get_text(&text)) {
                (None, _) => {}
                (Some(_), None) => dict.del_item(key)?,
                (Some(mine), Some(theirs)) => {
                    if let Some(other) = self.change(&object, mine, theirs)? {
                        dict.set_item(key, other)?;
                    }
                }
            }
        }
        let new = theirs.iter().filter(|(key, _)| mine.get_text(key).is_none());
        self.fill(dict, &new.map(|(key, value)| (key.clone(), value.clone())).collect())
    }

    /// Makes an object that was `mine` into one that is `theirs`, or returns another one.
    fn change(
        &mut self,
        object: &Bound<'py, PyAny>,
        mine: &Value,
        theirs: &Value,
    ) -> PyResult<Option<Bound<'py, PyAny>>> {
        if mine == theirs {
            return Ok(None);
        }
        if let (Value::Dict(mine), Value::Dict(theirs), Ok(dict)) =
            (mine, theirs, object.cast_exact::<PyDict>())
        {
            self.bring(dict, mine, theirs)?;
        } else if let (Value::List(mine), Value::List(theirs), Ok(list)) =
            (mine, theirs, object.cast_exact::<PyList>())
        {
            // Items are added at the ends of what either side had.
            let same = |(mine, theirs): &(&Value, &Value)| mine == theirs;
            let n_first = mine.iter().zip(theirs).take_while(same).count();
            let (mine, theirs) = (&mine[n_first..], &theirs[n_first..]);
            let n_last = mine.iter().rev().zip(theirs.iter().rev()).take_while(same).count();
            let between = PyList::new(self.py, self.items(&theirs[..theirs.len() - n_last])?)?;
            let end = n_first + mine.len() - n_last;
            list.set_slice(n_first, end, &between)?;
        } else {
            return Ok(Some(self.build(theirs)?));
        }
        Ok(None)
    }

    /// Builds the key at a position, or takes the last one there.
    fn cached(&mut self, at: usize, key: &str) -> Bound<'py, PyString> {
        if let Some(last) = self.keys.get(at)
            && text::utf8(last).as_deref() == Some(key)
        {
            return last.clone();
        }
        let key = PyString::new(self.py, key);
        if at <= self.keys.len() {
            self.keys.truncate(at);
            self.keys.push(key.clone());
        }
        key
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
        let mut objects = Vec::with_capacity(items.len());
        for item in items {
            objects.push(self.build(item)?);
        }
        Ok(objects)
    }
}

/// Why an object could not be built.
struct NotBuilt(PyErr);

impl From<PyErr> for NotBuilt {
    fn from(error: PyErr) -> Self {
        Self(error)
    }
}

impl From<ReadError> for NotBuilt {
    /// The session was read before, so that this would be a fault of ours.
    fn from(error: ReadError) -> Self {
        Self(PyValueError::new_err(error.to_string()))
    }
}

impl<'py> Build for Builder<'py> {
    type Built = Bound<'py, PyAny>;
    type List = Vec<Bound<'py, PyAny>>;
    type Dict = Bound<'py, PyDict>;
    type Key = Bound<'py, PyString>;
    type Error = NotBuilt;

    fn scalar(&mut self, value: Value) -> Result<Self::Built, NotBuilt> {
        Ok(self.build(&value)?)
    }

    fn text(&mut self, text: &str) -> Result<Self::Built, NotBuilt> {
        Ok(PyString::new(self.py, text).into_any())
    }

    fn key(&mut self, dict: &Self::Dict, text: &str) -> Result<Self::Key, NotBuilt> {
        Ok(self.cached(dict.len(), text))
    }

    fn escaped_key(&mut self, text: Text) -> Result<Self::Key, NotBuilt> {
        Ok(text::write(self.py, &text)?)
    }

    fn list(&mut self) -> Self::List {
        Vec::new()
    }

    fn dict(&mut self) -> Self::Dict {
        PyDict::new(self.py)
    }

    fn push(&mut self, list: &mut Self::List, value: Self::Built) -> Result<(), NotBuilt> {
        list.push(value);
        Ok(())
    }

    fn insert(
        &mut self,
        dict: &mut Self::Dict,
        key: Self::Key,
        value: Self::Built,
    ) -> Result<(), NotBuilt> {
        Ok(dict.set_item(key, value)?)
    }

    fn close_list(&mut self, list: Self::List) -> Result<Self::Built, NotBuilt> {
        Ok(PyList::new(self.py, list)?.into_any())
    }

    fn close_dict(&mut self, dict: Self::Dict) -> Result<Self::Built, NotBuilt> {
        Ok(dict.into_any())
    }
}

fn datetime<'py>(py: Python<'py>, time: DateTime) -> PyResult<Bound<'py, PyAny>> {
    let since = kinds::timedelta(py)?.call1((0, time.unix_seconds(), time.micros()))?;
    kinds::epoch(py, true)?.add(since)
}
