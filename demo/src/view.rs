//! What visitors see: templates, style sheet, redirects.

use axum::{
    http::{
        HeaderName, StatusCode,
        header::{CACHE_CONTROL, CONTENT_TYPE, LOCATION},
    },
    response::IntoResponse,
};
use hipflask::templates::{
    Page, Routes, TemplateError, Templates,
    minijinja::{
        context,
        value::{Serde, Value},
    },
};

use crate::{error::Result, guard::Visitor, site::Site};

pub(crate) type Redirect = (StatusCode, [(HeaderName, String); 1]);

/// Loads all templates; `url_for` in them knows the routes by the names that Flask would use.
pub(crate) fn templates() -> Result<Templates, TemplateError> {
    let routes = Routes::new()
        .with("home", "/")
        .with("signup", "/signup")
        .with("login", "/login")
        .with("welcome", "/welcome")
        .with("logout", "/logout")
        .with("show_user", "/users/{id}")
        .with("edit_user", "/users/{id}/edit")
        .with("delete_user", "/users/{id}/delete")
        .with("sessions", "/sessions")
        .with("end_session", "/sessions/{id}/end")
        .with("end_other_sessions", "/sessions/end_others")
        .with("cookie", "/cookie")
        .with("tamper", "/cookie/tamper");
    Templates::new(routes)
        .with_source("base.html", include_str!("../templates/base.html"))?
        .with_source("field.html", include_str!("../templates/field.html"))?
        .with_source("home.html", include_str!("../templates/home.html"))?
        .with_source("signup.html", include_str!("../templates/signup.html"))?
        .with_source("login.html", include_str!("../templates/login.html"))?
        .with_source("welcome.html", include_str!("../templates/welcome.html"))?
        .with_source("profile.html", include_str!("../templates/profile.html"))?
        .with_source("edit.html", include_str!("../templates/edit.html"))?
        .with_source("sessions.html", include_str!("../templates/sessions.html"))?
        .with_source("cookie.html", include_str!("../templates/cookie.html"))
}

/// Renders a page for a visitor. Templates get the user as `g.user` and their own name as `g.page`.
pub(crate) fn page(site: &Site, visitor: &Visitor, name: &str, context: Value) -> Result<Page> {
    let g = context! { user => Serde(&visitor.user), page => name };
    Ok(site.templates().page_with_g(&visitor.session, g, name, context)?)
}

/// Answers with a redirect as Flask's `redirect` does: 302, and the path as it is.
pub(crate) fn redirect(path: impl Into<String>) -> Redirect {
    (StatusCode::FOUND, [(LOCATION, path.into())])
}

pub(crate) async fn style() -> impl IntoResponse {
    asset("text/css; charset=utf-8", include_str!("../static/style.css"))
}

pub(crate) async fn icon() -> impl IntoResponse {
    asset("image/svg+xml", include_str!("../static/icon.svg"))
}

fn asset(content_type: &'static str, text: &'static str) -> impl IntoResponse {
    ([(CONTENT_TYPE, content_type), (CACHE_CONTROL, "no-cache")], text)
}
