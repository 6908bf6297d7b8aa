//! A visitor of the site, and what its answers have to be.

use std::path::Path;

use axum::{
    Router,
    http::{HeaderMap, Response, StatusCode, header},
};
use hipflask::{
    SecretKey, SessionConfig, SessionLayer,
    password::{Passwords, Scheme},
    testing::TestClient,
};
use hipflask_demo::{Address, Site};
use tempfile::TempDir;

pub(crate) const PASSWORD: &str = "correct horse";

/// A running site; its data is gone with it.
pub(crate) struct Demo {
    app: Router,
    sessions: SessionLayer,
    data: TempDir,
}

#[derive(Clone)]
pub(crate) struct Visitor(TestClient<Router>);

pub(crate) struct Answer(Response<String>);

impl Demo {
    pub(crate) async fn open() -> Self {
        Self::open_with("cookie:").await
    }

    /// Opens a site that keeps its sessions at an address, as `--sessions` says it.
    pub(crate) async fn open_with(address: &str) -> Self {
        let data = tempfile::tempdir().unwrap();
        let config = SessionConfig::new(SecretKey::random().unwrap());
        let cookie = config.build().unwrap();
        let passwords = Passwords::new().with_scheme(Scheme::ARGON2ID.insecure_cheap());
        let site = Site::open(data.path(), passwords, cookie).await.unwrap();
        let address: Address = address.parse().unwrap();
        let sessions = address.sessions(&config).await.unwrap();
        Self { app: site.router(sessions.clone()), sessions, data }
    }

    pub(crate) fn data(&self) -> &Path {
        self.data.path()
    }

    pub(crate) fn visitor(&self) -> Visitor {
        self.visitor_with("tests/1.0")
    }

    /// A visitor with a browser of this name.
    pub(crate) fn visitor_with(&self, agent: &str) -> Visitor {
        let client = TestClient::new(self.app.clone(), &self.sessions);
        Visitor(client.with_header(header::USER_AGENT, agent))
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
        Answer(self.0.get(path).await)
    }

    pub(crate) async fn post(&mut self, path: &str, form: &[(&str, &str)]) -> Answer {
        Answer(self.0.post_form(path, form).await)
    }

    pub(crate) fn session_cookie(&self) -> &str {
        self.0.cookie("session").unwrap()
    }

    pub(crate) fn set_session_cookie(&mut self, value: &str) {
        self.0.set_cookie("session", value);
    }

    pub(crate) async fn sign_up(&mut self, name: &str, password: &str) -> Answer {
        let email = format!("{name}@example.com");
        self.post("/signup", &[("username", name), ("email", &email), ("password", password)]).await
    }

    pub(crate) async fn log_in(&mut self, name: &str, password: &str) -> Answer {
        self.post("/login", &[("username", name), ("password", password)]).await
    }
}

impl Answer {
    pub(crate) fn status(&self) -> StatusCode {
        self.0.status()
    }

    pub(crate) fn headers(&self) -> &HeaderMap {
        self.0.headers()
    }

    pub(crate) fn body(&self) -> &str {
        self.0.body()
    }

    #[track_caller]
    pub(crate) fn goes_to(&self, path: &str) {
        assert_eq!(self.status(), StatusCode::FOUND, "{}", self.body());
        assert_eq!(self.headers()[header::LOCATION], path);
    }

    #[track_caller]
    pub(crate) fn says(&self, text: &str) {
        assert_eq!(self.status(), StatusCode::OK, "{}", self.body());
        assert!(self.body().contains(text), "`{text}` is not in:\n{}", self.body());
    }

    #[track_caller]
    pub(crate) fn says_not(&self, text: &str) {
        assert_eq!(self.status(), StatusCode::OK, "{}", self.body());
        assert!(!self.body().contains(text), "`{text}` is in:\n{}", self.body());
    }
}
