//! Finds the key that signs the sessions of an example.

use hipflask::{ConfigError, SecretKey};

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
    Ok(accept(key))
}

fn accept(key: SecretKey) -> SecretKey {
    let Err(error) = key.check() else { return key };
    eprintln!("WARNING: whoever guesses the key can sign in as anybody: {error}");
    key.insecure_accept_weak()
}
