//! Log-in with a hashed password, a guard, flash messages, and log-out.
//!
//! ```sh
//! cargo run --example log_in
//! ```

use std::{collections::HashMap, env, sync::Arc};

use axum::{
    Form, Router,
    extract::State,
    response::{Html, Redirect},
    routing::{get, post},
};
use hipflask::{
    Result, SecretKey, Session, SessionLayer,
    auth::{CurrentUser, LoginManager},
    password,
    store::MemoryStore,
};
use serde::Deserialize;
use tokio::net::TcpListener;

/// Names and hashes of passwords, which an app has in its database.
type Users = Arc<HashMap<&'static str, String>>;

const TRY: &str = r#"<p>Try <a href="/members">the members' page</a>, then log in as <code>ada</code> with
<code>correct horse</code>.</p>
<form method="post" action="/log_in">
<input name="name" placeholder="Name"> <input name="password" type="password" placeholder="Password">
<button>Log in</button></form>"#;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let hash = password::hash_async("correct horse").await?;
    // At a site with https, `SessionConfig::new(key).hardened()` guards the cookie with all that
    // browsers offer. On plain http, as here, they would not keep such a cookie.
    let sessions = SessionLayer::new(SecretKey::random()?)?.with_store(MemoryStore::new());
    let app = Router::new()
        .route("/", get(index))
        .route("/log_in", post(log_in))
        .route("/members", get(members))
        .route("/log_out", post(log_out))
        .with_state(Users::new(HashMap::from([("ada", hash)])))
        .layer(users())
        .layer(sessions);
    let address = env::var("ADDRESS").unwrap_or("127.0.0.1:5000".into());
    let listener = TcpListener::bind(address).await?;
    eprintln!("Listening on http://{}", listener.local_addr()?);
    Ok(axum::serve(listener, app).await?)
}

/// Finds users by the name that sessions keep: an app asks its database.
fn users() -> LoginManager<String> {
    LoginManager::new(async |name: String| Ok((name == "ada").then_some(name)))
        .login_view("/")
        .with_message("warning", "Please log in first")
}

async fn index(session: Session) -> Result<Html<String>> {
    Ok(Html(format!("<h1>Log in</h1>\n{}{TRY}", messages(&session)?)))
}

/// What earlier requests have flashed. It is no visitor's text, which would have to be escaped.
fn messages(session: &Session) -> Result<String> {
    let flashes = session.take_flashes()?.into_iter();
    Ok(flashes.map(|flash| format!("<p>{}</p>\n", flash.message())).collect())
}

#[derive(Deserialize)]
struct LogIn {
    name: String,
    password: String,
}

async fn log_in(
    session: Session,
    State(users): State<Users>,
    Form(LogIn { name, password }): Form<LogIn>,
) -> Result<Redirect> {
    // Without a hash, because nobody has that name, it takes as long: the time does not tell who exists.
    if !password::verify_async(users.get(&*name).cloned(), password).await? {
        session.flash("error", "Wrong name or password")?;
        return Ok(Redirect::to("/"));
    }
    session.log_in(name)?; // who knew the visitor's id before is not let in with the user
    session.flash("success", "You are logged in")?;
    Ok(Redirect::to("/members"))
}

/// Only users get here: a guard is what a handler asks for.
async fn members(CurrentUser(name): CurrentUser<String>, session: Session) -> Result<Html<String>> {
    let log_out = r#"<form method="post" action="/log_out"><button>Log out</button></form>"#;
    Ok(Html(format!("<h1>Welcome, {name}</h1>\n{}{log_out}", messages(&session)?)))
}

async fn log_out(session: Session) -> Result<Redirect> {
    session.log_out()?; // a copy of the cookie is void now, too
    session.flash("info", "You are logged out")?;
    Ok(Redirect::to("/"))
}
