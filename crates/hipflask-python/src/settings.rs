//! An app's configuration → the settings of the facade.

use std::time::Duration;

use hipflask::{
    SecretKey, SessionConfig,
    config::{ConflictPolicy, Digest, IdStorage, Key, OnOutage, Signing},
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
    let mut flasks = Vec::new();
    for (name, value) in values.iter() {
        let name: String = name.extract()?;
        config = match apply(config, &name, &value)? {
            Ok(config) => config,
            Err(config) => {
                flasks.push((name, Reader::new(Dialect::Record).value(&value)?));
                config
            }
        };
    }
    config.with_values(flasks).map_err(|mistake| error::config(py, &mistake))
}

/// Applies a setting that only we have, or gives the configuration back.
fn apply(
    config: SessionConfig,
    name: &str,
    value: &Bound<'_, PyAny>,
) -> PyResult<Result<SessionConfig, SessionConfig>> {
    let mistake = |expected| error::setting(value.py(), name, expected);
    let seconds = || {
        let seconds = value.extract().ok().and_then(|it| Duration::try_from_secs_f64(it).ok());
        seconds.ok_or_else(|| mistake("a number of seconds, not negative"))
    };
    let word = || value.extract::<String>().unwrap_or_default().to_ascii_lowercase();
    Ok(Ok(match name {
        "SESSION_ABSOLUTE_TIMEOUT" => config.with_absolute_timeout(seconds()?),
        "SESSION_IDLE_TIMEOUT" => config.with_idle_timeout(seconds()?),
        "SESSION_STORE_DEADLINE" => config.with_store_deadline(seconds()?),
        "SESSION_TOUCH_AFTER" => {
            config.with_touch_after(value.extract().map_err(|_| mistake("a number, 0 to 1"))?)
        }
        "SESSION_CONFLICT_POLICY" => config.with_conflict_policy(match &*word() {
            "last_writer" => ConflictPolicy::LastWriter,
            "first_writer" => ConflictPolicy::FirstWriter,
            "error" => ConflictPolicy::Error,
            _ => return Err(mistake("last_writer, first_writer or error")),
        }),
        "SESSION_ID_STORAGE" => config.with_id_storage(match &*word() {
            "plain" => IdStorage::Plain,
            "hashed" => IdStorage::Hashed,
            "hashed_from_plain" => IdStorage::HashedFromPlain,
            _ => return Err(mistake("plain, hashed or hashed_from_plain")),
        }),
        "SESSION_ON_OUTAGE" => config.with_on_outage(match &*word() {
            "anonymous" => OnOutage::Anonymous,
            "refuse" => OnOutage::Refuse,
            _ => return Err(mistake("anonymous or refuse")),
        }),
        // An application that signs in its own way: salt, digest, derivation.
        "SIGNING" => config.with_signing(signing(value)?),
        _ => return Ok(Err(config)),
    }))
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
