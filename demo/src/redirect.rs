//! Sends the visitor to another page.

use axum::http::{HeaderName, StatusCode, header::LOCATION};

pub(crate) type Redirect = (StatusCode, [(HeaderName, String); 1]);

/// Answers with a redirect as Flask's `redirect` does: 302, and the path as it is.
pub(crate) fn redirect(path: impl Into<String>) -> Redirect {
    (StatusCode::FOUND, [(LOCATION, path.into())])
}
