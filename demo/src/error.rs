//! Why a handler has no page to show, and what the visitor gets instead.
//!
//! A guard's refusal is an error, too, so that a handler only meets visitors who may pass.

use axum::{
    http::StatusCode,
    response::{IntoResponse, Response},
};
use hipflask::{NoSessionLayer, templates::TemplateError};

use crate::{password::PasswordError, view::redirect};

#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    #[error("the data base failed")]
    Database(#[from] sqlx::Error),
    #[error(transparent)]
    NoSessionLayer(#[from] NoSessionLayer),
    #[error("there is no such page")]
    NotFound,
    #[error(transparent)]
    Password(#[from] PasswordError),
    #[error(transparent)]
    Session(#[from] hipflask::Error),
    #[error("a template failed")]
    Template(#[from] TemplateError),
    /// A guard has flashed why, and the visitor goes there.
    #[error("the visitor is sent to {0}")]
    TurnedAway(&'static str),
}

pub(crate) type Result<T, E = Error> = std::result::Result<T, E>;

impl IntoResponse for Error {
    fn into_response(self) -> Response {
        match self {
            Self::NotFound => StatusCode::NOT_FOUND.into_response(),
            Self::TurnedAway(path) => redirect(path).into_response(),
            failure => {
                report(&failure);
                StatusCode::INTERNAL_SERVER_ERROR.into_response()
            }
        }
    }
}

/// Says on standard error what went wrong, with its causes. They are for the operator; the visitor
/// only learns that something failed.
pub(crate) fn report(error: &dyn std::error::Error) {
    eprint!("error: {error}");
    let mut cause = error.source();
    while let Some(error) = cause {
        eprint!(": {error}");
        cause = error.source();
    }
    eprintln!();
}
