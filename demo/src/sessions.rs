//! Where sessions are kept, and how: `--sessions`, and Flask's settings in the environment.
//!
//! Runs once, at start. Never shows an address: it may hold a password.

use std::{convert::Infallible, fmt, path::Path, str::FromStr};

use hipflask::{
    ConfigError, SecretKey, SessionConfig, SessionLayer,
    store::{ConnectError, Store, connect},
};

/// Keeps sessions in Flask's signed cookie.
const COOKIE: &str = "cookie:";

/// The address of a store, or `cookie:`.
///
/// ```
/// let address: hipflask_demo::Address = "redis://:password@localhost".parse()?;
/// assert_eq!(format!("{address:?}"), "Address(..)");
/// # Ok::<(), std::convert::Infallible>(())
/// ```
#[derive(Clone)]
pub struct Address(String);

/// Why sessions cannot be kept as the options and the environment say.
///
/// ```
/// use hipflask_demo::SessionsError;
///
/// let error = SessionsError::NotBuilt { feature: "mysql", command: "cargo run".into() };
/// assert_eq!(error.to_string(), "this program was built without mysql: start it with `cargo run`");
/// assert!(error.is_usage());
/// ```
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SessionsError {
    /// A setting is wrong.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The store cannot be had.
    #[error("cannot keep sessions at the address of --sessions")]
    Connect(#[source] ConnectError),
    /// `SESSION_TYPE` names a store, whose address is not known.
    #[error("SESSION_TYPE asks for a store: say where it is with --sessions, or unset it")]
    NoAddress,
    /// The store was not compiled in.
    #[error("this program was built without {feature}: start it with `{command}`")]
    NotBuilt {
        /// The feature that brings it.
        feature: &'static str,
        /// The command that builds it in.
        command: String,
    },
}

impl Address {
    /// Keeps sessions there, which has to answer now.
    ///
    /// # Errors
    ///
    /// [`SessionsError`] when the store does not answer, or the configuration is refused.
    pub async fn sessions(&self, config: &SessionConfig) -> Result<SessionLayer, SessionsError> {
        if self.0 == COOKIE {
            return match SessionLayer::signed(config) {
                Err(ConfigError::NoStore) => Err(SessionsError::NoAddress),
                sessions => Ok(sessions?),
            };
        }
        let store = connect(&self.0).await?;
        // A larger app would do that when it is deployed; this one is to run at once.
        store.prepare().await.map_err(ConnectError::from)?;
        Ok(SessionLayer::stored(config, store)?)
    }
}

impl fmt::Debug for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Address(..)")
    }
}

impl FromStr for Address {
    type Err = Infallible;

    fn from_str(text: &str) -> Result<Self, Infallible> {
        Ok(Self(text.to_owned()))
    }
}

impl SessionsError {
    /// Reports whether the program was called in a wrong way.
    pub const fn is_usage(&self) -> bool {
        match self {
            Self::NoAddress | Self::NotBuilt { .. } => true,
            Self::Connect(error) => !matches!(error, ConnectError::Refused(_)),
            Self::Config(_) => false,
        }
    }
}

impl From<ConnectError> for SessionsError {
    fn from(error: ConnectError) -> Self {
        match error {
            ConnectError::Unsupported { feature } => {
                let program = std::env::args_os().next().unwrap_or_default();
                Self::NotBuilt { feature, command: command(Path::new(&program), feature) }
            }
            error => Self::Connect(error),
        }
    }
}

/// Reads Flask's settings from the environment, and takes another key if there is none.
///
/// A weak key is accepted with a loud warning, so that a program on this machine can be tried beside
/// a Flask app that has one.
///
/// ```
/// use hipflask::{ConfigError, SecretKey};
///
/// let config = hipflask_demo::settings(SecretKey::random)?;
/// assert!(config.build().is_ok());
/// # Ok::<(), ConfigError>(())
/// ```
///
/// # Errors
///
/// [`ConfigError`] for a wrong setting, and whatever `other_key` fails with.
pub fn settings<E: From<ConfigError>>(
    other_key: impl FnOnce() -> Result<SecretKey, E>,
) -> Result<SessionConfig, E> {
    let config = match SessionConfig::from_env() {
        Err(ConfigError::NoKey { .. }) => {
            let is_key = |name: &str| name.starts_with("FLASK_SECRET_KEY");
            let others = std::env::vars_os().filter(|(name, _)| !name.to_str().is_some_and(is_key));
            SessionConfig::new(other_key()?).with_vars("FLASK", others)?
        }
        configured => configured?,
    };
    let Err(error) = config.secret_key().check() else { return Ok(config) };
    eprintln!("WARNING: whoever guesses the key can sign in as anybody: {error}");
    Ok(config.insecure_accept_weak_key())
}

/// Returns how to start a program so that it has a feature: it is the demo, or one of the examples.
fn command(program: &Path, feature: &str) -> String {
    match program.file_stem().and_then(|name| name.to_str()) {
        Some(name) if name != "hipflask-demo" => {
            format!("cargo run --example {name} --features {feature}")
        }
        _ => format!("cargo run --features {feature}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn command_names_the_program() {
        for (program, expected) in [
            ("", "cargo run --features redis"),
            ("/target/debug/hipflask-demo", "cargo run --features redis"),
            ("target/debug/examples/counter", "cargo run --example counter --features redis"),
        ] {
            assert_eq!(command(Path::new(program), "redis"), expected, "{program}");
        }
    }
}
