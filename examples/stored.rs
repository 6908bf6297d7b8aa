//! Server-side sessions: pages that read and write one key, slowly if asked to, so that requests
//! overlap.
//!
//! ```sh
//! cargo run --example stored -- --sessions redis://127.0.0.1
//! ```

use std::{env, time::Duration};

use axum::{
    Router,
    extract::Query,
    http::StatusCode,
    response::{Html, Result},
    routing::get,
};
use clap::Parser;
use hipflask::{
    SecretKey, Session, SessionConfig, SessionLayer,
    core::serializer::{Limits, from_json, to_json},
    value::Value,
};
use serde::Deserialize;
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

const TRY: &str = r#"<h1>Sessions in a store</h1>
<p>Start this with <code>--sessions memory:</code>, or at a server such as <code>redis://127.0.0.1</code>.</p>
<p>Begin <a href="/append?k=list&v=pot">a list</a>, and append to it in two tabs at once:
<a href="/append?k=list&v=tea&wait=3000">tea</a> and <a href="/append?k=list&v=cup&wait=3000">cup</a>.
Then see that <a href="/all">all three are there</a>.</p>
<p><a href="/login?user=ada">/login?user=ada</a>, then load <a href="/set?k=late&v=1&wait=3000">a slow page</a> and
meanwhile <a href="/logout">log out</a> in another tab: <a href="/all">nothing comes back</a>.</p>
<p>Also: <code>/set?k=K&amp;v=V</code>, <code>/get?k=K</code>, <code>/read</code>, <code>/flash?m=M</code>,
<a href="/flashes">/flashes</a>, <a href="/none">/none</a>.</p>"#;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let Options { port, sessions } = Options::parse();
    if env::var_os("FLASK_SECRET_KEY").is_none() {
        eprintln!("warning: FLASK_SECRET_KEY is not set: sessions end with this run");
    }
    let config = SessionConfig::new(SecretKey::random()?).with_vars("FLASK", env::vars_os())?;
    let app = Router::new()
        .route("/", get(async || Html(TRY)))
        .route("/set", get(set))
        .route("/get", get(show))
        .route("/all", get(all))
        .route("/append", get(append))
        .route("/read", get(read))
        .route("/login", get(login))
        .route("/logout", get(logout))
        .route("/none", get(async || "ok")) // does not ask for the session, and so not the store
        .route("/flash", get(flash))
        .route("/flashes", get(flashes))
        .layer(SessionLayer::connect(&config, &sessions).await?);
    let listener = TcpListener::bind(("127.0.0.1", port)).await?;
    eprintln!("Listening on http://{}", listener.local_addr()?);
    Ok(axum::serve(listener, app).await?)
}

/// What the pages are asked for, and how long to wait between reading the session and writing it, in
/// milliseconds.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Asked {
    k: String,
    v: String,
    user: String,
    m: String,
    wait: u64,
}

async fn set(session: Session, Query(asked): Query<Asked>) -> Result<&'static str> {
    asked.wait().await;
    session.set(&*asked.k, parsed(asked.v))?;
    Ok("ok")
}

async fn show(session: Session, Query(asked): Query<Asked>) -> Result<String, StatusCode> {
    shown(session.value(&asked.k))
}

async fn all(session: Session) -> Result<String, StatusCode> {
    json(&Value::Dict(session.iter().collect()))
}

async fn append(session: Session, Query(asked): Query<Asked>) -> Result<&'static str> {
    let mut values = match session.value(&asked.k) {
        Some(Value::List(values)) => values,
        _ => Vec::new(),
    };
    asked.wait().await;
    values.push(parsed(asked.v));
    session.set(&*asked.k, Value::List(values))?;
    Ok("ok")
}

async fn read(session: Session, Query(asked): Query<Asked>) -> Result<String, StatusCode> {
    let user = session.value("user");
    asked.wait().await;
    shown(user)
}

async fn login(session: Session, Query(asked): Query<Asked>) -> Result<&'static str> {
    session.renew()?;
    session.insert("user", asked.user)?;
    Ok("ok")
}

async fn logout(session: Session) -> Result<&'static str> {
    session.clear()?;
    Ok("ok")
}

async fn flash(session: Session, Query(asked): Query<Asked>) -> Result<&'static str> {
    session.flash("message", asked.m)?;
    Ok("ok")
}

async fn flashes(session: Session) -> Result<String> {
    let messages = session.take_flashes()?.into_iter().map(|flash| flash.message);
    Ok(json(&Value::List(messages.collect()))?)
}

impl Asked {
    async fn wait(&self) {
        tokio::time::sleep(Duration::from_millis(self.wait)).await;
    }
}

/// What is Flask's tagged JSON stands for its value, anything else for itself.
fn parsed(text: String) -> Value {
    from_json(&text, Limits::default()).unwrap_or_else(|_| text.into())
}

/// Text as it is, any other value as tagged JSON.
fn shown(value: Option<Value>) -> Result<String, StatusCode> {
    match value {
        None => Ok("-".to_owned()),
        Some(value) => match value.as_str() {
            Some(text) => Ok(text.to_owned()),
            None => json(&value),
        },
    }
}

fn json(value: &Value) -> Result<String, StatusCode> {
    to_json(value).map_err(|_| StatusCode::INTERNAL_SERVER_ERROR)
}
