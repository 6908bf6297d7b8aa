//! The extractor that tells a handler whether its session is bound.

use axum_core::{
    extract::FromRequestParts,
    response::{IntoResponse, Response},
};
use http::{StatusCode, request::Parts};

use super::DeviceBinding;
use crate::rejection::answer;

/// A handler asked for the [`DeviceBinding`], but no [`DbscLayer`](super::DbscLayer) is around it: 500.
///
/// ```
/// use hipflask::dbsc::NoDbscLayer;
///
/// assert!(NoDbscLayer.to_string().contains("DbscLayer"));
/// ```
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error(
    "no DbscLayer is around this route: call .layer(DbscLayer::new()) after the routes, and then .layer(sessions)"
)]
#[expect(clippy::exhaustive_structs, reason = "there is nothing to say beside it")]
pub struct NoDbscLayer;

impl IntoResponse for NoDbscLayer {
    fn into_response(self) -> Response {
        tracing::error!(target: "hipflask", "{self}");
        answer(StatusCode::INTERNAL_SERVER_ERROR, self.to_string())
    }
}

impl<S: Sync> FromRequestParts<S> for DeviceBinding {
    type Rejection = NoDbscLayer;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, NoDbscLayer> {
        parts.extensions.get().copied().ok_or(NoDbscLayer)
    }
}
