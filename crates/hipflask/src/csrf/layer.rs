//! The tower layer.

use std::sync::Arc;

use hipflask_core::csrf::is_origin;
use http::StatusCode;
use tower_layer::Layer;

use super::{
    CsrfService, OriginError,
    settings::{self, Settings},
};

/// Refuses requests that another site has started in a visitor's name.
///
/// It is on for every method but GET, HEAD and OPTIONS. Where the browser says who has started the
/// request, in `Sec-Fetch-Site` or `Origin`, that decides; where it says nothing, a token does, which is
/// Flask-WTF's: [`Session::csrf_token`](crate::Session::csrf_token) makes them. A token is looked for in
/// the form's field `csrf_token`, then in the headers `X-CSRFToken`, `X-CSRF-Token` and
/// `X-XSRF-Token`. A refused request gets 400 and the text of the [`CsrfError`](super::CsrfError), which
/// is in the response's extensions, too.
///
/// It belongs inside of the session's layer. Around routes, as `route_layer`, it leaves a 404 a 404.
///
/// ```
/// use axum::{Router, response::Html, routing::{get, post}};
/// use hipflask::{SecretKey, Session, SessionLayer, csrf::CsrfLayer};
///
/// async fn form(session: Session) -> hipflask::Result<Html<String>> {
///     let token = session.csrf_token()?;
///     Ok(Html(format!(
///         r#"<form method="post" action="/log_out">
///         <input type="hidden" name="csrf_token" value="{token}"><button>Log out</button></form>"#
///     )))
/// }
///
/// async fn log_out(session: Session) -> hipflask::Result<&'static str> {
///     session.destroy()?;
///     Ok("Good-bye!")
/// }
///
/// let sessions = SessionLayer::new(SecretKey::random()?)?;
/// let app: Router = Router::new()
///     .route("/", get(form))
///     .route("/log_out", post(log_out))
///     .route_layer(CsrfLayer::new())
///     .layer(sessions);
/// # Ok::<(), hipflask::ConfigError>(())
/// ```
///
/// # Security
///
/// A proxy has to hand on `Host` and `Origin` as they came.
#[derive(Clone, Debug, Default)]
#[doc(alias = "CSRFProtect")]
pub struct CsrfLayer(Arc<Settings>);

impl CsrfLayer {
    /// How many bytes of a form are searched for a token: 2 MiB, as many as axum's `Form` takes.
    pub const FORM_LIMIT: usize = settings::FORM_LIMIT;

    /// Guards all routes.
    pub fn new() -> Self {
        Self::default()
    }

    /// Lets requests to this route pass, such as those of a payment service that reports to it. It is
    /// named as where it is added: `/hook`, `/hooks/{shop}`; below `Router::nest` without what that puts
    /// before it. Without axum's router only whole paths are known, letter by letter.
    ///
    /// A route that is added after the layer is not guarded either.
    ///
    /// ```
    /// use axum::{Router, routing::post};
    /// use hipflask::csrf::CsrfLayer;
    ///
    /// let app: Router = Router::new()
    ///     .route("/hooks/{shop}", post(async || "reported"))
    ///     .route_layer(CsrfLayer::new().exempt("/hooks/{shop}"))
    ///     .route("/webhook", post(async || "reported")); // after the layer
    /// ```
    ///
    /// # Security
    ///
    /// The route needs a guard of its own, such as a signature of what is sent.
    #[must_use]
    #[doc(alias = "csrf_exempt")]
    pub fn exempt(self, route: impl Into<String>) -> Self {
        self.with(|it| _ = it.exempt.insert(route.into()))
    }

    /// Sets how many bytes of a form are searched for a token; they are kept in memory for so long. A
    /// longer form gets 413, unless it needs no token or has one in a header.
    #[must_use]
    pub fn with_form_limit(self, bytes: usize) -> Self {
        self.with(|it| it.form_limit = bytes)
    }

    /// Lets a request that has to show a token also say in `Referer` that it comes from a page of
    /// `https://` and its own `Host`: Flask-WTF's rule for sites behind https.
    ///
    /// DIFFERENCE: off, because the headers say it of all browsers of today, and a server behind a proxy
    /// does not know whether the visitor came by https.
    #[must_use]
    #[doc(alias = "WTF_CSRF_SSL_STRICT")]
    pub fn with_referrer_check(self) -> Self {
        self.with(|it| it.needs_referrer = true)
    }

    /// Sets the status of refusals: 400, as in Flask-WTF.
    #[must_use]
    pub fn with_status(self, status: StatusCode) -> Self {
        self.with(|it| it.status = status)
    }

    /// Asks for a token also where the headers say that the site itself has started the request.
    #[must_use]
    pub fn with_tokens_required(self) -> Self {
        self.with(|it| it.needs_token = true)
    }

    /// Lets another site start requests, for instance one that visitors log in at.
    ///
    /// ```
    /// use hipflask::csrf::CsrfLayer;
    ///
    /// let csrf = CsrfLayer::new().with_trusted_origin("https://login.example")?;
    /// # Ok::<(), hipflask::csrf::OriginError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`OriginError`] when it is not written as browsers do.
    pub fn with_trusted_origin(self, origin: impl Into<String>) -> Result<Self, OriginError> {
        let origin = origin.into();
        if is_origin(&origin) {
            Ok(self.with(|it| _ = it.trusted.insert(origin)))
        } else {
            Err(OriginError(origin))
        }
    }

    fn with(self, change: impl FnOnce(&mut Settings)) -> Self {
        let mut settings = Arc::unwrap_or_clone(self.0);
        change(&mut settings);
        Self(settings.into())
    }
}

impl<S> Layer<S> for CsrfLayer {
    type Service = CsrfService<S>;

    fn layer(&self, inner: S) -> CsrfService<S> {
        CsrfService { inner, settings: Arc::clone(&self.0) }
    }
}
