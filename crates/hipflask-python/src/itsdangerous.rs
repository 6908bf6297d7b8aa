//! The byte work of the Python package `hipflask.itsdangerous`: base64, key derivation and HMAC.
//!
//! Knows neither classes nor separators: those can be overridden in Python, so they live there.
//! What only Python's own library can do, such as a digest that somebody wrote, is answered with
//! `None`; the callers then ask that library, which also raises its own errors for wrong types.

use std::borrow::Cow;

use hipflask_core::{
    encoding,
    signing::{self, Digest, Key, KeyDerivation},
};
use pyo3::{
    exceptions::PyValueError,
    prelude::*,
    types::{PyBytes, PyString},
};

/// Returns the URL-safe base64 text of `data`, without padding.
#[pyfunction]
pub(crate) fn encode_url<'py>(py: Python<'py>, data: Cow<'_, [u8]>) -> Bound<'py, PyBytes> {
    PyBytes::new(py, encoding::encode_url(&data).as_bytes())
}

/// Returns what `text` stands for, or `None` where Python's `urlsafe_b64decode` raises.
#[pyfunction]
pub(crate) fn decode_url<'py>(py: Python<'py>, text: Cow<'_, [u8]>) -> Option<Bound<'py, PyBytes>> {
    encoding::decode_url(&text).map(|data| PyBytes::new(py, &data))
}

/// The functions of `hashlib` whose work is done here, known by identity.
#[pyclass(frozen, module = "hipflask._native")]
#[derive(Debug)]
pub(crate) struct Digests {
    functions: Vec<(Py<PyAny>, Digest)>,
}

#[pymethods]
impl Digests {
    /// Takes pairs of a function and the name of the digest that it computes.
    #[new]
    fn new(functions: Vec<(Py<PyAny>, String)>) -> PyResult<Self> {
        let named = functions.into_iter().map(|(function, name)| {
            let digest = name.parse::<Digest>();
            digest.map(|digest| (function, digest)).map_err(|e| PyValueError::new_err(e.to_string()))
        });
        Ok(Self { functions: named.collect::<PyResult<_>>()? })
    }

    /// Returns the key of the HMAC, as `Signer.derive_key` describes it.
    fn derive_key<'py>(
        &self,
        digest_method: &Bound<'py, PyAny>,
        key_derivation: &Bound<'py, PyAny>,
        salt: &Bound<'py, PyAny>,
        secret_key: &Bound<'py, PyAny>,
    ) -> Option<Bound<'py, PyBytes>> {
        let name = key_derivation.cast_exact::<PyString>().ok()?.to_cow().ok()?;
        self.derive(digest_method, name.parse().ok()?, salt, secret_key)
    }

    /// Returns the HMAC of `value`.
    fn hmac<'py>(
        &self,
        digest_method: &Bound<'py, PyAny>,
        key: &Bound<'py, PyAny>,
        value: &Bound<'py, PyAny>,
    ) -> Option<Bound<'py, PyBytes>> {
        // The derivation of this name is the HMAC of its salt.
        self.derive(digest_method, KeyDerivation::Hmac, value, key)
    }
}

impl Digests {
    fn derive<'py>(
        &self,
        digest_method: &Bound<'py, PyAny>,
        derivation: KeyDerivation,
        salt: &Bound<'py, PyAny>,
        secret_key: &Bound<'py, PyAny>,
    ) -> Option<Bound<'py, PyBytes>> {
        let (_, digest) = self.functions.iter().find(|(function, _)| function.is(digest_method))?;
        let salt = salt.cast::<PyBytes>().ok()?.as_bytes();
        let secret_key = secret_key.cast::<PyBytes>().ok()?.as_bytes();
        let py = digest_method.py();
        let derive = || signing::derive_key(*digest, derivation, salt, secret_key);
        let key: Key = if salt.len() < LONG { derive() } else { py.detach(derive) };
        Some(PyBytes::new(py, key.as_bytes()))
    }
}

/// From this many bytes on, other threads of Python may run meanwhile.
const LONG: usize = 16 * 1024;
