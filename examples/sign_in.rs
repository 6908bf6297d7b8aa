//! A sign-in form, and a nav that knows who is signed in.
//!
//! ```sh
//! cargo run --example sign_in
//! ```

use std::process::ExitCode;

use axum::{
    Form, Router,
    extract::State,
    response::{Html, IntoResponse, Response},
    routing::get,
};
use hipflask::{
    Session, SessionLayer,
    templates::{Page, Routes, Serde, Templates, context},
};
use hipflask_examples::{Error, Redirect, User, redirect};
use serde::Deserialize;

#[derive(Deserialize)]
struct SignIn {
    #[serde(default)]
    username: String,
    #[serde(default)]
    password: String,
}

#[tokio::main]
async fn main() -> ExitCode {
    hipflask_examples::run(app).await
}

fn app(sessions: SessionLayer) -> Result<Router, Error> {
    let routes = Routes::new()
        .with("sign_in", "/sign-in")
        .with("profile", "/profile")
        .with("sign_out", "/sign-out");
    let templates = Templates::new(routes)
        .with_source("base.html", include_str!("templates/sign_in/base.html"))?
        .with_source("sign_in.html", include_str!("templates/sign_in/sign_in.html"))?
        .with_source("profile.html", include_str!("templates/sign_in/profile.html"))?;
    Ok(Router::new()
        .route("/sign-in", get(sign_in).post(check_sign_in))
        .route("/profile", get(profile))
        .route("/sign-out", get(sign_out))
        .with_state(templates)
        .layer(sessions))
}

async fn sign_in(session: Session, State(templates): State<Templates>) -> Result<Page, Error> {
    Ok(templates.page(&session, "sign_in.html", ())?)
}

async fn check_sign_in(session: Session, Form(form): Form<SignIn>) -> Result<Redirect, Error> {
    let Some(user) = User::with_password(&form.username, &form.password) else {
        return Ok(redirect("/sign-in"));
    };
    session.insert("USERNAME", user.username)?;
    Ok(redirect("/profile"))
}

async fn profile(session: Session, State(templates): State<Templates>) -> Result<Response, Error> {
    let username = session.value("USERNAME");
    let user = username.as_ref().and_then(|username| User::find(username.as_str()?));
    let Some(user) = user else { return Ok(redirect("/sign-in").into_response()) };
    let page = templates.render(&session, "profile.html", context! { user => Serde(user) })?;
    Ok(Html(page).into_response())
}

async fn sign_out(session: Session) -> Result<Redirect, Error> {
    session.remove("USERNAME")?;
    Ok(redirect("/sign-in"))
}
