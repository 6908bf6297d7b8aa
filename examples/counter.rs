//! A counter in the session: the session is a dict.
//!
//! ```sh
//! cargo run --example counter
//! ```

use std::env;

use axum::{Router, response::Html, routing::get};
use clap::Parser;
use hipflask::{Result, SecretKey, Session, SessionConfig, SessionLayer};
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

const TRY: &str = r#"<h1>A counter in the session</h1>
<p>Start it at <a href="/start_counter">/start_counter</a>, then count at <a href="/count">/count</a>.
Look at it at <a href="/get_count">/get_count</a>, and remove it at <a href="/clear_count">/clear_count</a>.</p>"#;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let Options { port, sessions } = Options::parse();
    if env::var_os("FLASK_SECRET_KEY").is_none() {
        eprintln!("warning: FLASK_SECRET_KEY is not set: sessions end with this run");
    }
    let config = SessionConfig::new(SecretKey::random()?).with_vars("FLASK", env::vars_os())?;
    let app = Router::new()
        .route("/", get(async || Html(TRY)))
        .route("/start_counter", get(start_counter))
        .route("/count", get(count))
        .route("/get_count", get(get_count))
        .route("/clear_count", get(clear_count))
        .layer(SessionLayer::connect(&config, &sessions).await?);
    let listener = TcpListener::bind(("127.0.0.1", port)).await?;
    eprintln!("Listening on http://{}", listener.local_addr()?);
    Ok(axum::serve(listener, app).await?)
}

async fn start_counter(session: Session) -> Result<Html<&'static str>> {
    session.insert("count", 0)?;
    Ok(Html("New counter started!"))
}

async fn count(session: Session) -> Result<Html<String>> {
    if let Some(count) = number(&session) {
        session.insert("count", count.saturating_add(1))?;
    }
    Ok(get_count(session).await)
}

async fn get_count(session: Session) -> Html<String> {
    Html(number(&session).map_or("No counter set!".into(), |count| count.to_string()))
}

async fn clear_count(session: Session) -> Result<Html<&'static str>> {
    session.remove("count")?;
    Ok(Html("Counter cleared!"))
}

/// What is no integer counts as absent: another app that shares the key may have set it.
fn number(session: &Session) -> Option<i64> {
    session.get("count").ok().flatten()
}
