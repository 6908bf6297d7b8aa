//! Why a handler has no page to show, and what the visitor gets instead.
//!
//! A guard's refusal is an error, too, so that a handler only meets visitors who may pass.

use axum::{
    http::StatusCode,
    response::{IntoResponse, Response},
};
use hipflask::{
    auth::LoginRejection, password::PasswordError, rejection::SessionRejection,
    templates::TemplateError,
};

use crate::redirect::redirect;

#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    #[error("the database failed")]
    Database(#[from] sqlx::Error),
    #[error(transparent)]
    Login(#[from] LoginRejection),
    #[error("there is no such page")]
    NotFound,
    #[error(transparent)]
    NoSession(#[from] SessionRejection),
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
            Self::Login(rejection) => rejection.into_response(),
            Self::NoSession(rejection) => rejection.into_response(),
            Self::NotFound => StatusCode::NOT_FOUND.into_response(),
            Self::Session(error) => error.into_response(),
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
    eprintln!("error: {}", with_causes(error));
}

fn with_causes(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text = format!("{text}: {error}");
        cause = error.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use hipflask::store::StoreError;

    use super::*;

    #[test]
    fn report_tells_each_cause_once() {
        let refused = StoreError::unavailable(std::io::Error::other("no route"));
        assert_eq!(with_causes(&refused), "the session store is unavailable: no route");
        let database = Error::from(sqlx::Error::PoolClosed);
        assert_eq!(with_causes(&database).matches(": ").count(), 1);
    }
}
