//! Strings of Python ⇄ text, without a copy where the interpreter has the UTF-8 already.

use std::borrow::Cow;

use hipflask::value::Text;
use pyo3::{
    prelude::*,
    types::{PyBytes, PyString},
};

/// Returns a string as UTF-8; `None` if a surrogate stands alone in it.
#[cfg(not(windows))]
pub(crate) fn utf8<'a>(string: &'a Bound<'_, PyString>) -> Option<Cow<'a, str>> {
    use pyo3::ffi::{Py_ssize_t, PyObject};

    // Part of the limited interface only since 3.10, but all that this package runs on has it, and
    // what 3.9's interface offers instead makes two copies.
    #[expect(unsafe_code, reason = "a function that PyO3 does not offer for Python 3.9")]
    unsafe extern "C" {
        fn PyUnicode_AsUTF8AndSize(
            object: *mut PyObject,
            size: *mut Py_ssize_t,
        ) -> *const std::ffi::c_char;
    }

    let mut size = 0;
    // SAFETY: the object is a string, as its type says, and the interpreter is attached, as the
    // lifetime of `Bound` says. The bytes live as long as the string, which is borrowed for `'a`, and
    // are UTF-8: the interpreter has encoded them.
    #[expect(unsafe_code, reason = "see above")]
    let text = unsafe {
        let start = PyUnicode_AsUTF8AndSize(string.as_ptr(), &raw mut size);
        if start.is_null() {
            None
        } else {
            let bytes = std::slice::from_raw_parts(start.cast::<u8>(), size.cast_unsigned());
            Some(std::str::from_utf8_unchecked(bytes))
        }
    };
    if text.is_none() {
        drop(PyErr::take(string.py()));
    }
    text.map(Cow::Borrowed)
}

/// Returns a string as UTF-8; `None` if a surrogate stands alone in it.
#[cfg(windows)]
pub(crate) fn utf8<'a>(string: &'a Bound<'_, PyString>) -> Option<Cow<'a, str>> {
    string.to_cow().ok()
}

/// Reads any string.
pub(super) fn read(string: &Bound<'_, PyString>) -> PyResult<Text> {
    if let Some(text) = utf8(string) {
        return Ok(text.as_ref().into());
    }
    let units = string.call_method1("encode", ("utf-32-le", "surrogatepass"))?;
    let units = units.cast::<PyBytes>()?.as_bytes().chunks_exact(4);
    let point = |unit: &[u8]| u32::from_le_bytes([unit[0], unit[1], unit[2], unit[3]]);
    Ok(Text::from_code_points(units.map(point)))
}

/// Builds any string.
pub(super) fn write<'py>(py: Python<'py>, text: &Text) -> PyResult<Bound<'py, PyString>> {
    if let Some(text) = text.as_str() {
        return Ok(PyString::new(py, text));
    }
    // Generalized UTF-8 is what Python's error handler for lone surrogates reads.
    let bytes = PyBytes::new(py, text.as_bytes());
    Ok(bytes.call_method1("decode", ("utf-8", "surrogatepass"))?.cast_into()?)
}
