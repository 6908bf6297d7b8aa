//! What is shared by all requests: the interface, and where the time comes from.

use std::{
    fmt,
    sync::Arc,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use hipflask_core::{interface::Interface, server_side::ServerSide, store::Store};
use tower_layer::Layer;

use super::SessionService;
use crate::{
    backend::Backend,
    config::{ConfigError, OnOutage, SecretKey, SessionConfig},
    report::Built,
};

/// Gives every request behind it Flask's session.
///
/// The extractor has to run in the layer's own task, and it reads the `Cookie` header of the request
/// that it is part of: what stands between the two must leave that header alone, and a handler that
/// calls another router by itself must give it a layer of its own.
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
pub struct SessionLayer(Arc<Shared>);

type Clock = dyn Fn() -> Duration + Send + Sync;

#[derive(Clone)]
pub(crate) struct Shared {
    pub(crate) interface: Interface,
    /// Where sessions lie, when not in the cookie.
    pub(crate) backend: Option<Backend>,
    /// How they lie there.
    server_side: ServerSide,
    on_outage: OnOutage,
    deadline: Duration,
    /// Open the session of every request that carries a cookie, asked for or not.
    pub(crate) refresh_untouched: bool,
    /// The fingerprints of the keys, the current one first.
    pub(crate) fingerprints: Vec<String>,
    clock: Option<Arc<Clock>>,
    built: Built,
}

impl Shared {
    /// Returns the time since 1970.
    pub(crate) fn now(&self) -> Duration {
        match &self.clock {
            Some(clock) => clock(),
            None => SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default(),
        }
    }
}

impl SessionLayer {
    /// Keeps sessions in Flask's signed cookie, with Flask's default configuration.
    ///
    /// # Errors
    ///
    /// [`ConfigError`] when the key is weak.
    pub fn new(key: SecretKey) -> Result<Self, ConfigError> {
        Self::from_config(&SessionConfig::new(key))
    }

    /// Keeps sessions in Flask's signed cookie, configured.
    ///
    /// # Errors
    ///
    /// [`ConfigError`] for every mistake in the configuration, and [`ConfigError::NoStore`] if its
    /// `SESSION_TYPE` asks for a store.
    pub fn from_config(config: &SessionConfig) -> Result<Self, ConfigError> {
        if config.wants_store() { Err(ConfigError::NoStore) } else { Self::build(config) }
    }

    /// Keeps sessions in a store, as Flask-Session does, configured.
    ///
    /// # Errors
    ///
    /// [`ConfigError`] for every mistake in the configuration.
    pub fn from_config_with_store(
        config: &SessionConfig,
        store: impl Store,
    ) -> Result<Self, ConfigError> {
        Ok(Self::build(config)?.with_store(store))
    }

    fn build(config: &SessionConfig) -> Result<Self, ConfigError> {
        let interface = config.build()?;
        Ok(Self(Arc::new(Shared {
            built: Built::of(config, &interface),
            interface,
            backend: None,
            server_side: config.build_server_side()?,
            on_outage: config.on_outage(),
            deadline: config.store_deadline(),
            refresh_untouched: config.refresh_untouched(),
            fingerprints: config.secret_key().fingerprints(),
            clock: None,
        })))
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
        let shared = Arc::unwrap_or_clone(self.0);
        let backend =
            Backend::with(shared.server_side.clone(), store, shared.on_outage, shared.deadline);
        Self(Arc::new(Shared { backend: Some(backend), ..shared }))
    }

    /// Takes the time from `clock`, as the time since 1970, instead of from the system. For tests.
    #[must_use]
    pub fn with_clock(self, clock: impl Fn() -> Duration + Send + Sync + 'static) -> Self {
        let shared = Arc::unwrap_or_clone(self.0);
        Self(Arc::new(Shared { clock: Some(Arc::new(clock)), ..shared }))
    }
}

impl fmt::Debug for SessionLayer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("SessionLayer").field(&self.0.interface.name()).finish()
    }
}

impl<S> Layer<S> for SessionLayer {
    type Service = SessionService<S>;

    fn layer(&self, inner: S) -> SessionService<S> {
        self.0.built.tell(self.0.backend.as_ref().map(Backend::kind));
        SessionService { inner, shared: Arc::clone(&self.0) }
    }
}
