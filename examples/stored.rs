//! Server-side sessions: pages that read and write one key, slowly if asked to, so that requests
//! overlap.
//!
//! ```sh
//! cargo run --example stored -- --sessions redis://127.0.0.1
//! ```

use std::{process::ExitCode, time::Duration};

use axum::{Router, extract::Query, routing::get};
use hipflask::{Session, SessionLayer, core::serializer::to_json, value::Value};
use hipflask_examples::{Error, parsed, shown};
use serde::Deserialize;

/// How long to wait between reading the session and writing it, in milliseconds.
#[derive(Deserialize)]
struct Wait {
    #[serde(default)]
    wait: u64,
}

#[derive(Deserialize)]
struct Key {
    k: String,
}

#[derive(Deserialize)]
struct Entry {
    k: String,
    v: String,
}

#[derive(Deserialize)]
struct Login {
    user: String,
}

#[derive(Deserialize)]
struct Message {
    m: String,
}

#[tokio::main]
async fn main() -> ExitCode {
    hipflask_examples::run(app).await
}

fn app(sessions: SessionLayer) -> Router {
    Router::new()
        .route("/set", get(set))
        .route("/get", get(show))
        .route("/all", get(all))
        .route("/append", get(append))
        .route("/read", get(read))
        .route("/login", get(login))
        .route("/logout", get(logout))
        .route("/none", get(none))
        .route("/flash", get(flash))
        .route("/flashes", get(flashes))
        .layer(sessions)
}

async fn set(
    session: Session,
    Query(Entry { k, v }): Query<Entry>,
    Query(wait): Query<Wait>,
) -> Result<&'static str, Error> {
    wait.pass().await;
    session.set(k, parsed(v))?;
    Ok("ok")
}

async fn show(session: Session, Query(Key { k }): Query<Key>) -> Result<String, Error> {
    Ok(shown(session.value(&k))?)
}

async fn all(session: Session) -> Result<String, Error> {
    Ok(to_json(&Value::Dict(session.iter().collect()))?)
}

async fn append(
    session: Session,
    Query(Entry { k, v }): Query<Entry>,
    Query(wait): Query<Wait>,
) -> Result<&'static str, Error> {
    let mut values = match session.value(&k) {
        Some(Value::List(values)) => values,
        _ => Vec::new(),
    };
    wait.pass().await;
    values.push(parsed(v));
    session.set(k, Value::List(values))?;
    Ok("ok")
}

async fn read(session: Session, Query(wait): Query<Wait>) -> Result<String, Error> {
    let user = session.value("user");
    wait.pass().await;
    Ok(shown(user)?)
}

async fn login(
    session: Session,
    Query(Login { user }): Query<Login>,
) -> Result<&'static str, Error> {
    session.renew()?;
    session.insert("user", user)?;
    Ok("ok")
}

async fn logout(session: Session) -> Result<&'static str, Error> {
    session.clear()?;
    Ok("ok")
}

/// Does not ask for the session, and so does not ask the store.
async fn none() -> &'static str {
    "ok"
}

async fn flash(
    session: Session,
    Query(Message { m }): Query<Message>,
) -> Result<&'static str, Error> {
    session.flash("message", m)?;
    Ok("ok")
}

async fn flashes(session: Session) -> Result<String, Error> {
    let messages = session.take_flashes()?.into_iter().map(|flash| flash.message).collect();
    Ok(to_json(&Value::List(messages))?)
}

impl Wait {
    async fn pass(&self) {
        tokio::time::sleep(Duration::from_millis(self.wait)).await;
    }
}
