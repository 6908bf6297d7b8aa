//! A form's token, found in its body, which is handed on as it came.
//!
//! DIFFERENCE: Flask-WTF also finds it in a form with files (`multipart/form-data`). Those stream through
//! here, so that their token has to be in a header.

use axum_core::body::Body;
use hipflask_core::csrf::CsrfError;
use http::{HeaderMap, Request, header::CONTENT_TYPE};
use http_body::Body as _;
use http_body_util::{BodyExt, LengthLimitError, Limited};

/// Where scripts put the token, in Flask-WTF's order; the last is Flask-Security's, and many a library's.
const HEADERS: [&str; 3] = ["x-csrftoken", "x-csrf-token", "x-xsrf-token"];

/// Returns the token of a request, or an empty text, and the request.
pub(super) async fn take_token(
    request: Request<Body>,
    field: &str,
    limit: usize,
) -> Result<(Vec<u8>, Request<Body>), CsrfError> {
    let in_header = in_header(request.headers());
    let is_too_long = request.body().size_hint().lower() > limit as u64;
    if !is_form(request.headers()) || (is_too_long && !in_header.is_empty()) {
        return Ok((in_header, request));
    }
    let (parts, body) = request.into_parts();
    let body = Limited::new(body, limit).collect().await.map_err(|error| {
        // A body that breaks off has no token.
        let is_too_long = error.is::<LengthLimitError>();
        if is_too_long { CsrfError::FormTooLarge } else { CsrfError::TokenMissing }
    })?;
    let body = body.to_bytes();
    let token = in_form(&body, field).unwrap_or(in_header);
    Ok((token, Request::from_parts(parts, Body::from(body))))
}

fn is_form(headers: &HeaderMap) -> bool {
    let kind = headers.get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    let kind = kind.split(';').next().unwrap_or_default().trim();
    kind.eq_ignore_ascii_case("application/x-www-form-urlencoded")
}

/// The field itself, or else one whose name ends so, as WTForms' prefixes make them.
fn in_form(form: &[u8], field: &str) -> Option<Vec<u8>> {
    let mut seen = std::collections::HashSet::new();
    let fields = form_urlencoded::parse(form).filter(|(name, _)| name.ends_with(field));
    // Of several fields of one name the first counts.
    let first: Vec<_> = fields.filter(|(name, _)| seen.insert(name.clone())).collect();
    let mut own_first = first.iter().filter(|(name, _)| name == field).chain(&first);
    own_first.find(|(_, token)| !token.is_empty()).map(|(_, token)| token.as_bytes().to_vec())
}

fn in_header(headers: &HeaderMap) -> Vec<u8> {
    let mut tokens = HEADERS.iter().filter_map(|name| headers.get(*name));
    tokens
        .find(|token| !token.is_empty())
        .map(|token| token.as_bytes().to_vec())
        .unwrap_or_default()
}
