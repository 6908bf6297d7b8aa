//! A counter in the session: the session is a dict.
//!
//! ```sh
//! cargo run --example counter
//! ```

use std::process::ExitCode;

use axum::{Router, response::Html, routing::get};
use hipflask::{Result, Session, SessionLayer};

#[tokio::main]
async fn main() -> ExitCode {
    hipflask_examples::run(app).await
}

fn app(sessions: SessionLayer) -> Router {
    Router::new()
        .route("/start_counter", get(start_counter))
        .route("/count", get(count))
        .route("/get_count", get(get_count))
        .route("/clear_count", get(clear_count))
        .layer(sessions)
}

async fn start_counter(session: Session) -> Result<Html<&'static str>> {
    session.insert("count", 0)?;
    Ok(Html("New counter started!"))
}

async fn count(session: Session) -> Result<Html<String>> {
    let Some(count) = number(&session) else { return Ok(no_counter()) };
    let count = count.saturating_add(1);
    session.insert("count", count)?;
    Ok(Html(count.to_string()))
}

async fn get_count(session: Session) -> Html<String> {
    match number(&session) {
        Some(count) => Html(count.to_string()),
        None => no_counter(),
    }
}

async fn clear_count(session: Session) -> Result<Html<&'static str>> {
    session.remove("count")?;
    Ok(Html("Counter cleared!"))
}

/// What is no integer counts as absent: another app that shares the key may have set it.
fn number(session: &Session) -> Option<i64> {
    session.value("count")?.as_i64()
}

fn no_counter() -> Html<String> {
    Html("No counter set!".into())
}
