//! Values of the session as Rust's types: one with `get`, all of them with `extract` and `replace`.
//!
//! ```sh
//! cargo run --example typed
//! ```

use std::{collections::BTreeMap, env};

use axum::{Json, Router, extract::Path, response::Html, routing::get};
use hipflask::{Result, SecretKey, Session, SessionLayer, value::Value};
use serde::{Deserialize, Serialize};
use tokio::net::TcpListener;

const TRY: &str = r#"<h1>Types</h1>
<p>Tell your name at <a href="/name/Ada">/name/Ada</a> and come to <a href="/visit">/visit</a> a few times.
Look at one value at <a href="/visits">/visits</a> and at all of them at <a href="/all">/all</a>.
What this program knows nothing of, such as <a href="/theme">/theme</a>, stays at the next visit.</p>"#;

/// The whole session.
#[derive(Deserialize, Serialize)]
struct Visitor {
    name: Option<String>,
    #[serde(default)]
    visits: u32,
    /// The keys of others, Flask's own among them: without this field, `replace` would drop them.
    #[serde(flatten)]
    rest: BTreeMap<String, Value>,
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let app = Router::new()
        .route("/", get(async || Html(TRY)))
        .route("/name/{name}", get(name))
        .route("/visit", get(visit))
        .route("/visits", get(visits))
        .route("/all", get(all))
        .route("/theme", get(theme))
        .layer(SessionLayer::new(SecretKey::random()?)?);
    let address = env::var("ADDRESS").unwrap_or("127.0.0.1:5000".into());
    let listener = TcpListener::bind(address).await?;
    eprintln!("Listening on http://{}", listener.local_addr()?);
    Ok(axum::serve(listener, app).await?)
}

async fn name(session: Session, Path(name): Path<String>) -> Result<&'static str> {
    session.insert("name", name)?;
    Ok("ok")
}

async fn visit(session: Session) -> Result<String> {
    let mut visitor: Visitor = session.extract()?;
    visitor.visits += 1;
    session.replace(&visitor)?;
    Ok(format!("Welcome, {}", visitor.name.as_deref().unwrap_or("stranger")))
}

/// A value of another shape is an error, and the answer 500.
async fn visits(session: Session) -> Result<String> {
    let visits = session.get::<u32>("visits")?;
    Ok(visits.unwrap_or(0).to_string())
}

async fn all(session: Session) -> Result<Json<Visitor>> {
    Ok(Json(session.extract()?))
}

async fn theme(session: Session) -> Result<&'static str> {
    session.insert("theme", "dark")?;
    Ok("ok")
}
