//! A plain cookie beside the session.
//!
//! ```sh
//! cargo run --example cookies
//! ```

use std::process::ExitCode;

use axum::{
    Router,
    extract::State,
    response::{Html, IntoResponse},
    routing::get,
};
use hipflask::{
    Session, SessionLayer,
    templates::{Page, Routes, Templates},
};
use hipflask_examples::{Error, set_cookie};

#[tokio::main]
async fn main() -> ExitCode {
    hipflask_examples::run(app).await
}

fn app(sessions: SessionLayer) -> Result<Router, Error> {
    let templates = Templates::new(Routes::new().with("get_username", "/get"))
        .with_source("index.html", include_str!("templates/cookies/index.html"))?
        .with_source("get.html", include_str!("templates/cookies/get.html"))?;
    Ok(Router::new()
        .route("/", get(index))
        .route("/get", get(get_username))
        .route("/cookie", get(theme_cookie))
        .with_state(templates)
        .layer(sessions))
}

async fn index(session: Session, State(templates): State<Templates>) -> Result<Page, Error> {
    session.insert("username", "John")?;
    Ok(templates.page(&session, "index.html", ())?)
}

async fn get_username(session: Session, State(templates): State<Templates>) -> Result<Page, Error> {
    Ok(templates.page(&session, "get.html", ())?)
}

/// Does not ask for the session, so that caches may keep the answer for all visitors.
async fn theme_cookie() -> Result<impl IntoResponse, Error> {
    Ok((set_cookie("theme", "dark")?, Html("Theme cookie set!")))
}
