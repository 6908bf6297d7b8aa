//! What can go wrong in an example, when it starts or in a handler: one type, so that `?` is enough.

use axum::{
    http::{StatusCode, header::InvalidHeaderValue},
    response::{IntoResponse, Response},
};
use hipflask::{core::serializer::WriteError, templates::TemplateError};

/// What can go wrong in an example; as a response it says nothing but the status: 500, or that
/// of the session's error.
///
/// ```
/// use axum::{http::HeaderValue, response::IntoResponse};
/// use hipflask_examples::Error;
///
/// let error = HeaderValue::from_str("two\nlines").map_err(Error::from).unwrap_err();
/// assert_eq!(error.into_response().status(), 500);
/// ```
#[derive(Debug, thiserror::Error)]
#[error(transparent)]
#[non_exhaustive]
pub enum Error {
    /// A cookie is no header text.
    Header(#[from] InvalidHeaderValue),
    /// A value cannot be written as tagged JSON.
    Json(#[from] WriteError),
    /// The session could not be read or changed.
    Session(#[from] hipflask::Error),
    /// A template could not be loaded or rendered.
    Template(#[from] TemplateError),
}

impl IntoResponse for Error {
    fn into_response(self) -> Response {
        match self {
            Self::Session(error) => error.into_response(),
            failure => {
                eprintln!("error: {failure}");
                StatusCode::INTERNAL_SERVER_ERROR.into_response()
            }
        }
    }
}
