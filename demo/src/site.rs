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
    templates::{TemplateError, Templates},
};

use crate::{
    key::make_folder,
    page::{account, cookie, login, profile},
    password::{Cost, PasswordError, Passwords},
    users::Users,
    view,
};

/// Nothing but our own style sheet and icon is ever loaded, and nobody frames the site.
const CONTENT_SECURITY_POLICY: &str = "default-src 'none'; style-src 'self'; img-src 'self'; \
     form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

/// The site, ready to be served. Clones share everything.
///
/// ```
/// use hipflask::{SecretKey, SessionLayer};
/// use hipflask_demo::{Cost, Site};
///
/// # #[tokio::main]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let folder = tempfile::tempdir()?;
/// let site = Site::open(folder.path(), Cost::insecure_cheap()).await?;
/// let app = site.router(SessionLayer::new(SecretKey::random()?)?);
/// # let _: axum::Router = app;
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct Site(Arc<Parts>);

struct Parts {
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
    /// Opens the site whose data is in a folder, which is made if it is not there.
    ///
    /// # Errors
    ///
    /// [`SiteError`] when the data base cannot be opened.
    pub async fn open(data: &Path, cost: Cost) -> Result<Self, SiteError> {
        make_folder(data)?;
        Ok(Self(Arc::new(Parts {
            users: Users::open(data).await?,
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
            .route("/cookie", get(cookie::show))
            .route("/cookie/tamper", post(cookie::tamper))
            .layer(middleware::from_fn(keep_private))
            .route("/static/style.css", get(view::style))
            .route("/static/icon.svg", get(view::icon))
            .layer(middleware::from_fn(add_security_headers))
            .with_state(self)
            .layer(sessions)
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
