//! A sign-in form, and a nav that knows who is signed in. The passwords are plain text, as in the
//! tutorial: the examples `log_in` and `accounts` have hashes.
//!
//! ```sh
//! cargo run --example sign_in
//! ```

use std::env;

use axum::{
    Form, Router,
    extract::State,
    http::{StatusCode, header::LOCATION},
    response::{Html, IntoResponse, Response, Result},
    routing::get,
};
use clap::Parser;
use hipflask::{
    SecretKey, Session, SessionConfig, SessionLayer,
    templates::{Page, Routes, Serde, Templates, context},
};
use serde::{Deserialize, Serialize};
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

#[derive(Serialize)]
struct User {
    username: &'static str,
    #[serde(skip)]
    password: &'static str,
    email: &'static str,
    bio: &'static str,
}

const USERS: [User; 2] = [
    User {
        username: "julian",
        password: "example",
        email: "julian@example.com",
        bio: "Some guy who likes small servers.",
    },
    User {
        username: "clarissa",
        password: "sweetpotato22",
        email: "clarissa@example.com",
        bio: "Sweet potatoes, mostly.",
    },
];

const TRY: &str = r#"<h1>A sign-in form</h1>
<p><a href="/sign-in">Sign in</a> as <code>julian</code> with <code>example</code>, or as <code>clarissa</code> with
<code>sweetpotato22</code>. Then see your <a href="/profile">profile</a>, and <a href="/sign-out">sign out</a>.</p>"#;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let Options { port, sessions } = Options::parse();
    if env::var_os("FLASK_SECRET_KEY").is_none() {
        eprintln!("warning: FLASK_SECRET_KEY is not set: sessions end with this run");
    }
    let config = SessionConfig::new(SecretKey::random()?).with_vars("FLASK", env::vars_os())?;
    let routes = Routes::new()
        .with("sign_in", "/sign-in")
        .with("profile", "/profile")
        .with("sign_out", "/sign-out");
    let templates = Templates::new(routes)
        .with_source("base.html", include_str!("templates/sign_in/base.html"))?
        .with_source("sign_in.html", include_str!("templates/sign_in/sign_in.html"))?
        .with_source("profile.html", include_str!("templates/sign_in/profile.html"))?;
    let app = Router::new()
        .route("/", get(async || Html(TRY)))
        .route("/sign-in", get(sign_in).post(check_sign_in))
        .route("/profile", get(profile))
        .route("/sign-out", get(sign_out))
        .with_state(templates)
        .layer(SessionLayer::connect(&config, &sessions).await?);
    let listener = TcpListener::bind(("127.0.0.1", port)).await?;
    eprintln!("Listening on http://{}", listener.local_addr()?);
    Ok(axum::serve(listener, app).await?)
}

async fn sign_in(session: Session, State(templates): State<Templates>) -> Result<Page> {
    Ok(templates.page(&session, "sign_in.html", ())?)
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct SignIn {
    username: String,
    password: String,
}

async fn check_sign_in(session: Session, Form(form): Form<SignIn>) -> Result<Response> {
    let is_right = |user: &&User| user.username == form.username && user.password == form.password;
    let Some(user) = USERS.iter().find(is_right) else { return Ok(redirect("/sign-in")) };
    session.insert("USERNAME", user.username)?;
    Ok(redirect("/profile"))
}

async fn profile(session: Session, State(templates): State<Templates>) -> Result<Response> {
    // What is no text counts as absent: another app that shares the key may have set it.
    let username: Option<String> = session.get("USERNAME").ok().flatten();
    let user = USERS.iter().find(|user| username.as_deref() == Some(user.username));
    let Some(user) = user else { return Ok(redirect("/sign-in")) };
    let page = templates.page(&session, "profile.html", context! { user => Serde(user) })?;
    Ok(page.into_response())
}

async fn sign_out(session: Session) -> Result<Response> {
    session.remove("USERNAME")?;
    Ok(redirect("/sign-in"))
}

/// As Flask's: 302. An app without a past in Flask takes axum's `Redirect::to`, which is 303.
fn redirect(path: &'static str) -> Response {
    (StatusCode::FOUND, [(LOCATION, path)]).into_response()
}
