//! Flask's session system for axum and tower: the same cookies, the same stored records, and no lost write.
//!
//! A session is what a site remembers of a visitor. Hipflask keeps it where [Flask] and [Flask-Session]
//! keep it, and byte for byte as they do. So a Rust service and a Flask app can serve the same visitors
//! at the same time.
//!
//! [Flask]: https://flask.palletsprojects.com/en/stable/quickstart/#sessions
//! [Flask-Session]: https://flask-session.readthedocs.io
//!
//! # A counter
//!
//! ```no_run
//! use axum::{Router, routing::get};
//! use hipflask::{SecretKey, Session, SessionLayer};
//!
//! async fn count(session: Session) -> hipflask::Result<String> {
//!     let count = session.get::<u64>("count")?.unwrap_or(0) + 1;
//!     session.insert("count", count)?;
//!     Ok(count.to_string())
//! }
//!
//! #[tokio::main]
//! async fn main() -> Result<(), Box<dyn std::error::Error>> {
//!     let sessions = SessionLayer::new(SecretKey::from_env("FLASK_SECRET_KEY")?)?;
//!     let app = Router::new().route("/count", get(count)).layer(sessions);
//!     let listener = tokio::net::TcpListener::bind("127.0.0.1:5000").await?;
//!     Ok(axum::serve(listener, app).await?)
//! }
//! ```
//!
//! - [`SessionLayer`] stands around the routes. Every request behind it has a session.
//! - [`Session`] is the extractor that handlers ask for. Asking is the access: only then is the cookie
//!   verified, or the store asked, and only then does the response carry `Vary: Cookie`.
//! - The session is saved once, before the response leaves, and only if it was changed.
//!
//! The [guide] is the book: from [ten minutes](guide::ten_minutes) to [speed](guide::speed).
//!
//! # Read and change
//!
//! ```
//! use hipflask::{Result, Session};
//!
//! async fn handler(session: Session) -> Result<()> {
//!     let user: Option<u64> = session.get("user_id")?;   // as any type that serde knows
//!     session.insert("user_id", 7)?;                     // session["user_id"] = 7
//!     session.remove("theme")?;                          // session.pop("theme", None)
//!     session.push("cart", "tea")?;                      // appends; two requests' appends both stay
//!     session.flash("message", "Saved.")?;               // shown once, on the next page
//!     for flash in session.take_flashes()? {
//!         println!("{}: {}", flash.category(), flash.message());
//!     }
//!     Ok(())
//! }
//! ```
//!
//! [The session](guide::session) has every method beside Flask's words.
//!
//! # Log in and log out
//!
//! ```
//! use hipflask::{Result, Session};
//!
//! async fn log_in(session: Session, user_id: u64) -> Result<()> {
//!     session.log_in(user_id) // a new id in the store, and nothing of the visitor of before
//! }
//!
//! async fn log_out(session: Session) -> Result<()> {
//!     session.log_out() // in the store it is over, also for requests under way
//! }
//! ```
//!
//! A signed cookie has no id. Unless it can be [revoked](guide::revocation), a copy of it stays valid until it expires.
//! [Log-in and log-out](guide::log_in) has guards, and the reasons for each line.
//!
//! # Signed cookie or store
//!
//! By default the session lies in Flask's signed cookie: nothing to run, up to 4,096 bytes, readable by
//! the visitor. In a store only a random id lies in the cookie:
//!
//! ```no_run
//! use hipflask::{SecretKey, SessionConfig, SessionLayer, store::{self, Store}};
//!
//! # async fn start() -> Result<(), Box<dyn std::error::Error>> {
//! let config = SessionConfig::new(SecretKey::from_env("FLASK_SECRET_KEY")?);
//! let store = store::connect("redis://127.0.0.1:6379/0").await?;
//! store.prepare().await?; // makes the table or the index, in stores that have such
//! let sessions = SessionLayer::stored(&config, store)?;
//! # Ok(())
//! # }
//! ```
//!
//! Records are Flask-Session's. What overlapping requests have changed is merged, key by key, and a
//! session that has ended stays ended: between requests of Hipflask. Plain Flask-Session overwrites.
//! [Stores](guide::stores) says how to choose.
//!
//! # Configuration
//!
//! [`SessionConfig`] has Flask's names and defaults, from code, from the environment (`FLASK_…`) or from
//! TOML. Everything is checked when the layer is built, and an error says what to do. Before a site goes
//! live, turn on what browsers offer:
//!
//! ```
//! use hipflask::{SecretKey, SessionConfig, SessionLayer};
//!
//! # fn start() -> Result<(), hipflask::ConfigError> {
//! let config = SessionConfig::new(SecretKey::random()?).hardened(); // for https
//! let sessions = SessionLayer::signed(&config)?;
//! # Ok(())
//! # }
//! # start().unwrap();
//! ```
//!
//! [Settings](guide::settings) lists all; [keys and security](guide::keys) says which matter.
//!
//! # When a session is empty
//!
//! [`Session::reason`] says why it is what it is, in a closed list of codes: [`Reason`]. The same codes
//! are in the log (crate `tracing`, target `hipflask`) and, with the feature `metrics`, in [metrics](guide::observability). No
//! key, cookie, id or value is ever in a text. [When something is wrong](guide::reasons) has the cause
//! and the cure of each.
//!
//! ```
//! use hipflask::{Reason, Session};
//!
//! async fn why(session: Session) -> &'static str {
//!     match session.reason() {
//!         Reason::Expired => "You were away for long. Please log in again.",
//!         reason if reason.is_refusal() => "Please log in again.",
//!         _ => "Hello!",
//!     }
//! }
//! ```
//!
//! # Errors
//!
//! A handler's `?` takes [`Error`], which becomes a response: 503 if the store did not answer, 409 if
//! another request was in the way, else 500. A session that could not be saved is never a silent 200:
//! the response becomes an error, and [`SaveError`] in its extensions says why.
//!
//! # What else there is
//!
//! - [`Sessions`]: two layers with different cookies around one handler.
//! - [`SessionWatch`]: ends a WebSocket or a stream of events when its session ends.
//! - [`SessionInterface`]: for other frameworks than tower; `examples/actix` is a whole adapter.
//! - [`store::Store`]: for a store of your own, and `store::conformance` to test it.
//! - `templates` (feature): Flask's template idioms in minijinja.
//! - [`UnixTime`], [`value`], [`core`]: moments, what a session can hold, and the parts of the core.
//!
//! # Features
//!
//! | feature | brings | default | why it is optional |
//! |---|---|---|---|
//! | `axum` | the extractors [`Session`] and [`Sessions`], and the guards of [`auth`] | yes | other frameworks need no axum |
//! | `memory` | sessions in this process | yes | |
//! | `dbsc` | sessions that are bound to the browser's device: [`dbsc`] | | `ring`, which compiles C; few browsers can do it yet |
//! | `toml` | configuration from TOML | | five more crates |
//! | `encryption` | cookies and records that nobody can read | | nine more crates |
//! | `templates` | Flask's template idioms | | minijinja |
//! | `password` | hashes of passwords: Argon2id, Werkzeug's, bcrypt | | the crates that hash |
//! | `testing` | a client for tests: `TestClient` | | programs need none |
//! | `metrics` | [counters and times](guide::observability) | | for those who collect metrics |
//! | `filesystem`, `sqlite`, `postgres`, `mysql`, `redis`, `memcached`, `mongodb`, `dynamodb` | sessions in that store | | each brings its client |
//! | `conformance` | the tests that a store has to pass | | for authors of stores |
//!
//! The crate needs Rust 1.89. The SQL stores need 1.94, because `sqlx` does, and DynamoDB 1.94.1.
//!
//! # Not here
//!
//! A signed cookie is no secret. There are no user accounts. What differs from
//! Flask, deliberately, is in [compatibility](guide::compatibility); why, is in [design](guide::design).

#![cfg_attr(docsrs, feature(doc_cfg))]

#[cfg_attr(not(feature = "axum"), allow(dead_code, reason = "only extractors ask for sessions"))]
pub mod auth;
pub mod config;
#[cfg(feature = "axum")]
pub mod csrf;
#[cfg(feature = "dbsc")]
pub mod dbsc;
mod error;
#[cfg(feature = "axum")]
mod extract;
#[cfg(any(doc, doctest))]
pub mod guide;
#[cfg_attr(not(feature = "axum"), allow(dead_code, reason = "only extractors ask for sessions"))]
mod interface;
#[cfg_attr(not(feature = "axum"), allow(dead_code, reason = "only extractors ask for sessions"))]
pub mod layer;
#[cfg_attr(not(feature = "axum"), allow(dead_code, reason = "only extractors ask for sessions"))]
mod line;
#[cfg_attr(not(feature = "axum"), allow(dead_code, reason = "only extractors ask for sessions"))]
mod live;
mod pace;
#[cfg(feature = "password")]
pub mod password;
#[cfg_attr(not(feature = "axum"), allow(dead_code, reason = "only extractors ask for sessions"))]
mod pending;
#[cfg(feature = "axum")]
pub mod rejection;
#[cfg_attr(not(feature = "axum"), allow(dead_code, reason = "only extractors ask for sessions"))]
mod report;
#[cfg_attr(not(feature = "axum"), allow(dead_code, reason = "only extractors ask for sessions"))]
mod request;
#[cfg_attr(not(feature = "axum"), allow(dead_code, reason = "only extractors ask for sessions"))]
mod respond;
#[cfg_attr(not(feature = "axum"), allow(dead_code, reason = "only extractors ask for sessions"))]
mod revoking;
mod save_error;
mod saving;
#[cfg_attr(not(feature = "axum"), allow(dead_code, reason = "only extractors ask for sessions"))]
mod session;
pub mod shadow;
#[cfg_attr(not(feature = "axum"), allow(dead_code, reason = "only extractors ask for sessions"))]
mod spans;
pub mod store;
mod sync;
#[cfg(feature = "templates")]
pub mod templates;
#[cfg(feature = "testing")]
pub mod testing;
#[cfg_attr(not(feature = "axum"), allow(dead_code, reason = "only extractors ask for sessions"))]
mod waking;
#[cfg_attr(not(feature = "axum"), allow(dead_code, reason = "only extractors ask for sessions"))]
mod watch;

pub use config::{ConfigError, SecretKey, SessionConfig};
pub use error::{Error, Result};
#[cfg(feature = "axum")]
pub use extract::Sessions;
/// The core, for those who need its parts: cookies as text, signing, tagged JSON.
pub use hipflask_core as core;
/// How the sessions of a user are [listed](SessionConfig::with_user_index).
pub use hipflask_core::listing::{OnUserLimit, UserSession};
pub use hipflask_core::{UnixTime, flash::Flash, interface::CookieFacts, reason::Reason, value};
pub use interface::SessionInterface;
pub use layer::SessionLayer;
pub use pending::PendingRequest;
pub use request::RequestSession;
pub use save_error::SaveError;
pub use session::Session;
pub use watch::SessionWatch;

#[cfg(all(doctest, feature = "password"))]
#[doc = include_str!("../../../README.md")]
struct Readme;
