//! A client for tests, like Flask's `test_client`: it calls the app without a network, and has cookies.
//!
//! Around an app and its [`SessionLayer`]; its sessions are opened and saved as the app's are.

mod jar;

use std::{convert::Infallible, fmt};

use axum_core::body::Body;
use http::{
    HeaderMap, HeaderValue, Request, Response,
    header::{CONTENT_TYPE, COOKIE, SET_COOKIE},
};
use http_body_util::BodyExt;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use tower_service::Service;

use crate::{Session, SessionInterface, SessionLayer, error::Kind};
use jar::Jar;

/// A browser for tests: it sends requests to an app in this process, and keeps the cookies.
///
/// The app is an axum `Router`, or any service of tower's that has no errors. A clone is a second
/// browser, which has copies of the first one's cookies from then on. Time is that of the layer: a test
/// that moves the layer's [clock](SessionLayer::with_clock) sees cookies expire.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> hipflask::Result<()> {
/// use axum::{Router, routing::get};
/// use hipflask::{SecretKey, Session, SessionLayer, testing::TestClient};
///
/// async fn greet(session: Session) -> hipflask::Result<String> {
///     let user: Option<String> = session.get("user")?;
///     Ok(user.map_or("Please log in".into(), |user| format!("Hello, {user}")))
/// }
///
/// let sessions = SessionLayer::new(SecretKey::random().unwrap()).unwrap();
/// let app = Router::new().route("/", get(greet)).layer(sessions.clone());
///
/// let mut client = TestClient::new(app, &sessions);
/// assert_eq!(client.get("/").await.body(), "Please log in");
/// client.session_transaction(|session| session.insert("user", "ada")).await?;
/// assert_eq!(client.get("/").await.body(), "Hello, ada");
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
#[doc(alias = "test_client")]
pub struct TestClient<S> {
    app: S,
    sessions: SessionInterface,
    headers: HeaderMap,
    jar: Jar,
}

impl<S> TestClient<S> {
    /// Takes an app, and the layer that is around its routes: a clone of it, or one of the same
    /// configuration and store.
    pub fn new(app: S, sessions: &SessionLayer) -> Self {
        let sessions = sessions.interface().clone();
        Self { app, sessions, headers: HeaderMap::new(), jar: Jar::default() }
    }

    /// Sends this header with every request, such as a `User-Agent`.
    ///
    /// # Panics
    ///
    /// Panics if the value is none of a header.
    #[must_use]
    pub fn with_header(mut self, name: http::HeaderName, value: &str) -> Self {
        match HeaderValue::from_str(value) {
            Ok(value) => drop(self.headers.insert(name, value)),
            Err(_) => panic!("expected the value of a header: {value:?}"),
        }
        self
    }

    /// Returns the value of a cookie, as it was sent.
    pub fn cookie(&self, name: &str) -> Option<&str> {
        self.jar.get(name, self.sessions.now()).map(|(value, _)| value)
    }

    /// Sets a cookie for all paths, until the browser is closed: as somebody plants it, or steals it.
    pub fn set_cookie(&mut self, name: &str, value: &str) {
        self.jar.set(name, value, "/", None);
    }

    /// Forgets the cookies of a name.
    pub fn remove_cookie(&mut self, name: &str) {
        self.jar.remove(name);
    }

    /// Closes the browser, and opens it again: cookies without an end are gone.
    pub fn restart(&mut self) {
        self.jar.close();
    }

    /// Opens the visitor's session, gives it to `change`, saves it, and keeps its cookie: by the rules of
    /// the app's layer, from a signed cookie or from a store.
    ///
    /// # Errors
    ///
    /// What `change` returns, of which nothing is saved then; and [`Error`](crate::Error) when the session cannot be
    /// opened or saved.
    pub async fn session_transaction<R>(
        &mut self,
        change: impl FnOnce(&Session) -> crate::Result<R>,
    ) -> crate::Result<R> {
        let (now, name) = (self.sessions.now(), self.sessions.cookie_name());
        self.jar.expire(now);
        // The request is for where the session's cookie lies.
        let path = self.jar.get(name, now).map_or("/", |(_, path)| path).to_owned();
        let line = self.jar.line(&path);
        let request = self.sessions.request(line.as_deref().map(str::as_bytes));
        let result = change(&request.session().await?)?;
        let mut headers = HeaderMap::new();
        request.finish_into(&mut headers).await.map_err(Kind::Save)?;
        self.keep(&headers, &path);
        Ok(result)
    }

    fn keep(&mut self, headers: &HeaderMap, path: &str) {
        let now = self.sessions.now();
        for line in headers.get_all(SET_COOKIE) {
            self.jar.keep(&String::from_utf8_lossy(line.as_bytes()), path, now);
        }
    }
}

impl<S> TestClient<S>
where
    S: Service<Request<Body>, Response = Response<Body>, Error = Infallible> + Clone,
{
    /// Asks for a page.
    ///
    /// # Panics
    ///
    /// As [`send`](Self::send), and if `path` is none.
    pub async fn get(&mut self, path: &str) -> Response<String> {
        self.send(request(Request::get(path), Body::empty())).await
    }

    /// Sends a form. Values are encoded, so that they may be any text.
    ///
    /// # Panics
    ///
    /// As [`send`](Self::send), and if `path` is none.
    pub async fn post_form(&mut self, path: &str, form: &[(&str, &str)]) -> Response<String> {
        let encode = |text| utf8_percent_encode(text, NON_ALPHANUMERIC);
        let form = form.iter().map(|(key, value)| format!("{}={}", encode(key), encode(value)));
        let form = form.collect::<Vec<_>>().join("&");
        let post = Request::post(path).header(CONTENT_TYPE, "application/x-www-form-urlencoded");
        self.send(request(post, form.into())).await
    }

    /// Sends any request, with the cookies that the browser has for its path. A redirect is not followed,
    /// so that a test can see it.
    ///
    /// # Panics
    ///
    /// Panics if the body of the response ends with an error, or is no text in UTF-8.
    pub async fn send(&mut self, mut request: Request<Body>) -> Response<String> {
        for (name, value) in &self.headers {
            request.headers_mut().entry(name).or_insert_with(|| value.clone());
        }
        self.jar.expire(self.sessions.now());
        let path = request.uri().path().to_owned();
        let line = self.jar.line(&path).and_then(|line| HeaderValue::try_from(line).ok());
        if let Some(line) = line {
            request.headers_mut().append(COOKIE, line);
        }
        let mut app = self.app.clone();
        let ready = std::future::poll_fn(|context| app.poll_ready(context)).await;
        let Ok(response) = match ready {
            Ok(()) => app.call(request).await,
            Err(never) => match never {},
        };
        let (parts, body) = response.into_parts();
        self.keep(&parts.headers, &path);
        match body.collect().await.map(|body| String::from_utf8(body.to_bytes().into())) {
            Ok(Ok(text)) => Response::from_parts(parts, text),
            Ok(Err(_)) => panic!("expected text from {path}, and got bytes that are no UTF-8"),
            Err(error) => panic!("the response of {path} has broken off: {error}"),
        }
    }
}

fn request(builder: http::request::Builder, body: Body) -> Request<Body> {
    builder.body(body).unwrap_or_else(|error| panic!("expected a path, such as /log-in: {error}"))
}

impl<S> fmt::Debug for TestClient<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("TestClient").field(&self.sessions.cookie_name()).finish()
    }
}
