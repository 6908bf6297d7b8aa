//! A permanent session that lasts an hour, in a cookie that scripts cannot read.
//!
//! ```sh
//! cargo run --example lifetime
//! ```

use std::{process::ExitCode, time::Duration};

use axum::{Router, response::Html, routing::get};
use hipflask::{Result, Session, SessionConfig, SessionLayer, value::Value};
use hipflask_examples::{Redirect, redirect};

#[tokio::main]
async fn main() -> ExitCode {
    hipflask_examples::run_with(configure, app).await
}

fn configure(config: SessionConfig) -> SessionConfig {
    config
        .with_lifetime(Duration::from_secs(60 * 60))
        // `HttpOnly`, which keeps scripts away, is the default; `Secure` is not.
        .with_secure(true)
        // As in Flask, any request prolongs the session, also one that never asks for it.
        .with_refresh_untouched(true)
}

fn app(sessions: SessionLayer) -> Router {
    Router::new()
        .route("/login", get(login))
        .route("/", get(index))
        .route("/logout", get(logout))
        .layer(sessions)
}

async fn login(session: Session) -> Result<Redirect> {
    session.set_permanent(true)?;
    session.insert("user_id", 12345)?;
    Ok(redirect("/"))
}

async fn index(session: Session) -> Html<String> {
    Html(match session.value("user_id") {
        Some(Value::Int(user_id)) => format!("Logged in as user {user_id}"),
        _ => "Not logged in".into(),
    })
}

async fn logout(session: Session) -> Result<Redirect> {
    session.remove("user_id")?;
    Ok(redirect("/"))
}
