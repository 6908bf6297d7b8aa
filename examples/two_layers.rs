//! Two sessions in one app, each with a cookie of its own: visitors', and admins'.
//!
//! ```sh
//! cargo run --example two_layers
//! ```

use std::{env, time::Duration};

use axum::{Router, response::Html, routing::get};
use hipflask::{
    Result, SecretKey, Session, SessionConfig, SessionLayer, Sessions, config::SameSite,
};
use tokio::net::TcpListener;

const TRY: &str = r#"<h1>Two sessions</h1>
<p>Count at <a href="/count">/count</a>, then be an admin at <a href="/admin/log_in">/admin/log_in</a>.
<a href="/admin/both">/admin/both</a> sees both sessions. <a href="/admin/log_out">/admin/log_out</a> ends one of them:
<a href="/count">/count</a> goes on.</p>"#;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let key = SecretKey::random()?;
    let visitors = SessionLayer::new(key.clone())?;
    let admins = SessionConfig::new(key)
        .with_cookie_name("admin")
        .with_path("/admin")
        .with_same_site(SameSite::Strict)
        .with_lifetime(Duration::from_secs(60 * 60));
    let admin = Router::new()
        .route("/log_in", get(log_in))
        .route("/both", get(both))
        .route("/log_out", get(log_out))
        .layer(SessionLayer::signed(&admins)?);
    let app = Router::new()
        .route("/", get(async || Html(TRY)))
        .route("/count", get(count))
        .nest("/admin", admin)
        .layer(visitors);
    let address = env::var("ADDRESS").unwrap_or("127.0.0.1:5000".into());
    let listener = TcpListener::bind(address).await?;
    eprintln!("Listening on http://{}", listener.local_addr()?);
    Ok(axum::serve(listener, app).await?)
}

async fn count(session: Session) -> Result<String> {
    let count = session.get::<u64>("count")?.unwrap_or(0) + 1;
    session.insert("count", count)?;
    Ok(count.to_string())
}

/// `Session` is that of the innermost layer.
async fn log_in(session: Session) -> Result<&'static str> {
    session.insert("name", "ada")?;
    Ok("You are an admin")
}

/// `Sessions` finds each one by the name of its cookie.
async fn both(sessions: Sessions) -> Result<String> {
    let (mut name, mut count) = (None, None);
    if let Some(admin) = sessions.get("admin").await? {
        name = admin.get::<String>("name")?;
    }
    if let Some(visitor) = sessions.get("session").await? {
        count = visitor.get::<u64>("count")?;
    }
    Ok(format!("{} has counted to {}", name.unwrap_or("nobody".into()), count.unwrap_or(0)))
}

async fn log_out(session: Session) -> Result<&'static str> {
    session.destroy()?;
    Ok("You are no admin any more")
}
