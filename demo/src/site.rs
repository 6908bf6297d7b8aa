//! The site as a whole: its parts.

use std::{path::Path, sync::Arc};

use hipflask::{
    ConfigError, SessionConfig, SessionInterface, SessionLayer,
    auth::RememberSeries,
    config::CookieSessions,
    password::Passwords,
    store::{AnyStore, ConnectError, Store, StoreError},
    templates::{TemplateError, Templates},
};

use crate::{
    database, private,
    sessions::{self, Address, SessionsError},
    users::Users,
    view,
};

/// The site, ready to be served. Clones share everything.
///
/// ```
/// use hipflask::{SecretKey, password::{Passwords, Scheme}};
/// use hipflask_demo::{Site, settings};
///
/// # #[tokio::main]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let folder = tempfile::tempdir()?;
/// let passwords = Passwords::new().with_scheme(Scheme::ARGON2ID.insecure_cheap());
/// let config = settings(SecretKey::random()?);
/// let app = Site::open(folder.path(), passwords, &config, None).await?.router();
/// # let _: axum::Router = app;
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct Site(Arc<Parts>);

struct Parts {
    cookie: CookieSessions,
    encrypts: bool,
    keeps_cookies: bool,
    passwords: Passwords,
    records: AnyStore,
    series: RememberSeries,
    sessions: SessionLayer,
    templates: Templates,
    users: Users,
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
    /// A setting is wrong.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The database cannot be opened.
    #[error("cannot open the database in the --data folder")]
    Database(#[from] sqlx::Error),
    /// The data folder cannot be made.
    #[error("cannot make the --data folder")]
    Folder(#[from] std::io::Error),
    /// The product's records in the database cannot be had.
    #[error("cannot keep sessions in the --data folder")]
    Records(#[from] ConnectError),
    /// Sessions cannot be kept as the options and the environment say.
    #[error(transparent)]
    Sessions(#[from] SessionsError),
    /// A template is not valid.
    #[error("cannot load a template")]
    Template(#[from] TemplateError),
}

impl Site {
    /// Opens the site whose data is in a folder, which is made if it is not there. Sessions are kept at
    /// the address, and in the folder's database if there is none.
    ///
    /// # Errors
    ///
    /// [`SiteError`] when the database or the sessions' store cannot be opened, or a setting is wrong.
    pub async fn open(
        data: &Path,
        passwords: Passwords,
        config: &SessionConfig,
        address: Option<&Address>,
    ) -> Result<Self, SiteError> {
        private::make_folder(data)?;
        let users = Users::new(database::open(data).await?);
        let records = database::records(data).await?;
        Ok(Self(Arc::new(Parts {
            cookie: config.build()?,
            encrypts: config.encrypts(),
            keeps_cookies: address.is_some_and(Address::is_cookie),
            passwords,
            series: RememberSeries::new(config, records.clone())?,
            sessions: sessions::keep(config, address, records.clone()).await?,
            records,
            templates: view::templates()?,
            users,
        })))
    }

    /// Returns the layer around all routes, which opens and saves the sessions.
    pub fn sessions(&self) -> &SessionLayer {
        &self.0.sessions
    }

    /// Removes records from the database that have expired, and returns how many: at most a thousand.
    ///
    /// # Errors
    ///
    /// [`StoreError`] when the database does not answer.
    pub async fn purge(&self) -> Result<usize, StoreError> {
        self.0.records.purge(1000).await
    }

    /// Logs a user out on all devices: who is remembered first, because each could begin a new session.
    pub(crate) async fn log_out_everywhere(&self, user_id: i64) -> hipflask::Result<()> {
        self.forget_devices(user_id).await?;
        self.interface().revoke_user(&user_id.to_string()).await
    }

    /// Lets no browser log the user in by itself any more.
    pub(crate) async fn forget_devices(&self, user_id: i64) -> hipflask::Result<()> {
        self.0.series.revoke_user(&user_id.to_string(), self.interface().now()).await
    }

    pub(crate) fn interface(&self) -> &SessionInterface {
        self.0.sessions.interface()
    }

    /// How the session's cookie is written.
    pub(crate) fn cookie(&self) -> &CookieSessions {
        &self.0.cookie
    }

    pub(crate) fn encrypts(&self) -> bool {
        self.0.encrypts
    }

    /// Reports whether sessions lie in the browsers' cookies.
    pub(crate) fn keeps_cookies(&self) -> bool {
        self.0.keeps_cookies
    }

    pub(crate) fn passwords(&self) -> &Passwords {
        &self.0.passwords
    }

    pub(crate) fn series(&self) -> &RememberSeries {
        &self.0.series
    }

    pub(crate) fn templates(&self) -> &Templates {
        &self.0.templates
    }

    pub(crate) fn users(&self) -> &Users {
        &self.0.users
    }
}

impl std::fmt::Debug for Site {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Site").finish_non_exhaustive()
    }
}
