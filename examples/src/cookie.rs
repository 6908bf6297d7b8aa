//! Plain cookies, which every visitor can edit: Flask's `request.cookies` and `response.set_cookie`.

use axum::http::{
    HeaderMap, HeaderName, HeaderValue,
    header::{COOKIE, InvalidHeaderValue, SET_COOKIE},
};
use axum::response::AppendHeaders;
use hipflask_core::cookie::{self, Attributes};

type SetCookie = AppendHeaders<[(HeaderName, HeaderValue); 1]>;

/// Returns the text of a cookie, if the request carries it.
///
/// ```
/// use axum::http::HeaderMap;
///
/// let mut headers = HeaderMap::new();
/// headers.insert("cookie", "theme=dark; total=12".parse()?);
/// assert_eq!(hipflask_examples::plain_cookie(&headers, "total").as_deref(), Some("12"));
/// # Ok::<(), axum::http::header::InvalidHeaderValue>(())
/// ```
pub fn plain_cookie(headers: &HeaderMap, name: &str) -> Option<String> {
    let lines = headers.get_all(COOKIE).into_iter().map(HeaderValue::as_bytes);
    String::from_utf8(cookie::find_in(lines, name)?.into_owned()).ok()
}

/// Makes the response header that sets a cookie for the whole site.
///
/// ```
/// use axum::response::IntoResponse;
///
/// let response = hipflask_examples::set_cookie("theme", "dark")?.into_response();
/// assert_eq!(response.headers()["set-cookie"], "theme=dark; Path=/");
/// # Ok::<(), axum::http::header::InvalidHeaderValue>(())
/// ```
///
/// # Errors
///
/// [`InvalidHeaderValue`] when the name is no header text.
pub fn set_cookie(name: &str, value: &str) -> Result<SetCookie, InvalidHeaderValue> {
    // Without an expiry there is no date that could be out of range.
    header(cookie::write(name, value, &attributes(), None, None).unwrap_or_default())
}

/// Makes the response header that deletes a cookie which [`set_cookie`] has set.
///
/// ```
/// use axum::response::IntoResponse;
///
/// let response = hipflask_examples::delete_cookie("theme")?.into_response();
/// assert!(response.headers()["set-cookie"].to_str()?.starts_with("theme=; Expires=Thu, 01 Jan 1970"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
///
/// [`InvalidHeaderValue`] when the name is no header text.
pub fn delete_cookie(name: &str) -> Result<SetCookie, InvalidHeaderValue> {
    header(cookie::write_deletion(name, &attributes()))
}

/// Plain cookies are there for scripts, too.
fn attributes() -> Attributes {
    Attributes::new().with_http_only(false)
}

fn header(text: String) -> Result<SetCookie, InvalidHeaderValue> {
    Ok(AppendHeaders([(SET_COOKIE, HeaderValue::try_from(text)?)]))
}
