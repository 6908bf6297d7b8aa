//! The guard of forms: Flask-WTF's recorded answers, tower-http's verdicts, and what is left alone.

use std::{
    convert::Infallible,
    sync::{Arc, Mutex},
};

use axum::{
    Router,
    body::{Body, Bytes},
    extract::Request,
    response::Response,
    routing::{get, post},
};
use futures_util::stream;
use hipflask::{
    Reason, Session, SessionConfig, SessionLayer, UnixTime,
    core::{csrf::CsrfTokens, signing::KeyRing},
    csrf::{CsrfError, CsrfLayer},
};
use http::{StatusCode, header};
use serde_json::Value;
use tower::{Layer, ServiceExt, service_fn};

use crate::{
    app::{self, KEY, NOW, cookie, text, varies},
    watched::Watched,
};

const SECRET: &str = "2fd4e1c67a2d28fced849ee1bb76e7391b93eb12";
const FORM: &str = "application/x-www-form-urlencoded";

fn session() -> String {
    cookie(&format!(r#"{{"csrf_token":"{SECRET}"}}"#))
}

fn token() -> String {
    CsrfTokens::new(&KeyRing::new(KEY)).encode(SECRET, NOW)
}

/// Answers what the handler has got: the body, as it came.
fn app(csrf: CsrfLayer) -> Router {
    guarded(csrf, app::layer(&app::config()))
}

fn guarded(csrf: CsrfLayer, sessions: SessionLayer) -> Router {
    let echo = async |body: Bytes| body;
    Router::new()
        .route("/", get(async || "a page").fallback(echo))
        .route("/hook", post(async || "hook"))
        .route("/token", get(async |session: Session| session.csrf_token()))
        .route_layer(csrf)
        .layer(sessions)
}

struct Sent(http::request::Builder, Vec<u8>);

fn send(method: &str) -> Sent {
    Sent(Request::builder().method(method).uri("/"), Vec::new())
}

impl Sent {
    fn to(self, path: &str) -> Self {
        Self(self.0.uri(path), self.1)
    }

    fn with(self, name: &str, value: &str) -> Self {
        Self(self.0.header(name, value), self.1)
    }

    fn form(self, form: &str) -> Self {
        Self(self.0.header(header::CONTENT_TYPE, FORM), form.into())
    }

    async fn answer(self, app: &Router) -> Response {
        app.clone().oneshot(self.0.body(Body::from(self.1)).unwrap()).await.unwrap()
    }

    async fn error(self, app: &Router) -> Option<CsrfError> {
        let response = self.answer(app).await;
        let error = response.extensions().get::<CsrfError>().copied();
        let status = error.map_or(StatusCode::OK, |_| StatusCode::BAD_REQUEST);
        assert_eq!(response.status(), status);
        if let Some(error) = error {
            assert_eq!(response.headers()[header::CACHE_CONTROL], "no-store");
            assert_eq!(text(response).await, error.to_string());
        }
        error
    }
}

/// A request of Flask-WTF's recorded flow, and the app it is for.
fn flow(row: &Value) -> (Sent, Router) {
    let on = |name: &str| row["config"][name].as_bool().unwrap_or(true);
    let mut csrf = CsrfLayer::new();
    if row["base_url"] == "https://localhost" && on("WTF_CSRF_SSL_STRICT") {
        csrf = csrf.with_referrer_check();
    }
    if !on("WTF_CSRF_ENABLED") || !on("WTF_CSRF_CHECK_DEFAULT") {
        csrf = csrf.exempt("/");
    }
    let mut config = app::config().with_lifetime(std::time::Duration::from_secs(9_999_999_999));
    if row["config"].get("WTF_CSRF_TIME_LIMIT").is_some_and(Value::is_null) {
        config = config.with_csrf_time_limit(None);
    }
    // The rows are signed with a key that is too short for sessions.
    config = config.with_csrf_secret_key("k");
    let now = UnixTime::from_secs(row["now"].as_u64().unwrap());
    let path = if row["path"] == "/p" { "/" } else { "/nope" };
    let mut sent = send(row["method"].as_str().unwrap()).to(path).with("host", "localhost");
    if let Some(secret) = row["session_csrf"].as_str() {
        sent = sent.with("cookie", &cookie(&format!(r#"{{"csrf_token":"{secret}"}}"#)));
    }
    for (name, value) in row["headers"].as_object().unwrap() {
        sent = sent.with(name, value.as_str().unwrap());
    }
    let form = row["form"].as_object().unwrap();
    let pairs = form.iter().map(|(name, value)| (name, value.as_str().unwrap()));
    let form = form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish();
    let sessions = SessionLayer::signed(&config).unwrap().with_clock(move || now);
    (if form.is_empty() { sent } else { sent.form(&form) }, guarded(csrf, sessions))
}

#[tokio::test]
async fn layer_answers_as_flask_wtf() {
    /// DIFFERENCE: a signed token that is no text is invalid; Flask-WTF answers 500.
    const INT_TOKEN: u64 = 335;
    let file =
        concat!(env!("CARGO_MANIFEST_DIR"), "/../hipflask-core/tests/vectors/extensions.jsonl");
    let rows = std::fs::read_to_string(file).unwrap();
    let rows = rows.lines().map(|row| serde_json::from_str::<Value>(row).unwrap());
    let mut n_rows = 0;
    for row in rows.filter(|row| row["kind"] == "csrf_flow") {
        let (sent, app) = flow(&row);
        let response = sent.answer(&app).await;
        let (status, message) = match row["id"].as_u64() {
            Some(INT_TOKEN) => (400, Some("The CSRF token is invalid.")),
            _ => (row["status"].as_u64().unwrap(), row["message"].as_str()),
        };
        assert_eq!(u64::from(response.status().as_u16()), status, "{row}");
        if let Some(message) = message {
            assert_eq!(text(response).await, message, "{row}");
        }
        n_rows += 1;
    }
    assert_eq!(n_rows, 43);
}

/// Asks both layers about the same request; `None` where neither header says anything.
async fn verdicts(request: impl Fn() -> http::request::Builder) -> [Option<bool>; 2] {
    const TRUSTED: &str = "https://pay.example";
    let ok = service_fn(async |_: Request| Ok::<_, Infallible>(Response::new(Body::empty())));
    let theirs = tower_http::csrf::CsrfLayer::new().add_trusted_origin(TRUSTED).unwrap().layer(ok);
    let ours = CsrfLayer::new().with_trusted_origin(TRUSTED).unwrap().layer(ok);
    let make = || request().body(Body::empty()).unwrap();
    let theirs = theirs.oneshot(make()).await.unwrap().status().is_success();
    let ours = ours.oneshot(make()).await.unwrap().status();
    // Where the headers are silent we ask for a token, and here there is no session to ask.
    let silent = ours == StatusCode::INTERNAL_SERVER_ERROR;
    [Some(theirs), (!silent).then_some(ours.is_success())]
}

#[tokio::test]
async fn verdicts_are_those_of_tower_http() {
    let methods = ["GET", "HEAD", "OPTIONS", "POST", "TRACE", "get"];
    let sites = ["-", "", "same-origin", "same-site", "cross-site", "none", "None", "x", " none"];
    let origins = [
        "-",
        "",
        "null",
        "https://a.example",
        "http://a.example",
        "HTTPS://a.example",
        "https://A.example",
        "https://a.example:443",
        "https://a.example:8443",
        "https://a.example/",
        "https://a.example/x?y",
        "https://a.example?x",
        "https://evil.example",
        "https://a.example.evil",
        "https://pay.example",
        "https://pay.example/",
        "ftp://a.example",
        "a.example",
        "//a.example",
        "https:a.example",
        "https://",
        "https:///",
        "https://@a.example",
        "https://u@a.example",
        "https://[::1]:8443",
        "file:///a",
        "*",
    ];
    let hosts =
        ["-", "", "a.example", "A.example", "a.example:443", "a.example:8443", "[::1]:8443", "*"];
    let addresses = ["/x", "https://a.example/x", "http://b.example/"];
    let mut n_silent = 0;
    for method in methods {
        for site in sites {
            for origin in origins {
                for (host, address) in hosts.iter().flat_map(|host| addresses.map(|at| (*host, at)))
                {
                    let [theirs, ours] = verdicts(|| {
                        let headers =
                            [("sec-fetch-site", site), ("origin", origin), ("host", host)];
                        let request = Request::builder().method(method).uri(address);
                        headers
                            .into_iter()
                            .filter(|(_, value)| *value != "-")
                            .fold(request, |request, (name, value)| request.header(name, value))
                    })
                    .await;
                    n_silent += u32::from(ours.is_none());
                    // Silent requests pass there.
                    assert_eq!(
                        theirs,
                        ours.or(Some(true)),
                        "{method} {site} {origin} {host} {address}"
                    );
                }
            }
        }
    }
    assert!(n_silent > 0);
}

/// Every byte that a header can hold, in each place of an origin: what no browser writes may be judged
/// more strictly, and never less.
#[tokio::test]
async fn odd_origins_are_judged_no_less_strictly_than_by_tower_http() {
    let places = [
        ("https://a", ".example"),
        ("https://[::", "]"),
        ("https://a.example:", "1"),
        ("https://a.example/", "x"),
        ("https://a.example?", ""),
        ("https://a.example#", ""),
        ("http", "://a.example"),
        ("", "https://a.example"),
    ];
    let mut n_passed = 0;
    for byte in (0x20..=0xff_u8).filter(|byte| *byte != 0x7f) {
        for (before, after) in places {
            let origin = [before.as_bytes(), &[byte], after.as_bytes()].concat();
            let rest = origin.strip_prefix(b"https://").unwrap_or(b"a.example");
            let end = rest.iter().position(|byte| b"/?#".contains(byte)).unwrap_or(rest.len());
            let request =
                || Request::post("/").header("origin", &origin[..]).header("host", &rest[..end]);
            let [theirs, ours] = verdicts(request).await.map(|passed| passed == Some(true));
            assert!(theirs || !ours, "{}", origin.escape_ascii());
            let is_plain = byte.is_ascii_alphanumeric() && before == "https://a";
            assert!(!is_plain || (theirs && ours), "{}", origin.escape_ascii());
            n_passed += u32::from(ours);
        }
    }
    assert!(n_passed > 100);
}

#[tokio::test]
async fn headers_decide_before_tokens() {
    let app = app(CsrfLayer::new());
    let evil = || send("POST").with("host", "a.example").with("origin", "https://evil.example");
    assert_eq!(evil().error(&app).await, Some(CsrfError::OriginMismatch));
    // Not even a token of the session helps another site.
    let with_token = evil().with("cookie", &session()).with("x-csrftoken", &token());
    assert_eq!(with_token.error(&app).await, Some(CsrfError::OriginMismatch));
    let cross = send("POST").with("sec-fetch-site", "cross-site");
    assert_eq!(cross.error(&app).await, Some(CsrfError::CrossSite));
    let own = send("POST").with("host", "a.example").with("origin", "https://a.example");
    assert_eq!(own.error(&app).await, None);
    assert_eq!(send("POST").with("sec-fetch-site", "same-origin").error(&app).await, None);
    assert_eq!(send("POST").error(&app).await, Some(CsrfError::TokenMissing));
}

#[tokio::test]
async fn tokens_can_be_required_from_all() {
    let app = app(CsrfLayer::new().with_tokens_required());
    let own = || send("POST").with("sec-fetch-site", "same-origin").with("cookie", &session());
    assert_eq!(own().error(&app).await, Some(CsrfError::TokenMissing));
    for header in ["x-csrf-token", "x-xsrf-token"] {
        assert_eq!(own().with(header, &token()).error(&app).await, None);
    }
    let cross = send("POST").with("sec-fetch-site", "cross-site").with("cookie", &session());
    let cross = cross.with("x-csrf-token", &token());
    assert_eq!(cross.error(&app).await, Some(CsrfError::CrossSite));
}

#[tokio::test]
async fn form_arrives_as_it_was_sent() {
    let app = app(CsrfLayer::new());
    let form = format!("b=1&csrf_token={}&a=%C3%A9+%00&b=2&&x", token());
    let answer = send("POST").with("cookie", &session()).form(&form).answer(&app).await;
    assert_eq!(text(answer).await, form);
}

#[tokio::test]
async fn body_that_is_no_form_streams_through() {
    let app = app(CsrfLayer::new().with_form_limit(4));
    for kind in ["application/json", "multipart/form-data; boundary=x", "text/plain"] {
        let sent = send("POST").with("cookie", &session()).with("content-type", kind);
        let sent =
            Sent(sent.0.header("x-csrftoken", token()), b"csrf_token=longer than the limit".into());
        assert_eq!(text(sent.answer(&app).await).await, "csrf_token=longer than the limit");
        let none = Sent(send("POST").with("content-type", kind).0, b"csrf_token=x".into());
        assert_eq!(none.error(&app).await, Some(CsrfError::TokenMissing));
    }
}

#[tokio::test]
async fn long_form_needs_its_token_in_a_header() {
    let form = format!("csrf_token={}", token());
    let exact = app(CsrfLayer::new().with_form_limit(form.len()));
    assert_eq!(send("POST").with("cookie", &session()).form(&form).error(&exact).await, None);
    let app = app(CsrfLayer::new().with_form_limit(form.len() - 1));
    let long = || send("POST").with("cookie", &session());
    let refused = long().form(&form).answer(&app).await;
    assert_eq!(refused.status(), StatusCode::PAYLOAD_TOO_LARGE);
    assert_eq!(refused.extensions().get(), Some(&CsrfError::FormTooLarge));
    assert_eq!(long().with("x-csrftoken", &token()).form(&form).error(&app).await, None);
    // Of a body of unknown length no more than the limit is read.
    let chunks = stream::repeat_with(|| Ok::<_, Infallible>(Bytes::from_static(b"a=b&")));
    let endless = long().0.header("content-type", FORM).body(Body::from_stream(chunks)).unwrap();
    let refused = app.oneshot(endless).await.unwrap();
    assert_eq!(refused.status(), StatusCode::PAYLOAD_TOO_LARGE);
}

#[tokio::test]
async fn paths_can_be_exempt_and_unknown_ones_are_404() {
    let app = app(CsrfLayer::new().exempt("/hook"));
    assert_eq!(
        send("POST").to("/hook").with("sec-fetch-site", "cross-site").error(&app).await,
        None
    );
    for path in ["/nope", "/hook/", "/%68ook"] {
        let status = send("POST").to(path).answer(&app).await.status();
        assert_eq!(status, StatusCode::NOT_FOUND, "{path}");
    }
    assert_eq!(send("POST").error(&app).await, Some(CsrfError::TokenMissing));
}

#[tokio::test]
async fn routes_are_exempt_by_the_pattern_that_they_were_added_with() {
    let csrf = |route: &str| CsrfLayer::new().exempt(route);
    let routes = || {
        let ok = || post(async || "reported");
        Router::new().route("/hooks/{shop}", ok()).route("/other/{shop}", ok())
    };
    let inside = routes().route_layer(csrf("/hooks/{shop}"));
    let other = routes().route_layer(CsrfLayer::new());
    for (app, passes, refused) in [
        (inside.clone(), "/hooks/tea", "/other/tea"),
        (Router::new().nest("/api", inside.clone()), "/api/hooks/tea", "/api/other/tea"),
        (
            Router::new().nest("/{lang}", Router::new().nest("/api", inside)),
            "/de/api/hooks/tea",
            "/de/api/other/tea",
        ),
        (
            Router::new().nest("/api", routes()).layer(csrf("/api/hooks/{shop}")),
            "/api/hooks/tea",
            "/api/other/tea",
        ),
        // What is added after the layer is not guarded.
        (other.route("/hooks", post(async || "reported")), "/hooks", "/hooks/tea"),
    ] {
        let app = app.layer(app::layer(&app::config()));
        for (path, expected) in [(passes, StatusCode::OK), (refused, StatusCode::BAD_REQUEST)] {
            let sent = send("POST").to(path).with("sec-fetch-site", "cross-site");
            assert_eq!(sent.answer(&app).await.status(), expected, "{path}");
        }
    }
}

#[tokio::test]
async fn without_a_router_whole_paths_are_exempt() {
    let ok = service_fn(async |_: Request| Ok::<_, Infallible>(Response::new(Body::empty())));
    let guarded = CsrfLayer::new().exempt("/hooks/tea").exempt("/other/{shop}").layer(ok);
    for (path, expected) in [("/hooks/tea", 200), ("/hooks/cup", 400), ("/other/tea", 400)] {
        let sent = send("POST").to(path).with("sec-fetch-site", "cross-site");
        let request = sent.0.body(Body::empty()).unwrap();
        assert_eq!(guarded.clone().oneshot(request).await.unwrap().status(), expected, "{path}");
    }
}

#[tokio::test]
async fn status_can_be_another() {
    let app = app(CsrfLayer::new().with_status(StatusCode::FORBIDDEN));
    let response = send("POST").answer(&app).await;
    assert_eq!(response.status(), StatusCode::FORBIDDEN);
    assert_eq!(
        response.extensions().get::<CsrfError>().unwrap().reason(),
        Reason::CsrfTokenMissing
    );
}

#[tokio::test]
async fn session_is_opened_only_for_a_token() {
    let store = Watched::default();
    let sessions = SessionLayer::stored(&app::config(), store.clone()).unwrap();
    let app = guarded(CsrfLayer::new(), sessions);
    let id = "session=0123456789012345678901234567890123456789012";
    for sent in [
        send("GET").with("sec-fetch-site", "cross-site"),
        send("POST").with("sec-fetch-site", "same-origin"),
        send("POST").with("sec-fetch-site", "cross-site"),
        send("POST"), // without a token
    ] {
        assert!(!varies(&sent.with("cookie", id).answer(&app).await));
    }
    assert_eq!(store.asked(), [""; 0]);
    let answer = send("POST").with("cookie", id).with("x-csrftoken", "x").answer(&app).await;
    assert!(varies(&answer));
    assert_eq!(store.asked(), ["load"]);
}

#[tokio::test]
async fn token_of_a_page_is_accepted_once_its_cookie_is_there() {
    let app = app(CsrfLayer::new());
    let page = send("GET").to("/token").answer(&app).await;
    let cookie = app::sent_back(&page);
    let token = text(page).await;
    let again = send("GET").to("/token").with("cookie", &cookie).answer(&app).await;
    assert!(app::set_cookies(&again).is_empty(), "the secret is made once");
    assert_eq!(text(again).await, token);
    let sent = || send("POST").with("x-csrftoken", &token);
    assert_eq!(sent().with("cookie", &cookie).error(&app).await, None);
    assert_eq!(sent().error(&app).await, Some(CsrfError::SessionTokenMissing));
    assert_eq!(sent().with("cookie", &session()).error(&app).await, Some(CsrfError::TokenMismatch));
}

#[tokio::test]
async fn settings_of_flask_wtf_count() {
    let vars = [
        ("FLASK_SECRET_KEY", KEY),
        ("FLASK_WTF_CSRF_FIELD_NAME", "guard"),
        ("FLASK_WTF_CSRF_SECRET_KEY", "a key for forms alone"),
        ("FLASK_WTF_CSRF_TIME_LIMIT", "60"),
    ];
    let config = SessionConfig::from_vars("FLASK", vars).unwrap();
    let clock = Arc::new(Mutex::new(1_763_692_800));
    let now = Arc::clone(&clock);
    let now = move || UnixTime::from_secs(*now.lock().unwrap());
    let app = guarded(CsrfLayer::new(), SessionLayer::signed(&config).unwrap().with_clock(now));
    let page = send("GET").to("/token").answer(&app).await;
    let cookie = app::sent_back(&page);
    let form = format!("guard={}", text(page).await);
    let sent = || send("POST").with("cookie", &cookie).form(&form);
    *clock.lock().unwrap() += 60;
    assert_eq!(sent().error(&app).await, None);
    *clock.lock().unwrap() += 1;
    assert_eq!(sent().error(&app).await, Some(CsrfError::TokenExpired));
    assert_eq!(
        send("POST").with("cookie", &cookie).form("csrf_token=x").error(&app).await,
        Some(CsrfError::TokenMissing)
    );
}

#[tokio::test]
async fn without_a_session_layer_the_headers_still_count() {
    let app = Router::new().route("/", post(async || "")).layer(CsrfLayer::new());
    assert_eq!(send("POST").with("sec-fetch-site", "none").error(&app).await, None);
    let cross = send("POST").with("sec-fetch-site", "cross-site");
    assert_eq!(cross.error(&app).await, Some(CsrfError::CrossSite));
    let response = send("POST").answer(&app).await;
    assert_eq!(response.status(), StatusCode::INTERNAL_SERVER_ERROR);
    assert!(text(response).await.contains("SessionLayer"));
}

#[test]
fn trusted_origins_are_checked() {
    for origin in ["https://a.example/", "a.example", "null", "*"] {
        let error = CsrfLayer::new().with_trusted_origin(origin).unwrap_err();
        assert!(error.to_string().ends_with(&format!("found {origin:?}")));
    }
}
