//! A visitor of the site, and what its answers have to be.

use std::path::Path;

use axum::{
    Router,
    http::{HeaderMap, HeaderName, Response, StatusCode, header},
};
use hipflask::{
    SecretKey, SessionConfig, SessionLayer,
    password::{Passwords, Scheme},
    testing::TestClient,
};
use hipflask_demo::{Address, Site, settings};
use tempfile::TempDir;

pub(crate) const PASSWORD: &str = "correct horse";

const REMEMBER: &str = "hipflask_remember";

/// A running site; its data is gone with it.
pub(crate) struct Demo {
    app: Router,
    sessions: SessionLayer,
    data: TempDir,
    config: SessionConfig,
    address: String,
}

async fn start(data: &Path, address: &str, config: &SessionConfig) -> (Router, SessionLayer) {
    let address = (!address.is_empty()).then(|| address.parse::<Address>().unwrap());
    let passwords = Passwords::new().with_scheme(Scheme::ARGON2ID.insecure_cheap());
    // Boxed, because the compiler counts how deep a future lies in others.
    let site = Box::pin(Site::open(data, passwords, config, address.as_ref())).await.unwrap();
    let sessions = site.sessions().clone();
    (site.router(), sessions)
}

#[derive(Clone)]
pub(crate) struct Visitor(TestClient<Router>);

pub(crate) struct Answer(Response<String>);

impl Demo {
    /// Opens a site as it is by default: its sessions are in its database.
    pub(crate) async fn open() -> Self {
        Self::open_with("").await
    }

    /// Opens a site that keeps its sessions at an address, as `--sessions` says it; at none if it is empty.
    pub(crate) async fn open_with(address: &str) -> Self {
        Self::configured(address, settings(SecretKey::random().unwrap())).await
    }

    /// Opens a site whose sessions are Flask's signed cookies.
    pub(crate) async fn open_plain() -> Self {
        let config = settings(SecretKey::random().unwrap()).with_encryption(false);
        Self::configured("cookie:", config).await
    }

    async fn configured(address: &str, config: SessionConfig) -> Self {
        let data = tempfile::tempdir().unwrap();
        let (app, sessions) = start(data.path(), address, &config).await;
        Self { app, sessions, data, config, address: address.to_owned() }
    }

    /// Stops the site and starts it again, with the same data.
    pub(crate) async fn restart(&mut self) {
        (self.app, self.sessions) = start(self.data.path(), &self.address, &self.config).await;
    }

    pub(crate) fn data(&self) -> &Path {
        self.data.path()
    }

    pub(crate) fn visitor(&self) -> Visitor {
        self.visitor_with("tests/1.0")
    }

    /// A visitor with a browser of this name.
    pub(crate) fn visitor_with(&self, agent: &str) -> Visitor {
        let says = HeaderName::from_static("sec-fetch-site");
        Visitor(self.client(agent).with_header(says, "same-origin"))
    }

    /// A visitor whose browser does not say who has started a request.
    pub(crate) fn old_browser(&self) -> Visitor {
        Visitor(self.client("old/1.0"))
    }

    fn client(&self, agent: &str) -> TestClient<Router> {
        let client = TestClient::new(self.app.clone(), &self.sessions);
        client.with_header(header::USER_AGENT, agent)
    }

    /// The same browser at the site that was started again.
    pub(crate) fn again(&self, visitor: &Visitor) -> Visitor {
        let mut again = self.visitor();
        for name in ["session", REMEMBER] {
            visitor.0.cookie(name).iter().for_each(|value| again.0.set_cookie(name, value));
        }
        again
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

    /// Posts a form as a page of another origin would.
    pub(crate) async fn post_from(&self, site: &str, path: &str) -> Answer {
        let says = HeaderName::from_static("sec-fetch-site");
        Answer(self.0.clone().with_header(says, site).post_form(path, &[]).await)
    }

    /// Closes the browser: what ends with it is gone.
    pub(crate) fn restart(&mut self) {
        self.0.restart();
    }

    pub(crate) fn session_cookie(&self) -> &str {
        self.0.cookie("session").unwrap()
    }

    pub(crate) fn has_session_cookie(&self) -> bool {
        self.0.cookie("session").is_some()
    }

    pub(crate) fn remember_cookie(&self) -> Option<&str> {
        self.0.cookie(REMEMBER)
    }

    pub(crate) fn set_remember_cookie(&mut self, value: &str) {
        self.0.set_cookie(REMEMBER, value);
    }

    pub(crate) async fn log_in_remembered(&mut self, name: &str) -> Answer {
        let form = [("username", name), ("password", PASSWORD), ("remember", "yes")];
        self.post("/login", &form).await
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

    /// Returns the token in the first form.
    pub(crate) fn token(&self) -> &str {
        let rest = self.body().split_once(r#"name="csrf_token" value=""#).unwrap().1;
        rest.split_once('"').unwrap().0
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
    pub(crate) fn sends_to_log_in(&self) {
        assert_eq!(self.status(), StatusCode::FOUND, "{}", self.body());
        let location = self.headers()[header::LOCATION].to_str().unwrap();
        assert!(location.starts_with("/login?next="), "{location}");
    }

    #[track_caller]
    pub(crate) fn forbids(&self, text: &str) {
        assert_eq!(self.status(), StatusCode::FORBIDDEN, "{}", self.body());
        assert!(self.body().contains(text), "`{text}` is not in:\n{}", self.body());
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
