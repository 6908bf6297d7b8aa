//! Finds out whether lists and dicts were changed in place.
//!
//! Runs in each request that reads its session. So what is kept of a session is a list of its objects
//! in the order in which a walk meets them: cheap to make, and cheap to compare, since a string or a
//! number that is the same object is the same.

use std::{ptr, slice};

use hipflask::value::{Dict, Value};
use pyo3::{
    ffi,
    prelude::*,
    types::{PyDict, PyList, PyTuple},
};

use super::{Reader, from_python::key_of};

/// What a session was when it was opened: its keys, each with its value and what is in that.
pub(crate) struct Frozen(Vec<Was>);

/// An object that the walk has met, and how many entries or items follow it.
enum Was {
    Dict(Py<PyDict>, Len),
    List(Py<PyList>, Len),
    Tuple(Py<PyTuple>, Len),
    /// What holds nothing that can change.
    Leaf(Py<PyAny>),
}

/// Small, so that more of a walk is in the processor's cache. What is longer counts as changed.
type Len = u32;

type Walk<'a> = slice::Iter<'a, Was>;

impl Frozen {
    pub(crate) fn of(session: &Bound<'_, PyDict>) -> Self {
        let mut walk = Vec::with_capacity(2 * session.len());
        freeze_entries(session, &mut walk);
        Self(walk)
    }

    /// Returns the lists that were empty, each with its key in the session.
    pub(crate) fn empty_lists<'py>(
        &self,
        py: Python<'py>,
    ) -> impl Iterator<Item = (Bound<'py, PyAny>, Bound<'py, PyList>)> {
        let mut walk = self.0.iter();
        let next = move || {
            let Some(Was::Leaf(key)) = walk.next() else { return None };
            let list = match walk.as_slice() {
                [Was::List(list, 0), ..] => Some(list.bind(py).clone()),
                _ => None,
            };
            skip(&mut walk);
            Some(list.map(|list| (key.bind(py).clone(), list)))
        };
        std::iter::from_fn(next).flatten()
    }

    /// Reports whether a list or dict in the session is not what it was. One that was put there since
    /// counts as changed.
    pub(crate) fn is_changed<'py>(
        &self,
        session: &Bound<'py, PyDict>,
        reader: &Reader<'_, 'py>,
    ) -> bool {
        let mut walk = self.0.iter();
        if are_same_entries(session, &mut walk) && walk.as_slice().is_empty() {
            return false;
        }
        // Another object may be an equal one. What cannot be stored is for the save to refuse.
        let was = thaw_entries(session.py(), Len::MAX, &mut self.0.iter(), reader);
        let Ok(was) = was else { return true };
        let is_equal = |key: &Bound<'py, PyAny>, object: &Bound<'py, PyAny>| -> PyResult<bool> {
            Ok(was.get_text(&key_of(key)?) == Some(&reader.value(object)?))
        };
        session
            .iter()
            .any(|(key, object)| may_change(&object) && !is_equal(&key, &object).unwrap_or(false))
    }
}

fn may_change(object: &Bound<'_, PyAny>) -> bool {
    object.is_instance_of::<PyDict>()
        || object.is_instance_of::<PyList>()
        || object.is_instance_of::<PyTuple>()
}

fn freeze(object: Bound<'_, PyAny>, walk: &mut Vec<Was>) {
    if let Ok(dict) = object.cast_exact::<PyDict>() {
        walk.push(Was::Dict(dict.clone().unbind(), short(dict.len())));
        freeze_entries(dict, walk);
    } else if let Ok(list) = object.cast_exact::<PyList>() {
        walk.push(Was::List(list.clone().unbind(), short(list.len())));
        list.iter().for_each(|item| freeze(item, walk));
    } else if let Ok(tuple) = object.cast_exact::<PyTuple>() {
        walk.push(Was::Tuple(tuple.clone().unbind(), short(tuple.len())));
        tuple.iter().for_each(|item| freeze(item, walk));
    } else {
        walk.push(Was::Leaf(object.unbind()));
    }
}

fn freeze_entries(dict: &Bound<'_, PyDict>, walk: &mut Vec<Was>) {
    for (key, value) in dict.iter() {
        walk.push(Was::Leaf(key.unbind()));
        freeze(value, walk);
    }
}

/// Steps over the next object of the walk, and all that is in it.
fn skip(walk: &mut Walk<'_>) {
    let mut n_left = 1;
    while n_left > 0 {
        n_left += match walk.next() {
            None => return,
            Some(Was::Dict(_, len)) => 2 * *len as usize,
            Some(Was::List(_, len) | Was::Tuple(_, len)) => *len as usize,
            Some(Was::Leaf(_)) => 0,
        };
        n_left -= 1;
    }
}

fn short(len: usize) -> Len {
    len.try_into().unwrap_or(Len::MAX)
}

/// Where an object is.
type Address = *mut ffi::PyObject;

/// Reports whether the next object of the walk is the one at an address, and holds what it held.
fn is_same(py: Python<'_>, object: Address, walk: &mut Walk<'_>) -> bool {
    match walk.next() {
        None => false,
        Some(Was::Leaf(was)) => was.as_ptr() == object,
        Some(Was::Dict(was, len)) => {
            let dict = was.bind(py);
            was.as_ptr() == object && short(dict.len()) == *len && are_same_entries(dict, walk)
        }
        Some(Was::List(was, len)) => {
            let list = was.bind(py);
            was.as_ptr() == object
                && short(list.len()) == *len
                && all_items(list, |item| is_same(py, item, walk))
        }
        Some(Was::Tuple(was, _)) => {
            let mut items = was.bind(py).iter();
            was.as_ptr() == object && items.all(|item| is_same(py, item.as_ptr(), walk))
        }
    }
}

fn are_same_entries(dict: &Bound<'_, PyDict>, walk: &mut Walk<'_>) -> bool {
    let py = dict.py();
    all_entries(dict, |key, value| is_same(py, key, walk) && is_same(py, value, walk))
}

// The next two show addresses, where PyO3 shows references and counts each: that touches the objects,
// of which most are not in the processor's cache at the end of a request, and are not needed there.

/// Reports whether `check` holds for the addresses of all keys and values.
#[expect(unsafe_code, reason = "see above")]
fn all_entries(dict: &Bound<'_, PyDict>, mut check: impl FnMut(Address, Address) -> bool) -> bool {
    let (mut at, mut key, mut value) = (0, ptr::null_mut(), ptr::null_mut());
    // SAFETY: it is a dict, the interpreter is attached, and the three places are valid. `check` gets
    // addresses, of which it can only learn whether they are those of other objects.
    while unsafe { ffi::PyDict_Next(dict.as_ptr(), &mut at, &mut key, &mut value) } != 0 {
        if !check(key, value) {
            return false;
        }
    }
    true
}

/// Reports whether `check` holds for the addresses of all items.
#[expect(unsafe_code, reason = "see above")]
fn all_items(list: &Bound<'_, PyList>, mut check: impl FnMut(Address) -> bool) -> bool {
    (0..list.len().cast_signed()).all(|at| {
        // SAFETY: it is a list, the interpreter is attached, and the list is that long: nothing that
        // could change it runs meanwhile. Of `check`, see above.
        check(unsafe { ffi::PyList_GetItem(list.as_ptr(), at) })
    })
}

/// Reads the next object of the walk as it was.
fn thaw<'py>(py: Python<'py>, walk: &mut Walk<'_>, reader: &Reader<'_, 'py>) -> PyResult<Value> {
    let was = walk.next();
    let mut items = |len: Len| (0..len).map(|_| thaw(py, walk, reader)).collect::<PyResult<_>>();
    Ok(match was {
        None => Value::Null,
        Some(Was::Leaf(leaf)) => reader.value(leaf.bind(py))?,
        Some(Was::Dict(_, len)) => Value::Dict(thaw_entries(py, *len, walk, reader)?),
        Some(Was::List(_, len)) => Value::List(items(*len)?),
        Some(Was::Tuple(_, len)) => Value::Tuple(items(*len)?),
    })
}

/// Reads up to `len` keys with their values.
fn thaw_entries<'py>(
    py: Python<'py>,
    len: Len,
    walk: &mut Walk<'_>,
    reader: &Reader<'_, 'py>,
) -> PyResult<Dict> {
    let mut entries = Dict::new();
    for _ in 0..len {
        let Some(Was::Leaf(key)) = walk.next() else { break };
        entries.insert(key_of(key.bind(py))?, thaw(py, walk, reader)?);
    }
    Ok(entries)
}
