//! HTML as a response, because `axum_core` alone has none.

/// A page of HTML; in axum it is a response.
///
/// ```
/// use hipflask::templates::Page;
///
/// let page = Page("<h1>Hello</h1>".into());
/// # #[cfg(feature = "axum")]
/// # {
/// use axum::response::IntoResponse;
///
/// let response = page.into_response();
/// assert_eq!(response.headers()["content-type"], "text/html; charset=utf-8");
/// # }
/// ```
#[derive(Clone, Debug, Eq, PartialEq)]
#[expect(clippy::exhaustive_structs, reason = "a page is its HTML")]
pub struct Page(pub String);

impl From<Page> for String {
    fn from(page: Page) -> Self {
        page.0
    }
}

#[cfg(feature = "axum")]
impl axum_core::response::IntoResponse for Page {
    fn into_response(self) -> axum_core::response::Response {
        let html = http::HeaderValue::from_static("text/html; charset=utf-8");
        ([(http::header::CONTENT_TYPE, html)], self.0).into_response()
    }
}
