//! A plain cookie beside the session.
//!
//! ```sh
//! cargo run --example cookies
//! ```

use std::env;

use axum::{
    Router,
    extract::State,
    http::header::SET_COOKIE,
    response::{Html, IntoResponse, Result},
    routing::get,
};
use clap::Parser;
use hipflask::{
    SecretKey, Session, SessionConfig, SessionLayer,
    templates::{Page, Routes, Templates},
};
use tokio::net::TcpListener;

#[derive(Parser)]
struct Options {
    /// Port on 127.0.0.1
    #[arg(long, default_value_t = 5000)]
    port: u16,
    /// Where sessions are kept: cookie:, memory:, file:DIR, sqlite:PATH, redis://HOST, …
    #[arg(long, default_value = "cookie:")]
    sessions: String,
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let Options { port, sessions } = Options::parse();
    if env::var_os("FLASK_SECRET_KEY").is_none() {
        eprintln!("warning: FLASK_SECRET_KEY is not set: sessions end with this run");
    }
    let config = SessionConfig::new(SecretKey::random()?).with_vars("FLASK", env::vars_os())?;
    let templates = Templates::new(Routes::new().with("get_username", "/get"))
        .with_source("index.html", include_str!("templates/cookies/index.html"))?
        .with_source("get.html", include_str!("templates/cookies/get.html"))?;
    let app = Router::new()
        .route("/", get(index))
        .route("/get", get(get_username))
        .route("/cookie", get(theme_cookie))
        .with_state(templates)
        .layer(SessionLayer::connect(&config, &sessions).await?);
    let listener = TcpListener::bind(("127.0.0.1", port)).await?;
    eprintln!("Listening on http://{}", listener.local_addr()?);
    Ok(axum::serve(listener, app).await?)
}

async fn index(session: Session, State(templates): State<Templates>) -> Result<Page> {
    session.insert("username", "John")?;
    Ok(templates.page(&session, "index.html", ())?)
}

async fn get_username(session: Session, State(templates): State<Templates>) -> Result<Page> {
    Ok(templates.page(&session, "get.html", ())?)
}

/// Does not ask for the session, so that caches may keep the answer for all visitors.
async fn theme_cookie() -> impl IntoResponse {
    ([(SET_COOKIE, "theme=dark; Path=/")], Html("Theme cookie set!"))
}
