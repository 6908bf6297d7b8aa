//! The site as a whole: its parts, its routes, and the headers that every answer has.

use std::{path::Path, sync::Arc};

use axum::{
    Router,
    extract::Request,
    http::{HeaderName, HeaderValue, header},
    middleware::{self, Next},
    response::Response,
    routing::{get, post},
};
use hipflask::{
    SessionLayer,
    config::Interface,
    templates::{TemplateError, Templates},
};

use crate::{
    database,
    page::{account, cookie, login, profile, sessions},
    password::{Cost, PasswordError, Passwords},
    private,
    sign_ins::SignIns,
    users::Users,
    view,
};

/// Nothing but our own style sheet and icon is ever loaded, and nobody frames the site.
const CONTENT_SECURITY_POLICY: &str = "default-src 'none'; style-src 'self'; img-src 'self'; \
     form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

/// The site, ready to be served. Clones share everything.
///
/// ```
/// use hipflask::{SecretKey, SessionConfig, SessionLayer};
/// use hipflask_demo::{Cost, Site};
///
/// # #[tokio::main]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let folder = tempfile::tempdir()?;
/// let config = SessionConfig::new(SecretKey::random()?);
/// let site = Site::open(folder.path(), Cost::insecure_cheap(), config.build()?).await?;
/// let app = site.router(SessionLayer::from_config(&config)?);
/// # let _: axum::Router = app;
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct Site(Arc<Parts>);

struct Parts {
    cookie: Interface,
    sign_ins: SignIns,
    users: Users,
    passwords: Passwords,
    templates: Templates,
}

/// Why the site cannot be opened.
///
/// ```
/// let error = std::io::Error::from(std::io::ErrorKind::PermissionDenied);
/// assert!(hipflask_demo::SiteError::Folder(error).to_string().contains("--data"));
/// ```
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SiteError {
    /// The data base cannot be opened.
    #[error("cannot open the data base in the --data folder")]
    Database(#[from] sqlx::Error),
    /// The data folder cannot be made.
    #[error("cannot make the --data folder")]
    Folder(#[from] std::io::Error),
    /// No password can be hashed.
    #[error(transparent)]
    Password(#[from] PasswordError),
    /// A template is not valid.
    #[error("cannot load a template")]
    Template(#[from] TemplateError),
}

impl Site {
    /// Opens the site whose data is in a folder, which is made if it is not there. `cookie` says
    /// which cookie the cookie page is about.
    ///
    /// # Errors
    ///
    /// [`SiteError`] when the data base cannot be opened.
    pub async fn open(data: &Path, cost: Cost, cookie: Interface) -> Result<Self, SiteError> {
        private::make_folder(data)?;
        let database = database::open(data).await?;
        Ok(Self(Arc::new(Parts {
            cookie,
            sign_ins: SignIns::new(database.clone()),
            users: Users::new(database),
            passwords: Passwords::new(cost)?,
            templates: view::templates()?,
        })))
    }

    /// Routes every path of the site, with sessions around all of them.
    pub fn router(self, sessions: SessionLayer) -> Router {
        Router::new()
            .route("/", get(account::home))
            .route("/signup", get(account::sign_up_form).post(account::sign_up))
            .route("/login", get(login::form).post(login::log_in))
            .route("/logout", post(login::log_out))
            .route("/welcome", get(account::welcome))
            .route("/users/{id}", get(profile::show))
            .route("/users/{id}/edit", get(profile::edit_form).post(profile::edit))
            .route("/users/{id}/delete", post(profile::delete))
            .route("/sessions", get(sessions::show))
            .route("/sessions/{id}/end", post(sessions::end))
            .route("/sessions/end_others", post(sessions::end_others))
            .route("/cookie", get(cookie::show))
            .route("/cookie/tamper", post(cookie::tamper))
            .layer(middleware::from_fn(keep_private))
            .route("/static/style.css", get(view::style))
            .route("/static/icon.svg", get(view::icon))
            .layer(middleware::from_fn(add_security_headers))
            .with_state(self)
            .layer(sessions)
    }

    pub(crate) fn cookie(&self) -> &Interface {
        &self.0.cookie
    }

    pub(crate) fn sign_ins(&self) -> &SignIns {
        &self.0.sign_ins
    }

    pub(crate) fn users(&self) -> &Users {
        &self.0.users
    }

    pub(crate) fn passwords(&self) -> &Passwords {
        &self.0.passwords
    }

    pub(crate) fn templates(&self) -> &Templates {
        &self.0.templates
    }
}

impl std::fmt::Debug for Site {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Site").finish_non_exhaustive()
    }
}

/// Pages show who is logged in, so that no cache may keep them, not even for the back button.
async fn keep_private(request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    set(&mut response, header::CACHE_CONTROL, "no-store");
    response
}

async fn add_security_headers(request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    set(&mut response, header::CONTENT_SECURITY_POLICY, CONTENT_SECURITY_POLICY);
    set(&mut response, header::REFERRER_POLICY, "same-origin");
    set(&mut response, header::X_CONTENT_TYPE_OPTIONS, "nosniff");
    set(&mut response, header::X_FRAME_OPTIONS, "DENY");
    response
}

fn set(response: &mut Response, name: HeaderName, value: &'static str) {
    response.headers_mut().insert(name, HeaderValue::from_static(value));
}
