//! Who the visitor is: log-in with Flask-Login's keys, the user as an extractor, remember cookies.
//!
//! On top of the session; the app says where its users are. A guard is an extractor: a handler that asks
//! for a [`CurrentUser`] has one, or is never called.
//!
//! - `session` has what a handler calls: [`Session::log_in`], [`Session::log_out`].
//! - `user` has what the app implements: [`User`], [`UserLoader`], [`Permissions`].
//! - `manager` is the layer, [`LoginManager`]; `identity` is what it gives each request, `service` carries
//!   out on the response what became of the log-in.
//! - `guard` has the extractors: [`CurrentUser`], [`Owned`], [`Permitted`]; `rejection` says who is sent
//!   away, and how.
//! - `series` remembers users in a store, and notices theft: [`RememberSeries`].
//! - `next` reads where a log-in sends the visitor back to: [`SafeNext`].
//!
//! ```
//! use axum::{Router, response::Redirect, routing::{get, post}};
//! use hipflask::{Result, SecretKey, Session, SessionLayer};
//! use hipflask::auth::{BoxError, CurrentUser, LoginManager, SafeNext, User, UserLoader};
//!
//! #[derive(Clone)]
//! struct Account { id: u64, name: String }
//!
//! impl User for Account {
//!     fn id(&self) -> String { self.id.to_string() }
//! }
//!
//! struct Accounts; // an app has its database here
//!
//! impl UserLoader for Accounts {
//!     type User = Account;
//!     async fn load(&self, id: &str) -> std::result::Result<Option<Account>, BoxError> {
//!         Ok((id == "7").then(|| Account { id: 7, name: "Ada".into() }))
//!     }
//! }
//!
//! async fn log_in(session: Session, next: SafeNext) -> Result<Redirect> {
//!     session.log_in(7)?; // the password was right
//!     Ok(Redirect::to(&next.or("/")))
//! }
//!
//! async fn home(user: CurrentUser<Account>) -> String { format!("Hello, {}!", user.name) }
//!
//! let app: Router = Router::new()
//!     .route("/", get(home))
//!     .route("/login", post(log_in))
//!     .layer(LoginManager::new(Accounts).login_view("/login"))
//!     .layer(SessionLayer::new(SecretKey::random()?)?); // around it
//! # Ok::<(), hipflask::ConfigError>(())
//! ```
//!
//! [`Session::log_in`]: crate::Session::log_in
//! [`Session::log_out`]: crate::Session::log_out

mod session;

#[cfg(feature = "axum")]
mod guard;
#[cfg(feature = "axum")]
mod identity;
#[cfg(feature = "axum")]
mod manager;
#[cfg(feature = "axum")]
mod next;
#[cfg(feature = "axum")]
mod rejection;
#[cfg(feature = "axum")]
mod series;
#[cfg(feature = "axum")]
mod service;
#[cfg(feature = "axum")]
mod settings;
#[cfg(feature = "axum")]
mod user;

#[cfg(feature = "axum")]
pub use axum_core::BoxError;
#[cfg(feature = "axum")]
pub use guard::{CurrentUser, Owned, Permitted};
pub use hipflask_core::auth::{
    LogIn, Protection, RememberCookie, RememberKeyError, RememberSigner, id_text, is_local,
};
#[cfg(feature = "axum")]
pub use manager::LoginManager;
#[cfg(feature = "axum")]
pub use next::SafeNext;
#[cfg(feature = "axum")]
pub use rejection::LoginRejection;
#[cfg(feature = "axum")]
pub use series::RememberSeries;
#[cfg(feature = "axum")]
pub use service::{LoginFuture, LoginService};
#[cfg(feature = "axum")]
pub use user::{Permissions, User, UserLoader};
