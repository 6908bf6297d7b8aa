//! The byte work of the Python package `hipflask.itsdangerous`: base64, deflate, HMAC and its keys.
//!
//! Knows neither classes nor separators: those can be overridden in Python, so they live there.
//! What only Python's own library can do, such as a digest that somebody wrote, is answered with
//! `None`; the callers then ask that library, which also raises its own errors for wrong types.

use std::borrow::Cow;

use hipflask_core::{
    encoding,
    serializer::compress_payload,
    signing::{self, Digest, KeyDerivation},
};
use pyo3::{
    exceptions::PyValueError,
    prelude::*,
    types::{PyByteArray, PyBytes, PyString},
};

/// Returns the URL-safe base64 text of `data`, without padding.
#[pyfunction]
pub(crate) fn encode_url<'py>(data: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyBytes>> {
    let text = encoding::encode_url(&bytes(data)?);
    Ok(PyBytes::new(data.py(), text.as_bytes()))
}

/// Returns what `text` stands for, or `None` where Python's `urlsafe_b64decode` raises.
#[pyfunction]
pub(crate) fn decode_url<'py>(text: &Bound<'py, PyAny>) -> PyResult<Option<Bound<'py, PyBytes>>> {
    let data = encoding::decode_url(&bytes(text)?);
    Ok(data.map(|data| PyBytes::new(text.py(), &data)))
}

/// Returns zlib's form of `data` if it is shorter by two bytes or more, otherwise `None`.
#[pyfunction]
pub(crate) fn deflate<'py>(data: &Bound<'py, PyAny>) -> PyResult<Option<Bound<'py, PyBytes>>> {
    let bytes = bytes(data)?;
    let deflated = work(data.py(), bytes.len(), || compress_payload(&bytes));
    Ok(deflated.map(|deflated| PyBytes::new(data.py(), &deflated)))
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
            digest
                .map(|digest| (function, digest))
                .map_err(|e| PyValueError::new_err(e.to_string()))
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
        let derive = || signing::derive_key(*digest, derivation, salt, secret_key);
        let key = work(digest_method.py(), salt.len(), derive);
        Some(PyBytes::new(digest_method.py(), key.as_bytes()))
    }
}

/// The bytes of a `bytes`, without a copy, or of a `bytearray`.
fn bytes<'a>(data: &'a Bound<'_, PyAny>) -> PyResult<Cow<'a, [u8]>> {
    match data.cast::<PyBytes>() {
        Ok(data) => Ok(data.as_bytes().into()),
        Err(_) => Ok(data.cast::<PyByteArray>()?.to_vec().into()),
    }
}

/// Runs `work` on so many bytes, and lets other threads of Python run meanwhile if they are many.
fn work<T: Send>(py: Python<'_>, n_bytes: usize, work: impl FnOnce() -> T + Send) -> T {
    if n_bytes < 16 * 1024 { work() } else { py.detach(work) }
}
