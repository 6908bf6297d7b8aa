//! The tower layer.

use std::fmt;

use hipflask_core::{UnixTime, store::Store};
use tower_layer::Layer;

use super::SessionService;
use crate::{
    SessionInterface,
    config::{ConfigError, SecretKey, SessionConfig},
    store::ConnectError,
};

/// Gives every request behind it Flask's session.
///
/// The session travels in the request's extensions, so that it is there wherever the request is: in
/// the handler, in middleware between, behind a buffer, in another task. The cookie is the one with
/// which the request has entered the layer.
///
/// Two layers around one handler may have cookies of different names; see
/// [`Sessions`](crate::Sessions). Clones of one layer share the session. Another layer whose cookie has
/// the same name would overwrite it, so that such requests are answered with 500.
///
/// ```
/// use axum::{Router, routing::get};
/// use hipflask::{SecretKey, Session, SessionLayer};
///
/// async fn count(session: Session) -> hipflask::Result<String> {
///     let count = session.get::<u64>("count")?.unwrap_or(0) + 1;
///     session.insert("count", count)?;
///     Ok(count.to_string())
/// }
///
/// let sessions = SessionLayer::new(SecretKey::random()?)?;
/// let app: Router = Router::new().route("/count", get(count)).layer(sessions);
/// # Ok::<(), hipflask::ConfigError>(())
/// ```
#[derive(Clone)]
pub struct SessionLayer(SessionInterface);

impl SessionLayer {
    /// Keeps sessions in Flask's signed cookie, with Flask's default configuration.
    ///
    /// # Errors
    ///
    /// [`ConfigError`] when the key is weak.
    pub fn new(key: SecretKey) -> Result<Self, ConfigError> {
        Self::signed(&SessionConfig::new(key))
    }

    /// Keeps sessions in Flask's signed cookie, configured.
    ///
    /// # Errors
    ///
    /// [`ConfigError`] for every mistake in the configuration, and [`ConfigError::NoStore`] if its
    /// `SESSION_TYPE` asks for a store.
    pub fn signed(config: &SessionConfig) -> Result<Self, ConfigError> {
        SessionInterface::signed(config).map(Self)
    }

    /// Keeps sessions in signed cookies that can be revoked: see [`SessionInterface::revocable`].
    ///
    /// # Errors
    ///
    /// As [`SessionInterface::revocable`].
    pub fn revocable(config: &SessionConfig, store: impl Store) -> Result<Self, ConfigError> {
        SessionInterface::revocable(config, store).map(Self)
    }

    /// Keeps sessions in a store, as Flask-Session does, configured.
    ///
    /// # Errors
    ///
    /// [`ConfigError`] for every mistake in the configuration.
    pub fn stored(config: &SessionConfig, store: impl Store) -> Result<Self, ConfigError> {
        SessionInterface::stored(config, store).map(Self)
    }

    /// Keeps sessions where an address says: in Flask's signed cookie at `cookie:`, else in the store
    /// that [`store::connect`](crate::store::connect) finds there. What the store lacks is made, such
    /// as a table or an index.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// use hipflask::{SecretKey, SessionConfig, SessionLayer};
    ///
    /// let config = SessionConfig::new(SecretKey::random()?);
    /// let address = std::env::var("SESSIONS").unwrap_or("cookie:".into());
    /// let sessions = SessionLayer::connect(&config, &address).await?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// [`ConnectError`] when the store cannot be had, and for every mistake in the configuration.
    pub async fn connect(config: &SessionConfig, address: &str) -> Result<Self, ConnectError> {
        SessionInterface::connect(config, address).await.map(Self)
    }

    /// Keeps sessions in a store instead of the cookie, as Flask-Session does. Requests that overlap
    /// lose none of each other's changes, as long as all of them are Hipflask's: plain Flask-Session
    /// overwrites.
    ///
    /// Requests that never ask for their session do not reach the store, whatever
    /// [`SessionConfig::with_refresh_untouched`] says.
    ///
    /// ```
    /// use hipflask::{SecretKey, SessionLayer, store::MemoryStore};
    ///
    /// let sessions = SessionLayer::new(SecretKey::random()?)?.with_store(MemoryStore::new());
    /// # Ok::<(), hipflask::ConfigError>(())
    /// ```
    #[must_use]
    pub fn with_store(self, store: impl Store) -> Self {
        Self(self.0.with_store(store))
    }

    /// Takes the time from `clock` instead of from the system. For tests.
    #[must_use]
    pub fn with_clock(self, clock: impl Fn() -> UnixTime + Send + Sync + 'static) -> Self {
        Self(self.0.with_clock(clock))
    }

    /// Returns what opens and saves the sessions, for code that has no request.
    pub const fn interface(&self) -> &SessionInterface {
        &self.0
    }
}

impl fmt::Debug for SessionLayer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("SessionLayer").field(&self.0.cookie_name()).finish()
    }
}

impl<S> Layer<S> for SessionLayer {
    type Service = SessionService<S>;

    fn layer(&self, inner: S) -> SessionService<S> {
        self.0.tell();
        SessionService { inner, interface: self.0.clone() }
    }
}
