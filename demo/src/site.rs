//! The site as a whole: its parts.

use std::{path::Path, sync::Arc};

use hipflask::{
    config::CookieSessions,
    password::Passwords,
    templates::{TemplateError, Templates},
};

use crate::{database, private, sign_ins::SignIns, users::Users, view};

/// The site, ready to be served. Clones share everything.
///
/// ```
/// use hipflask::{SecretKey, SessionConfig, SessionLayer, password::{Passwords, Scheme}};
/// use hipflask_demo::Site;
///
/// # #[tokio::main]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let folder = tempfile::tempdir()?;
/// let config = SessionConfig::new(SecretKey::random()?);
/// let passwords = Passwords::new().with_scheme(Scheme::ARGON2ID.insecure_cheap());
/// let site = Site::open(folder.path(), passwords, config.build()?).await?;
/// let app = site.router(SessionLayer::signed(&config)?);
/// # let _: axum::Router = app;
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct Site(Arc<Parts>);

struct Parts {
    cookie: CookieSessions,
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
    pub async fn open(
        data: &Path,
        passwords: Passwords,
        cookie: CookieSessions,
    ) -> Result<Self, SiteError> {
        private::make_folder(data)?;
        let database = database::open(data).await?;
        Ok(Self(Arc::new(Parts {
            cookie,
            sign_ins: SignIns::new(database.clone()),
            users: Users::new(database),
            passwords,
            templates: view::templates()?,
        })))
    }

    pub(crate) fn cookie(&self) -> &CookieSessions {
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
