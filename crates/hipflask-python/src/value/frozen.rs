//! Finds out whether lists and dicts were changed in place.
//!
//! Runs in each request that reads its session. So what is kept of a session is a list of its objects
//! in the order in which a walk meets them: cheap to make, and cheap to compare, since a string or a
//! number that is the same object is the same.

use std::ptr;

use hipflask::value::{Dict, Value};
use pyo3::{
    ffi,
    prelude::*,
    types::{PyDict, PyList, PyTuple},
};

use super::{Reader, from_python::key_of};

/// What a session was when it was opened: its keys, each with its value and what is in that.
///
/// Most objects hold nothing that can change. Those that do have a list of their own beside, so that the
/// others are nothing but addresses, of which more are in the processor's cache.
#[derive(Default)]
pub(crate) struct Frozen {
    objects: Vec<Py<PyAny>>,
    holders: Vec<Holder>,
}

/// An object that holds others, which follow it.
struct Holder {
    /// Which of the objects it is.
    at: usize,
    /// How many items it has, or entries of two objects each.
    len: usize,
}

/// What is left of a walk.
#[derive(Clone, Copy)]
struct Walk<'a> {
    objects: &'a [Py<PyAny>],
    at: usize,
    holders: &'a [Holder],
}

enum Kind<'a, 'py> {
    Dict(&'a Bound<'py, PyDict>),
    List(&'a Bound<'py, PyList>),
    Tuple(&'a Bound<'py, PyTuple>),
    /// What holds nothing that can change.
    Leaf,
}

impl<'a, 'py> Kind<'a, 'py> {
    fn of(object: &'a Bound<'py, PyAny>) -> Self {
        if let Ok(dict) = object.cast_exact() {
            Self::Dict(dict)
        } else if let Ok(list) = object.cast_exact() {
            Self::List(list)
        } else if let Ok(tuple) = object.cast_exact() {
            Self::Tuple(tuple)
        } else {
            Self::Leaf
        }
    }
}

impl Frozen {
    pub(crate) fn of(session: &Bound<'_, PyDict>) -> Self {
        let mut frozen = Self { objects: Vec::with_capacity(2 * session.len()), ..Self::default() };
        frozen.take_entries(session);
        frozen
    }

    fn take(&mut self, object: Bound<'_, PyAny>) {
        match Kind::of(&object) {
            Kind::Dict(dict) => {
                self.hold(&object, dict.len());
                self.take_entries(dict);
            }
            Kind::List(list) => {
                self.hold(&object, list.len());
                list.iter().for_each(|item| self.take(item));
            }
            Kind::Tuple(tuple) => {
                self.hold(&object, tuple.len());
                tuple.iter().for_each(|item| self.take(item));
            }
            Kind::Leaf => self.objects.push(object.unbind()),
        }
    }

    fn hold(&mut self, holder: &Bound<'_, PyAny>, len: usize) {
        self.holders.push(Holder { at: self.objects.len(), len });
        self.objects.push(holder.clone().unbind());
    }

    fn take_entries(&mut self, dict: &Bound<'_, PyDict>) {
        for (key, value) in dict.iter() {
            self.objects.push(key.unbind());
            self.take(value);
        }
    }

    fn walk(&self) -> Walk<'_> {
        Walk { objects: &self.objects, at: 0, holders: &self.holders }
    }

    /// Returns the lists that were empty, each with its key in the session.
    pub(crate) fn empty_lists<'py>(
        &self,
        py: Python<'py>,
    ) -> impl Iterator<Item = (Bound<'py, PyAny>, Bound<'py, PyList>)> {
        let mut walk = self.walk();
        let next = move || {
            let (key, _) = walk.next()?;
            let (value, len) = walk.next()?;
            walk.skip(len.unwrap_or(0), value.bind(py));
            let list = value.bind(py).cast_exact().ok().filter(|_| len == Some(0));
            Some(list.map(|list| (key.bind(py).clone(), list.clone())))
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
        let mut walk = self.walk();
        if walk.meets_entries(session) && walk.at == self.objects.len() {
            return false;
        }
        // Another object may be an equal one. What cannot be stored is for the save to refuse.
        let was = self.walk().thaw_entries(session.py(), usize::MAX, reader);
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

/// Where an object is.
type Address = *mut ffi::PyObject;

impl<'a> Walk<'a> {
    /// Returns the next object, and how much it holds, if it holds any.
    fn next(&mut self) -> Option<(&'a Py<PyAny>, Option<usize>)> {
        let object = self.objects.get(self.at)?;
        let len = match self.holders {
            [Holder { at, len }, rest @ ..] if *at == self.at => {
                self.holders = rest;
                Some(*len)
            }
            _ => None,
        };
        self.at += 1;
        Some((object, len))
    }

    /// Reports whether the next object is the one at an address, and holds what it held.
    fn meets(&mut self, py: Python<'_>, object: Address) -> bool {
        match self.next() {
            Some((was, len)) if was.as_ptr() == object => {
                len.is_none_or(|len| self.meets_all_of(was.bind(py), len))
            }
            _ => false,
        }
    }

    fn meets_all_of(&mut self, holder: &Bound<'_, PyAny>, len: usize) -> bool {
        let py = holder.py();
        match Kind::of(holder) {
            Kind::Dict(dict) => dict.len() == len && self.meets_entries(dict),
            Kind::List(list) => list.len() == len && all_items(list, |item| self.meets(py, item)),
            Kind::Tuple(tuple) => tuple.iter().all(|item| self.meets(py, item.as_ptr())),
            Kind::Leaf => false,
        }
    }

    fn meets_entries(&mut self, dict: &Bound<'_, PyDict>) -> bool {
        let py = dict.py();
        all_entries(dict, |key, value| self.meets(py, key) && self.meets(py, value))
    }

    /// Steps over what an object holds.
    fn skip(&mut self, len: usize, holder: &Bound<'_, PyAny>) {
        let n_objects = if let Kind::Dict(_) = Kind::of(holder) { 2 * len } else { len };
        for _ in 0..n_objects {
            if let Some((object, Some(len))) = self.next() {
                self.skip(len, object.bind(holder.py()));
            }
        }
    }

    /// Reads the next object as it was.
    fn thaw<'py>(&mut self, py: Python<'py>, reader: &Reader<'_, 'py>) -> PyResult<Value> {
        let Some((was, len)) = self.next() else { return Ok(Value::Null) };
        let (was, len) = (was.bind(py), len.unwrap_or(0));
        let mut items = || (0..len).map(|_| self.thaw(py, reader)).collect::<PyResult<_>>();
        Ok(match Kind::of(was) {
            Kind::Dict(_) => Value::Dict(self.thaw_entries(py, len, reader)?),
            Kind::List(_) => Value::List(items()?),
            Kind::Tuple(_) => Value::Tuple(items()?),
            Kind::Leaf => reader.value(was)?,
        })
    }

    /// Reads up to `len` keys with their values.
    fn thaw_entries<'py>(
        &mut self,
        py: Python<'py>,
        len: usize,
        reader: &Reader<'_, 'py>,
    ) -> PyResult<Dict> {
        let mut entries = Dict::new();
        for _ in 0..len {
            let Some((key, _)) = self.next() else { break };
            entries.insert(key_of(key.bind(py))?, self.thaw(py, reader)?);
        }
        Ok(entries)
    }
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
