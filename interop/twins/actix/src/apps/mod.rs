//! One example a file; each does what the one of its name in `examples/` does.

pub(crate) mod cookies;
pub(crate) mod counter;
pub(crate) mod lifetime;
pub(crate) mod shop;
pub(crate) mod sign_in;
pub(crate) mod stored;

use actix_web::{
    HttpRequest, HttpResponse,
    http::header::{COOKIE, ContentType, HeaderValue, LOCATION, SET_COOKIE},
};
use hipflask::core::cookie::{self, Attributes};

fn html(text: impl Into<String>) -> HttpResponse {
    HttpResponse::Ok().content_type(ContentType::html()).body(text.into())
}

fn redirect(path: &'static str) -> HttpResponse {
    HttpResponse::Found().insert_header((LOCATION, path)).finish()
}

fn plain_cookie(request: &HttpRequest, name: &str) -> Option<String> {
    let lines = request.headers().get_all(COOKIE).map(HeaderValue::as_bytes);
    String::from_utf8(cookie::find_in(lines, name)?.into_owned()).ok()
}

/// Sets plain cookies; without a value, one is deleted.
fn with_cookies(mut response: HttpResponse, cookies: &[(&str, Option<&str>)]) -> HttpResponse {
    let attributes = Attributes::new().with_http_only(false);
    for (name, value) in cookies {
        let line = match value {
            // Without an expiry there is no date that could be out of range.
            Some(value) => cookie::write(name, value, &attributes, None, None).unwrap_or_default(),
            None => cookie::write_deletion(name, &attributes),
        };
        if let Ok(line) = HeaderValue::from_str(&line) {
            response.headers_mut().append(SET_COOKIE, line);
        }
    }
    response
}
