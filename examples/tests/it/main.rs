//! What the examples share, seen from a browser's side.

#![expect(clippy::unwrap_used, reason = "what the tests set up is there")]

use axum::{
    Router,
    body::Body,
    http::{HeaderMap, Request, header},
    routing::get,
};
use hipflask_examples::{Error, Redirect, delete_cookie, plain_cookie, redirect, set_cookie};
use http_body_util::BodyExt;
use tower::ServiceExt;

async fn theme(headers: HeaderMap) -> String {
    plain_cookie(&headers, "theme").unwrap_or_else(|| "none".into())
}

async fn darken() -> Result<impl axum::response::IntoResponse, Error> {
    Ok((set_cookie("theme", "dark")?, delete_cookie("size")?, redirect("/")))
}

async fn home() -> Redirect {
    redirect("/")
}

fn app() -> Router {
    Router::new().route("/", get(theme)).route("/darken", get(darken)).route("/home", get(home))
}

async fn answer(path: &str, cookie: &str) -> (HeaderMap, String) {
    let request = Request::get(path).header(header::COOKIE, cookie).body(Body::empty()).unwrap();
    let (parts, body) = app().oneshot(request).await.unwrap().into_parts();
    let body = body.collect().await.unwrap().to_bytes().to_vec();
    (parts.headers, String::from_utf8(body).unwrap())
}

#[tokio::test]
async fn plain_cookies_go_there_and_back() {
    let (headers, _) = answer("/darken", "").await;
    assert_eq!(headers[header::LOCATION], "/");
    let set: Vec<_> = headers.get_all(header::SET_COOKIE).iter().collect();
    let deleted = "size=; Expires=Thu, 01 Jan 1970 00:00:00 GMT; Max-Age=0; Path=/";
    assert_eq!(set, ["theme=dark; Path=/", deleted]);
    assert_eq!(answer("/", "size=7; theme=dark").await.1, "dark");
    assert_eq!(answer("/", "size=7").await.1, "none");
    assert!(!answer("/home", "theme=dark").await.0.contains_key(header::SET_COOKIE));
}
