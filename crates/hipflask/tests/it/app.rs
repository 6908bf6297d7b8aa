//! An app to send requests to, and what the tests ask of its answers.

use axum::{Router, body::Body};
use hipflask::{SecretKey, SessionConfig, SessionLayer, UnixTime};
use http::{HeaderMap, Request, Response, header};
use http_body_util::BodyExt;
use tower::ServiceExt;

pub(crate) const KEY: &str = "9f3c6a52be0d47c1886d1f7a0cb35e24";
pub(crate) const NOW: UnixTime = UnixTime::from_secs(1_763_692_800);

pub(crate) fn config() -> SessionConfig {
    SessionConfig::new(SecretKey::new(KEY))
}

pub(crate) fn layer(config: &SessionConfig) -> SessionLayer {
    SessionLayer::signed(config).unwrap().with_clock(|| NOW)
}

/// Returns the cookie that Flask would have set for this JSON object.
pub(crate) fn cookie(json: &str) -> String {
    use hipflask_core::{interface::CookieSessions, serializer::Limits, session::Session};
    let session = Session::from_json(json.into(), Limits::default()).unwrap();
    let interface = CookieSessions::new(SecretKey::new(KEY).ring());
    format!("session={}", interface.sign(&session, NOW).unwrap().unwrap())
}

pub(crate) async fn get(app: &Router, path: &str, cookies: &[&str]) -> Response<Body> {
    let mut request = Request::get(path);
    for cookie in cookies {
        request = request.header(header::COOKIE, *cookie);
    }
    app.clone().oneshot(request.body(Body::empty()).unwrap()).await.unwrap()
}

pub(crate) async fn text(response: Response<Body>) -> String {
    let bytes = response.into_body().collect().await.unwrap().to_bytes();
    String::from_utf8(bytes.into()).unwrap()
}

pub(crate) fn lines(headers: &HeaderMap, name: header::HeaderName) -> Vec<&str> {
    headers.get_all(name).iter().map(|line| line.to_str().unwrap()).collect()
}

pub(crate) fn set_cookies(response: &Response<Body>) -> Vec<&str> {
    lines(response.headers(), header::SET_COOKIE)
}

pub(crate) fn varies(response: &Response<Body>) -> bool {
    lines(response.headers(), header::VARY).iter().any(|line| line.contains("Cookie"))
}

/// Returns the `name=value` of the only cookie that a response sets.
pub(crate) fn sent_back(response: &Response<Body>) -> String {
    let [line] = set_cookies(response)[..] else { panic!("expected one Set-Cookie") };
    line.split(';').next().unwrap().to_owned()
}

/// Returns letters that do not compress.
pub(crate) fn noise(len: usize) -> String {
    let mut state = 1_u64;
    let mut letter = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        char::from(b'a' + (state >> 60) as u8)
    };
    (0..len).map(|_| letter()).collect()
}
