//! Where sessions are kept, and how: `--sessions`, and Flask's settings in the environment.
//!
//! Runs once, at start. Never shows an address: it may hold a password.

use std::{convert::Infallible, fmt, path::Path, str::FromStr};

use hipflask::{ConfigError, SessionConfig, SessionLayer, store::ConnectError};

use crate::key::{KeyError, kept_key};

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
/// let error = SessionsError::NotBuilt { feature: "mysql" };
/// let text = "this program was built without mysql: start it with `cargo run --features mysql`";
/// assert_eq!(error.to_string(), text);
/// assert!(error.is_usage());
/// ```
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SessionsError {
    /// A setting is wrong.
    #[error(transparent)]
    Config(ConfigError),
    /// The store cannot be had.
    #[error("cannot keep sessions at the address of --sessions")]
    Connect(#[source] ConnectError),
    /// `SESSION_TYPE` names a store, whose address is not known.
    #[error("SESSION_TYPE asks for a store: say where it is with --sessions, or unset it")]
    NoAddress,
    /// The store was not compiled in.
    #[error(
        "this program was built without {feature}: start it with `cargo run --features {feature}`"
    )]
    NotBuilt {
        /// The feature that brings it.
        feature: &'static str,
    },
}

impl Address {
    /// Keeps sessions there, which has to answer now.
    ///
    /// # Errors
    ///
    /// [`SessionsError`] when the store does not answer, or the configuration is refused.
    pub async fn sessions(&self, config: &SessionConfig) -> Result<SessionLayer, SessionsError> {
        Ok(SessionLayer::connect(config, &self.0).await?)
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
            ConnectError::Config(ConfigError::NoStore) => Self::NoAddress,
            ConnectError::Config(error) => Self::Config(error),
            ConnectError::Unsupported { feature } => Self::NotBuilt { feature },
            error => Self::Connect(error),
        }
    }
}

/// Reads Flask's settings from the environment, and takes the key of a folder if there is none.
///
/// A weak key is accepted with a loud warning, so that a program on this machine can be tried beside
/// a Flask app that has one.
pub(crate) fn settings(data: &Path) -> Result<SessionConfig, KeyError> {
    let config = match SessionConfig::from_env() {
        Err(ConfigError::NoKey { .. }) => {
            let is_key = |name: &str| name.starts_with("FLASK_SECRET_KEY");
            let others = std::env::vars_os().filter(|(name, _)| !name.to_str().is_some_and(is_key));
            SessionConfig::new(kept_key(data)?).with_vars("FLASK", others)?
        }
        configured => configured?,
    };
    let Err(error) = config.secret_key().check() else { return Ok(config) };
    eprintln!("WARNING: whoever guesses the key can sign in as anybody: {error}");
    Ok(config.insecure_accept_weak_key())
}
