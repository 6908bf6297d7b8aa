//! What visitors see: templates and style sheet.

use axum::{
    http::header::{CACHE_CONTROL, CONTENT_TYPE},
    response::IntoResponse,
};
use hipflask::templates::{Routes, TemplateError, Templates};

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
        .with("end_all_sessions", "/sessions/end_all")
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
        .with_source("refused.html", include_str!("../templates/refused.html"))?
        .with_source("edit.html", include_str!("../templates/edit.html"))?
        .with_source("sessions.html", include_str!("../templates/sessions.html"))?
        .with_source("cookie.html", include_str!("../templates/cookie.html"))
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
