//! A counter that loses nothing: `update` is atomic between requests of one session that run at once.
//!
//! ```sh
//! cargo run --example update
//! ```

use std::{env, time::Duration};

use axum::{Router, response::Html, routing::get};
use hipflask::{Result, SecretKey, Session, SessionLayer, store::MemoryStore};
use tokio::{net::TcpListener, time::sleep};

const TRY: &str = r#"<h1>An atomic counter</h1>
<p>Load <a href="/hit">/hit</a>, as often and in as many tabs as you like: each one counts.
Then load <a href="/slow">/slow</a> in two tabs at once. It reads the number, waits for two seconds, and writes
the next one, so that one of both is lost: see <a href="/count">/count</a>.</p>"#;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    // A signed cookie is in the browser: there, requests at once overwrite each other.
    let sessions = SessionLayer::new(SecretKey::random()?)?.with_store(MemoryStore::new());
    let app = Router::new()
        .route("/", get(async || Html(TRY)))
        .route("/hit", get(hit))
        .route("/slow", get(slow))
        .route("/count", get(count))
        .layer(sessions);
    let address = env::var("ADDRESS").unwrap_or("127.0.0.1:5000".into());
    let listener = TcpListener::bind(address).await?;
    eprintln!("Listening on http://{}", listener.local_addr()?);
    Ok(axum::serve(listener, app).await?)
}

/// The function may run more than once: if another request was faster, on what that one has left.
async fn hit(session: Session) -> Result<String> {
    let count = session.update("count", |count: Option<u64>| count.unwrap_or(0) + 1).await?;
    Ok(count.to_string())
}

async fn slow(session: Session) -> Result<String> {
    let count = session.get::<u64>("count")?.unwrap_or(0) + 1;
    sleep(Duration::from_secs(2)).await;
    session.insert("count", count)?;
    Ok(count.to_string())
}

async fn count(session: Session) -> Result<String> {
    Ok(session.get::<u64>("count")?.unwrap_or(0).to_string())
}
