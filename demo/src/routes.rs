//! The routes of the site, the product's layers around them, and the headers that every answer has.

use axum::{
    Router,
    extract::Request,
    http::{HeaderName, HeaderValue, header},
    middleware::{self, Next},
    response::Response,
    routing::{get, post},
};
use hipflask::{auth::LoginManager, csrf::CsrfLayer};

use crate::{
    page::{account, cookie, login, profile, refused, sessions},
    site::Site,
    view,
};

/// Nothing but our own style sheet and icon is ever loaded, and nobody frames the site.
const CONTENT_SECURITY_POLICY: &str = "default-src 'none'; style-src 'self'; img-src 'self'; \
     form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

impl Site {
    /// Routes every path of the site, with sessions around all of them.
    pub fn router(self) -> Router {
        let users = LoginManager::new(self.users().clone())
            .login_view("/login")
            .with_message("warning", "Please log in first")
            .with_remember(self.series().clone());
        let sessions = self.sessions().clone();
        Router::new()
            .route("/", get(account::home))
            .route("/signup", get(account::sign_up_form).post(account::sign_up))
            .route("/login", get(login::form).post(login::log_in))
            .route("/logout", post(login::log_out))
            .route("/welcome", get(account::welcome))
            .route("/users/{id}", get(profile::show))
            .route("/users/{id}/edit", get(profile::edit_form).post(profile::edit))
            .route("/users/{id}/delete", post(profile::delete))
            .route("/sessions", get(sessions::show))
            .route("/sessions/{id}/end", post(sessions::end))
            .route("/sessions/end_others", post(sessions::end_others))
            .route("/sessions/end_all", post(sessions::end_all))
            .route("/cookie", get(cookie::show))
            .route("/cookie/tamper", post(cookie::tamper))
            .route_layer(CsrfLayer::new())
            .layer(middleware::from_fn_with_state(self.clone(), refused::explain))
            .layer(middleware::from_fn(keep_private))
            .route("/static/style.css", get(view::style))
            .route("/static/icon.svg", get(view::icon))
            .layer(middleware::from_fn(add_security_headers))
            .with_state(self)
            .layer(users)
            .layer(sessions) // around all that ask for one
    }
}

/// Pages show who is logged in, so that no cache may keep them, not even for the back button.
async fn keep_private(request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    set(&mut response, header::CACHE_CONTROL, "no-store");
    response
}

async fn add_security_headers(request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    set(&mut response, header::CONTENT_SECURITY_POLICY, CONTENT_SECURITY_POLICY);
    set(&mut response, header::REFERRER_POLICY, "same-origin");
    set(&mut response, header::X_CONTENT_TYPE_OPTIONS, "nosniff");
    set(&mut response, header::X_FRAME_OPTIONS, "DENY");
    response
}

fn set(response: &mut Response, name: HeaderName, value: &'static str) {
    response.headers_mut().insert(name, HeaderValue::from_static(value));
}
