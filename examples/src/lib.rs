//! What the examples share, so that each of them is about one idea: options, settings, server,
//! redirects and plain cookies; and, with those of other frameworks, what is no framework's business.

mod cookie;
mod error;
mod run;
pub mod shop;
mod tagged;
mod users;

pub use cookie::{delete_cookie, plain_cookie, set_cookie};
pub use error::Error;
pub use run::{App, random_key, run, run_with};
pub use tagged::{parsed, shown};
pub use users::User;

use axum::http::{StatusCode, header::LOCATION};

/// Answers with a redirect as Flask's `redirect` does: 302, and the path as it is.
///
/// ```
/// use axum::{http::StatusCode, response::IntoResponse};
///
/// let response = hipflask_examples::redirect("/profile").into_response();
/// assert_eq!(response.status(), StatusCode::FOUND);
/// assert_eq!(response.headers()["location"], "/profile");
/// ```
pub const fn redirect(path: &'static str) -> Redirect {
    (StatusCode::FOUND, [(LOCATION, path)])
}

/// What [`redirect`] returns.
pub type Redirect = (StatusCode, [(axum::http::HeaderName, &'static str); 1]);
