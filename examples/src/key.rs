//! Finds the key that signs the sessions of an example.

use hipflask::{ConfigError, SecretKey};
use hipflask_demo::accept_weak;

/// Returns the key of the environment, or a random one for this run.
///
/// An example starts with any key, so that it can be tried beside a Flask app that has a weak one.
pub(crate) fn secret_key() -> Result<SecretKey, ConfigError> {
    let key = match SecretKey::from_env("FLASK_SECRET_KEY") {
        Err(ConfigError::NoKey { .. }) => {
            eprintln!("warning: FLASK_SECRET_KEY is not set: sessions end with this run");
            SecretKey::random()?
        }
        found => found?,
    };
    Ok(accept_weak(key))
}
