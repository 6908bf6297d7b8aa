//! What a [`LoginManager`](super::LoginManager) was told.

use std::sync::Arc;

use axum_core::BoxError;
use hipflask_core::{
    auth::{Protection, RememberCookie},
    value::Text,
};
use http::{Extensions, HeaderMap, StatusCode};

use super::{
    series::RememberSeries,
    user::{AnyLoader, User},
};

pub(super) struct Settings<U> {
    pub(super) loader: Arc<dyn AnyLoader<U>>,
    pub(super) login_view: Option<String>,
    /// Whether the way back lies in the session, and not in the address of the log-in.
    pub(super) next_in_session: bool,
    /// Category and text of what is flashed on the way to the log-in.
    pub(super) message: Option<(String, String)>,
    /// The answer to who asks for somebody else's.
    pub(super) of_others: StatusCode,
    pub(super) remember: Option<Remembering>,
    /// What a remembered visitor keeps of the anonymous session.
    pub(super) kept: Vec<Text>,
    pub(super) protection: Option<(Protection, Arc<Address>)>,
    pub(super) clears_site_data: bool,
}

/// How users are remembered beyond their session.
#[derive(Clone)]
pub(super) enum Remembering {
    FlaskLogin(RememberCookie),
    Series(RememberSeries),
}

impl Remembering {
    pub(super) fn deletion(&self) -> String {
        match self {
            Self::FlaskLogin(cookie) => cookie.write_deletion(),
            Self::Series(series) => series.deletion(),
        }
    }

    pub(super) fn name(&self) -> &str {
        match self {
            Self::FlaskLogin(cookie) => cookie.name(),
            Self::Series(series) => series.name(),
        }
    }
}

/// Finds the address of a request's peer.
pub(super) type Address = dyn Fn(&HeaderMap, &Extensions) -> Option<String> + Send + Sync;

impl<U: User> Settings<U> {
    pub(super) async fn find(&self, id: &str) -> Result<Option<U>, Arc<BoxError>> {
        self.loader.load(id).await.map_err(Arc::new)
    }
}

impl<U> Clone for Settings<U> {
    fn clone(&self) -> Self {
        Self {
            loader: Arc::clone(&self.loader),
            login_view: self.login_view.clone(),
            next_in_session: self.next_in_session,
            message: self.message.clone(),
            of_others: self.of_others,
            remember: self.remember.clone(),
            kept: self.kept.clone(),
            protection: self.protection.clone(),
            clears_site_data: self.clears_site_data,
        }
    }
}
