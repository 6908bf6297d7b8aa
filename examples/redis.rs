//! Sessions in Redis or Valkey: they outlive this program, and log-out ends them everywhere.
//!
//! ```sh
//! REDIS_URL=redis://127.0.0.1 cargo run --example redis
//! ```

use std::env;

use axum::{Router, response::Html, routing::get};
use hipflask::{Result, SecretKey, Session, SessionLayer, store::RedisStore};
use tokio::net::TcpListener;

const TRY: &str = r#"<h1>Sessions in Redis</h1>
<p>Count at <a href="/count">/count</a>, stop this program, start it again, and go on counting.
Then look at Redis with <code>redis-cli --scan --pattern 'session:*'</code>.
<a href="/log_out">/log_out</a> ends the session: its record is gone.</p>"#;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    // Also rediss://, redis+unix://, redis+sentinel:// and redis+cluster://.
    let address = env::var("REDIS_URL").unwrap_or("redis://127.0.0.1".into());
    let store = RedisStore::connect(&address).await?;
    // The cookie holds nothing but the id of a record, which is 256 bits of chance and needs no key
    // unless `with_signed_ids` asks for one.
    let sessions = SessionLayer::new(SecretKey::random()?)?.with_store(store);
    let app = Router::new()
        .route("/", get(async || Html(TRY)))
        .route("/count", get(count))
        .route("/log_out", get(log_out))
        .layer(sessions);
    let address = env::var("ADDRESS").unwrap_or("127.0.0.1:5000".into());
    let listener = TcpListener::bind(address).await?;
    eprintln!("Listening on http://{}", listener.local_addr()?);
    Ok(axum::serve(listener, app).await?)
}

async fn count(session: Session) -> Result<String> {
    let count = session.update("count", |count: Option<u64>| count.unwrap_or(0) + 1).await?;
    Ok(count.to_string())
}

async fn log_out(session: Session) -> Result<&'static str> {
    session.destroy()?;
    Ok("ended")
}
