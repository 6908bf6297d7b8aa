//! Finds out whether an object of Python still is the value that it was built from.
//!
//! Runs at the end of each request that has read lists or dicts, so it builds nothing.

use hipflask::value::{Dict, Value};
use pyo3::{
    prelude::*,
    types::{PyBool, PyBytes, PyDict, PyFloat, PyInt, PyList, PyString, PyTuple},
};

use super::{from_python::key_of, text, to_python};

/// Reports whether `object` and `value` are the same, kinds included.
///
/// Only lists and dicts can have changed in place; for the rest this is exact where it is cheap, and
/// where it is in doubt the answer is no.
pub(crate) fn is_same(object: &Bound<'_, PyAny>, value: &Value) -> PyResult<bool> {
    Ok(match value {
        Value::Dict(content) => match object.cast_exact::<PyDict>() {
            Ok(dict) => is_same_dict(dict, content)?,
            Err(_) => false,
        },
        Value::List(items) => match object.cast_exact::<PyList>() {
            Ok(list) => list.len() == items.len() && are_same(list.iter(), items)?,
            Err(_) => false,
        },
        Value::Tuple(items) => match object.cast_exact::<PyTuple>() {
            Ok(tuple) => tuple.len() == items.len() && are_same(tuple.iter(), items)?,
            Err(_) => false,
        },
        Value::Null => object.is_none(),
        Value::Bool(flag) => object.cast::<PyBool>().is_ok_and(|it| it.is_true() == *flag),
        Value::Int(int) => match (object.cast_exact::<PyInt>(), int.as_i64()) {
            (Ok(object), Some(small)) => object.extract::<i64>().is_ok_and(|it| it == small),
            (Ok(object), None) => object.as_any().eq(to_python(object.py(), value)?)?,
            (Err(_), _) => false,
        },
        Value::Float(float) => {
            object.cast_exact::<PyFloat>().is_ok_and(|it| it.value().to_bits() == float.to_bits())
        }
        Value::Str(string) => match object.cast_exact::<PyString>() {
            Ok(object) => text::is_same(object, string)?,
            Err(_) => false,
        },
        Value::Bytes(bytes) => {
            object.cast_exact::<PyBytes>().is_ok_and(|it| it.as_bytes() == &**bytes)
        }
        _ => {
            let built = to_python(object.py(), value)?;
            object.get_type().is(built.get_type()) && object.eq(built)?
        }
    })
}

/// Reports whether an object is of a kind that cannot change in place, as most values are.
pub(crate) fn is_immutable(object: &Bound<'_, PyAny>) -> bool {
    object.is_exact_instance_of::<PyString>()
        || object.is_exact_instance_of::<PyInt>()
        || object.is_none()
        || object.is_exact_instance_of::<PyBool>()
        || object.is_exact_instance_of::<PyFloat>()
        || object.is_exact_instance_of::<PyBytes>()
}

fn is_same_dict(dict: &Bound<'_, PyDict>, content: &Dict) -> PyResult<bool> {
    if dict.len() != content.len() {
        return Ok(false);
    }
    // Most dicts keep their order; a key that is elsewhere is looked up.
    for ((key, object), (name, value)) in dict.iter().zip(content.iter()) {
        let was = match key.cast_exact::<PyString>() {
            Ok(key) if name.stands_for().is_none() && text::is_same(key, name)? => Some(value),
            _ => content.get_text(&key_of(&key)?),
        };
        match was {
            Some(was) if is_same(&object, was)? => {}
            _ => return Ok(false),
        }
    }
    Ok(true)
}

fn are_same<'py>(
    objects: impl Iterator<Item = Bound<'py, PyAny>>,
    values: &[Value],
) -> PyResult<bool> {
    for (object, value) in objects.zip(values) {
        if !is_same(&object, value)? {
            return Ok(false);
        }
    }
    Ok(true)
}
