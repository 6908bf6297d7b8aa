//! The layer that knows the users: how they are loaded, and what strangers are told.

use std::{fmt, sync::Arc};

use hipflask_core::{
    auth::{Protection, RememberCookie, RememberSigner},
    value::Text,
};
use http::{HeaderMap, StatusCode};
use tower_layer::Layer;

use super::{
    series::RememberSeries,
    service::LoginService,
    settings::{Remembering, Settings},
    user::{User, UserLoader},
};
use crate::config::{ConfigError, SessionConfig, lifetime::beyond_browsers};

/// Flask-Login's manager, as a layer: gives handlers their [`CurrentUser`](super::CurrentUser).
///
/// It goes inside of the [`SessionLayer`](crate::SessionLayer). A request that does not ask for its user
/// loads none. Who is not logged in is answered with 401, or sent to the
/// [`login_view`](Self::login_view). [The module](super) has an example.
#[doc(alias = "flask_login")]
pub struct LoginManager<U>(Arc<Settings<U>>);

impl<U: User> LoginManager<U> {
    /// Takes the app's users. Who is not logged in is answered with 401.
    pub fn new(loader: impl UserLoader<User = U>) -> Self {
        Self(Arc::new(Settings {
            loader: Arc::new(loader),
            login_view: None,
            next_in_session: false,
            message: Some(("message".into(), "Please log in to access this page.".into())),
            of_others: StatusCode::FORBIDDEN,
            remember: None,
            kept: Vec::new(),
            protection: None,
            clears_site_data: false,
        }))
    }

    /// Sends who is not logged in to this path, with the way back in `next` and a flashed message.
    #[must_use]
    pub fn login_view(self, path: impl Into<String>) -> Self {
        self.with(|settings| settings.login_view = Some(path.into()))
    }

    /// Keeps the way back in the session, under `next`, instead of the address of the log-in.
    /// [`SafeNext`](super::SafeNext) finds it there.
    #[doc(alias = "USE_SESSION_FOR_NEXT")]
    #[must_use]
    pub fn with_next_in_session(self) -> Self {
        self.with(|settings| settings.next_in_session = true)
    }

    /// Sets the category and the text of the message that is flashed on the way to the log-in.
    #[doc(alias = "login_message")]
    #[must_use]
    pub fn with_message(self, category: impl Into<String>, text: impl Into<String>) -> Self {
        self.with(|settings| settings.message = Some((category.into(), text.into())))
    }

    /// Flashes nothing on the way to the log-in.
    #[must_use]
    pub fn without_message(self) -> Self {
        self.with(|settings| settings.message = None)
    }

    /// Answers with 404 instead of 403 who asks for somebody else's: they are not to know that it is
    /// there.
    #[must_use]
    pub fn hiding_others(self) -> Self {
        self.with(|settings| settings.of_others = StatusCode::NOT_FOUND)
    }

    /// Remembers users whose log-in is to be [`remembered`](super::LogIn::remembered) beyond their session,
    /// by a cookie of our own whose theft shows.
    ///
    /// ```
    /// # #[cfg(feature = "memory")] {
    /// # use hipflask::{SecretKey, SessionConfig, auth::{LoginManager, User}, store::MemoryStore};
    /// use hipflask::auth::RememberSeries;
    ///
    /// # fn show<U: User>(manager: LoginManager<U>) -> Result<LoginManager<U>, hipflask::ConfigError> {
    /// let config = SessionConfig::new(SecretKey::random()?);
    /// let store = MemoryStore::new(); // that of the sessions
    /// Ok(manager.with_remember(RememberSeries::new(&config, store)?))
    /// # }
    /// # }
    /// ```
    #[must_use]
    pub fn with_remember(self, series: RememberSeries) -> Self {
        self.with(|settings| settings.remember = Some(Remembering::Series(series)))
    }

    /// Reads and writes Flask-Login's remember cookie, where a Flask app shares the log-in: with the
    /// session's keys and the attributes of its cookie, for 365 days. The keys are those of the start,
    /// also where `SECRET_KEY_FILE` is read again.
    ///
    /// # Security
    ///
    /// As Flask-Login's: the cookie itself never expires, and nothing revokes it but another key, or
    /// another [id](User::id) of the user. Who comes back by it is not
    /// [fresh](crate::Session::is_fresh). An app without Flask takes [`with_remember`](Self::with_remember).
    ///
    /// # Errors
    ///
    /// [`ConfigError`] for every mistake in the configuration, and when Flask-Login could not sign with
    /// the key.
    pub fn with_flask_remember(self, config: &SessionConfig) -> Result<Self, ConfigError> {
        let attributes = config.build()?.attributes().clone();
        let signer = RememberSigner::new(config.secret_key().ring())?;
        Ok(self.with_flask_remember_cookie(RememberCookie::new(signer).with_attributes(attributes)))
    }

    /// As [`with_flask_remember`](Self::with_flask_remember), with another name, life or key. The log warns
    /// of a life beyond 400 days, which browsers do not keep.
    #[must_use]
    pub fn with_flask_remember_cookie(self, cookie: RememberCookie) -> Self {
        if let Some(warning) = beyond_browsers("REMEMBER_COOKIE_DURATION", cookie.life()) {
            tracing::warn!(target: "hipflask", "{warning}");
        }
        self.with(|settings| settings.remember = Some(Remembering::FlaskLogin(cookie)))
    }

    /// Keeps what an anonymous visitor had under these keys when a remember cookie logs them in.
    #[must_use]
    pub fn keeping<K: Into<Text>>(self, keys: impl IntoIterator<Item = K>) -> Self {
        self.with(|settings| settings.kept.extend(keys.into_iter().map(Into::into)))
    }

    /// Watches whether a log-in has moved to another address or browser, as Flask-Login does; it is off
    /// by default. `address` finds the peer's address, which counts where there is no
    /// `X-Forwarded-For`.
    ///
    /// ```
    /// # use hipflask::auth::{LoginManager, Protection, User};
    /// use std::net::SocketAddr;
    /// use axum::extract::ConnectInfo;
    ///
    /// # fn show<U: User>(manager: LoginManager<U>) -> LoginManager<U> {
    /// manager.with_protection(Protection::Basic, |_headers, extensions| {
    ///     let peer = extensions.get::<ConnectInfo<SocketAddr>>();
    ///     peer.map(|ConnectInfo(peer)| peer.ip().to_string())
    /// })
    /// # }
    /// ```
    #[doc(alias = "SESSION_PROTECTION")]
    #[must_use]
    pub fn with_protection(
        self,
        protection: Protection,
        address: impl Fn(&HeaderMap, &http::Extensions) -> Option<String> + Send + Sync + 'static,
    ) -> Self {
        self.with(|settings| settings.protection = Some((protection, Arc::new(address))))
    }

    /// Has browsers clear their cache and storage of the site with the response that logs a user out:
    /// `Clear-Site-Data`. It takes effect with https only, and may take a browser seconds.
    #[must_use]
    pub fn clearing_site_data(self) -> Self {
        self.with(|settings| settings.clears_site_data = true)
    }

    fn with(self, change: impl FnOnce(&mut Settings<U>)) -> Self {
        let mut settings = Arc::unwrap_or_clone(self.0);
        change(&mut settings);
        Self(Arc::new(settings))
    }
}

impl<U> Clone for LoginManager<U> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<U> fmt::Debug for LoginManager<U> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LoginManager")
            .field("login_view", &self.0.login_view)
            .finish_non_exhaustive()
    }
}

impl<S, U> Layer<S> for LoginManager<U> {
    type Service = LoginService<S, U>;

    fn layer(&self, inner: S) -> LoginService<S, U> {
        LoginService::new(inner, Arc::clone(&self.0))
    }
}
