//! The tower layer.

use std::{fmt, sync::Arc};

use tower_layer::Layer;

use super::{ShadowReport, ShadowService, look::Look};
use crate::SessionLayer;

/// Looks on at what others do with the same cookie, and [reports](Self::report) what would be different
/// with a [`SessionLayer`].
///
/// It stands outside of another session layer, or of a proxy to another application. It sends nothing and
/// writes nothing. Clones share one report.
///
/// ```
/// use axum::{Router, http::{HeaderMap, header::SET_COOKIE}, routing::get};
/// use hipflask::{SecretKey, SessionLayer, shadow::ShadowLayer};
/// # use axum::{body::Body, http::Request};
/// # use tower_service::Service;
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// // Some other code sends Flask's cookies, and has forgotten an attribute.
/// async fn other() -> HeaderMap {
///     let cookie = "session=eyJhIjoxfQ.aR_RAA.VYsLQ_U2fgKvqx9fBqYtUdliftw; Path=/";
///     HeaderMap::from_iter([(SET_COOKIE, cookie.parse().unwrap())])
/// }
///
/// # let key = SecretKey::new("k").insecure_accept_weak();
/// let sessions = SessionLayer::new(key)?;
/// # let sessions = sessions.with_clock(|| hipflask::UnixTime::from_secs(1_763_692_800));
/// let shadow = ShadowLayer::new(&sessions);
/// let app = Router::new().route("/", get(other)).layer(shadow.clone());
/// # let mut app = app;
/// # app.call(Request::new(Body::empty())).await?;
///
/// let report = shadow.report();
/// assert_eq!(report.differences["set_cookie"].examples, ["the cookie is sent with another httponly"]);
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct ShadowLayer(Arc<Look>);

impl ShadowLayer {
    /// Looks on with the settings, and the store, of this layer.
    pub fn new(sessions: &SessionLayer) -> Self {
        Self(Arc::new(Look::new(sessions.interface().clone(), 1.0, 0.03)))
    }

    /// Looks at a share of the requests only, between 0 and 1, evenly. Default 1. Its report begins anew.
    ///
    /// ```
    /// # use hipflask::{SecretKey, SessionLayer, shadow::ShadowLayer};
    /// # let sessions = SessionLayer::new(SecretKey::random()?)?;
    /// let shadow = ShadowLayer::new(&sessions).with_share(0.05);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn with_share(self, share: f64) -> Self {
        Self(Arc::new(Look::new(self.0.interface.clone(), share, self.0.cost)))
    }

    /// Lets looking take this share of the time of the requests; 1 is no limit. While it would take more,
    /// requests pass, and are only counted. The first 200 are looked at in any case. Default 0.03. Its
    /// report begins anew.
    ///
    /// ```
    /// # use hipflask::{SecretKey, SessionLayer, shadow::ShadowLayer};
    /// # let sessions = SessionLayer::new(SecretKey::random()?)?;
    /// let shadow = ShadowLayer::new(&sessions).with_cost(1.0); // look at all requests
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn with_cost(self, cost: f64) -> Self {
        Self(Arc::new(Look::new(self.0.interface.clone(), self.0.share, cost)))
    }

    /// Returns what was counted until now.
    pub fn report(&self) -> ShadowReport {
        self.0.change(|report| report.clone())
    }
}

impl fmt::Debug for ShadowLayer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("ShadowLayer").field(&self.0.interface.cookie_name()).finish()
    }
}

impl<S> Layer<S> for ShadowLayer {
    type Service = ShadowService<S>;

    fn layer(&self, inner: S) -> ShadowService<S> {
        ShadowService { inner, look: self.0.clone() }
    }
}
