//! An app's configuration → the settings of the facade.

use hipflask::{
    SecretKey, SessionConfig,
    config::{self, Digest, Key, Origin, Setting, Signing},
};
use pyo3::{prelude::*, types::PyDict};

use crate::{
    error,
    value::{Dialect, Reader},
};

/// Reads Flask's and Flask-Session's settings by their names, and our own.
pub(crate) fn read(keys: Vec<Vec<u8>>, values: &Bound<'_, PyDict>) -> PyResult<SessionConfig> {
    let py = values.py();
    let mut keys = keys.into_iter().map(Key::new);
    let key = match keys.next() {
        Some(key) => SecretKey::new(key),
        // Without a key there are only unsigned ids.
        None => SecretKey::random().map_err(|mistake| error::config(py, &mistake))?,
    };
    // Whether a weak key is refused is for the app to say, and was decided before.
    let key = keys.fold(key, SecretKey::with_fallback).insecure_accept_weak();
    let mut config = SessionConfig::new(key);
    let mut found = Vec::new();
    for (name, value) in values.iter() {
        let name: String = name.extract()?;
        if name == "SIGNING" {
            // An application that signs in its own way: salt, digest, derivation.
            config = config.with_signing(signing(&value)?);
        } else {
            found.push((name, Reader::new(Dialect::Record).value(&value)?));
        }
    }
    config.with_values(found).map_err(|mistake| error::config(py, &mistake))
}

/// Returns the names that the engine reads, and whether each takes a truth value.
pub(crate) fn names() -> Vec<(&'static str, bool)> {
    // In Flask, Flask-WTF itself guards the forms.
    let read =
        |setting: &&Setting| setting.method().is_some() && setting.origin() != Origin::FlaskWtf;
    let read = config::settings().iter().filter(read);
    read.map(|setting| (setting.name(), setting.is_flag())).collect()
}

fn signing(value: &Bound<'_, PyAny>) -> PyResult<Signing> {
    let (salt, digest, derivation): (Vec<u8>, String, String) = value.extract()?;
    let expected = "a digest of hashlib (sha1, sha256, sha384, sha512 or md5) and a key derivation \
                    of itsdangerous (hmac, concat, django-concat or none)";
    let mistake = || error::setting(value.py(), "the session interface's signing", expected);
    let digest: Digest = digest.parse().map_err(|_| mistake())?;
    Ok(Signing::default()
        .with_salt(salt)
        .with_digest(digest)
        .with_key_derivation(derivation.parse().map_err(|_| mistake())?))
}
