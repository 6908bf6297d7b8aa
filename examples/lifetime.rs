//! A permanent session that lasts an hour, in a cookie that scripts cannot read.
//!
//! ```sh
//! cargo run --example lifetime
//! ```

use std::{env, time::Duration};

use axum::{
    Router,
    http::{HeaderName, StatusCode, header::LOCATION},
    response::Html,
    routing::get,
};
use clap::Parser;
use hipflask::{Result, SecretKey, Session, SessionConfig, SessionLayer, value::Value};
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
    let config = SessionConfig::new(SecretKey::random()?)
        .with_vars("FLASK", env::vars_os())?
        .with_lifetime(Duration::from_secs(60 * 60))
        // `HttpOnly`, which keeps scripts away, is the default; `Secure` is not.
        .with_secure(true)
        // As in Flask, any request prolongs the session, also one that never asks for it.
        .with_refresh_untouched(true);
    let app = Router::new()
        .route("/login", get(login))
        .route("/", get(index))
        .route("/logout", get(logout))
        .layer(SessionLayer::connect(&config, &sessions).await?);
    let listener = TcpListener::bind(("127.0.0.1", port)).await?;
    eprintln!("Listening on http://{}", listener.local_addr()?);
    Ok(axum::serve(listener, app).await?)
}

async fn login(session: Session) -> Result<Home> {
    session.set_permanent(true)?;
    session.insert("user_id", 12345)?;
    Ok(HOME)
}

async fn index(session: Session) -> Html<String> {
    Html(match session.value("user_id") {
        Some(Value::Int(user_id)) => format!("Logged in as user {user_id}"),
        _ => "Not logged in".into(),
    })
}

async fn logout(session: Session) -> Result<Home> {
    session.remove("user_id")?;
    Ok(HOME)
}

/// A redirect as Flask's: 302. An app without a past in Flask takes axum's `Redirect::to`, which is 303.
type Home = (StatusCode, [(HeaderName, &'static str); 1]);
const HOME: Home = (StatusCode::FOUND, [(LOCATION, "/")]);
