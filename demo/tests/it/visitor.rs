//! A visitor: a cookie jar, requests, answers.

use std::{collections::BTreeMap, path::Path};

use axum::{
    Router,
    body::Body,
    http::{HeaderMap, Request, StatusCode, header},
};
use hipflask::{SecretKey, SessionConfig};
use hipflask_demo::{Address, Cost, Site};
use http_body_util::BodyExt;
use tempfile::TempDir;
use tower::ServiceExt;

pub(crate) const PASSWORD: &str = "correct horse";

/// A running site; its data is gone with it.
pub(crate) struct Demo {
    app: Router,
    data: TempDir,
}

pub(crate) struct Visitor {
    app: Router,
    pub(crate) cookies: BTreeMap<String, String>,
    pub(crate) agent: &'static str,
}

pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: String,
}

impl Demo {
    pub(crate) async fn open() -> Self {
        Self::open_with("cookie:").await
    }

    /// Opens a site that keeps its sessions at an address, as `--sessions` says it.
    pub(crate) async fn open_with(address: &str) -> Self {
        let data = tempfile::tempdir().unwrap();
        let config = SessionConfig::new(SecretKey::random().unwrap());
        let cookie = config.build().unwrap();
        let site = Site::open(data.path(), Cost::insecure_cheap(), cookie).await.unwrap();
        let address: Address = address.parse().unwrap();
        let sessions = address.sessions(&config).await.unwrap();
        Self { app: site.router(sessions), data }
    }

    pub(crate) fn data(&self) -> &Path {
        self.data.path()
    }

    pub(crate) fn visitor(&self) -> Visitor {
        Visitor { app: self.app.clone(), cookies: BTreeMap::new(), agent: "tests/1.0" }
    }

    /// A visitor who has signed up and logged in.
    pub(crate) async fn user(&self, name: &str) -> Visitor {
        let mut visitor = self.visitor();
        visitor.sign_up(name, PASSWORD).await.goes_to("/login");
        visitor.log_in(name, PASSWORD).await.goes_to("/welcome");
        visitor
    }
}

impl Visitor {
    pub(crate) async fn get(&mut self, path: &str) -> Answer {
        self.send(Request::get(path), Body::empty()).await
    }

    /// The form is written as it is, so that its values must be plain words.
    pub(crate) async fn post(&mut self, path: &str, form: &[(&str, &str)]) -> Answer {
        let form: Vec<_> = form.iter().map(|(key, value)| format!("{key}={value}")).collect();
        let request =
            Request::post(path).header(header::CONTENT_TYPE, "application/x-www-form-urlencoded");
        self.send(request, form.join("&").replace(' ', "+").into()).await
    }

    pub(crate) async fn sign_up(&mut self, name: &str, password: &str) -> Answer {
        let email = format!("{name}@example.com");
        self.post("/signup", &[("username", name), ("email", &email), ("password", password)]).await
    }

    pub(crate) async fn log_in(&mut self, name: &str, password: &str) -> Answer {
        self.post("/login", &[("username", name), ("password", password)]).await
    }

    async fn send(&mut self, mut request: axum::http::request::Builder, body: Body) -> Answer {
        request = request.header(header::USER_AGENT, self.agent);
        for (name, value) in &self.cookies {
            request = request.header(header::COOKIE, format!("{name}={value}"));
        }
        let response = self.app.clone().oneshot(request.body(body).unwrap()).await.unwrap();
        let (parts, body) = response.into_parts();
        for line in parts.headers.get_all(header::SET_COOKIE) {
            self.keep(line.to_str().unwrap());
        }
        let body = body.collect().await.unwrap().to_bytes().to_vec();
        let body = String::from_utf8(body).unwrap();
        Answer { status: parts.status, headers: parts.headers, body }
    }

    fn keep(&mut self, set_cookie: &str) {
        let (name, value) = set_cookie.split(';').next().unwrap().split_once('=').unwrap();
        if set_cookie.contains("Max-Age=0") {
            self.cookies.remove(name);
        } else {
            self.cookies.insert(name.into(), value.into());
        }
    }
}

impl Answer {
    #[track_caller]
    pub(crate) fn goes_to(&self, path: &str) {
        assert_eq!(self.status, StatusCode::FOUND, "{}", self.body);
        assert_eq!(self.headers[header::LOCATION], path);
    }

    #[track_caller]
    pub(crate) fn says(&self, text: &str) {
        assert_eq!(self.status, StatusCode::OK, "{}", self.body);
        assert!(self.body.contains(text), "`{text}` is not in:\n{}", self.body);
    }

    #[track_caller]
    pub(crate) fn says_not(&self, text: &str) {
        assert_eq!(self.status, StatusCode::OK, "{}", self.body);
        assert!(!self.body.contains(text), "`{text}` is in:\n{}", self.body);
    }
}
