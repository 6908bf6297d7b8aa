//! The tower layer.

use std::{sync::Arc, time::Duration};

use hipflask_core::cookie::{NameError, check_name};
use tower_layer::Layer;

use super::{DbscService, settings::Settings};

/// Binds the sessions of those who log in to their device, in browsers that can.
///
/// It goes inside of the session's layer, and around everything else, with `layer` and not `route_layer`: it answers
/// `/dbsc/registration` and `/dbsc/refresh` itself. A session that is bound is empty in every request that does not
/// show the short-lived cookie, so that the app's own guards send its sender away;
/// [`Session::reason`](crate::Session::reason) is `dbsc_unproven` then. [`DeviceBinding`](super::DeviceBinding) tells
/// a handler whether the session is bound. In browsers that cannot, everything stays as it was.
///
/// ```
/// use axum::{Router, routing::{get, post}};
/// use hipflask::{SecretKey, Session, SessionLayer, dbsc::{DbscLayer, DeviceBinding}};
///
/// async fn log_in(session: Session) -> hipflask::Result<()> {
///     session.log_in(7) // the password was right
/// }
///
/// async fn home(session: Session, device: DeviceBinding) -> String {
///     format!("{:?}, bound: {}", session.user_id(), device.is_bound())
/// }
///
/// let app: Router = Router::new()
///     .route("/", get(home))
///     .route("/log-in", post(log_in))
///     .layer(DbscLayer::new())
///     .layer(SessionLayer::new(SecretKey::random()?)?); // around it
/// # Ok::<(), hipflask::ConfigError>(())
/// ```
///
/// # Security
///
/// A log-in is noticed when a session [gets a user](crate::SessionConfig::with_user_keys). In a signed cookie, a copy
/// from before the device was bound stays unbound; in a store there is no such copy.
#[derive(Clone, Debug, Default)]
pub struct DbscLayer(Arc<Settings>);

impl DbscLayer {
    /// Binds sessions by a cookie `__Host-device` of ten minutes.
    pub fn new() -> Self {
        Self::default()
    }

    /// Tells browsers not to wait for a fresh cookie before they ask for what lies below this path, such as
    /// `/static`, where sessions do not matter.
    #[must_use]
    pub fn excluding(self, path: impl Into<String>) -> Self {
        self.with(|it| it.excluded.push(path.into()))
    }

    /// Sets the name of the short-lived cookie: `__Host-device`.
    ///
    /// # Errors
    ///
    /// [`NameError`] when a cookie cannot have it.
    pub fn with_cookie_name(self, name: impl Into<String>) -> Result<Self, NameError> {
        let name = name.into();
        check_name(&name)?;
        Ok(self.with(|it| it.cookie_name = name))
    }

    /// Sets for how long the short-lived cookie is good, and so for how long a thief has it who has stolen that, too:
    /// ten minutes. Less than a minute counts as a minute.
    #[must_use]
    pub fn with_lifetime(self, lifetime: Duration) -> Self {
        self.with(|it| it.lifetime = lifetime.max(Duration::from_secs(60)))
    }

    fn with(self, change: impl FnOnce(&mut Settings)) -> Self {
        let mut settings = Arc::unwrap_or_clone(self.0);
        change(&mut settings);
        Self(settings.into())
    }
}

impl<S> Layer<S> for DbscLayer {
    type Service = DbscService<S>;

    fn layer(&self, inner: S) -> DbscService<S> {
        DbscService { inner, settings: Arc::clone(&self.0) }
    }
}
