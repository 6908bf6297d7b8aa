//! Why a visitor's request was refused, as a page: a form that another site has sent, somebody else's
//! things.

use axum::{
    RequestPartsExt,
    extract::{Request, State},
    http::StatusCode,
    middleware::Next,
    response::{IntoResponse, Response},
};
use hipflask::{csrf::CsrfError, templates::context};

use crate::{error::Result, guard::View, site::Site};

/// Puts a page into the place of a bare refusal. A form of another site may come without the visitor's
/// session, which the answer must not replace: the page asks for nothing that a stranger's has not.
pub(crate) async fn explain(
    State(site): State<Site>,
    request: Request,
    next: Next,
) -> Result<Response> {
    let (mut parts, body) = request.into_parts();
    let response = next.run(Request::from_parts(parts.clone(), body)).await;
    let status = response.status();
    let csrf = response.extensions().get::<CsrfError>().copied();
    if csrf.is_none() && status != StatusCode::FORBIDDEN {
        return Ok(response);
    }
    let why = csrf.map(|error| (error.to_string(), error.reason()));
    let why = why.map(|(says, reason)| context! { says, code => reason.code() });
    let view: View = parts.extract_with_state(&site).await?;
    Ok((status, view.page("refused.html", context! { csrf => why })?).into_response())
}
