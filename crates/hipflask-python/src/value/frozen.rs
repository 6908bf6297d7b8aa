//! Finds out whether lists and dicts were changed in place.
//!
//! Runs in each request that reads a list or dict. So what is kept of them is cheap to make, a copy
//! that shares everything that cannot change, and cheap to compare, since what is the same object is
//! the same.

use pyo3::{
    prelude::*,
    types::{PyDict, PyList, PyTuple},
};

use super::Reader;

/// What the lists and dicts of a session were when it was opened.
pub(crate) struct Frozen(Option<Py<PyDict>>);

impl Frozen {
    pub(crate) fn of(session: &Bound<'_, PyDict>) -> PyResult<Self> {
        let mut frozen = None;
        for (key, object) in session.iter() {
            if let Some(copy) = freeze(&object)? {
                frozen.get_or_insert_with(|| PyDict::new(session.py())).set_item(key, copy)?;
            }
        }
        Ok(Self(frozen.map(Bound::unbind)))
    }

    /// Reports whether a list or dict in the session is not what it was. One that was put there since
    /// counts as changed.
    pub(crate) fn is_changed<'py>(
        &self,
        session: &Bound<'py, PyDict>,
        reader: &Reader<'_, 'py>,
    ) -> PyResult<bool> {
        let frozen = self.0.as_ref().map(|frozen| frozen.bind(session.py()));
        for (key, object) in session.iter() {
            if !may_change(&object) {
                continue;
            }
            let was = frozen.map(|frozen| frozen.get_item(&key)).transpose()?.flatten();
            match was {
                Some(was) if is_untouched(&object, &was) => {}
                // Another object may be an equal one.
                Some(was) if reader.value(&object)? == reader.value(&was)? => {}
                // A tuple of what cannot change was not kept.
                None if object.is_instance_of::<PyTuple>() => {}
                _ => return Ok(true),
            }
        }
        Ok(false)
    }
}

fn may_change(object: &Bound<'_, PyAny>) -> bool {
    object.is_instance_of::<PyDict>()
        || object.is_instance_of::<PyList>()
        || object.is_instance_of::<PyTuple>()
}

/// Copies lists and dicts, however deep; `None` for what cannot change.
fn freeze<'py>(object: &Bound<'py, PyAny>) -> PyResult<Option<Bound<'py, PyAny>>> {
    if let Ok(dict) = object.cast::<PyDict>() {
        let copy = dict.copy()?;
        for (key, value) in dict.iter() {
            if let Some(value) = freeze(&value)? {
                copy.set_item(key, value)?;
            }
        }
        return Ok(Some(copy.into_any()));
    }
    if let Ok(list) = object.cast::<PyList>() {
        let items = list.iter().map(|item| Ok(freeze(&item)?.unwrap_or(item)));
        let items = items.collect::<PyResult<Vec<_>>>()?;
        return Ok(Some(PyList::new(object.py(), items)?.into_any()));
    }
    let Ok(tuple) = object.cast::<PyTuple>() else { return Ok(None) };
    let mut may_change = false;
    let items = tuple.iter().map(|item| {
        let copy = freeze(&item)?;
        may_change |= copy.is_some();
        Ok(copy.unwrap_or(item))
    });
    let items = items.collect::<PyResult<Vec<_>>>()?;
    Ok(if may_change { Some(PyTuple::new(object.py(), items)?.into_any()) } else { None })
}

fn is_untouched(object: &Bound<'_, PyAny>, was: &Bound<'_, PyAny>) -> bool {
    if object.is(was) {
        return true;
    }
    if let (Ok(dict), Ok(was)) = (object.cast_exact::<PyDict>(), was.cast_exact::<PyDict>()) {
        let mut entries = dict.iter().zip(was.iter());
        return dict.len() == was.len()
            && entries
                .all(|((key, value), (name, was))| key.is(&name) && is_untouched(&value, &was));
    }
    if let (Ok(list), Ok(was)) = (object.cast_exact::<PyList>(), was.cast_exact::<PyList>()) {
        let mut items = list.iter().zip(was.iter());
        return list.len() == was.len() && items.all(|(item, was)| is_untouched(&item, &was));
    }
    if let (Ok(tuple), Ok(was)) = (object.cast_exact::<PyTuple>(), was.cast_exact::<PyTuple>()) {
        let mut items = tuple.iter().zip(was.iter());
        return tuple.len() == was.len() && items.all(|(item, was)| is_untouched(&item, &was));
    }
    false
}
