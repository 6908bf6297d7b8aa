//! Where sessions are kept, and how: `--sessions`, and Flask's settings in the environment.
//!
//! Runs once, at start. Never shows an address: it may hold a password.

use std::{convert::Infallible, fmt, path::Path, str::FromStr};

use hipflask::{
    ConfigError, SecretKey, SessionConfig, SessionLayer,
    config::SameSite,
    store::{AnyStore, ConnectError},
};

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
    /// Reports whether sessions lie in the browsers' cookies.
    pub(crate) fn is_cookie(&self) -> bool {
        self.0 == "cookie:"
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

/// Returns the demo's own settings: what a site of today wants. Those in the environment come on top.
///
/// Sessions are encrypted, end with the browser, and stay out of other sites' forms.
///
/// ```
/// # use hipflask::SecretKey;
/// assert!(hipflask_demo::settings(SecretKey::random()?).encrypts());
/// # Ok::<(), hipflask::ConfigError>(())
/// ```
pub fn settings(key: SecretKey) -> SessionConfig {
    // With https it would be `hardened()`; here the browser comes by plain http.
    let config = SessionConfig::new(key).with_same_site(SameSite::Lax);
    config.with_encryption(true).with_permanent(false)
}

/// Keeps sessions at an address, else in the demo's own records, which also hold what of signed cookies
/// is refused.
pub(crate) async fn keep(
    config: &SessionConfig,
    address: Option<&Address>,
    records: AnyStore,
) -> Result<SessionLayer, SessionsError> {
    // The page of sessions wants the list of a user's.
    let listed = || config.clone().with_user_index(true);
    Ok(match address {
        None => SessionLayer::stored(&listed(), records).map_err(ConnectError::Config)?,
        Some(cookie) if cookie.is_cookie() => match config.revocations() {
            None => SessionLayer::revocable(config, records).map_err(ConnectError::Config)?,
            Some(_) => SessionLayer::connect(config, &cookie.0).await?,
        },
        Some(store) => SessionLayer::connect(&listed(), &store.0).await?,
    })
}

/// Reads Flask's settings from the environment, and takes the key of a folder if there is none.
///
/// A weak key is accepted with a loud warning, so that a program on this machine can be tried beside
/// a Flask app that has one.
pub(crate) fn settings_here(data: &Path) -> Result<SessionConfig, KeyError> {
    let config = match SessionConfig::from_env() {
        Err(ConfigError::NoKey { .. }) => {
            let is_key = |name: &str| name.starts_with("FLASK_SECRET_KEY");
            let others = std::env::vars_os().filter(|(name, _)| !name.to_str().is_some_and(is_key));
            settings(kept_key(data)?).with_vars("FLASK", others)?
        }
        here => settings(here?.secret_key().clone()).with_vars("FLASK", std::env::vars_os())?,
    };
    let Err(error) = config.secret_key().check() else { return Ok(config) };
    eprintln!("WARNING: whoever guesses the key can sign in as anybody: {error}");
    Ok(config.insecure_accept_weak_key())
}
